/** A model that is not there: attention of known patterns, answered as the kernel would answer it. */

import type { Answer, Arguments, NdArray } from "../../src/runtime/context.ts";
import { most } from "../../src/widgets/attention/matrix.ts";
import type { Entry, Overview, TokenList } from "../../src/widgets/attention/overview.ts";

export interface FakeOptions {
  readonly tokens?: readonly string[];
  /** Another list makes the entries cross-attention from it to `tokens`. */
  readonly target?: readonly string[];
  readonly special?: readonly number[];
  readonly padding?: readonly number[];
  readonly layers?: number;
  readonly heads?: number;
  readonly steps?: number;
  readonly samples?: number;
  readonly notes?: readonly string[];
  readonly unseen?: Overview["unseen"];
  /** Replaces the patterns. */
  readonly weight?: (layer: number, head: number, query: number, key: number) => number;
}

export interface FakeModel {
  answer(what: string, args: Arguments): Answer;
  weight(layer: number, head: number, query: number, key: number): number;
}

const SENTENCE = "[CLS] the bank of the river was green and the man from the bank sat there in the sun [SEP]";

export function words(count: number): string[] {
  const sentence = SENTENCE.split(" ").slice(1, -1);
  const middle = Array.from({ length: Math.max(0, count - 2) }, (_, i) => sentence[i % sentence.length] as string);
  return ["[CLS]", ...middle, "[SEP]"].slice(0, count);
}

export function fakeModel(options: FakeOptions = {}): FakeModel {
  const texts = options.tokens ?? SENTENCE.split(" ");
  const queries = (options.target ?? texts).length;
  const keys = texts.length;
  const special = options.special ?? [0, keys - 1];
  const source: TokenList = { texts, special, padding: options.padding ?? [] };
  const target: TokenList | null = options.target ? { texts: options.target, special: [], padding: [] } : null;
  const heads = options.heads ?? 12;
  const entries = Array.from(
    { length: options.layers ?? 6 },
    (_, index): Entry => ({
      index,
      path: `encoder.layer.${index}.attention.self`,
      call: 0,
      kind: target ? "cross" : "encoder",
      heads,
      keyValueHeads: heads,
      seen: "rebuilt",
      receipt: Array.from({ length: heads }, (_, head) => 1e-7 * (head + 1)),
      receiptNote: null,
      queries,
      keys,
      steps: options.steps ?? null,
      queryTokens: target ? "target" : "source",
      keyTokens: "source",
    }),
  );
  const rowSums = new Map<string, number>();
  const weight =
    options.weight ??
    ((layer: number, head: number, query: number, key: number) => {
      const place = `${layer}/${head}/${query}`;
      let sum = rowSums.get(place);
      if (sum === undefined) {
        sum = 0;
        for (let k = 0; k < keys; k++) sum += raw(layer, head, query, k, queries, keys);
        rowSums.set(place, sum);
      }
      return raw(layer, head, query, key, queries, keys) / sum;
    });
  const at = (layer: number, head: unknown, query: number, key: number) => {
    if (head !== "mean") return weight(layer, head as number, query, key);
    let sum = 0;
    for (let h = 0; h < heads; h++) sum += weight(layer, h, query, key);
    return sum / heads;
  };

  const answers: Record<string, (args: Arguments) => Answer> = {
    "attention.overview": () => ({
      value: {
        entries,
        unseen: options.unseen ?? [],
        tokens: { source, target },
        samples: options.samples ?? 1,
        notes: options.notes ?? [],
        label: "FakeModel",
      },
      arrays: {},
    }),
    "attention.weights": ({ attention, head, rows }) => {
      const [start, stop] = (rows as [number, number] | null) ?? [0, queries];
      const weights = matrix(stop - start, keys, (row, key) => at(attention as number, head, start + row, key));
      const none = () => false;
      const maximum = most(weights, none, none).all;
      return { value: { attention, head, maximum }, arrays: { weights } };
    },
    "attention.tile": ({ attention, head, level, row, column, reduce }) => {
      const span = 2 ** (level as number);
      const [top, left] = [256 * (row as number), 256 * (column as number)];
      const shape = [
        Math.min(256, Math.ceil(queries / span) - top),
        Math.min(256, Math.ceil(keys / span) - left),
      ] as const;
      const tile = matrix(...shape, (r, c) => {
        let [most, sum, count] = [0, 0, 0];
        for (let q = (top + r) * span; q < Math.min(queries, (top + r + 1) * span); q++) {
          for (let k = (left + c) * span; k < Math.min(keys, (left + c + 1) * span); k++) {
            const value = at(attention as number, head, q, k);
            most = Math.max(most, value);
            sum += value;
            count += 1;
          }
        }
        return reduce === "max" ? most : sum / count;
      });
      return { value: {}, arrays: { tile } };
    },
    "attention.exact": ({ attention, head, ...part }) => {
      const [[top, bottom], [left, right]] = [part.queries as [number, number], part.keys as [number, number]];
      if (bottom > queries || right > keys) throw new Error(`There are ${queries} queries and ${keys} keys.`);
      const weights = matrix(bottom - top, right - left, (q, k) => at(attention as number, head, top + q, left + k));
      return { value: {}, arrays: { weights } };
    },
  };
  return {
    weight,
    answer(what, args) {
      const answer = answers[what];
      if (!answer) throw new Error(`The fake model does not answer ${what}.`);
      return answer(args);
    },
  };
}

function matrix(rows: number, columns: number, value: (row: number, column: number) => number): NdArray {
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) data[row * columns + column] = value(row, column);
  }
  return { shape: [rows, columns], data };
}

/** Patterns that real heads have: previous token, itself, the first token, a wide band, far tokens, all alike. */
function raw(layer: number, head: number, query: number, key: number, queries: number, keys: number): number {
  const place = (query / Math.max(1, queries - 1)) * Math.max(1, keys - 1);
  const distance = key - place;
  const noise = (Math.imul(query * 7919 + key * 104729 + layer * 31 + head * 17, 2654435761) >>> 8) / 2 ** 24;
  const pattern = (layer + head) % 6;
  if (pattern === 0) return Math.exp(-((distance + 1) ** 2)) + 0.03 * noise;
  if (pattern === 1) return (key === 0 ? 2 : 0) + Math.exp(-(distance ** 2) / 8) * noise;
  if (pattern === 2) return Math.exp(-((distance - 2) ** 2) / 3) + noise ** 8;
  if (pattern === 3) return noise ** 12;
  if (pattern === 4) return (key === keys - 1 ? 3 : 0.1) * (0.4 + noise);
  return Math.exp(-(distance ** 2) / 2) + Math.exp(-((distance + 6) ** 2) / 2) * noise;
}

/** The weights of the selected heads, row by row: whole matrices where they are small, blocks of rows where they are large. */

import type { Answer, Arguments, NdArray, ViewContext } from "../../runtime/context.ts";
import { isSuperseded, reportUnlessSuperseded } from "./overview.ts";
import { matrixKey, type Place, whereOf } from "./place.ts";

/** Larger matrices come in blocks (rows) or tiles (map). */
export const WHOLE = 1024 * 1024;
export const BLOCK = 64;

/** Blocks kept for each head beside the page's cache, so that scrolling back repaints at once. */
const BLOCKS_KEPT = 24;

/** Weights kept of heads that are not shown any more, so that going back to one costs nothing. */
const KEPT = 4 * 1024 * 1024;

export function isWhole(place: Place): boolean {
  return place.entry.queries * place.entry.keys <= WHOLE;
}

export interface HeadRows {
  /** The weights of one query over all keys; undefined where they have not come yet. */
  row(query: number): NdArray["data"] | undefined;
  /** The largest weight of the rows that have come. */
  readonly maximum: number;
  /** Whether a learned sink takes what the row lacks to 1. */
  readonly sink: boolean;
}

class Stored implements HeadRows {
  /** By first row. */
  readonly blocks = new Map<number, NdArray>();
  private readonly views = new Map<number, NdArray["data"]>();

  maximum = 0;

  constructor(
    readonly sink: boolean,
    private readonly blockRows: number,
  ) {}

  /** Views are kept: making one costs more than reading it. */
  row(query: number): NdArray["data"] | undefined {
    const known = this.views.get(query);
    if (known) return known;
    const first = query - (query % this.blockRows);
    const block = this.blocks.get(first);
    const [rows = 0, keys = 0] = block?.shape ?? [];
    const row = query - first;
    if (!block || row >= rows) return undefined;
    const view = block.data.subarray(row * keys, (row + 1) * keys);
    this.views.set(query, view);
    return view;
  }

  add(first: number, block: NdArray, maximum: number): void {
    this.blocks.set(first, block);
    this.maximum = Math.max(this.maximum, maximum);
    const [oldest] = this.blocks.keys();
    if (this.blocks.size <= BLOCKS_KEPT || oldest === undefined) return;
    this.blocks.delete(oldest);
    for (let query = oldest; query < oldest + this.blockRows; query++) this.views.delete(query);
  }

  get size(): number {
    let size = 0;
    for (const { data } of this.blocks.values()) size += data.length;
    return size;
  }
}

export class WeightRows {
  private readonly stored = new Map<string, Stored>();
  private readonly asked = new Set<string>();
  private generation = 0;

  constructor(
    private readonly context: ViewContext,
    private readonly onArrival: () => void,
  ) {}

  /** Forget everything: the model's weights or the input changed. */
  clear(): void {
    this.generation += 1;
    this.stored.clear();
    this.asked.clear();
  }

  /** What is here of a head, after taking what the page has cached; what is missing is asked for, `onArrival` follows. */
  heads(place: Place, from: number, to: number): (HeadRows | undefined)[] {
    const live = new Set(place.heads.map((head) => matrixKey(place, head)));
    let size = [...this.stored.values()].reduce((sum, head) => sum + head.size, 0);
    for (const [key, head] of this.stored) {
      if (size <= KEPT || live.has(key)) continue;
      this.stored.delete(key);
      size -= head.size;
    }
    // What failed may be asked for again once the reader comes back to it.
    for (const asked of this.asked) if (!live.has(asked.split(":")[0] as string)) this.asked.delete(asked);
    return place.heads.map((head, slot) => {
      const key = matrixKey(place, head);
      for (const block of isWhole(place) ? [null] : blocksBetween(from, to, place.entry.queries)) {
        this.need(place, head, key, block, slot);
      }
      return this.stored.get(key);
    });
  }

  private need(place: Place, head: number, key: string, block: readonly [number, number] | null, slot: number): void {
    const first = block?.[0] ?? 0;
    if (this.stored.get(key)?.blocks.has(first)) return;
    const args = { ...whereOf(place), head, rows: block };
    const cached = this.context.cached("attention.weights", args);
    if (cached) this.keep(key, first, !block, cached);
    else this.ask(key, first, args, block ? `head-${slot}-${(first / BLOCK) % 4}` : `head-${slot}`);
  }

  private ask(key: string, first: number, args: Arguments, control: string): void {
    const asked = `${key}:${first}`;
    if (this.asked.has(asked)) return;
    this.asked.add(asked);
    const { generation } = this;
    this.context
      .ask("attention.weights", args, { control })
      .then((answer) => {
        if (this.context.signal.aborted || generation !== this.generation) return;
        this.asked.delete(asked);
        this.keep(key, first, args.rows === null, answer);
        this.context.showError(null);
        this.onArrival();
      })
      .catch((error) => {
        // An error stays asked, or it would be asked again and again; one that was replaced may be wanted again.
        if (isSuperseded(error)) this.asked.delete(asked);
        reportUnlessSuperseded(this.context, error);
      });
  }

  private keep(key: string, first: number, whole: boolean, answer: Answer): void {
    const weights = answer.arrays.weights;
    if (!weights) throw new Error("The answer about attention weights came without the weights.");
    const blockRows = whole ? Number.POSITIVE_INFINITY : BLOCK;
    const found = this.stored.get(key) ?? new Stored(answer.value.sink === true, blockRows);
    found.add(first, weights, Number(answer.value.maximum));
    this.stored.set(key, found);
  }
}

/** The 64-aligned blocks that hold the rows from `from` to `to`, not included. */
export function blocksBetween(from: number, to: number, rows: number): [start: number, stop: number][] {
  const first = Math.floor(from / BLOCK);
  const last = Math.ceil(Math.min(to, rows) / BLOCK);
  return Array.from({ length: Math.max(0, last - first) }, (_, i) => [
    (first + i) * BLOCK,
    Math.min(rows, (first + i + 1) * BLOCK),
  ]);
}

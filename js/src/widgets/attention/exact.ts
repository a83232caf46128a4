/** Exact weights, asked for once a hand rests: what is drawn travels in eight bits. */

import type { Answer, NdArray } from "../../runtime/context.ts";
import { matrixKey, type Place, whereOf } from "./place.ts";
import { isSuperseded, type Source } from "./source.ts";

/** A pair, a line or a block of weights: those of some queries over some keys. */
export interface Part {
  readonly head: number | "mean";
  readonly queries: Span;
  readonly keys: Span;
}

/** From the first up to, not including, the last. */
export type Span = readonly [start: number, stop: number];

export function single(index: number): Span {
  return [index, index + 1];
}

/** A part with its weights, row by row. */
export interface Exact extends Part {
  readonly weights: NdArray["data"];
}

/** The weight of a pair; undefined where the part does not hold it. */
export function exactWeight({ queries, keys, weights }: Exact, query: number, key: number): number | undefined {
  const holds = ([start, stop]: Span, index: number) => index >= start && index < stop;
  if (!holds(queries, query) || !holds(keys, key)) return undefined;
  return weights[(query - queries[0]) * (keys[1] - keys[0]) + key - keys[0]];
}

const REST = 120;

export class ExactLookup {
  private readonly known = new Map<string, Exact>();
  private readonly refused = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly source: Source,
    private readonly onArrival: () => void,
  ) {}

  /** Undefined where the weights have not come. */
  get(place: Place, part: Part): Exact | undefined {
    const known = this.known.get(nameOf(place, part));
    if (known) return known;
    const cached = this.source.cached("attention.exact", { ...whereOf(place), ...part });
    return cached && this.keep(place, part, cached);
  }

  /** Ask for these, and no longer for those of an earlier call, when nothing else is wanted for a moment. */
  want(place: Place, parts: readonly Part[]): void {
    clearTimeout(this.timer);
    // The page's cache remembers the others, within its budget.
    const wanted = new Set(parts.map((part) => nameOf(place, part)));
    for (const name of this.known.keys()) if (!wanted.has(name)) this.known.delete(name);
    const missing = parts
      .map((part, slot) => ({ part, slot }))
      .filter(({ part }) => !this.get(place, part) && !this.refused.has(nameOf(place, part)));
    if (missing.length === 0 || this.source.ended) return;
    this.timer = setTimeout(() => {
      for (const { part, slot } of missing) void this.ask(place, part, slot);
    }, REST);
  }

  private async ask(place: Place, part: Part, slot: number): Promise<void> {
    try {
      const answer = await this.source.ask("attention.exact", { ...whereOf(place), ...part }, `exact-${slot}`);
      if (this.keep(place, part, answer)) this.onArrival();
    } catch (error) {
      // The rounded weight stays, marked as such: a saved page, say, has no others.
      if (!isSuperseded(error)) this.refused.add(nameOf(place, part));
    }
  }

  private keep(place: Place, part: Part, answer: Answer): Exact | undefined {
    const shape = [part.queries, part.keys].map(([start, stop]) => stop - start);
    const weights = this.source.array(answer, "weights", shape)?.data;
    const exact = weights && { ...part, weights };
    if (exact) this.known.set(nameOf(place, part), exact);
    return exact;
  }
}

function nameOf(place: Place, { head, queries, keys }: Part): string {
  return `${matrixKey(place, head)}/${queries}/${keys}`;
}

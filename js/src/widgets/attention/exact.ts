/** Exact weights, asked for once a hand rests: what is drawn travels in eight bits. */

import type { ViewContext } from "../../runtime/context.ts";
import { isSuperseded } from "./overview.ts";
import { matrixKey, type Place, whereOf } from "./place.ts";

export interface Pair {
  readonly head: number | "mean";
  readonly query: number;
  readonly key: number;
}

const REST = 120;

export class ExactLookup {
  private readonly known = new Map<string, number>();
  private readonly refused = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly context: ViewContext,
    private readonly onArrival: () => void,
  ) {
    context.signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  clear(): void {
    this.known.clear();
    this.refused.clear();
  }

  get(place: Place, pair: Pair): number | undefined {
    const key = pairKey(place, pair);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const cached = this.context.cached("attention.exact", { ...whereOf(place), ...pair });
    if (cached) this.known.set(key, toNumber(cached.value.weight));
    return this.known.get(key);
  }

  /** Ask for these pairs, and no longer for those of an earlier call, when nothing else is wanted for a moment. */
  want(place: Place, pairs: readonly Pair[]): void {
    clearTimeout(this.timer);
    const missing = pairs.filter(
      (pair) => this.get(place, pair) === undefined && !this.refused.has(pairKey(place, pair)),
    );
    if (missing.length)
      this.timer = setTimeout(() => missing.forEach((pair, slot) => void this.ask(place, pair, slot)), REST);
  }

  private async ask(place: Place, pair: Pair, slot: number): Promise<void> {
    try {
      const args = { ...whereOf(place), ...pair };
      const answer = await this.context.ask("attention.exact", args, { control: `exact-${slot}` });
      if (this.context.signal.aborted) return;
      this.known.set(pairKey(place, pair), toNumber(answer.value.weight));
      this.onArrival();
    } catch (error) {
      // The rounded weight stays, marked as such: a saved page, say, has no others.
      if (!isSuperseded(error)) this.refused.add(pairKey(place, pair));
    }
  }
}

function pairKey(place: Place, { head, query, key }: Pair): string {
  return `${matrixKey(place, head)}/${query}/${key}`;
}

/** JSON has no NaN: a weight that is not a number arrives as null or as a word. */
function toNumber(weight: unknown): number {
  return weight === null ? Number.NaN : Number(weight);
}

/** Exact weights, asked for once a hand rests: what is drawn travels in eight bits. */

import type { Answer } from "../../runtime/context.ts";
import { matrixKey, type Place, whereOf } from "./place.ts";
import { isSuperseded, type Source } from "./source.ts";

/** One weight, or a line of them: all keys of a query (`key` is null), or all queries of a key (`query` is null). */
export interface Line {
  readonly head: number | "mean";
  readonly query: number | null;
  readonly key: number | null;
}

export type Weights = Readonly<ArrayLike<number>>;

const REST = 120;

export class ExactLookup {
  private readonly known = new Map<string, Weights>();
  private readonly refused = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly source: Source,
    private readonly onArrival: () => void,
  ) {}

  /** The weights of a line, the single one of a pair; undefined where they have not come. */
  get(place: Place, line: Line): Weights | undefined {
    const name = nameOf(place, line);
    const known = this.known.get(name);
    if (known) return known;
    const cached = this.source.cached("attention.exact", { ...whereOf(place), ...line });
    return cached && this.keep(place, line, cached);
  }

  /** Ask for these, and no longer for those of an earlier call, when nothing else is wanted for a moment. */
  want(place: Place, lines: readonly Line[]): void {
    clearTimeout(this.timer);
    // The page's cache remembers the others, within its budget.
    const wanted = new Set(lines.map((line) => nameOf(place, line)));
    for (const name of this.known.keys()) if (!wanted.has(name)) this.known.delete(name);
    const missing = lines
      .map((line, slot) => ({ line, slot }))
      .filter(({ line }) => !this.get(place, line) && !this.refused.has(nameOf(place, line)));
    if (missing.length === 0 || this.source.ended) return;
    this.timer = setTimeout(() => {
      for (const { line, slot } of missing) void this.ask(place, line, slot);
    }, REST);
  }

  private async ask(place: Place, line: Line, slot: number): Promise<void> {
    try {
      const answer = await this.source.ask("attention.exact", { ...whereOf(place), ...line }, `exact-${slot}`);
      if (this.keep(place, line, answer)) this.onArrival();
    } catch (error) {
      // The rounded weight stays, marked as such: a saved page, say, has no others.
      if (!isSuperseded(error)) this.refused.add(nameOf(place, line));
    }
  }

  private keep(place: Place, line: Line, answer: Answer): Weights | undefined {
    const { queries, keys } = place.entry;
    const count = line.query === null ? queries : keys;
    const weights =
      line.query !== null && line.key !== null
        ? [toNumber(answer.value.weight)]
        : this.source.array(answer, "weights", [count])?.data;
    if (weights) this.known.set(nameOf(place, line), weights);
    return weights;
  }
}

function nameOf(place: Place, { head, query, key }: Line): string {
  return `${matrixKey(place, head)}/${query}/${key}`;
}

/** JSON has no NaN: a weight that is not a number arrives as null. */
function toNumber(weight: unknown): number {
  return weight === null ? Number.NaN : Number(weight);
}

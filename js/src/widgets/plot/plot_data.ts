/**
 * The series of a live plot as the page knows them: told once from the beginning and then by what is pushed. Pushed points are
 * numbered by their place in their series: what was there already is dropped, and where some are missing the whole is asked for.
 */

import type { Answer, NdArray, ViewContext } from "../../runtime/context.ts";

/** How a series is drawn. `number` is its own: a series that is drawn anew under the same name has another. */
export interface Described {
  readonly name: string;
  readonly number: number;
  readonly kind: "line" | "scatter";
  readonly color: string;
  readonly width: number;
  readonly dash: "solid" | "dashed" | "dotted";
}

export class PlotSeries {
  length = 0;
  x = new Float64Array(16);
  y = new Float64Array(16);
  /** How many points the kernel has: the next one has this number. */
  count = 0;
  thinned = false;
  /** Rises when the points are others than before, not when some were added. */
  generation = 0;

  constructor(public look: Described) {}

  append(x: Float64Array, y: Float64Array, from: number): void {
    const added = Math.max(0, Math.min(x.length, y.length) - from);
    if (this.length + added > this.x.length) {
      for (const part of ["x", "y"] as const) {
        const larger = new Float64Array(Math.max(this.length + added, 2 * this.x.length));
        larger.set(this[part].subarray(0, this.length));
        this[part] = larger;
      }
    }
    this.x.set(x.subarray(from, from + added), this.length);
    this.y.set(y.subarray(from, from + added), this.length);
    this.length += added;
  }
}

interface Story {
  readonly series: readonly (Described & { readonly count: number; readonly thinned: boolean })[];
  readonly cursor: number;
}

interface Pushed {
  readonly number: number;
  readonly from: number;
  readonly count: number;
}

/** What a page asks that has no kernel; every saved page holds the answer. */
const WHOLE = 0;
/** Between two questions for the whole where pushes get lost, in milliseconds. */
const REST = 500;

export class PlotData {
  /** By number; in the order of the plot. */
  series = new Map<number, PlotSeries>();
  /** Whether the story was told at least once. */
  told = false;
  #cursor = 0;
  #asking = false;
  /** Something is known to be missing: ask again when the question under way is answered. */
  #missing = false;
  #waiting: { readonly content: Record<string, unknown>; readonly arrays: Answer["arrays"] }[] = [];
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly context: ViewContext,
    private readonly onChange: () => void,
  ) {
    context.onPush((content, arrays) => {
      if (content.kind !== "points") return;
      this.#cursor = Math.max(this.#cursor, content.cursor as number);
      if (this.#asking || !this.told) this.#waiting.push({ content, arrays });
      else if (!this.#take(content, arrays)) this.#again();
      this.onChange();
    });
    context.state.onChange(() => this.#follow());
    context.onVersion(() => this.#again());
    context.signal.addEventListener("abort", () => clearTimeout(this.#later), { once: true });
    const first = context.cached("plot.story", { until: null });
    if (first) this.#tell(first, true);
    else void this.#ask(null);
  }

  async #ask(until: number | null): Promise<void> {
    if (this.#asking) return;
    [this.#asking, this.#missing] = [true, false];
    try {
      const answer = await this.context.ask("plot.story", { until }, { control: "story" });
      this.#asking = false;
      if (!this.context.signal.aborted) this.#tell(answer, until === null);
    } catch (error) {
      this.#asking = false;
      this.#waiting = [];
      const { aborted } = this.context.signal;
      if ((error as Error).name === "Superseded" || aborted) return;
      // A picture that is there is better than words of what could not be asked.
      if (!this.told || !this.context.saved) this.context.showError(error);
    }
  }

  #tell(answer: Answer, preview: boolean): void {
    const story = answer.value as unknown as Story;
    this.context.showError(null);
    this.told = true;
    const next = new Map<number, PlotSeries>();
    for (const [index, said] of story.series.entries()) {
      const known = this.series.get(said.number);
      // An answer that is older than what was pushed meanwhile takes nothing back.
      if (known && known.count > said.count && !known.thinned) {
        next.set(said.number, known);
        continue;
      }
      const series = new PlotSeries(said);
      series.append(numbers(answer.arrays, `${index}.x`), numbers(answer.arrays, `${index}.y`), 0);
      [series.count, series.thinned] = [said.count, said.thinned];
      series.generation = (known?.generation ?? 0) + 1;
      next.set(said.number, series);
    }
    this.series = next;
    this.#follow();
    const waiting = this.#waiting;
    this.#waiting = [];
    let whole = true;
    for (const { content, arrays } of waiting) whole = this.#take(content, arrays) && whole;
    if (preview && [...next.values()].some(({ thinned }) => thinned)) {
      void this.#ask(this.context.saved ? WHOLE : this.#cursor);
    } else if (!whole || this.#missing) this.#again();
    this.onChange();
  }

  /** Which series there are and how they look is what the kernel states. */
  #follow(): void {
    const stated = this.context.state.get<readonly Described[]>("series");
    if (!stated || !this.told || this.context.saved) return;
    const next = new Map<number, PlotSeries>();
    let fresh = false;
    for (const look of stated) {
      const known = this.series.get(look.number);
      if (known) known.look = look;
      fresh ||= !known;
      next.set(look.number, known ?? new PlotSeries(look));
    }
    this.series = next;
    // Its first points may have been pushed before it was known.
    if (fresh) this.#again();
    this.onChange();
  }

  /** Takes what is new of a push; false where points before it are missing. */
  #take(content: Record<string, unknown>, arrays: Answer["arrays"]): boolean {
    let whole = true;
    for (const [index, { number, from, count }] of (content.series as readonly Pushed[]).entries()) {
      const series = this.series.get(number);
      if (!series) {
        // Cleared, or not stated yet: then the statement asks for it.
        continue;
      }
      if (series.count >= from + count) continue;
      if (series.count < from || !arrays[`${index}.x`]) {
        whole = false;
        continue;
      }
      series.append(numbers(arrays, `${index}.x`), numbers(arrays, `${index}.y`), series.count - from);
      series.count = from + count;
    }
    return whole;
  }

  /** Asks for the whole, not more often than every now and then. */
  #again(): void {
    if (this.context.saved) return;
    this.#missing = true;
    if (this.#later !== undefined) return;
    void this.#ask(this.#cursor);
    this.#later = setTimeout(() => {
      this.#later = undefined;
      if (this.#missing && !this.#asking) this.#again();
    }, REST);
  }
}

/** Numbers that came as two halves whose sum they are. */
export function numbers(arrays: Answer["arrays"], name: string): Float64Array {
  const first: NdArray["data"] = arrays[name]?.data ?? new Float32Array();
  const rest = arrays[`${name}.rest`]?.data;
  return Float64Array.from(first, (value, at) => (rest ? value + (rest[at] as number) : value));
}

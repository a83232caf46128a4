/**
 * The page's copy of a run: its scalar series, told once from the beginning and then by what is pushed. Pushed points are
 * numbered by their place in their series: what was there already is dropped, and where some are missing the whole is asked for again.
 */

import type { Answer, NdArray, ViewContext } from "../../runtime/context.ts";
import { type Phase, split } from "./names.ts";

type Numbers = NdArray["data"] | Float64Array;

/** Points of a series in the order logged; buckets of several where the kernel thinned them. */
export class RunSeries {
  length = 0;
  steps = new Float64Array(16);
  values = new Float64Array(16);
  times = new Float64Array(16);
  /** Lowest and highest value of each bucket; null where no point stands for several. */
  low: Float64Array | null = null;
  high: Float64Array | null = null;
  /** How many points the kernel had logged: the next one has this number. */
  count = 0;
  thinned = false;
  /** Rises when the points are others than before, not when some were added. */
  generation = 0;

  constructor(
    readonly name: string,
    readonly metric: string,
    readonly phase: Phase,
  ) {}

  append(steps: Numbers, values: Numbers, times: Numbers, from: number, low?: Numbers, high?: Numbers): void {
    const added = Math.max(0, Math.min(steps.length, values.length, times.length) - from);
    const length = this.length + added;
    if (length > this.steps.length) {
      for (const name of ["steps", "values", "times", "low", "high"] as const) {
        const old = this[name];
        if (!old) continue;
        this[name] = new Float64Array(Math.max(length, 2 * old.length));
        this[name].set(old);
      }
    }
    this.steps.set(steps.subarray(from, from + added), this.length);
    this.values.set(values.subarray(from, from + added), this.length);
    this.times.set(times.subarray(from, from + added), this.length);
    if (low && high && !this.low) {
      this.low = this.values.slice();
      this.high = this.values.slice();
    }
    this.low?.set((low ?? values).subarray(from, from + added), this.length);
    this.high?.set((high ?? values).subarray(from, from + added), this.length);
    this.length = length;
  }
}

interface StorySeries {
  readonly name: string;
  readonly metric: string;
  readonly phase: Phase;
  readonly count: number;
  readonly thinned: boolean;
}

interface Story {
  readonly series: readonly StorySeries[];
  readonly label: string;
  readonly status: string;
  readonly started: number;
  readonly cursor: number;
}

interface Push {
  readonly content: {
    readonly series: readonly { readonly name: string; readonly from: number }[];
    readonly cursor: number;
  };
  readonly arrays: Answer["arrays"];
}

/** A part of a thinned series, finer than the whole. */
export interface Closer {
  readonly start: number;
  readonly stop: number;
  readonly series: RunSeries;
}

export class RunData {
  readonly series = new Map<string, RunSeries>();
  label = "";
  started = 0;
  /** Whether anything is known of the run: its story, or points from their beginning. */
  told = false;
  readonly #closer = new Map<string, Closer>();
  readonly #wanted = new Map<string, string>();
  readonly #listeners: ((grew: readonly string[]) => void)[] = [];
  /** Names of series that are not scalars and have grown: histograms, images. */
  readonly #grew = new Set<string>();
  /** Pushes that wait for the story that is on its way. */
  #waiting: Push[] = [];
  #asking = false;
  #cursor = 0;
  /** What the story was asked for last. */
  #until: number | null = null;
  #frame = 0;

  constructor(private readonly context: ViewContext) {
    context.onPush((content, arrays) => {
      if (content.kind !== "points") return;
      this.#cursor = Math.max(this.#cursor, content.cursor as number);
      for (const name of (content.grew as string[] | undefined) ?? []) this.#grew.add(name);
      const push = { content: content as unknown as Push["content"], arrays };
      // Taken at once where nothing is missing: an ipykernel 6 in a blocking cell answers no question, but it pushes.
      const whole = this.#take(push);
      this.told ||= this.series.size > 0;
      const replaced = push.content.series.some(({ name }) => this.series.get(name)?.thinned);
      if (this.#asking && (!whole || replaced)) this.#waiting.push(push);
      else if (!whole) this.#again(push);
      this.#notify();
    });
    context.onVersion(() => void this.#ask(this.#newest()));
    context.signal.addEventListener("abort", () => cancelAnimationFrame(this.#frame), { once: true });
    const cached = context.cached("run.story", { until: null });
    if (cached) this.#tell(cached, null);
    else void this.#ask(null);
  }

  /** Called once a frame at most, after points came; never while the page is hidden. With the names of what else has grown. */
  onChange(listener: (grew: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  /** The newest cursor this page has heard of: what `until` is to be in a question about the run as it stands. */
  get cursor(): number {
    return this.#newest();
  }

  /** The finer part of a series that covers these steps, if the page has it. */
  closer(name: string, start: number, stop: number): RunSeries | undefined {
    const part = this.#closer.get(name);
    return part && part.start <= start && part.stop >= stop ? part.series : undefined;
  }

  /** Asks for these steps of a thinned series, with as much on both sides, so that a hand may move a little. Latest wins. */
  wantCloser(name: string, start: number, stop: number): void {
    const series = this.series.get(name);
    if (!series?.thinned || this.closer(name, start, stop)) return;
    const margin = stop - start;
    const part = { start: Math.floor(start - margin), stop: Math.ceil(stop + margin) };
    const key = `${part.start} ${part.stop}`;
    if (this.#wanted.get(name) === key) return;
    this.#wanted.set(name, key);
    const generation = series.generation;
    this.context
      .ask("run.closer", { name, ...part, until: this.#newest() }, { control: `closer ${name}` })
      .then(({ arrays }) => {
        if (this.series.get(name)?.generation !== generation) return;
        const finer = new RunSeries(name, series.metric, series.phase);
        fill(finer, arrays, 0);
        this.#closer.set(name, { ...part, series: finer });
        this.#notify();
      })
      // A saved page, or a newer question: the whole is still there to look at.
      .catch(() => {});
  }

  #newest(): number {
    return Math.max(this.#cursor, this.context.state.get<number>("cursor") ?? 0);
  }

  async #ask(until: number | null): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const answer = await this.context.ask("run.story", { until }, { control: "story" });
      this.#asking = false;
      if (!this.context.signal.aborted) this.#tell(answer, until);
    } catch (error) {
      this.#asking = false;
      // What came meanwhile cannot be joined to anything: the next push asks again.
      this.#waiting = [];
      if (
        (error as Error).name !== "Superseded" &&
        !this.context.signal.aborted &&
        !(this.context.saved && this.told)
      ) {
        this.context.showError(error);
      }
    }
  }

  #tell(answer: Answer, until: number | null): void {
    const story = answer.value as unknown as Story;
    this.context.showError(null);
    [this.label, this.started, this.told, this.#until] = [story.label, story.started, true, until];
    this.#cursor = Math.max(this.#cursor, story.cursor);
    const names = new Set(story.series.map(({ name }) => name));
    for (const [index, said] of story.series.entries()) {
      const known = this.series.get(said.name);
      // An answer that is older than what was pushed meanwhile takes nothing back.
      if (known && known.count > said.count && !known.thinned) continue;
      const series = new RunSeries(said.name, said.metric, said.phase);
      fill(series, answer.arrays, index);
      series.count = said.count;
      series.thinned = said.thinned;
      series.generation = (known?.generation ?? 0) + 1;
      this.series.set(said.name, series);
      this.#closer.delete(said.name);
      this.#wanted.delete(said.name);
    }
    for (const [name, series] of this.series) if (!names.has(name) && !series.length) this.series.delete(name);
    const waiting = this.#waiting;
    this.#waiting = [];
    const late = waiting.filter((push) => !this.#take(push));
    // The first story is a preview: the whole is asked for where it left something out, or the run went on since.
    const preview = until === null && (story.series.some((said) => said.thinned) || this.#newest() > story.cursor);
    const next = this.context.saved ? story.cursor : this.#newest();
    if (preview || late.length) {
      this.#waiting = late;
      if (next !== until) void this.#ask(next);
      else this.#waiting = [];
    }
    this.#notify();
  }

  /** Takes what is new of a push; false where points before it are missing. */
  #take({ content, arrays }: Push): boolean {
    let whole = true;
    for (const [index, { name, from }] of content.series.entries()) {
      let series = this.series.get(name);
      const [steps, values, times] = (["steps", "values", "times"] as const).map(
        (part) => arrays[`${index}.${part}`]?.data,
      );
      if (!steps || !values || !times) continue;
      if (!series && from === 0) {
        const { metric, phase } = split(name);
        series = new RunSeries(name, metric, phase);
        this.series.set(name, series);
      }
      if (!series || series.count < from) {
        whole = false;
        continue;
      }
      const known = series.count - from;
      if (known >= steps.length) continue;
      series.append(steps, values, times, known);
      series.count = from + steps.length;
    }
    return whole;
  }

  #again(push: Push): void {
    this.#waiting.push(push);
    const next = this.#newest();
    // Asked for already and still not whole: what is missing comes with the next push.
    if (next === this.#until) this.#waiting = [];
    else void this.#ask(next);
  }

  #notify(): void {
    if (this.#frame || this.context.signal.aborted) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const grew = [...this.#grew];
      this.#grew.clear();
      for (const listener of this.#listeners) listener(grew);
    });
  }
}

function fill(series: RunSeries, arrays: Answer["arrays"], index: number): void {
  const part = (name: string) => arrays[`${index}.${name}`]?.data;
  const [steps, values, times] = [part("steps"), part("values"), part("times")];
  if (!steps || !values || !times) throw new Error(`The curve of ${series.name} came without its points.`);
  series.append(steps, values, times, 0, part("low"), part("high"));
}

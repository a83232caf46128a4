/** A run's gradients as the page knows them: sizes of all layers over the steps, asked for again when the run went on. */

import type { Answer, NdArray, ViewContext } from "../../runtime/context.ts";
import type { Finding } from "./findings.ts";

/** Between two questions while a run goes on: milliseconds at the least, and as a multiple of how long the last one took. */
const REST = { least: 1000, times: 8 };
const SERIES = /^(gradient_mean|gradient_max|update_ratio)\//;

export type Measure = "gradients" | "updates";

/** Matrices `[layers, steps]` hold powers of ten: −∞ for zero, NaN for what was not logged. */
export interface Sizes {
  readonly mean: NdArray["data"];
  readonly largest: NdArray["data"];
  readonly update: NdArray["data"];
  readonly marks: NdArray["data"];
  readonly updateMarks: NdArray["data"];
}

export interface Flow extends Sizes {
  readonly label: string;
  readonly paths: readonly string[];
  readonly steps: NdArray["data"];
  /** How many measurements each column joins. */
  readonly counts: NdArray["data"];
  readonly thinned: boolean;
  /** What a mark means, by its number. */
  readonly words: readonly string[];
  readonly usualUpdate: number;
  readonly findings: readonly Finding[];
}

/** The one measurement nearest to a step. */
export interface Exact extends Sizes {
  readonly step: number;
  readonly paths: readonly string[];
}

export class GradientData {
  flow: Flow | null = null;
  #exact: { readonly asked: number; readonly exact: Exact } | null = null;
  #asking = false;
  #asked = -1;
  #heard = -1;
  #wanted: number | null = null;
  #mayAsk = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  /** `run` is null for the widget's own, else the id of the one beside it; `cursor` is how far that run is. */
  constructor(
    private readonly context: ViewContext,
    readonly run: string | null,
    private readonly cursor: () => number,
    private readonly changed: () => void,
  ) {
    const { signal, saved } = context;
    if (run === null && !saved) {
      context.onPush((content) => {
        const series = content.series as readonly { readonly name: string }[] | undefined;
        if (content.kind !== "points" || !series?.some(({ name }) => SERIES.test(name))) return;
        this.#heard = Math.max(this.#heard, content.cursor as number);
        this.refresh();
      });
      context.state.onChange(() => {
        if ((context.state.get<string>("status") ?? "running") !== "running") this.refresh();
      });
    }
    context.onVersion(() => {
      this.#asked = -1;
      this.refresh();
    });
    signal.addEventListener("abort", () => clearTimeout(this.#later), { once: true });
    const cached = context.cached("gradient_flow.flow", { run, until: null });
    if (cached) this.#tell(cached);
    else void this.#ask(null);
  }

  /** The run went on: ask again, soon. */
  refresh(): void {
    clearTimeout(this.#later);
    if (this.context.saved || this.context.signal.aborted || this.#newest() <= this.#asked) return;
    const rest = this.#mayAsk - performance.now();
    if (this.#asking || rest > 0) this.#later = setTimeout(() => this.refresh(), Math.max(50, rest));
    else void this.#ask(this.#newest());
  }

  /** The state is stated twice a second, news come sooner. */
  #newest(): number {
    return Math.max(this.#heard, this.cursor());
  }

  /** The measurement at a step alone, if the page has it; asked for where the flow joins several. */
  exact(step: number | null): Exact | null {
    if (step === null || !this.flow?.thinned) return null;
    if (this.#exact?.asked === step) return this.#exact.exact;
    if (this.#wanted !== step) void this.#askExact(step);
    return null;
  }

  async #ask(until: number | null): Promise<void> {
    this.#asking = true;
    const begun = performance.now();
    try {
      const answer = await this.context.ask(
        "gradient_flow.flow",
        { run: this.run, until },
        { control: `flow ${this.run}` },
      );
      if (this.context.signal.aborted) return;
      this.context.showError(null);
      this.#tell(answer);
    } catch (error) {
      // What is there stays; the next push asks again.
      if (!this.context.signal.aborted && (error as Error).name !== "Superseded") this.context.showError(error);
    } finally {
      this.#asking = false;
      // Reading many layers of a long run takes the kernel time that its training wants.
      this.#mayAsk = begun + Math.max(REST.least, REST.times * (performance.now() - begun));
    }
    this.refresh();
  }

  async #askExact(step: number): Promise<void> {
    this.#wanted = step;
    try {
      const { value, arrays } = await this.context.ask(
        "gradient_flow.step",
        { run: this.run, step },
        { control: `step ${this.run}` },
      );
      if (this.context.signal.aborted) return;
      const exact = { step: value.step as number, paths: value.paths as string[], ...sizesOf(arrays) };
      this.#exact = { asked: step, exact };
      this.changed();
    } catch (error) {
      if ((error as Error).name === "Superseded" && this.#wanted === step) this.#wanted = null;
      // A saved page has the joined measurements, and says that they are.
    }
  }

  #tell({ value, arrays }: Answer): void {
    this.#asked = Math.max(this.#asked, value.cursor as number);
    this.flow = {
      label: value.label as string,
      paths: value.paths as string[],
      words: value.marks as string[],
      thinned: value.thinned as boolean,
      usualUpdate: value.usual_update as number,
      findings: value.findings as Finding[],
      steps: data(arrays, "steps"),
      counts: data(arrays, "counts"),
      ...sizesOf(arrays),
    };
    this.changed();
    this.refresh();
  }
}

function sizesOf(arrays: Answer["arrays"]): Sizes {
  return {
    mean: data(arrays, "mean"),
    largest: data(arrays, "largest"),
    update: data(arrays, "update"),
    marks: data(arrays, "marks"),
    updateMarks: data(arrays, "update_marks"),
  };
}

function data(arrays: Answer["arrays"], name: string): NdArray["data"] {
  const array = arrays[name];
  if (!array) throw new Error(`The gradients came without their ${name}.`);
  return array.data;
}

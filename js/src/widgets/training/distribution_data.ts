/** A run's histograms as the page knows them: which layers and steps there are, all layers at a step, a layer over the steps. */

import type { Answer, NdArray, ViewContext } from "../../runtime/context.ts";

export const WHAT = ["weights", "gradients", "activations"] as const;
export type What = (typeof WHAT)[number];

/** Between two questions while a run goes on: milliseconds at the least, and as a multiple of how long the last one took. */
const REST = { least: 1000, times: 8 };

export interface Overview {
  readonly label: string;
  readonly paths: readonly string[];
  readonly steps: NdArray["data"];
  /** How many layers there are of each kind. */
  readonly counted: Readonly<Record<What, number>>;
}

/** What is said of a layer at a step. Numbers that are not finite are null. */
export interface LayerWords {
  readonly mean: number | null;
  readonly std: number | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly values: number;
  readonly nan: number;
  readonly infinite: number;
  /** Between which shares the exact zeros lie. */
  readonly zeros: readonly [number, number];
  readonly dead: number | null;
  readonly ternary?: boolean;
  readonly spikes?: string;
}

export interface AtStep {
  readonly what: What;
  readonly step: number;
  readonly paths: readonly string[];
  /** null for a layer that was not logged at this step. */
  readonly layers: readonly (LayerWords | null)[];
  readonly logged: number;
  /** `[layers, 2]`: where the first bin begins and the last ends. */
  readonly ranges: NdArray["data"];
  readonly counts: NdArray["data"];
  readonly bins: number;
  readonly boxes: NdArray["data"];
  readonly all: { readonly edges: NdArray["data"]; readonly counts: NdArray["data"] } | null;
}

export interface OverSteps {
  readonly what: What;
  readonly layer: string;
  readonly steps: NdArray["data"];
  readonly edges: NdArray["data"];
  readonly shares: NdArray["data"];
  readonly beyond: number;
}

export class DistributionData {
  readonly #overviews = new Map<What, Overview>();
  /** What an overview was asked for last: what follows from it is asked likewise. */
  readonly #until = new Map<What, number | null>();
  readonly #asking = new Set<string>();
  readonly #failed = new Set<string>();
  #newest = 0;
  #mayAsk = 0;
  #later: ReturnType<typeof setTimeout> | undefined;
  #at: AtStep | null = null;
  #over: OverSteps | null = null;
  #overKey = "";

  constructor(
    private readonly context: ViewContext,
    private readonly what: () => What,
    private readonly changed: () => void,
  ) {
    if (!context.saved) {
      context.onPush((content) => {
        const grew = (content.grew as readonly string[] | undefined) ?? [];
        if (content.kind !== "points" || !grew.some((name) => name.startsWith(`${this.what()}/`))) return;
        this.#newest = Math.max(this.#newest, content.cursor as number);
        this.#refresh();
      });
    }
    context.onVersion(() => {
      this.#overviews.clear();
      changed();
    });
    context.signal.addEventListener("abort", () => clearTimeout(this.#later), { once: true });
  }

  overview(what: What): Overview | null {
    const known = this.#overviews.get(what);
    if (known) return known;
    const cached = this.context.cached("distributions.overview", { what, until: null });
    if (cached) return this.#tell(what, cached, null);
    void this.#askOverview(what, null);
    return null;
  }

  /** All layers at a step; the last picture of this kind while it is on its way. */
  at(what: What, step: number, bins: number | null): AtStep | null {
    const args = { what, step, bins };
    const cached = this.context.cached("distributions.step", args);
    if (cached) this.#at = atStep(what, step, cached);
    else
      void this.#ask("distributions.step", args, (answer) => {
        this.#at = atStep(what, step, answer);
      });
    return this.#at?.what === what ? this.#at : null;
  }

  over(what: What, layer: string, bins: number | null): OverSteps | null {
    const args = { what, layer, bins, until: this.#until.get(what) ?? null };
    const key = JSON.stringify(args);
    const cached = this.context.cached("distributions.over", args);
    if (cached && this.#overKey !== key) {
      this.#over = overSteps(what, cached);
      this.#overKey = key;
    } else if (!cached) {
      void this.#ask("distributions.over", args, (answer) => {
        this.#over = overSteps(what, answer);
        this.#overKey = key;
      });
    }
    return this.#over?.what === what && this.#over.layer === layer ? this.#over : null;
  }

  #refresh(): void {
    clearTimeout(this.#later);
    if (this.context.signal.aborted) return;
    const what = this.what();
    if ((this.#until.get(what) ?? 0) >= this.#newest) return;
    const rest = this.#mayAsk - performance.now();
    if (rest > 0) this.#later = setTimeout(() => this.#refresh(), rest);
    else void this.#askOverview(what, this.#newest);
  }

  async #askOverview(what: What, until: number | null): Promise<void> {
    const begun = performance.now();
    this.#mayAsk = begun + REST.least;
    await this.#ask("distributions.overview", { what, until }, (answer) => this.#tell(what, answer, until));
    this.#mayAsk = begun + Math.max(REST.least, REST.times * (performance.now() - begun));
    this.#refresh();
  }

  #tell(what: What, { value, arrays }: Answer, until: number | null): Overview {
    const overview: Overview = {
      label: value.label as string,
      paths: value.paths as string[],
      steps: data(arrays, "steps"),
      counted: value.counted as Overview["counted"],
    };
    this.#overviews.set(what, overview);
    this.#until.set(what, until);
    return overview;
  }

  async #ask(what: string, args: Record<string, unknown>, take: (answer: Answer) => void): Promise<void> {
    const key = `${what} ${JSON.stringify(args)}`;
    if (this.#asking.has(key) || this.#failed.has(key)) return;
    this.#asking.add(key);
    try {
      const answer = await this.context.ask(what, args, { control: what });
      if (this.context.signal.aborted) return;
      take(answer);
      this.context.showError(null);
      this.changed();
    } catch (error) {
      if ((error as Error).name === "Superseded" || this.context.signal.aborted) return;
      // Asked once more only when something else was asked for meanwhile.
      this.#failed.add(key);
      this.context.showError(error);
    } finally {
      this.#asking.delete(key);
    }
  }
}

function atStep(what: What, step: number, { value, arrays }: Answer): AtStep {
  const counts = arrays.counts;
  const all = arrays["all.edges"];
  return {
    what,
    step,
    paths: value.paths as string[],
    layers: value.layers as (LayerWords | null)[],
    logged: value.logged as number,
    ranges: data(arrays, "ranges"),
    counts: data(arrays, "counts"),
    bins: counts?.shape[1] ?? 0,
    boxes: data(arrays, "boxes"),
    all: all ? { edges: all.data, counts: data(arrays, "all.counts") } : null,
  };
}

function overSteps(what: What, { value, arrays }: Answer): OverSteps {
  return {
    what,
    layer: value.layer as string,
    beyond: value.beyond as number,
    steps: data(arrays, "steps"),
    edges: data(arrays, "edges"),
    shares: data(arrays, "shares"),
  };
}

function data(arrays: Answer["arrays"], name: string): NdArray["data"] {
  const array = arrays[name];
  if (!array) throw new Error(`The histograms came without their ${name}.`);
  return array.data;
}

/** Images that a run logged, as the page knows them: at which steps there are some, and those that were fetched. */

import { nearestStep } from "../../controls/step_slider.ts";
import type { PictureShape } from "../../draw/pictures.ts";
import type { Answer, NdArray, ViewContext } from "../../runtime/context.ts";

export interface Picture {
  readonly pixels: Uint8Array;
  readonly shape: PictureShape;
}

export interface SampleStory {
  readonly label: string;
  /** Images logged, of which `steps` may be a part. */
  readonly count: number;
  /** All series of images. */
  readonly names: readonly string[];
  readonly chunk: number;
  readonly steps: NdArray["data"];
}

/** Bytes of images that a page keeps. */
const MOST_BYTES = 48e6;
/** Between two questions while a run goes on: milliseconds at the least, and as a multiple of how long the last one took. */
const REST = { least: 1000, times: 8 };

export class SampleData {
  #story: SampleStory | null = null;
  readonly #pictures = new Map<number, Picture>();
  readonly #failed = new Set<number>();
  #bytes = 0;
  #place: number | null = null;
  #generation = 0;
  #asking: readonly number[] | null = null;
  /** What the story was asked for last. */
  #until: number | null = null;
  #newest = 0;
  #mayAsk = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly context: ViewContext,
    private readonly name: () => string,
    private readonly changed: () => void,
  ) {
    if (!context.saved) {
      context.onPush((content) => {
        const grew = (content.grew as readonly string[] | undefined) ?? [];
        if (content.kind !== "points" || !grew.includes(this.name())) return;
        this.#newest = Math.max(this.#newest, content.cursor as number);
        this.#refresh();
      });
    }
    context.onVersion(() => this.begin());
    context.signal.addEventListener("abort", () => clearTimeout(this.#later), { once: true });
    this.begin();
  }

  /** Another series, or the run changed. */
  begin(): void {
    this.#generation += 1;
    this.#story = null;
    this.#pictures.clear();
    this.#failed.clear();
    [this.#bytes, this.#asking, this.#until] = [0, null, null];
    const cached = this.context.cached("samples.story", { name: this.name(), until: null });
    if (cached) this.#tell(cached);
    else void this.#askStory(null);
  }

  get story(): SampleStory | null {
    return this.#story;
  }

  /** The image at a place in the story's steps, if it is here. */
  at(place: number): Picture | null {
    return this.#pictures.get(this.#story?.steps[place] ?? Number.NaN) ?? null;
  }

  /** Whether the image is here, or will never be. */
  ready(place: number): boolean {
    return this.at(place) !== null || this.#failed.has(this.#story?.steps[place] ?? Number.NaN);
  }

  /** Fetch what is looked at, then what lies around it. */
  look(place: number): void {
    this.#place = place;
    this.#pump();
  }

  #refresh(): void {
    clearTimeout(this.#later);
    if (this.context.signal.aborted || (this.#until ?? 0) >= this.#newest) return;
    const rest = this.#mayAsk - performance.now();
    if (rest > 0) this.#later = setTimeout(() => this.#refresh(), rest);
    else void this.#askStory(this.#newest);
  }

  async #askStory(until: number | null): Promise<void> {
    const [generation, begun] = [this.#generation, performance.now()];
    this.#mayAsk = begun + REST.least;
    try {
      const answer = await this.context.ask("samples.story", { name: this.name(), until }, { control: "story" });
      if (generation !== this.#generation || this.context.signal.aborted) return;
      this.#until = until;
      this.#tell(answer);
    } catch (error) {
      if ((error as Error).name !== "Superseded") this.context.showError(error);
    }
    this.#mayAsk = begun + Math.max(REST.least, REST.times * (performance.now() - begun));
    this.#refresh();
  }

  #tell({ value, arrays }: Answer): void {
    const story = { ...value, steps: arrays.steps?.data ?? new Int32Array() } as unknown as SampleStory;
    this.#story = story;
    this.context.showError(null);
    this.changed(); // who draws it says what is looked at
  }

  /** One question at a time; what is looked at takes the place of what is fetched ahead. */
  #pump(): void {
    if (!this.#story || this.#place === null || this.context.signal.aborted) return;
    const steps = this.#next(this.#place);
    const looked = this.#story.steps[this.#place] ?? Number.NaN;
    const urgent = steps?.includes(looked) && !this.#asking?.includes(looked);
    if (steps && (!this.#asking || urgent)) void this.#ask(steps);
  }

  /** The steps of the nearest chunk that are not here. */
  #next(place: number): number[] | null {
    const { steps, chunk } = this.#story as SampleStory;
    const chunks = Array.from({ length: Math.ceil(steps.length / chunk) }, (_, at) => at);
    const here = Math.floor(place / chunk);
    // Of two that are equally far, the one that is played next.
    chunks.sort((a, b) => Math.abs(a - here) - Math.abs(b - here) || b - a);
    for (const [rank, at] of chunks.entries()) {
      const of = [...steps.subarray(at * chunk, (at + 1) * chunk)];
      const missing = of.filter((step) => !this.#pictures.has(step) && !this.#failed.has(step));
      if (missing.length) return rank === 0 || this.#bytes < MOST_BYTES ? missing : null;
    }
    return null;
  }

  async #ask(steps: readonly number[]): Promise<void> {
    const generation = this.#generation;
    this.#asking = steps;
    try {
      const args = { name: this.name(), steps };
      const answer =
        this.context.cached("samples.images", args) ??
        (await this.context.ask("samples.images", args, { control: "images" }));
      if (generation !== this.#generation || this.context.signal.aborted) return;
      for (const [index, step] of steps.entries()) this.#keep(step, pictureOf(answer, index));
      this.#forget();
    } catch (error) {
      if (generation !== this.#generation || this.context.signal.aborted) return;
      if ((error as Error).name !== "Superseded") {
        for (const step of steps) this.#failed.add(step);
        this.context.showError(error);
      }
    } finally {
      if (this.#asking === steps) this.#asking = null;
    }
    this.changed();
    this.#pump();
  }

  #keep(step: number, picture: Picture): void {
    this.#bytes += picture.pixels.length - (this.#pictures.get(step)?.pixels.length ?? 0);
    this.#pictures.set(step, picture);
  }

  /** What lies farthest goes first, until the rest fits; what the story lists no more goes before. */
  #forget(): void {
    if (this.#bytes <= MOST_BYTES) return;
    const { steps } = this.#story as SampleStory;
    const far = (step: number) => {
      const place = nearestStep(steps, step);
      return steps[place] === step ? Math.abs(place - (this.#place ?? 0)) : Number.POSITIVE_INFINITY;
    };
    const order = [...this.#pictures.keys()].sort((a, b) => far(b) - far(a));
    for (const step of order) {
      if (this.#bytes <= MOST_BYTES || far(step) === 0) return;
      this.#bytes -= this.#pictures.get(step)?.pixels.length ?? 0;
      this.#pictures.delete(step);
    }
  }
}

function pictureOf({ arrays }: Answer, index: number): Picture {
  const together = arrays.images;
  const array = together ?? arrays[String(index)];
  if (!array) throw new Error("The images came without their pixels.");
  const [height = 1, width = 1, channels = 1] = array.shape.slice(-3);
  const size = height * width * channels;
  const pixels = array.data as Uint8Array;
  return {
    pixels: together ? pixels.subarray(index * size, (index + 1) * size) : pixels,
    shape: [height, width, channels],
  };
}

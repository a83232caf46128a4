/** A process as the page knows it: frames and measures by branch and step, fetched in chunks and kept under a byte bound. */

import type { Answer, NdArray, ViewContext } from "../../runtime/context.ts";

/** Bytes of frames that a page keeps: a trajectory that fits is sent once, and then plays without the kernel. */
export const MOST_BYTES = 48e6;
/** Against the direction of playing a chunk counts as so many times as far. */
const BEHIND = 3;

export interface Story {
  readonly label: string;
  /** The last step; the first is 0. */
  readonly steps: number;
  readonly measures: readonly string[];
  readonly kind: "images" | "curve" | "text";
  readonly samples: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Of one frame. */
  readonly bytes: number;
  /** Steps that are asked for at once: from a multiple of it on. */
  readonly chunk: number;
  /** The values that are black and white, of curves those of step 0. */
  readonly low: number;
  readonly high: number;
}

export interface Branch {
  readonly index: number;
  readonly parent: number | null;
  /** Where it left its parent, whose frames it shares before. */
  readonly step: number;
  readonly label: string;
}

export type Frame =
  | { readonly kind: "images"; readonly pixels: Uint8Array }
  | { readonly kind: "curve"; readonly curves: NdArray["data"] }
  | { readonly kind: "text"; readonly texts: readonly string[] };

interface Chunk {
  readonly branch: number;
  readonly start: number;
  readonly frames: readonly Frame[];
  readonly bytes: number;
}

interface Wanted {
  readonly branch: number;
  readonly start: number;
}

const ORIGINAL: Branch = { index: 0, parent: null, step: 0, label: "" };

export class FrameStore {
  #story: Story | null = null;
  readonly #chunks = new Map<string, Chunk>();
  readonly #measured = new Map<string, Float64Array>();
  /** Why a chunk did not come, or came short: it is asked for again when somebody looks there anew. */
  readonly #failed = new Map<string, string>();
  #bytes = 0;
  #range: readonly [number, number] | null = null;
  #step = 0;
  #forward = true;
  #shown: readonly number[] = [0];
  #asking: Wanted | null = null;
  #generation = 0;
  /** The chunks that are looked at; "" before anybody looked. */
  #looked = "";
  /** A question failed, or somebody cancelled it: nothing is fetched ahead until a hand moves. */
  #resting = false;

  /** `changed` is called when something new can be drawn. */
  constructor(
    private readonly context: ViewContext,
    private readonly changed: () => void,
    private readonly most = MOST_BYTES,
  ) {
    context.onVersion(() => this.#begin());
    context.state.onChange(() => {
      this.changed();
      this.#pump();
    });
    this.#begin();
  }

  get story(): Story | null {
    return this.#story;
  }

  /** Bytes of the frames that are here. */
  get bytes(): number {
    return this.#bytes;
  }

  get branches(): readonly Branch[] {
    return this.context.state.get<Branch[]>("branches") ?? [ORIGINAL];
  }

  /** What is looked at: `step` of these branches, and whether the hand or the clock goes forward. */
  look(step: number, branches: readonly number[], forward: boolean): void {
    [this.#step, this.#shown, this.#forward] = [step, branches, forward];
    const looked = branches.map((branch) => keyOf(this.#home(branch, step))).join();
    if (looked !== this.#looked) {
      this.#looked = looked;
      this.#resting = false;
      for (const key of looked.split(",")) this.#failed.delete(key);
    }
    this.#pump();
  }

  /** A frame, if it is here. */
  frame(branch: number, step: number): Frame | null {
    const home = this.#home(branch, step);
    return this.#chunks.get(keyOf(home))?.frames[step - home.start] ?? null;
  }

  /** Whether all branches that are looked at have a frame of this step. */
  ready(step: number): boolean {
    return this.#shown.every((branch) => this.frame(branch, step) !== null);
  }

  /** Whether a branch that is looked at will have none. */
  fails(step: number): boolean {
    return this.#shown.some((branch) => this.failure(branch, step) !== null);
  }

  /** Why there is no frame of this step; null where there is one, or may be one later. */
  failure(branch: number, step: number): string | null {
    if (this.frame(branch, step) !== null) return null;
    return this.#failed.get(keyOf(this.#home(branch, step))) ?? null;
  }

  /** What went wrong of what is looked at, or was fetched ahead of it; null where nothing did. */
  get trouble(): string | null {
    for (const [key, message] of this.#failed) if (this.#gives(Number(key.split(":")[0]))) return message;
    return null;
  }

  /** The range of all curves that are here; null where none is. */
  get range(): readonly [number, number] | null {
    return this.#range;
  }

  /** A measure of a branch by step, NaN where it is not known (yet). */
  curve(branch: number, measure: number): Float64Array {
    const steps = (this.#story?.steps ?? 0) + 1;
    const curve = new Float64Array(steps).fill(Number.NaN);
    for (const part of this.#lineage(branch)) {
      const known = this.#measured.get(`${part.index} ${measure}`);
      if (known) curve.set(known.subarray(part.from, part.to), part.from);
    }
    return curve;
  }

  /** The branches whose frames make up this one, oldest first, each with the steps that it gives. */
  #lineage(branch: number): { readonly index: number; readonly from: number; readonly to: number }[] {
    const parts: { index: number; from: number; to: number }[] = [];
    let to = (this.#story?.steps ?? 0) + 1;
    let at = this.#branch(branch);
    for (let depth = 0; depth <= this.branches.length; depth++) {
      parts.unshift({ index: at.index, from: at.parent === null ? 0 : Math.min(at.step, to), to });
      if (at.parent === null) break;
      to = Math.min(to, at.step);
      at = this.#branch(at.parent);
    }
    return parts;
  }

  #branch(index: number): Branch {
    return this.branches.find((branch) => branch.index === index) ?? ORIGINAL;
  }

  /** The chunk that holds a step of a branch: its parent's where it shares that. */
  #home(branch: number, step: number): Wanted {
    const chunk = this.#story?.chunk ?? 1;
    const part = this.#lineage(branch).find(({ from, to }) => step >= from && step < to);
    return { branch: part?.index ?? branch, start: Math.floor(step / chunk) * chunk };
  }

  #begin(): void {
    this.#generation += 1;
    this.#chunks.clear();
    this.#measured.clear();
    this.#failed.clear();
    this.#bytes = 0;
    this.#range = null;
    this.#asking = null;
    const cached = this.context.cached("process.story", {});
    if (cached) this.#tell(cached);
    else void this.#askStory(this.#generation);
  }

  async #askStory(generation: number): Promise<void> {
    try {
      const answer = await this.context.ask("process.story", {}, { control: "story" });
      if (generation === this.#generation && !this.context.signal.aborted) this.#tell(answer);
    } catch (error) {
      if ((error as Error).name !== "Superseded") this.context.showError(error);
    }
  }

  #tell({ value }: Answer): void {
    this.#story = value as unknown as Story;
    this.context.showError(null);
    this.changed();
    this.#pump();
  }

  /** Ask for what is missed most, and when it is here for the next: one at a time, until all fits or nothing more does. */
  #pump(): void {
    if (!this.#story || this.#looked === "" || this.context.signal.aborted) return;
    const wanted = this.#next();
    if (!wanted || (this.#resting && !this.#isLookedAt(wanted))) return;
    if (this.#asking) {
      // What is looked at does not wait for what is fetched ahead: a newer question of a control takes its place.
      const urgent = this.#isLookedAt(wanted) && !this.#isLookedAt(this.#asking);
      if (!urgent) return;
    }
    void this.#ask(wanted);
  }

  async #ask(wanted: Wanted): Promise<void> {
    const { steps, chunk } = this.#story as Story;
    const { branch, start } = wanted;
    const generation = this.#generation;
    const key = keyOf(wanted);
    this.#asking = wanted;
    try {
      const args = { branch, start, stop: Math.min(start + chunk, steps + 1) };
      const answer = this.context.cached("process.frames", args) ?? (await this.#fetched(args));
      if (generation !== this.#generation || this.context.signal.aborted) return;
      this.#keep(wanted, answer);
      const error = answer.value.error;
      if (typeof error === "string") this.#failed.set(key, error);
    } catch (error) {
      if (generation !== this.#generation || this.context.signal.aborted) return;
      if ((error as Error).name !== "Superseded") {
        this.#failed.set(key, (error as Error).message);
        this.#resting = true;
      }
    } finally {
      if (this.#asking === wanted) this.#asking = null;
    }
    this.changed();
    this.#pump();
  }

  #fetched(args: Record<string, unknown>): Promise<Answer> {
    return this.context.ask("process.frames", args, { control: "frames" });
  }

  #keep(wanted: Wanted, { value, arrays }: Answer): void {
    const { branch, start } = wanted;
    const arrived = arrays.frames?.shape.at(-1) ?? 1;
    if ((this.#story as Story).kind === "images" && arrived > (this.#story as Story).channels) this.#color(arrived);
    const story = this.#story as Story;
    const times = story.kind === "images" ? story.channels / arrived : 1;
    const frames = framesOf(story, value, arrays).map((frame) => colored(frame, times));
    const bytes = times * (arrays.frames?.data.byteLength ?? 0);
    this.#drop(keyOf(wanted));
    this.#chunks.set(keyOf(wanted), { branch, start, frames, bytes });
    this.#bytes += bytes;
    if (story.kind === "curve" && arrays.frames) this.#range = wider(this.#range, arrays.frames.data);
    for (const [measure] of story.measures.entries()) {
      const values = arrays[`m.${measure}`]?.data;
      if (!values) continue;
      const name = `${branch} ${measure}`;
      const known = this.#measured.get(name) ?? new Float64Array(story.steps + 1).fill(Number.NaN);
      known.set(values.subarray(0, story.steps + 1 - start), start);
      this.#measured.set(name, known);
    }
    while (this.#bytes > this.most) {
      const farthest = this.#farthest();
      if (farthest === null || farthest === keyOf(wanted)) break;
      this.#drop(farthest);
    }
  }

  /** A grey process has a frame in colour (NaN has one of its own): from now on all frames have channels for it. */
  #color(channels: number): void {
    const story = this.#story as Story;
    const times = channels / story.channels;
    this.#story = { ...story, channels, bytes: times * story.bytes };
    for (const [key, chunk] of this.#chunks) {
      const frames = chunk.frames.map((frame) => colored(frame, times));
      this.#chunks.set(key, { ...chunk, frames, bytes: times * chunk.bytes });
    }
    this.#bytes *= times;
  }

  #drop(key: string): void {
    this.#bytes -= this.#chunks.get(key)?.bytes ?? 0;
    this.#chunks.delete(key);
  }

  #farthest(): string | null {
    let [found, most]: [string | null, number] = [null, -1];
    for (const [key, chunk] of this.#chunks) {
      const distance = this.#distance(chunk);
      if (distance > most) [found, most] = [key, distance];
    }
    return found;
  }

  #isLookedAt(wanted: Wanted): boolean {
    return this.#shown.some((branch) => keyOf(this.#home(branch, this.#step)) === keyOf(wanted));
  }

  /** How far a chunk is from what is looked at, in steps as the hand goes. */
  #distance({ branch, start }: Wanted): number {
    const { chunk, steps } = this.#story as Story;
    const away = start > this.#step ? start - this.#step : Math.max(0, this.#step - (start + chunk - 1));
    const ahead = start > this.#step === this.#forward;
    return (ahead ? away : BEHIND * away) + (this.#gives(branch) ? 0 : BEHIND * (steps + 1));
  }

  /** Whether a branch that is shown takes frames of this one. */
  #gives(branch: number): boolean {
    return this.#shown.some((shown) => this.#lineage(shown).some(({ index }) => index === branch));
  }

  #isWhole(wanted: Wanted): boolean {
    const { steps, chunk } = this.#story as Story;
    return this.#chunks.get(keyOf(wanted))?.frames.length === Math.min(chunk, steps + 1 - wanted.start);
  }

  #next(): Wanted | null {
    const { steps, chunk, bytes } = this.#story as Story;
    let [found, least]: [Wanted | null, number] = [null, Number.POSITIVE_INFINITY];
    for (const branch of this.#shown) {
      for (const { index, from, to } of this.#lineage(branch)) {
        for (let start = Math.floor(from / chunk) * chunk; start < to; start += chunk) {
          const wanted = { branch: index, start };
          const key = keyOf(wanted);
          if (this.#isWhole(wanted) || this.#failed.has(key)) continue;
          const distance = this.#distance(wanted);
          if (distance < least) [found, least] = [wanted, distance];
        }
      }
    }
    if (found === null) return null;
    const size = bytes * Math.min(chunk, steps + 1 - found.start);
    if (this.#bytes + size <= this.most || this.#isLookedAt(found)) return found;
    const farthest = this.#chunks.get(this.#farthest() ?? "");
    return farthest && this.#distance(farthest) > least + chunk ? found : null;
  }
}

/** The same picture with each grey value in so many channels. */
function colored(frame: Frame, times: number): Frame {
  if (frame.kind !== "images" || times === 1) return frame;
  const pixels = new Uint8Array(times * frame.pixels.length);
  for (let at = 0; at < pixels.length; at++) pixels[at] = frame.pixels[Math.floor(at / times)] as number;
  return { kind: "images", pixels };
}

function wider(range: readonly [number, number] | null, values: NdArray["data"]): readonly [number, number] | null {
  let [low, high] = range ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

function keyOf({ branch, start }: Wanted): string {
  return `${branch}:${start}`;
}

function framesOf(story: Story, value: Record<string, unknown>, arrays: Answer["arrays"]): Frame[] {
  if (story.kind === "text") {
    const texts = (value.texts as (string | string[])[] | undefined) ?? [];
    return texts.map((each) => ({ kind: "text", texts: Array.isArray(each) ? each : [each] }));
  }
  const array = arrays.frames;
  if (!array) return [];
  const count = array.shape[0] ?? 0;
  const size = count ? array.data.length / count : 0;
  return Array.from({ length: count }, (_, at): Frame => {
    const data = array.data.subarray(at * size, (at + 1) * size);
    return data instanceof Uint8Array ? { kind: "images", pixels: data } : { kind: "curve", curves: data };
  });
}

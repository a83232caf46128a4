/**
 * Brings the rows of a diffusion process to a page together: a frame of the store then holds the noisy images, behind them
 * the clean images that the model sees and, where they are shown, its noise; and the measures have the bands of x̂₀ too.
 */

import type { Answer, Arguments, NdArray, ViewContext } from "../../runtime/context.ts";

/** Bands of wavelengths of x̂₀, measured at each step. */
export const BANDS = ["coarse", "middle", "fine"] as const;
/** What the process measures, in a reader's words. */
const WORDS: Readonly<Record<string, string>> = {
  noise_norm: "Noise seen ε̂, rms",
  change: "Change in a step, rms",
};
/** Where the pictures of a row lie in a frame, in samples. */
export const PLACES = { noisy: 0, predicted: 1, noise: 2 } as const;

export interface Feed {
  /** What the view of a process is given in place of the widget's own. */
  readonly context: ViewContext;
  /** Fetch anew: other rows are wanted. What the page has already is not asked for again. */
  restart(): void;
}

export function createFeed(context: ViewContext, wantsNoise: () => boolean): Feed {
  const listeners: (() => void)[] = [];
  let measures = 0;

  function told(answer: Answer): Answer {
    const { measures: known, bytes } = answer.value as { measures: readonly string[]; bytes: number };
    measures = known.length;
    const rows = wantsNoise() ? 3 : 2;
    const named = known.map((name) => WORDS[name] ?? name);
    return { ...answer, value: { ...answer.value, measures: [...named, ...BANDS], bytes: bytes * rows } };
  }

  /** The estimates first: the run of the model that they need makes the states too. */
  async function fetched(args: Arguments): Promise<Answer> {
    const ask = (what: string) => context.ask(what, args, { control: what });
    let predicted: Answer | null = null;
    try {
      predicted = await ask("diffusion.predicted");
    } catch (error) {
      if ((error as Error).name === "Superseded") throw error;
      // A page without a kernel may have the images alone.
      return joined(context.cached("process.frames", args) ?? (await askElse(ask, error as Error)), null, null);
    }
    const [frames, noise] = await Promise.all([
      ask("process.frames"),
      wantsNoise() ? ask("diffusion.noise").catch(leftOut) : null,
    ]);
    return joined(frames, predicted, noise);
  }

  function askElse(ask: (what: string) => Promise<Answer>, error: Error): Promise<Answer> {
    if (!context.saved) throw error;
    return ask("process.frames");
  }

  /** Of a saved page, what did not fit it. */
  function leftOut(error: Error): null {
    if (!context.saved) throw error;
    return null;
  }

  function here(args: Arguments): Answer | undefined {
    const [frames, predicted] = [context.cached("process.frames", args), context.cached("diffusion.predicted", args)];
    const noise = wantsNoise() ? context.cached("diffusion.noise", args) : null;
    return frames && predicted && noise !== undefined ? joined(frames, predicted, noise) : undefined;
  }

  function joined(frames: Answer, predicted: Answer | null, noise: Answer | null): Answer {
    const arrays: Record<string, NdArray> = { ...frames.arrays };
    const pictures = [frames, predicted, noise].map((answer) => answer?.arrays.frames);
    const first = pictures[0];
    if (first) arrays.frames = inTurn(first, pictures.slice(1));
    const bands = predicted?.arrays.bands;
    if (bands) {
      for (const band of BANDS.keys()) {
        const data = bands.data.filter((_, at) => at % BANDS.length === band);
        arrays[`m.${measures + band}`] = { shape: [data.length], data };
      }
    }
    const errors = [frames, predicted, noise].map((answer) => answer?.value.error);
    const error = errors.find((each) => typeof each === "string");
    return { value: { ...frames.value, ...(error !== undefined && { error }) }, arrays };
  }

  return {
    context: {
      ...context,
      async ask(what, args, options) {
        if (what === "process.frames") return fetched(args);
        const answer = await context.ask(what, args, options);
        return what === "process.story" ? told(answer) : answer;
      },
      cached(what, args) {
        if (what === "process.frames") return here(args);
        const answer = context.cached(what, args);
        return answer && what === "process.story" ? told(answer) : answer;
      },
      onVersion(listener) {
        listeners.push(listener);
        context.onVersion(listener);
      },
    },
    restart() {
      for (const listener of listeners) listener();
    },
  };
}

/** Frames [k, samples, h, w, c] of all rows, one row behind the other in each frame; those up to the first that is not here. */
function inTurn(first: NdArray, others: readonly (NdArray | undefined)[]): NdArray {
  const [count = 0, samples = 0, ...picture] = first.shape;
  const end = others.findIndex(
    (other) => other === undefined || other.shape.slice(1).join() !== [samples, ...picture].join(),
  );
  const rows = [first, ...(others.slice(0, end < 0 ? others.length : end) as NdArray[])];
  const steps = Math.min(...rows.map(({ shape }) => shape[0] ?? 0));
  const size = count ? first.data.length / count : 0;
  const data = new Uint8Array(steps * rows.length * size);
  for (let step = 0; step < steps; step++)
    for (const [row, { data: from }] of rows.entries())
      data.set(from.subarray(step * size, (step + 1) * size), (step * rows.length + row) * size);
  return { shape: [steps, rows.length * samples, ...picture], data };
}

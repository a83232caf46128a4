/** A diffusion process as the page knows it: its sampler and, at each step, its time and schedule. */

import { formatStep, formatValue } from "../../draw/number.ts";
import type { Answer } from "../../runtime/context.ts";

export interface Diffusion {
  readonly sampler: "ddpm" | "ddim";
  readonly eta: number;
  readonly seed: number;
  /** Black and white of the images. */
  readonly low: number;
  readonly high: number;
  /** Noise is drawn from minus this to this. */
  readonly noise: number;
  /** Whether noise is drawn on the way. */
  readonly draws: boolean;
  /** [steps] */
  readonly timesteps: ArrayLike<number>;
  /** [steps + 1]; 1 at the last. */
  readonly alphasBar: ArrayLike<number>;
  /** [steps + 1]; infinite at the last. */
  readonly signalToNoise: ArrayLike<number>;
}

export function readDiffusion({ value, arrays }: Answer): Diffusion {
  return {
    ...(value as unknown as Diffusion),
    timesteps: arrays.timesteps?.data ?? [],
    alphasBar: arrays.alphas_bar?.data ?? [],
    signalToNoise: arrays.signal_to_noise?.data ?? [],
  };
}

/** "DDPM, ancestral", "DDIM, deterministic", "DDIM, η = 0.5". */
export function samplerWords({ sampler, eta }: Diffusion): string {
  if (sampler === "ddpm") return "DDPM, ancestral";
  return eta ? `DDIM, η = ${formatValue(eta, 2)}` : "DDIM, deterministic";
}

/** "t = 760", "image" at the last step. */
export function timeWords({ timesteps }: Diffusion, step: number): string {
  return step < timesteps.length ? `t = ${formatStep(timesteps[step] as number)}` : "image";
}

/** "step 12 of 50, t = 760, SNR 0.031". */
export function stepWords(diffusion: Diffusion, step: number, steps: number): string {
  const ratio = diffusion.signalToNoise[step] as number;
  const noise = step < steps ? `, SNR ${formatValue(ratio, 2)}` : ": no noise is left";
  return `step ${formatStep(step)} of ${formatStep(steps)}, ${timeWords(diffusion, step)}${noise}`;
}

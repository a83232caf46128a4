/** The forward process: real images noised to the t of a step by the closed form √ᾱ x₀ + √(1 − ᾱ) ε. */

import type { Answer } from "../../runtime/context.ts";
import type { Diffusion } from "./story.ts";

export interface Forward {
  readonly count: number;
  /** Height, width, channels. */
  readonly shape: readonly [number, number, number];
  /** [count, height, width, channels] */
  readonly images: ArrayLike<number>;
  readonly noise: ArrayLike<number>;
}

export function readForward({ arrays }: Answer): Forward | null {
  const { images, noise } = arrays;
  if (!images || !noise) return null;
  const [count = 0, ...shape] = images.shape;
  return { count, shape: shape as [number, number, number], images: images.data, noise: noise.data };
}

/** The pixels of the real images at a step: uint8 [count, height, width, channels]. */
export function noisedPixels({ images, noise }: Forward, diffusion: Diffusion, step: number): Uint8Array {
  const bar = diffusion.alphasBar[step] ?? 1;
  const [signal, spread] = [Math.sqrt(bar), Math.sqrt(1 - bar)];
  const { low, high } = diffusion;
  const pixels = new Uint8ClampedArray(images.length); // rounds and clips
  for (let at = 0; at < pixels.length; at++) {
    const value = signal * (images[at] as number) + spread * (noise[at] as number);
    pixels[at] = ((value - low) / (high - low)) * 255;
  }
  return new Uint8Array(pixels.buffer);
}

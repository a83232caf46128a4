/** A state that a hand makes of the one at a step of a branch: painted, taken from a memory, with units flipped at random. */

import type { Units } from "./network.ts";

export type Brush = "flip" | "on" | "off";

export interface Noise {
  /** Of the units, 0 to 0.5. */
  readonly share: number;
  readonly seed: number;
}

export interface Draft {
  readonly branch: number;
  readonly step: number;
  /** What is there without the draft. */
  readonly before: Units;
  /** What the hand made, before noise. */
  readonly made: Units;
  readonly noise: Noise;
  /** What it is, in words, for the branch. */
  readonly words: string;
}

export function newDraft(branch: number, step: number, before: Units, seed: number): Draft {
  return { branch, step, before, made: before.slice(), noise: { share: 0, seed }, words: "" };
}

/** The draft as it would run. */
export function draftUnits({ made, noise }: Draft): Units {
  const units = made.slice();
  for (const unit of flippedBy(noise, units.length)) units[unit] = -(units[unit] as number);
  return units;
}

/** The units of a share, at random: with the seed the same ones always, and those of a smaller share among them. */
export function flippedBy({ share, seed }: Noise, units: number): Uint32Array {
  const order = Uint32Array.from({ length: units }, (_, at) => at);
  const random = generator(seed);
  const count = Math.round(share * units);
  for (let at = 0; at < count; at++) {
    const other = at + Math.floor(random() * (units - at));
    [order[at], order[other]] = [order[other] as number, order[at] as number];
  }
  return order.subarray(0, count);
}

/** The draft with other units; the noise that was in it stays as if painted, and further noise begins from none. */
export function remade(draft: Draft, made: Units, words: string): Draft {
  return { ...draft, made, noise: { ...draft.noise, share: 0 }, words };
}

export function withNoise(draft: Draft, noise: Noise): Draft {
  return { ...draft, noise };
}

/** Paint the square of `size` around a unit; only what `painted` does not hold yet, so that a stroke flips a unit once. */
export function paint(
  units: Units,
  [height, width]: readonly [number, number],
  [row, column]: readonly [number, number],
  { brush, size }: { readonly brush: Brush; readonly size: number },
  painted: Set<number>,
): void {
  const reach = Math.floor((size - 1) / 2);
  for (let y = row - reach; y < row - reach + size; y++) {
    for (let x = column - reach; x < column - reach + size; x++) {
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const at = y * width + x;
      if (painted.has(at)) continue;
      painted.add(at);
      units[at] = brush === "flip" ? -(units[at] as number) : brush === "on" ? 1 : -1;
    }
  }
}

/** What was done to it, in words: the branch is called so. */
export function wordsOf({ noise, words }: Draft): string {
  const flips = noise.share ? `${Math.round(100 * noise.share)} % flipped (seed ${noise.seed})` : "";
  return [words, flips].filter(Boolean).join(", ");
}

export function changes({ before }: Draft, units: Units): number {
  return units.reduce((sum, unit, at) => sum + Number(unit !== before[at]), 0);
}

/** mulberry32: small, and the same in every browser. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

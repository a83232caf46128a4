/** A Hopfield network as the page knows it: what it stores, and how a state lies to its memories. */

import type { Answer } from "../../runtime/context.ts";

/** −1 and 1 for each unit, row by row of the picture. */
export type Units = Int8Array;

export interface Network {
  readonly units: number;
  readonly height: number;
  readonly width: number;
  readonly labels: readonly string[];
  readonly update: "asynchronous" | "synchronous";
  /** null where weights were given, and patterns are only compared with. */
  readonly storage: "hebbian" | "pseudo-inverse" | null;
  readonly steps: number;
  /** Whether a saved page holds what it needs to recall by itself. */
  readonly orders: boolean;
  readonly memories: readonly Units[];
}

export function readNetwork({ value, arrays }: Answer): Network {
  const told = value as unknown as Omit<Network, "memories">;
  const pixels = arrays.memories?.data as Uint8Array;
  const memories = told.labels.map((_, at) => unitsOf(pixels.subarray(at * told.units, (at + 1) * told.units)));
  return { ...told, memories };
}

/** The units of a picture: white is on. */
export function unitsOf(pixels: Uint8Array): Units {
  return Int8Array.from(pixels, (pixel) => (pixel > 127 ? 1 : -1));
}

export function pixelsOf(units: Units): Uint8Array {
  return Uint8Array.from(units, (unit) => (unit > 0 ? 255 : 0));
}

/** As it travels: 0 and 1 for each unit. */
export function textOf(units: Units): string {
  return Array.from(units, (unit) => (unit > 0 ? "1" : "0")).join("");
}

/** (equal − other units) / units with each memory. */
export function overlapsOf(units: Units, memories: readonly Units[]): Float32Array {
  return Float32Array.from(memories, (memory) => product(units, memory) / units.length);
}

export function product(one: Units, other: Units): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] as number) * (other[at] as number);
  return sum;
}

/** The memory most like the state, or most like its inverse, which has the same energy; −1 without any. */
export function nearest(overlaps: ArrayLike<number>): number {
  let found = -1;
  for (let at = 0; at < overlaps.length; at++) {
    if (found < 0 || Math.abs(overlaps[at] as number) > Math.abs(overlaps[found] as number)) found = at;
  }
  return found;
}

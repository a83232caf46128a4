/** What the page knows of a latent space, and latents as it asks for them. */

import { displayText } from "../../draw/text.ts";
import type { Answer, NdArray, SelectionClient } from "../../runtime/context.ts";

export interface Space {
  readonly label: string;
  readonly size: number;
  /** How many inputs have a place in it. */
  readonly count: number;
  readonly mean: ArrayLike<number>;
  readonly std: ArrayLike<number>;
  readonly labels: ArrayLike<number> | null;
  readonly classNames: readonly string[] | null;
  /** How many inputs come with their reconstructions in one answer. */
  readonly pairs: number;
  readonly notes: readonly string[];
}

export function readSpace({ value, arrays }: Answer): Space {
  return {
    label: String(value.label),
    size: Number(value.size),
    count: Number(value.count),
    mean: (arrays.mean as NdArray).data,
    std: (arrays.std as NdArray).data,
    labels: arrays.labels?.data ?? null,
    classNames: (value.classNames as string[] | null) ?? null,
    pairs: Number(value.pairs),
    notes: (value.notes as string[]) ?? [],
  };
}

/** A number of a latent as pages ask for it: six digits, as in the Python half, for requests are bounded. */
export function short(value: number): number {
  return Number(value.toPrecision(6));
}

/** The selected latent; the mean where none is selected, or one of another space. */
export function latentOf(space: Space, selection: SelectionClient): number[] {
  return selectedLatent(space, selection) ?? Array.from(space.mean, short);
}

/** The selected latent as it is asked for; null where there is none. */
export function selectedLatent(space: Space, selection: SelectionClient): number[] | null {
  const latent = selection.get("latent");
  return latent?.length === space.size ? latent.map(short) : null;
}

export function className({ classNames }: Space, label: number): string {
  return displayText(classNames?.[label] ?? `class ${label}`);
}

/** The classes that there are points of, in order. */
export function classesOf({ labels }: Space): number[] {
  return labels === null ? [] : [...new Set(Array.from(labels))].sort((a, b) => a - b);
}

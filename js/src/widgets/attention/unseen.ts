/** What could not be looked into, in as few words as tell it all: modules that share a reason share a line. */

import type { Overview } from "./overview.ts";

/** "layer.0…5.attention (6 modules): reason", a line for each reason. */
export function gathered(unseen: Overview["unseen"]): string[] {
  const paths = new Map<string, string[]>();
  for (const { path, reason } of unseen) paths.set(reason, [...(paths.get(reason) ?? []), path]);
  return [...paths].map(([reason, paths]) => `${together(paths)}: ${reason}`);
}

/** More names than this are told by the first and the last. */
const NAMED = 4;

function together(paths: readonly string[]): string {
  if (paths.length === 1) return paths[0] as string;
  const few = paths.length <= NAMED ? paths.join(", ") : `${paths[0]} … ${paths.at(-1)}`;
  return `${numbered(paths) ?? few} (${paths.length} modules)`;
}

/** Paths that differ in one number alone, which counts up from the first to the last, as one. */
function numbered([first = "", ...others]: readonly string[]): string | undefined {
  for (const { index, 0: number } of first.matchAll(/(?<![^.])\d+(?![^.])/g)) {
    const [before, after] = [first.slice(0, index), first.slice(index + number.length)];
    if (others.every((path, at) => path === `${before}${Number(number) + at + 1}${after}`))
      return `${before}${number}…${Number(number) + others.length}${after}`;
  }
  return undefined;
}

/** Where the selection points within a model: always a place that exists, whatever was selected for another layer. */

import type { SelectionClient } from "../../runtime/context.ts";
import type { Entry, Overview } from "./overview.ts";

export interface Place {
  readonly entry: Entry;
  /** Never empty; `head` is one of them. */
  readonly heads: readonly number[];
  readonly head: number;
  readonly sample: number;
  readonly step: number | null;
  readonly query: number | null;
  readonly key: number | null;
}

/** Null where the model has no attention that was seen. */
export function placeOf(overview: Overview, selection: SelectionClient): Place | null {
  const entry = overview.entries[selection.get("attention") ?? 0] ?? overview.entries[0];
  if (!entry) return null;
  const exists = (index: number | null, count: number) =>
    index !== null && index >= 0 && index < count ? index : null;
  const heads = selection.get("heads").filter((head) => exists(head, entry.heads) !== null);
  const head = exists(selection.get("head"), entry.heads) ?? heads.at(-1) ?? 0;
  return {
    entry,
    heads: heads.includes(head) ? heads : [head],
    head,
    sample: exists(selection.get("sample"), overview.samples) ?? 0,
    step: entry.steps === null ? null : Math.max(0, Math.min(selection.get("step") ?? 0, entry.steps - 1)),
    query: exists(selection.get("query"), entry.queries),
    key: exists(selection.get("key"), entry.keys),
  };
}

/** What every request about this place's matrices says. */
export function whereOf(place: Place): { attention: number; sample: number; step: number | null } {
  return { attention: place.entry.index, sample: place.sample, step: place.step };
}

/** The matrix as a word for maps of what is pending or stored. */
export function matrixKey(place: Place, head: number | "mean"): string {
  return [place.entry.index, place.sample, place.step, head].join("/");
}

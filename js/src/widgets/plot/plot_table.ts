/** A plot as a table: a row for each point in sight, for those who cannot or would rather not read lines. */

import { element } from "../../controls/dom.ts";
import { formatStep, formatValue } from "../../draw/number.ts";
import { displayText } from "../../draw/text.ts";
import type { Track } from "../../draw/track.ts";

/** Rows at most: a longer table is slower than it is useful. */
export const TABLE_ROWS = 200;

export interface TableSeries {
  readonly name: string;
  readonly track: Track;
}

export function plotTable(
  series: readonly TableSeries[],
  { from, to }: { readonly from: number; readonly to: number },
  names: { readonly x: string; readonly y: string },
  xOf: (place: number) => number,
): HTMLTableElement {
  const parts = series.map(({ name, track }) => {
    const first = track.first(from);
    let end = track.first(to);
    while (end < track.length && (track.x[end] as number) <= to) end += 1;
    return { name, track, first, end };
  });
  const all = parts.reduce((sum, { first, end }) => sum + end - first, 0);
  const every = Math.max(1, all / TABLE_ROWS);
  const rows = parts.flatMap(({ name, track, first, end }) =>
    Array.from({ length: Math.ceil((end - first) / every) }, (_, row) => {
      const at = first + Math.floor(row * every);
      const [x, y] = [xOf(track.x[at] as number), track.y[at] as number];
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, element("bdi", {}, displayText(name))),
        element("td", {}, formatStep(x)),
        element("td", {}, formatValue(y, 6)),
      );
    }),
  );
  const words = rows.length < all ? `${rows.length} of ${all} points in sight; zoom in for others` : `${all} points`;
  return element(
    "table",
    {},
    element("caption", {}, `${words}.`),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...["series", names.x, names.y].map((name) => element("th", { scope: "col" }, displayText(name))),
      ),
    ),
    element("tbody", {}, ...rows),
  );
}

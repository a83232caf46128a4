/** The charts as a table: the values in sight as numbers, for those who cannot or would rather not read lines. */

import { element } from "../../controls/dom.ts";
import { formatValue } from "../../draw/number.ts";
import { displayText } from "../../draw/text.ts";
import type { ChartSpec } from "./chart_panel.ts";
import type { Tracks } from "./tracks.ts";
import type { XAxis } from "./x_axis.ts";

/** Rows at most: a longer table is slower than it is useful. */
export const TABLE_ROWS = 50;

export function chartTable(
  charts: readonly ChartSpec[],
  tracks: Tracks,
  axis: XAxis,
  { from, to }: { readonly from: number; readonly to: number },
): HTMLTableElement {
  const lines = charts.flatMap(({ title, lines }) =>
    lines.map((line) => ({ title, ...line, track: tracks.of(line.series, axis) })),
  );
  const places = new Set<number>();
  for (const { track } of lines) {
    const [first, end] = [track.first(from), track.first(to)];
    const last = track.x[end] === to ? end : end - 1;
    // Of long lines as many points as there are rows; where that is too many together, they are thinned again below.
    const step = Math.max(1, (last - first) / (TABLE_ROWS - 1));
    for (let at = first; at <= last; at += step) places.add(track.x[Math.round(at)] as number);
    if (last > first) places.add(track.x[last] as number);
  }
  const sorted = [...places].sort((a, b) => a - b);
  const every = Math.max(1, (sorted.length - 1) / (TABLE_ROWS - 1));
  const rows = Array.from(
    { length: Math.min(sorted.length, TABLE_ROWS) },
    (_, row) => sorted[Math.round(row * every)] as number,
  );
  const thinned =
    sorted.length > rows.length || lines.some(({ track }) => track.first(to) - track.first(from) > rows.length);
  const cell = ({ track }: (typeof lines)[number], x: number, row: number) => {
    const at = track.nearest(x);
    const room = Math.min(x - (rows[row - 1] ?? x), (rows[row + 1] ?? x) - x) / 2;
    const near = at >= 0 && Math.abs((track.x[at] as number) - x) <= room;
    return element("td", {}, near ? formatValue(track.y[at] as number) : "");
  };
  const name = (title: string, label: string) => displayText(title === label ? title : `${title}, ${label}`);
  return element(
    "table",
    {},
    element(
      "caption",
      {},
      `${axis.words(from)} to ${axis.words(to)}${thinned ? `: ${rows.length} rows of more; zoom in the charts for others` : ""}.`,
    ),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col" }, axis.kind),
        ...lines.map(({ title, label }) =>
          element("th", { scope: "col", title: name(title, label) }, element("bdi", {}, name(title, label))),
        ),
      ),
    ),
    element(
      "tbody",
      {},
      ...rows.map((x, row) =>
        element("tr", {}, element("th", { scope: "row" }, axis.words(x)), ...lines.map((line) => cell(line, x, row))),
      ),
    ),
  );
}

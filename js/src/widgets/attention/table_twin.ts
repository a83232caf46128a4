/** The map as a table: the weights in sight as numbers, for those who cannot or would rather not read colours. */

import { element } from "../../controls/dom.ts";
import { numbered } from "../../controls/token_column.ts";
import type { View } from "../../draw/heatmap.ts";
import { formatRounded, formatWeight } from "../../draw/scale.ts";
import { displayToken } from "../../draw/text.ts";
import { type Exact, exactWeight, type Part } from "./exact.ts";
import type { MapSubject } from "./map_matrix.ts";
import type { Picked } from "./map_picture.ts";
import type { ShownTokens } from "./tokens.ts";

/** Rows and columns at most: a larger table is slower than it is useful. */
export const TABLE_SIDE = 50;

/** The part of a view that the table shows. */
export function tableView(view: View): View {
  const [left, top] = [Math.floor(view.left), Math.floor(view.top)];
  return {
    left,
    top,
    right: Math.min(left + TABLE_SIDE, Math.ceil(view.right)),
    bottom: Math.min(top + TABLE_SIDE, Math.ceil(view.bottom)),
  };
}

/** The weights that the table is about: between the hidden ones they may be more than it shows. */
export function tablePart({ head, query, key }: MapSubject, view: View): Part {
  const { left, top, right, bottom } = tableView(view);
  const span = (tokens: ShownTokens, from: number, to: number) => {
    const indices = tokens.indices.subarray(from, to);
    return [indices[0] as number, (indices.at(-1) as number) + 1] as const;
  };
  return { head, queries: span(query, top, bottom), keys: span(key, left, right) };
}

/** The table, with rounded weights as long as the exact ones have not come. */
export function tableTwin(subject: MapSubject, view: View, picked: Picked, exact: Exact | undefined): HTMLTableElement {
  const { matrix, query, key } = subject;
  const part = tableView(view);
  const rows = range(part.top, Math.min(part.bottom, matrix.rows));
  const columns = range(part.left, Math.min(part.right, matrix.columns));
  const text = (row: number, column: number) => {
    const known = exact && exactWeight(exact, query.indices[row] as number, key.indices[column] as number);
    if (known !== undefined) return formatWeight(known);
    const sent = matrix.value(row, column);
    return sent === undefined ? "…" : formatRounded(sent);
  };
  const all = rows.length === matrix.rows && columns.length === matrix.columns;
  const where = `queries ${span(query, rows)} (rows) × keys ${span(key, columns)} (columns)`;
  const rest = all ? "" : `, of ${matrix.rows} × ${matrix.columns}; zoom and move in the picture for others`;
  return element(
    "table",
    {},
    element("caption", {}, `Attention weights${exact ? "" : " (≈ rounded)"}: ${where}${rest}.`),
    element(
      "thead",
      {},
      element("tr", {}, element("td", {}, "query \\ key"), ...columns.map((column) => header("col", key, column))),
    ),
    element(
      "tbody",
      {},
      ...rows.map((row) =>
        element(
          "tr",
          {},
          header("row", query, row),
          ...columns.map((column) => {
            const both = row === picked.row && column === picked.column;
            return element("td", { class: both ? "nnw-picked" : null }, text(row, column));
          }),
        ),
      ),
    ),
  );
}

function header(scope: "row" | "col", tokens: ShownTokens, at: number): HTMLElement {
  const title = numbered(tokens.indices[at] as number, tokens.text(at));
  return element("th", { scope, title }, element("bdi", {}, displayToken(tokens.text(at))));
}

function span(tokens: ShownTokens, rows: readonly number[]): string {
  return `${tokens.indices[rows[0] as number]} to ${tokens.indices[rows.at(-1) as number]}`;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

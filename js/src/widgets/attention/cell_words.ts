/** A cell of the map in words: its two tokens, the head, and the weight, exact where it is known. */

import { element, quoted } from "../../controls/dom.ts";
import { formatRounded, formatWeight } from "../../draw/scale.ts";
import { displayToken } from "../../draw/text.ts";
import type { Cell } from "./map_layout.ts";
import type { MapSubject } from "./map_matrix.ts";

/** "≈0.41" as it was sent, "0.4132" when exact, "…" while neither is here. */
export function weightWords(subject: MapSubject, { row, column }: Cell, exact: number | undefined): string {
  if (exact !== undefined) return formatWeight(exact);
  const sent = subject.matrix.value(row, column);
  return sent === undefined ? "…" : formatRounded(sent);
}

/** For the tip and the panel. */
export function cellWords(subject: MapSubject, cell: Cell, exact: number | undefined): Node[] {
  const { query, key } = subject;
  const token = (name: string, tokens: MapSubject["query"], at: number) =>
    element(
      "div",
      {},
      element("span", { class: "nnw-faint" }, `${name} ${tokens.indices[at]} `),
      tokens.named(at) ? quoted(displayToken(tokens.text(at))) : null,
    );
  return [
    element("strong", { class: "nnw-weight" }, weightWords(subject, cell, exact)),
    token("query", query, cell.row),
    token("key", key, cell.column),
  ];
}

/** For a screen reader, short: it is said at every step of the cursor. */
export function spokenWords(subject: MapSubject, cell: Cell, exact: number | undefined): string {
  const { query, key } = subject;
  const [from, to] = [displayToken(query.text(cell.row)), displayToken(key.text(cell.column))];
  const where = `Query ${query.indices[cell.row]}, key ${key.indices[cell.column]}.`;
  const weight = weightWords(subject, cell, exact);
  if (!query.named(cell.row) && !key.named(cell.column)) return `${weight}. ${where}`;
  return `${from} to ${to}: ${weight}. ${where}`;
}

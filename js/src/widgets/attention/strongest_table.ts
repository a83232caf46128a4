/** A table of the strongest weights: what the lines say, in numbers, and the twin of the picture for screen readers. */

import { element, quoted } from "../../controls/dom.ts";
import { headColor, inkOn } from "../../draw/palette.ts";
import { formatWeight, shortWeight } from "../../draw/scale.ts";
import { displayToken } from "../../draw/text.ts";
import { type HeadsScene, isExact, type Strongest, weightAt } from "./heads_scene.ts";

/** More heads than this would not fit beside the tokens. */
const TABLE_HEADS = 3;

/** Of a focused token: a column for each head. Of all tokens: a column with the head whose weight it is. */
export function strongestTable(scene: HeadsScene, pairs: readonly Strongest[]): HTMLElement {
  const { focus } = scene;
  const slots = focus ? [...scene.heads.keys()].slice(0, TABLE_HEADS) : [];
  const left = focus ? scene.heads.length - slots.length : 0;
  const sides = (["query", "key"] as const).filter((side) => side !== focus?.side);
  const head = element(
    "tr",
    {},
    ...sides.map((side) => element("th", { scope: "col" }, side === "query" ? "Query" : "Key")),
    ...slots.map((slot) =>
      element("th", { scope: "col", "aria-label": `Head ${scene.heads[slot]}` }, swatch(scene, slot)),
    ),
    ...(focus ? [] : [element("th", { scope: "col", class: "nnw-head-column" }, "Head")]),
    ...(focus ? [] : [element("th", { scope: "col", class: "nnw-weight-column" }, "Weight")]),
  );
  const rows = pairs.map((pair) =>
    element(
      "tr",
      {},
      ...sides.map((side) => tokenCell(scene, side, pair[side])),
      ...slots.map((slot) => weightCell(scene, slot, pair)),
      ...(focus ? [] : [element("th", {}, swatch(scene, pair.slot)), weightCell(scene, pair.slot, pair)]),
    ),
  );
  return element(
    "table",
    { class: "nnw-strongest" },
    element(
      "caption",
      {},
      ...caption(scene),
      left > 0 ? ` (${left} more ${left > 1 ? "heads" : "head"} not listed)` : null,
    ),
    element("thead", {}, head),
    element("tbody", {}, ...rows),
  );
}

function caption({ focus, ...scene }: HeadsScene): Node[] {
  if (!focus) return [document.createTextNode(`Strongest attention${inSight(scene)}${leftOut(scene)}`)];
  const name = quoted(displayToken(scene[focus.side].text(focus.row)));
  const index = scene[focus.side].named(focus.row) ? ` (${scene[focus.side].indices[focus.row]})` : "";
  return focus.side === "query"
    ? [name, document.createTextNode(`${index} attends to`)]
    : [name, document.createTextNode(`${index} is attended to by${scene.whole ? "" : ","}${inSight(scene)}`)];
}

function inSight({ whole }: Pick<HeadsScene, "whole">): string {
  return whole ? "" : " of the queries in sight";
}

/** What the ranking leaves out although it is drawn. */
function leftOut({ query, key }: Pick<HeadsScene, "query" | "key">): string {
  const any = (tokens: HeadsScene["query"], out: (row: number) => boolean) => tokens.indices.some((_, row) => out(row));
  if (any(query, query.faint) || any(key, key.faint)) return ", without special tokens";
  return any(query, query.padding) ? ", without padding" : "";
}

function swatch(scene: HeadsScene, slot: number): HTMLElement {
  const head = scene.heads[slot] as number;
  const made = element("span", { class: "nnw-swatch" }, String(head));
  made.style.background = headColor(head);
  made.style.color = inkOn(headColor(head));
  return made;
}

function tokenCell(scene: HeadsScene, side: "query" | "key", row: number): HTMLElement {
  const index = scene[side].named(row) ? element("small", {}, String(scene[side].indices[row])) : null;
  return element(
    "th",
    { scope: "row" },
    element("span", { class: "nnw-ranked" }, quoted(displayToken(scene[side].text(row))), index),
  );
}

function aboutShort(weight: number): string {
  const short = shortWeight(weight);
  return weight > 0 && !short.startsWith("<") ? `≈${short}` : short;
}

function weightCell(scene: HeadsScene, slot: number, pair: Strongest): HTMLElement {
  const weight = weightAt(scene, slot, pair.query, pair.key);
  const exact = isExact(scene, slot, pair.query, pair.key);
  const text = weight === undefined ? "…" : exact ? formatWeight(weight) : aboutShort(weight);
  const cell = element("td", {}, text);
  cell.style.setProperty("--part", `${100 * Math.min(1, (weight || 0) / scene.full)}%`);
  cell.style.setProperty("--fill", headColor(scene.heads[slot] as number));
  return cell;
}

/** The picture of the heads widget: two columns of tokens, the lines between them, and weights beside the other column. */

import { element, setAttribute, setText } from "../../controls/dom.ts";
import { createTokenColumn, type TokenColumn, type TokenColumnEvents } from "../../controls/token_column.ts";
import { type Context2D, fitCanvas } from "../../draw/canvas.ts";
import { paintLinks } from "../../draw/links.ts";
import { headColor } from "../../draw/palette.ts";
import { formatWeight } from "../../draw/scale.ts";
import { paintWeightCells } from "../../draw/weight_cells.ts";
import type { Theme } from "../../runtime/context.ts";
import { columnOffset, type HeadsScene, linksInSight, rowsInSight, type Side, type Sight } from "./heads_scene.ts";
import { memo } from "./memo.ts";
import { widestToken } from "./token_width.ts";
import type { Columns, ShownTokens } from "./tokens.ts";

export interface Room {
  readonly width: number;
  readonly height: number;
  /** The family of the tokens' font. */
  readonly font: string;
}

export interface HeadsPicture {
  /** Makes room for these tokens and heads, and says what is in sight then. */
  fit(columns: Columns, heads: number, room: Room): Sight;
  paint(scene: HeadsScene, theme: Theme): void;
  /** Scrolls so that a row of a column is in sight. */
  reveal(side: Side, row: number): void;
  focus(side: Side): void;
}

const HEADER = 24;

export function createHeadsPicture(
  host: HTMLElement,
  events: Record<Side, TokenColumnEvents>,
  onScroll: () => void,
  signal: AbortSignal,
): HeadsPicture {
  const columns: Record<Side, TokenColumn> = {
    query: createTokenColumn("Query tokens, attending from", "left", events.query, signal),
    key: createTokenColumn("Key tokens, attending to", "right", events.key, signal),
  };
  const lines = element("canvas", { role: "img" });
  const cells = {
    query: element("canvas", { "aria-hidden": "true" }),
    key: element("canvas", { "aria-hidden": "true" }),
  };
  const legend = element("div", { class: "nnw-legend" });
  const header = element(
    "div",
    { class: "nnw-heads-header" },
    element("div", { class: "nnw-column-name nnw-left" }, element("b", {}, "Query"), " attending from"),
    element("div", {}),
    element("div", { class: "nnw-column-name nnw-right" }, element("b", {}, "Key"), " attending to"),
    legend,
  );
  const stage = element(
    "div",
    { class: "nnw-heads-stage" },
    columns.query.element,
    element("div", { class: "nnw-lines" }, lines, cells.query),
    columns.key.element,
    cells.key,
  );
  const spacer = element("div", { class: "nnw-heads-spacer" });
  const scroller = element("div", { class: "nnw-heads-scroller", tabindex: -1 }, stage, spacer);
  const remark = element("p", { class: "nnw-remark", "aria-live": "polite" });
  host.append(header, scroller, remark);
  const scrolled = () => {
    scroll = scroller.scrollTop;
    onScroll();
  };
  scroller.addEventListener("scroll", scrolled, { signal });
  const paintLines = createLinesPainter(lines, (words) => setText(remark, words));
  let layout: HeadsLayout = headsLayout(1, 1, { query: 0, key: 0 }, 600, 400);
  let last: HeadsScene | null = null;
  let [fitted, scroll] = ["", 0];
  const nameWidths = memo((query: ShownTokens, key: ShownTokens, font: string) => ({
    query: widestToken(query, font, WIDEST_NAME),
    key: widestToken(key, font, WIDEST_NAME),
  }));

  /** Reading sizes back makes the browser lay out: done when something changed, not for every picture. */
  const settle = (rows: number, heads: number, names: Record<Side, number>, { width, height }: Room) => {
    const total = (candidate: HeadsLayout) => Math.max(1, rows) * candidate.rowHeight;
    layout = headsLayout(rows, heads, names, width, height - HEADER);
    const scrolls = total(layout) > layout.height;
    scroller.style.height = `${layout.height}px`;
    spacer.style.height = `${Math.max(0, total(layout) - layout.height)}px`;
    scroller.style.overflowY = scrolls ? "scroll" : "hidden";
    // The scroll bar stands right of the picture, not over it.
    const bar = scrolls ? scroller.offsetWidth - scroller.clientWidth : 0;
    if (bar) layout = headsLayout(rows, heads, names, width - bar, height - HEADER);
    const { cells: weights, query, key, lines: middle } = layout;
    host.style.setProperty("--columns", `${query}px ${middle}px ${key}px ${weights}px`);
    host.style.setProperty("--row-font", `${Math.min(LARGEST_NAME, Math.max(9, layout.rowHeight - 6))}px`);
    host.style.width = `${query + middle + key + weights + bar}px`;
    scroll = scroller.scrollTop;
  };

  return {
    fit({ query, key }, heads, room) {
      const rows = Math.max(query.indices.length, key.indices.length);
      const names = nameWidths(query, key, `600 ${LARGEST_NAME}px ${room.font}`);
      const asked = [rows, heads, names.query, names.key, room.width, room.height].join(" ");
      if (asked !== fitted) {
        fitted = asked;
        settle(rows, heads, names, room);
      }
      return { rowHeight: layout.rowHeight, height: layout.height, scroll };
    },
    paint(scene, theme) {
      last = scene;
      paintLines(scene, layout.lines, scene.beside("query") ? layout.cells : 0, theme.dark);
      for (const side of ["query", "key"] as const) {
        showColumn(columns[side], scene, side);
        paintCells(cells[side], scene, side, layout.cells, theme);
      }
      const beside = scene.beside("key");
      setText(legend, beside?.name ?? "");
      legend.title = beside?.title ?? "";
    },
    reveal(side, row) {
      if (!last) return;
      const { rowHeight, height } = last;
      const hidden = (column: Side) => (last as HeadsScene)[column].indices.length * rowHeight - height;
      const offset = columnOffset(last, side);
      const [top, bottom] = [row * rowHeight, (row + 1) * rowHeight];
      const to = top < offset ? top : bottom > offset + height ? bottom - height : offset;
      if (to === offset) return;
      scroller.scrollTop = (to / hidden(side)) * Math.max(hidden("query"), hidden("key"));
      scroll = scroller.scrollTop;
    },
    focus(side) {
      columns[side].element.focus({ preventScroll: true });
    },
  };
}

interface HeadsLayout {
  readonly rowHeight: number;
  readonly height: number;
  /** The columns of names, the lines between them, and the weights beside the keys. */
  readonly query: number;
  readonly lines: number;
  readonly key: number;
  readonly cells: number;
}

/** Lines that are longer are no easier to follow. */
const LONGEST_LINES = 520;
const WIDEST_NAME = 180;
const LARGEST_NAME = 13;
const PADDING = 18;

/** A column of weights with numbers in it, and the least room for the name above them. */
const CELL = 46;
const LEGEND = 56;

/** Shares the width out: the lines get what names and weights leave, and never less than the eye needs. */
export function headsLayout(
  rows: number,
  heads: number,
  names: Record<Side, number>,
  width: number,
  height: number,
): HeadsLayout {
  const count = Math.max(1, rows);
  const rowHeight = Math.min(26, Math.max(18, Math.floor(height / count)));
  const cells = Math.round(Math.max(LEGEND, Math.min(CELL * heads, width * 0.22)));
  const name = (side: Side) => Math.round(Math.min(Math.max(36, names[side]) + PADDING, Math.max(84, width * 0.24)));
  const [query, key] = [name("query"), name("key")];
  const lines = Math.min(LONGEST_LINES, Math.max(80, width - query - key - cells));
  return {
    rowHeight,
    height: rowHeight * Math.min(count, Math.max(4, Math.floor(height / rowHeight))),
    query,
    lines,
    key,
    cells,
  };
}

function showColumn(column: TokenColumn, scene: HeadsScene, side: Side): void {
  const tokens = scene[side];
  column.show({
    count: tokens.indices.length,
    row: (at) => ({ index: tokens.indices[at] as number, text: tokens.text(at), faint: tokens.faint(at) }),
    rowHeight: scene.rowHeight,
    offset: columnOffset(scene, side),
    height: scene.height,
    picked: scene.picked[side],
    focused: scene.focus?.side === side ? scene.focus.row : null,
  });
}

/** How far all lines stand back behind those of the focused token. */
const FADED = 0.12;

/**
 * Keeps all lines in a layer of their own, so that hovering redraws only the lines of one token. Lines begin at `inset`,
 * where weights stand beside the queries.
 */
function createLinesPainter(canvas: HTMLCanvasElement, remark: (words: string) => void) {
  const layer = document.createElement("canvas");
  let [painted, count, missing] = ["", 0, false];
  let weights: HeadsScene["weights"] = [];
  let tokens: unknown[] = [];

  const keyOf = ({ heads, threshold, full, scroll, rowHeight }: HeadsScene, ...size: unknown[]) =>
    [heads, threshold, full, scroll, rowHeight, ...size, devicePixelRatio].join(" ");

  const isPainted = (scene: HeadsScene, width: number, height: number, dark: boolean) => {
    const sameTokens = tokens[0] === scene.query && tokens[1] === scene.key;
    const unchanged = scene.whole && sameTokens && scene.weights.every((head, slot) => head === weights[slot]);
    return unchanged && painted === keyOf(scene, width, height, dark);
  };

  const paintLayer = (scene: HeadsScene, width: number, height: number, dark: boolean) => {
    if (isPainted(scene, width, height, dark)) return;
    painted = keyOf(scene, width, height, dark);
    [weights, tokens] = [scene.weights, [scene.query, scene.key]];
    paintAll(fitCanvas(layer, width, height), scene, width, dark);
  };

  const paintAll = (context: Context2D, scene: HeadsScene, width: number, dark: boolean) => {
    [count, missing] = [0, false];
    for (const [slot, head] of scene.heads.entries()) {
      const found = linksInSight(scene, slot, false);
      count += found.links.length;
      missing ||= found.missing;
      paintLinks(context, found.links, { left: 0, right: width, color: headColor(head), dark });
    }
  };

  return (scene: HeadsScene, width: number, inset: number, dark: boolean) => {
    const { height } = scene;
    const context = fitCanvas(canvas, width, height);
    if (!scene.focus && inset === 0 && !isPainted(scene, width, height, dark)) {
      // New lines come with a picture that somebody waits for: straight onto it, the layer once it is needed.
      painted = "";
      paintAll(context, scene, width, dark);
    } else {
      paintLayer(scene, width, height, dark);
      context.save();
      context.beginPath();
      context.rect(inset, 0, width, height);
      context.clip();
      context.globalAlpha = scene.focus ? FADED : 1;
      context.drawImage(layer, 0, 0, width, height);
      context.restore();
    }
    let focused = 0;
    for (const [slot, head] of scene.heads.entries()) {
      const { links } = linksInSight(scene, slot, true);
      focused += links.length;
      paintLinks(context, links, { left: inset, right: width, color: headColor(head), dark });
    }
    const heads = `${scene.heads.length > 1 ? "heads" : "head"} ${[...scene.heads].sort((a, b) => a - b).join(", ")}`;
    const drawn = scene.focus ? focused : count;
    setAttribute(canvas, "aria-label", `Attention from query to key tokens, ${heads}: ${drawn} lines`);
    const here = scene.weights.every((head) => head !== undefined);
    const none = here && drawn === 0 ? `No weight in sight reaches ${formatWeight(scene.threshold, 3)}.` : "";
    remark(missing ? "Some weights are NaN: they have no lines." : none);
  };
}

/** What stands right of a column: the weights of the other column's focused token, or at the keys what each receives. */
function paintCells(canvas: HTMLCanvasElement, scene: HeadsScene, side: Side, width: number, theme: Theme): void {
  const columns = scene.beside(side);
  canvas.hidden = columns === null;
  if (!columns) return;
  const context = fitCanvas(canvas, width, scene.height);
  const [first, last] = rowsInSight(scene, side);
  const offset = columnOffset(scene, side);
  const top = (row: number) => row * scene.rowHeight - offset;
  const look = { text: theme.text, faint: theme.faint, font: `${Math.min(11, scene.rowHeight - 6)}px ${theme.font}` };
  const values = scene.heads.map((head, slot) => ({
    color: headColor(head),
    value: (row: number) => columns.value(slot, row),
  }));
  const rows = { first, last, top, height: scene.rowHeight };
  paintWeightCells(context, values, rows, width, columns.full, look);
}

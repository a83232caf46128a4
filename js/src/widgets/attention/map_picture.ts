/** Paints the map: the heatmap with its axes and colour bar, and, on a layer above, what is looked at and picked. */

import { LINE, paintColumnLabels, paintRowLabels, SLANT } from "../../draw/axis.ts";
import { type Context2D, fitCanvas, pixelRatio, type Rect } from "../../draw/canvas.ts";
import { paintColorBar } from "../../draw/colorbar.ts";
import { type HeatmapPiece, paintHeatmap, type View } from "../../draw/heatmap.ts";
import { type ColorMap, colorTable, css, inkOn, pixel } from "../../draw/palette.ts";
import { colorIndex, magnitudeScale, type Scale, type ScaleKind, shortWeight } from "../../draw/scale.ts";
import { displayToken } from "../../draw/text.ts";
import type { Theme } from "../../runtime/context.ts";
import { type MapLayout, mapLayout, rectOf } from "./map_layout.ts";
import type { MapSubject } from "./map_matrix.ts";
import { widestToken } from "./token_width.ts";
import type { ShownTokens } from "./tokens.ts";

export interface MapLook {
  readonly colorMap: ColorMap;
  readonly scale: ScaleKind;
  readonly reduce: "max" | "mean";
  readonly theme: Theme;
  readonly picked: Picked;
}

/** The row and the column that were picked. */
export interface Picked {
  readonly row: number | null;
  readonly column: number | null;
}

/** How much of a cell may be out of sight, in cells, before it has no number. */
const CUT = 0.02;

/** Names shrink to this size, in pixels, before some are left out. */
const SMALLEST = 9;

/** Longer names are cut: more room than this is not made for them. */
const LONGEST = 200;

/** The layout for a subject: measured from its tokens, so that it stands still while the reader zooms. */
export function layoutOf(subject: MapSubject, theme: Theme, width: number, height: number): MapLayout {
  const fontSize = Math.min(theme.fontSize, 12);
  const font = `${fontSize}px ${theme.font}`;
  const widest = (tokens: ShownTokens) => {
    const count = tokens.indices.length;
    // Where there are many, the index stands before the name.
    const digits = count > 60 ? `${count} `.length * fontSize * 0.6 : 0;
    return widestToken(tokens, font, LONGEST) + digits;
  };
  const labels = { rows: widest(subject.query), columns: widest(subject.key), fontSize };
  return mapLayout(subject.matrix, labels, width, height);
}

export interface Seen {
  /** Whether most weights in sight share the darkest colours of a linear scale; reads them, so not before they are painted. */
  mostlySmall(): boolean;
}

export function paintMap(
  canvas: HTMLCanvasElement,
  subject: MapSubject,
  view: View,
  layout: MapLayout,
  look: MapLook,
): Seen {
  const { plot } = layout;
  const { theme } = look;
  const { left, right, top, bottom } = view;
  const ratio = globalThis.devicePixelRatio || 1;
  const axes: unknown[] = [layout, theme, subject.query, subject.key, left, right, top, bottom, ratio];
  axes.push(look.picked.row ?? -1, look.picked.column ?? -1);
  const stand = axesOn.get(canvas);
  // Another head of the same tokens has the same axes. Between device pixels a cleared edge would leave a trace.
  const kept = Number.isInteger(ratio) && axes.every((value, at) => value === stand?.[at]);
  const context = fitCanvas(canvas, layout.width, layout.height, kept ? changing(layout) : undefined);
  axesOn.set(canvas, axes);
  const table = colorTable(look.colorMap);
  const cell = { width: plot.width / (view.right - view.left), height: plot.height / (view.bottom - view.top) };
  const pieces = subject.matrix.pieces(view, Math.min(cell.width, cell.height) * pixelRatio(context));
  const scale = magnitudeScale(look.scale, subject.matrix.maximum());
  const missing = theme.dark
    ? ([pixel(60, 60, 66), pixel(120, 70, 70)] as const)
    : ([pixel(225, 225, 225), pixel(200, 120, 120)] as const);
  for (const piece of pieces) paintHeatmap(context, piece, view, plot, { scale, table, missing, reduce: look.reduce });
  paintVeils(context, subject, view, layout, theme);
  if (cell.width >= 34 && cell.height >= 17) paintNumbers(context, subject, view, layout, scale, table, theme);
  context.strokeStyle = theme.border;
  context.lineWidth = 1;
  context.strokeRect(plot.x - 0.5, plot.y - 0.5, plot.width + 1, plot.height + 1);
  if (!kept) paintAxes(context, subject, view, layout, look);
  const font = `${Math.min(11, theme.fontSize)}px ${theme.font}`;
  paintColorBar(context, scale, "attention weight", layout.bar, {
    table,
    text: theme.text,
    border: theme.border,
    font,
    clipped: subject.matrix.clipped(),
  });
  return { mostlySmall: () => scale.kind === "linear" && mostlySmall(pieces, view, subject, scale) };
}

/** What the axes on a canvas were painted from. */
const axesOn = new WeakMap<HTMLCanvasElement, readonly unknown[]>();

/** The plot with its border, and the colour bar with its numbers: no axis reaches into them. */
function changing({ plot, bar, width }: MapLayout): Rect[] {
  return [
    { x: plot.x - 1, y: plot.y - 1, width: plot.width + 2, height: plot.height + 2 },
    { x: bar.x - 1, y: 0, width: width - bar.x + 1, height: bar.y + bar.height + 8 },
  ];
}

/** Places of a view, along a side, that are looked at to say what it shows. */
const SAMPLED = 48;
const SMALL = { place: 0.05, share: 0.9, least: 64 };

/** Whether the scale's darkest colours show nearly all weights; zeros, which no scale brings out, do not count. */
export function mostlySmall(
  pieces: readonly HeatmapPiece[],
  view: View,
  { matrix, query, key }: Pick<MapSubject, "matrix" | "query" | "key">,
  scale: Scale,
): boolean {
  const places = (low: number, high: number, count: number) => {
    const [first, last] = [Math.ceil(low), Math.min(Math.floor(high), count)];
    const step = Math.max(1, (last - first) / SAMPLED);
    return Array.from({ length: Math.floor((last - first) / step) }, (_, i) => first + Math.floor(i * step));
  };
  const columns = places(view.left, view.right, matrix.columns).filter((column) => !key.faint(column));
  let [all, small] = [0, 0];
  for (const row of places(view.top, view.bottom, matrix.rows)) {
    if (query.faint(row)) continue;
    for (const column of columns) {
      const place = scale.at(pieces.reduce((last, piece) => valueIn(piece, row, column) ?? last, 0));
      if (!(place > 0)) continue;
      all += 1;
      if (place < SMALL.place) small += 1;
    }
  }
  return all >= SMALL.least && small > SMALL.share * all;
}

function valueIn({ values, rows, columns, top, left, span }: HeatmapPiece, row: number, column: number) {
  const [down, across] = [Math.floor((row - top) / span), Math.floor((column - left) / span)];
  return down >= 0 && across >= 0 && down < rows && across < columns ? values[down * columns + across] : undefined;
}

/** Special tokens and padding stand back, row by row and column by column; once where a row and a column cross. */
function paintVeils(
  context: Context2D,
  { query, key, veil }: MapSubject,
  view: View,
  layout: MapLayout,
  theme: Theme,
): void {
  const { plot } = layout;
  context.save();
  context.beginPath();
  context.rect(plot.x, plot.y, plot.width, plot.height);
  context.clip();
  context.beginPath();
  for (const { first, count } of faintRuns(query, view.top, view.bottom)) {
    const { y, height } = rectOf(layout, view, { row: first, column: 0 });
    context.rect(plot.x, y, plot.width, height * count);
  }
  for (const { first, count } of faintRuns(key, view.left, view.right)) {
    const { x, width } = rectOf(layout, view, { row: 0, column: first });
    context.rect(x, plot.y, width * count, plot.height);
  }
  context.globalAlpha = veil;
  context.fillStyle = theme.surface;
  context.fill();
  context.restore();
}

/** Neighbours that stand back together. */
function faintRuns(tokens: ShownTokens, low: number, high: number): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = [];
  for (let at = Math.floor(low); at < Math.min(high, tokens.indices.length); at++) {
    if (!tokens.faint(at)) continue;
    const last = runs.at(-1);
    if (last && last.first + last.count === at) last.count += 1;
    else runs.push({ first: at, count: 1 });
  }
  return runs;
}

/** Where cells are large enough, their weights are written into them; not where the edge cuts them. */
function paintNumbers(
  context: Context2D,
  { matrix, query, key }: MapSubject,
  view: View,
  layout: MapLayout,
  scale: Scale,
  table: Uint32Array,
  theme: Theme,
): void {
  const { plot } = layout;
  context.save();
  context.beginPath();
  context.rect(plot.x, plot.y, plot.width, plot.height);
  context.clip();
  context.font = `${Math.min(12, theme.fontSize)}px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const [first, last] = [Math.ceil(view.top - CUT), Math.min(Math.floor(view.bottom + CUT), matrix.rows)];
  const [left, right] = [Math.ceil(view.left - CUT), Math.min(Math.floor(view.right + CUT), matrix.columns)];
  for (let row = first; row < last; row++) {
    for (let column = left; column < right; column++) {
      const value = matrix.value(row, column);
      if (value === undefined) continue;
      const { x, y, width, height } = rectOf(layout, view, { row, column });
      const index = colorIndex(scale, value);
      const veiled = query.faint(row) || key.faint(column) || index < 0;
      context.fillStyle = veiled ? theme.text : inkOn(css(table[index] as number));
      context.fillText(shortWeight(value), x + width / 2, y + height / 2 + 0.5);
    }
  }
  context.restore();
}

function paintAxes(
  context: Context2D,
  subject: MapSubject,
  view: View,
  layout: MapLayout,
  { theme, picked }: MapLook,
): void {
  const { plot } = layout;
  const side = (tokens: ShownTokens, low: number, high: number, pixels: number, mark: number | null, room: number) => {
    const cell = (pixels / (high - low)) * room;
    const fontSize = Math.min(layout.fontSize, Math.max(SMALLEST, Math.floor(cell * 0.85)));
    const sparse = cell < fontSize * LINE;
    const text = (row: number) => displayToken(tokens.text(row));
    return {
      low,
      high,
      marked: mark === null ? [] : [mark],
      fontSize,
      labels: {
        count: tokens.indices.length,
        // Where most names are left out, the index says where one is.
        text: (row: number) => (sparse && tokens.named(row) ? `${tokens.indices[row]} ${text(row)}` : text(row)),
        faint: (row: number) => tokens.faint(row),
      },
    };
  };
  const look = { text: theme.text, faint: theme.faint, accent: theme.accent, border: theme.border };
  const rows = side(subject.query, view.top, view.bottom, plot.height, picked.row, 1);
  const upright = layout.slant === "flat" ? 1 : Math.sin(SLANT);
  const columns = side(subject.key, view.left, view.right, plot.width, picked.column, upright);
  const font = (fontSize: number) => ({ ...look, fontSize, font: `${fontSize}px ${theme.font}` });
  paintRowLabels(context, rows, plot, layout.rowLabels, font(rows.fontSize));
  paintColumnLabels(context, columns, plot, layout.columnLabels, layout.slant, font(columns.fontSize));
  context.save();
  context.fillStyle = theme.text;
  context.textAlign = "center";
  context.textBaseline = "middle";
  title(context, "Key", "attending to", plot.x + plot.width / 2, layout.height - 8, theme);
  context.translate(9, plot.y + plot.height / 2);
  context.rotate(-Math.PI / 2);
  title(context, "Query", "attending from", 0, 0, theme);
  context.restore();
}

function title(context: Context2D, name: string, what: string, x: number, y: number, theme: Theme): void {
  const fonts = { name: `600 ${theme.fontSize}px ${theme.font}`, what: `${theme.fontSize}px ${theme.font}` };
  context.font = fonts.name;
  const width = context.measureText(`${name} `).width;
  context.font = fonts.what;
  const start = x - (width + context.measureText(what).width) / 2;
  context.textAlign = "left";
  context.fillStyle = theme.faint;
  context.fillText(what, start + width, y);
  context.font = fonts.name;
  context.fillStyle = theme.text;
  context.fillText(name, start, y);
}

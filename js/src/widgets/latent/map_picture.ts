/** The picture of a latent map: what is decoded over the grid, axes, the inputs' places and the cursor. */

import { type Context2D, fitCanvas, type Rect } from "../../draw/canvas.ts";
import { linearTicks, linearTickWords } from "../../draw/curve_axes.ts";
import { headColor } from "../../draw/palette.ts";
import type { Theme } from "../../runtime/context.ts";
import type { Shown } from "./shown.ts";

/** Room for the numbers and names of the axes, px. */
const LEFT = 52;
const BOTTOM = 38;
const MARGIN = 6;
const RADIUS = 3;
/** px from a point at which a pointer is on it. */
const REACH = 7;
/** Cells along a side in which points are counted for their density. */
const BINS = 48;

/** Where a map lies, and which latents its edges stand for. */
export interface MapLayout {
  readonly width: number;
  readonly height: number;
  readonly plot: Rect;
  readonly count: number;
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
}

export interface MapPoints {
  /** Two numbers a point. */
  readonly places: ArrayLike<number>;
  readonly labels: ArrayLike<number> | null;
  readonly hidden: ReadonlySet<number>;
}

/** `x` and `y` are the coordinates of the cells' middles, ascending. */
export function layoutOf(x: ArrayLike<number>, y: ArrayLike<number>, room: number, tallest: number): MapLayout {
  const side = Math.max(120, Math.floor(Math.min(room - LEFT - MARGIN, tallest - BOTTOM - MARGIN)));
  const half = (values: ArrayLike<number>) =>
    values.length > 1 ? ((values[1] as number) - (values[0] as number)) / 2 : 0.5;
  return {
    width: LEFT + side + MARGIN,
    height: MARGIN + side + BOTTOM,
    plot: { x: LEFT, y: MARGIN, width: side, height: side },
    count: x.length,
    left: (x[0] as number) - half(x),
    right: (x[x.length - 1] as number) + half(x),
    bottom: (y[0] as number) - half(y),
    top: (y[y.length - 1] as number) + half(y),
  };
}

export function toX({ plot, left, right }: MapLayout, value: number): number {
  return plot.x + ((value - left) / (right - left)) * plot.width;
}

export function toY({ plot, bottom, top }: MapLayout, value: number): number {
  return plot.y + ((top - value) / (top - bottom)) * plot.height;
}

/** What a place stands for; beyond the edges, the edge. */
export function valuesAt(layout: MapLayout, x: number, y: number): readonly [number, number] {
  const { plot, left, right, bottom, top } = layout;
  const share = (at: number, from: number, size: number) => Math.min(1, Math.max(0, (at - from) / size));
  return [left + share(x, plot.x, plot.width) * (right - left), top - share(y, plot.y, plot.height) * (top - bottom)];
}

/** The grid's cell at those coordinates. */
export function cellAt(layout: MapLayout, x: number, y: number): number {
  const { count, left, right, bottom, top } = layout;
  const index = (share: number) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
  return index((top - y) / (top - bottom)) * count + index((x - left) / (right - left));
}

export function paintManifold(
  canvas: HTMLCanvasElement,
  layout: MapLayout,
  shown: Shown,
  names: readonly [string, string],
  theme: Theme,
): void {
  const context = fitCanvas(canvas, layout.width, layout.height);
  const { plot, count } = layout;
  const edge = (from: number, at: number) => from + Math.round((at * plot.width) / count);
  for (let cell = 0; cell < Math.min(shown.count, count * count); cell++) {
    const [row, column] = [Math.floor(cell / count), cell % count];
    const [x, y] = [edge(plot.x, column), edge(plot.y, row)];
    const place = { x, y, width: edge(plot.x, column + 1) - x, height: edge(plot.y, row + 1) - y };
    shown.paint(context, cell, place, theme);
  }
  context.strokeStyle = theme.border;
  context.strokeRect(plot.x - 0.5, plot.y - 0.5, plot.width + 1, plot.height + 1);
  paintAxes(context, layout, names, theme);
}

function paintAxes(context: Context2D, layout: MapLayout, names: readonly [string, string], theme: Theme): void {
  const { plot, left, right, bottom, top } = layout;
  context.font = `${theme.fontSize - 1}px ${theme.font}`;
  context.fillStyle = theme.faint;
  context.strokeStyle = theme.border;
  context.textAlign = "center";
  context.textBaseline = "top";
  const foot = plot.y + plot.height;
  const across = linearTicks(left, right, plot.width / 70).ticks;
  for (const [at, words] of linearTickWords(across).entries()) {
    const x = Math.round(toX(layout, across[at] as number)) + 0.5;
    line(context, x, foot + 1, x, foot + 5);
    context.fillText(words, x, foot + 7);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  const up = linearTicks(bottom, top, plot.height / 50).ticks;
  for (const [at, words] of linearTickWords(up).entries()) {
    const y = Math.round(toY(layout, up[at] as number)) + 0.5;
    line(context, plot.x - 5, y, plot.x - 1, y);
    context.fillText(words, plot.x - 8, y);
  }
  context.fillStyle = theme.text;
  context.textAlign = "center";
  context.textBaseline = "bottom";
  context.fillText(names[0], plot.x + plot.width / 2, layout.height - 1);
  context.save();
  context.translate(2, plot.y + plot.height / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "top";
  context.fillText(names[1], 0, 0);
  context.restore();
}

function line(context: Context2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** The inputs' places by class, and how densely they lie. */
export function paintPoints(
  canvas: HTMLCanvasElement,
  layout: MapLayout,
  points: MapPoints | null,
  show: { readonly dots: boolean; readonly density: boolean },
  theme: Theme,
): void {
  const context = fitCanvas(canvas, layout.width, layout.height);
  if (!points) return;
  if (show.density) paintDensity(context, layout, points, theme);
  if (!show.dots) return;
  const { places, labels } = points;
  context.lineWidth = 1;
  for (let at = 0; at < places.length / 2; at++) {
    if (labels && points.hidden.has(labels[at] as number)) continue;
    const [x, y] = [toX(layout, places[2 * at] as number), toY(layout, places[2 * at + 1] as number)];
    if (!within(layout.plot, x, y)) continue;
    context.beginPath();
    context.arc(x, y, RADIUS, 0, 2 * Math.PI);
    context.fillStyle = headColor(labels ? (labels[at] as number) : 0);
    context.fill();
    context.strokeStyle = "rgb(255 255 255 / 0.75)";
    context.stroke();
  }
}

function within({ x, y, width, height }: Rect, atX: number, atY: number): boolean {
  return atX >= x && atX <= x + width && atY >= y && atY <= y + height;
}

/** Counts in cells, blurred, as shading of the theme's accent: the densest half opaque. */
function paintDensity(context: Context2D, layout: MapLayout, points: MapPoints, theme: Theme): void {
  const { places, labels, hidden } = points;
  let counts = new Float32Array(BINS * BINS);
  for (let at = 0; at < places.length / 2; at++) {
    if (labels && hidden.has(labels[at] as number)) continue;
    const column = Math.floor((BINS * ((places[2 * at] as number) - layout.left)) / (layout.right - layout.left));
    const row = Math.floor((BINS * (layout.top - (places[2 * at + 1] as number))) / (layout.top - layout.bottom));
    if (column < 0 || column >= BINS || row < 0 || row >= BINS) continue;
    counts[row * BINS + column] = (counts[row * BINS + column] as number) + 1;
  }
  for (let pass = 0; pass < 2; pass++) counts = blurred(blurred(counts, 1), BINS);
  const highest = counts.reduce((most, value) => Math.max(most, value), 0);
  if (!highest) return;
  const { plot } = layout;
  const edge = (from: number, at: number) => from + Math.round((at * plot.width) / BINS);
  context.save();
  context.fillStyle = theme.accent;
  for (let cell = 0; cell < counts.length; cell++) {
    const share = (counts[cell] as number) / highest;
    if (share < 0.02) continue;
    const [row, column] = [Math.floor(cell / BINS), cell % BINS];
    const [x, y] = [edge(plot.x, column), edge(plot.y, row)];
    context.globalAlpha = 0.7 * Math.sqrt(share);
    context.fillRect(x, y, edge(plot.x, column + 1) - x, edge(plot.y, row + 1) - y);
  }
  context.restore();
}

/** Along one axis of the cells, whose neighbours are `stride` apart. */
function blurred(counts: Float32Array, stride: number): Float32Array<ArrayBuffer> {
  const made = new Float32Array(counts.length);
  for (let cell = 0; cell < counts.length; cell++) {
    const along = stride === 1 ? cell % BINS : Math.floor(cell / BINS);
    const before = along > 0 ? (counts[cell - stride] as number) : 0;
    const after = along < BINS - 1 ? (counts[cell + stride] as number) : 0;
    made[cell] = 0.25 * before + 0.5 * (counts[cell] as number) + 0.25 * after;
  }
  return made;
}

/** The point under a pointer; -1 where there is none. */
export function pointAt(layout: MapLayout, points: MapPoints, x: number, y: number): number {
  let [best, least] = [-1, REACH];
  const { places, labels, hidden } = points;
  for (let at = 0; at < places.length / 2; at++) {
    if (labels && hidden.has(labels[at] as number)) continue;
    const across = toX(layout, places[2 * at] as number) - x;
    if (Math.abs(across) > least) continue;
    const away = Math.hypot(across, toY(layout, places[2 * at + 1] as number) - y);
    if (away < least) [best, least] = [at, away];
  }
  return best;
}

/** The cursor, and rings around the points that are pointed at and selected. */
export function paintCursor(
  canvas: HTMLCanvasElement,
  layout: MapLayout,
  cursor: readonly [number, number],
  rings: readonly (readonly [x: number, y: number, color: string])[],
): void {
  const context = fitCanvas(canvas, layout.width, layout.height);
  const { plot } = layout;
  const held = (at: number, from: number, size: number) => Math.min(from + size, Math.max(from, at));
  const x = held(toX(layout, cursor[0]), plot.x, plot.width);
  const y = held(toY(layout, cursor[1]), plot.y, plot.height);
  for (const [color, width] of [
    ["rgb(0 0 0 / 0.65)", 4],
    ["#fff", 2],
  ] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 9, 0, 2 * Math.PI);
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      context.moveTo(x + 5 * dx, y + 5 * dy);
      context.lineTo(x + 14 * dx, y + 14 * dy);
    }
    context.stroke();
  }
  for (const [atX, atY, color] of rings) {
    const [ringX, ringY] = [toX(layout, atX), toY(layout, atY)];
    if (!within(plot, ringX, ringY)) continue;
    for (const [paint, width] of [
      ["#fff", 5],
      ["#000", 3],
      [color, 2],
    ] as const) {
      context.strokeStyle = paint;
      context.lineWidth = width;
      context.beginPath();
      context.arc(ringX, ringY, RADIUS + 3.5, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

/** Paints what a hand does on the map, on a layer of its own: cell looked at, crosshair of what is picked, box to zoom to. */

import { type Context2D, fitCanvas, type Rect } from "../../draw/canvas.ts";
import type { View } from "../../draw/heatmap.ts";
import type { Theme } from "../../runtime/context.ts";
import { type Cell, type MapLayout, rectOf } from "./map_layout.ts";
import type { Picked } from "./map_picture.ts";

export interface MapMarks {
  readonly cell: Cell | null;
  readonly picked: Picked;
  readonly box: Rect | null;
}

/** Overlays with nothing on them, and their size. */
const blank = new WeakMap<HTMLCanvasElement, string>();

export function paintOverlay(
  canvas: HTMLCanvasElement,
  view: View,
  layout: MapLayout,
  marks: MapMarks,
  theme: Theme,
): void {
  // Where nothing is on it and nothing comes, the browser has no layer to draw again.
  const none = !marks.cell && !marks.box && marks.picked.row === null && marks.picked.column === null;
  const size = none ? [layout.width, layout.height, globalThis.devicePixelRatio].join(" ") : "";
  if (none && blank.get(canvas) === size) return;
  blank.set(canvas, size);
  const context = fitCanvas(canvas, layout.width, layout.height);
  if (none) return;
  const { plot } = layout;
  context.beginPath();
  context.rect(plot.x - 1, plot.y - 1, plot.width + 2, plot.height + 2);
  context.save();
  context.clip();
  const { row, column } = marks.picked;
  if (row !== null) {
    const { y, height } = rectOf(layout, view, { row, column: 0 });
    outline(context, { x: plot.x, y, width: plot.width, height }, theme.accent, 1);
  }
  if (column !== null) {
    const { x, width } = rectOf(layout, view, { row: 0, column });
    outline(context, { x, y: plot.y, width, height: plot.height }, theme.accent, 1);
  }
  if (marks.cell) outline(context, rectOf(layout, view, marks.cell), "#fff", 1.5);
  if (marks.box) {
    context.fillStyle = theme.accent;
    context.globalAlpha = 0.2;
    context.fillRect(marks.box.x, marks.box.y, marks.box.width, marks.box.height);
    context.globalAlpha = 1;
    outline(context, marks.box, "#fff", 1);
  }
  context.restore();
}

/** Seen on any colour: a light line within a dark one. Tiny cells get a frame that is large enough to see. */
function outline(context: Context2D, rect: Rect, color: string, width: number): void {
  const grow = (size: number) => Math.max(0, (7 - size) / 2);
  const [across, down] = [grow(rect.width), grow(rect.height)];
  const [x, y] = [Math.round(rect.x - across) + 0.5, Math.round(rect.y - down) + 0.5];
  const box = [x, y, Math.round(rect.width + 2 * across) - 1, Math.round(rect.height + 2 * down) - 1] as const;
  for (const [stroke, size] of [
    ["rgb(0 0 0 / 0.75)", width + 2],
    ["#fff", width + 1],
    [color, width],
  ] as const) {
    context.strokeStyle = stroke;
    context.lineWidth = size;
    context.strokeRect(...box);
  }
}

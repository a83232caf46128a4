/** Paints the names along the two sides of a matrix: tokens where they fit, thinned out where they do not. */

import type { Context2D, Rect } from "./canvas.ts";
import { fitText } from "./text.ts";

export interface AxisLabels {
  /** How many there are, and the text of each: already made displayable. */
  readonly count: number;
  text(index: number): string;
  /** Special tokens and padding stand back. */
  faint(index: number): boolean;
}

export interface AxisLook {
  readonly text: string;
  readonly faint: string;
  readonly accent: string;
  readonly border: string;
  readonly font: string;
  readonly fontSize: number;
}

/** How far the labels under a plot are turned, in radians: steep enough that neighbours stay apart. */
export const SLANT = Math.PI / 3;

/** What a line of labels takes, in font sizes. */
export const LINE = 1.12;

/** The indices to name between `low` and `high` when neighbours need `room` pixels: every one, or every 2nd, 5th, 10th … */
export function thinned(low: number, high: number, cell: number, room: number): number[] {
  const first = Math.max(0, Math.floor(low + 0.5));
  const last = Math.ceil(high - 0.5);
  let step = 1;
  for (let i = 0; step * cell < room && i < 40; i++) step *= i % 3 === 1 ? 2.5 : 2;
  return Array.from(
    { length: Math.max(0, Math.ceil(last / step) - Math.ceil(first / step)) },
    (_, i) => (Math.ceil(first / step) + i) * step,
  );
}

interface Side {
  readonly low: number;
  readonly high: number;
  readonly labels: AxisLabels;
  /** Indices that are drawn in any case, in the accent colour. */
  readonly marked: readonly number[];
}

/** The labels left of `rect`, one for each row that has room. `width` is what they may take. */
export function paintRowLabels(context: Context2D, side: Side, rect: Rect, width: number, look: AxisLook): void {
  const cell = rect.height / (side.high - side.low);
  const draw = (index: number) => {
    const y = rect.y + (index + 0.5 - side.low) * cell;
    context.fillText(fitText(context, side.labels.text(index), width - 8), rect.x - 7, y);
    tick(context, rect.x - 4, y, rect.x - 1, y, look);
  };
  withLabels(context, side, cell, look, "right", draw);
}

/** The labels under `rect`. `height` is what they may take. */
export function paintColumnLabels(
  context: Context2D,
  side: Side,
  rect: Rect,
  height: number,
  slant: "flat" | "slanted",
  look: AxisLook,
): void {
  const cell = rect.width / (side.high - side.low);
  const bottom = rect.y + rect.height;
  const angle = slant === "flat" ? 0 : -SLANT;
  const draw = (index: number) => {
    const x = rect.x + (index + 0.5 - side.low) * cell;
    tick(context, x, bottom + 1, x, bottom + 4, look);
    context.save();
    context.translate(x + (angle ? 2 : 0), bottom + (angle ? 8 : 6 + look.fontSize / 2));
    context.rotate(angle);
    // What leans to the left must end before the picture does.
    const room = angle ? Math.min((height - 10) / Math.sin(SLANT), x / Math.cos(SLANT)) - 6 : cell - 4;
    context.fillText(fitText(context, side.labels.text(index), room), 0, 0);
    context.restore();
  };
  withLabels(context, side, angle ? cell * Math.sin(SLANT) : cell, look, angle ? "right" : "center", draw);
}

function withLabels(
  context: Context2D,
  side: Side,
  cell: number,
  look: AxisLook,
  align: CanvasTextAlign,
  draw: (index: number) => void,
): void {
  context.save();
  context.font = look.font;
  context.textBaseline = "middle";
  context.textAlign = align;
  context.direction = "ltr";
  const room = look.fontSize * LINE;
  const marked = side.marked.filter((index) => index + 0.5 >= side.low && index + 0.5 <= side.high);
  for (const index of thinned(side.low, side.high, cell, room)) {
    if (index >= side.labels.count || marked.some((mark) => Math.abs(mark - index) * cell < room)) continue;
    context.fillStyle = side.labels.faint(index) ? look.faint : look.text;
    draw(index);
  }
  context.fillStyle = look.accent;
  context.font = `bold ${look.font}`;
  for (const index of marked) draw(index);
  context.restore();
}

function tick(context: Context2D, x0: number, y0: number, x1: number, y1: number, look: AxisLook): void {
  context.strokeStyle = look.border;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** Paints counts as bars over a range of values, with its ends and zero as ticks. */

import type { Theme } from "../runtime/context.ts";
import { type Context2D, fitCanvas, type Rect } from "./canvas.ts";
import { linearTicks } from "./curve_axes.ts";
import { labelFont, line, paintAxis, type Tick } from "./layer_rows.ts";
import { formatTickValue, formatValue } from "./number.ts";

export interface Bins {
  readonly low: number;
  readonly high: number;
  readonly counts: ArrayLike<number>;
}

export interface HistogramLook {
  /** What the axis shows; without it from the first to the last bin. */
  readonly range?: readonly [number, number] | null;
  readonly log: boolean;
  readonly color: string;
  /** A name under the axis, and ticks of the counts; without it only the ends are named. */
  readonly name?: string;
}

const FOOT = 14;

export function paintHistogram(
  canvas: HTMLCanvasElement,
  bins: Bins | null,
  { range, log, color, name }: HistogramLook,
  width: number,
  height: number,
  theme: Theme,
): void {
  const context = fitCanvas(canvas, width, height);
  const left = name === undefined ? 0 : 52;
  const rect = {
    x: left,
    y: 4,
    width: width - left - (left ? 8 : 0),
    height: height - 4 - (name === undefined ? FOOT : 38),
  };
  const bottom = rect.y + rect.height;
  const [low, high] = range ?? (bins ? [bins.low, bins.high] : [0, 1]);
  const place = (value: number) => rect.x + ((value - low) / (high - low || 1)) * rect.width;
  const most = bins ? largest(bins.counts) : 0;
  const tall = (count: number) => (log ? Math.log1p(count) / Math.log1p(most) : count / most) * rect.height;
  if (name !== undefined) paintFrame(context, { low, high, most, log, name }, rect, theme);
  if (bins && most > 0) {
    context.save();
    context.beginPath();
    context.rect(rect.x, rect.y, rect.width, rect.height);
    context.clip();
    context.fillStyle = color;
    const step = (bins.high - bins.low) / bins.counts.length;
    for (let at = 0; at < bins.counts.length; at++) {
      const count = bins.counts[at] as number;
      if (!(count > 0)) continue;
      // Whole pixels: neighbours have no line between them.
      const [from, to] = [Math.round(place(bins.low + at * step)), Math.round(place(bins.low + (at + 1) * step))];
      const bar = Math.max(1, tall(count));
      context.fillRect(from, bottom - bar, Math.max(1, to - from - (to - from > 5 ? 1 : 0)), bar);
    }
    context.restore();
  }
  context.strokeStyle = theme.border;
  context.lineWidth = 1;
  line(context, rect.x, bottom + 0.5, rect.x + rect.width, bottom + 0.5);
  if (low < 0 && high > 0) {
    context.strokeStyle = theme.text;
    context.globalAlpha = 0.35;
    line(context, Math.round(place(0)) + 0.5, rect.y, Math.round(place(0)) + 0.5, bottom);
    context.globalAlpha = 1;
  }
  if (name !== undefined || !bins) return;
  context.font = labelFont(theme);
  context.fillStyle = theme.faint;
  context.textBaseline = "top";
  context.textAlign = "left";
  context.fillText(formatValue(low, 2), rect.x, bottom + 2);
  context.textAlign = "right";
  context.fillText(formatValue(high, 2), rect.x + rect.width, bottom + 2);
}

function largest(counts: ArrayLike<number>): number {
  let most = 0;
  for (let at = 0; at < counts.length; at++) if ((counts[at] as number) > most) most = counts[at] as number;
  return most;
}

interface Frame {
  readonly low: number;
  readonly high: number;
  readonly most: number;
  readonly log: boolean;
  readonly name: string;
}

function paintFrame(context: Context2D, { low, high, most, log, name }: Frame, rect: Rect, theme: Theme): void {
  paintAxis(context, valueTicks(low, high, rect.width), name, rect, 1, theme);
  context.textAlign = "right";
  context.textBaseline = "middle";
  const ticks = log
    ? [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].filter((tick) => tick <= most)
    : linearTicks(0, most, 4).ticks;
  for (const tick of ticks) {
    const share = log ? Math.log1p(tick) / Math.log1p(most) : tick / (most || 1);
    const y = Math.round(rect.y + rect.height * (1 - share)) + 0.5;
    context.globalAlpha = 0.5;
    line(context, rect.x, y, rect.x + rect.width, y);
    context.globalAlpha = 1;
    context.fillText(formatTickValue(tick, log ? tick || 1 : Math.max(1, most / 4)), rect.x - 5, y);
  }
  context.save();
  context.translate(8, rect.y + rect.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText("values", 0, 0);
  context.restore();
}

/** Round values along a linear axis. */
export function valueTicks(low: number, high: number, width: number): Tick[] {
  const { ticks, step } = linearTicks(low, high, Math.max(2, Math.floor(width / 70)));
  return ticks.map((value) => ({ at: (value - low) / (high - low || 1), text: formatTickValue(value, step) }));
}

/** Paints a box for each layer on a common axis: minimum, quartiles, maximum, and ticks at 5 and 95 %. */

import type { Theme } from "../runtime/context.ts";
import type { Context2D, Rect } from "./canvas.ts";
import { valueTicks } from "./histogram.ts";
import { line, type Tick } from "./layer_rows.ts";
import { formatValue } from "./number.ts";

/** From a value to a place between 0 and 1. */
export interface ValueAxis {
  at(value: number): number;
  readonly ticks: readonly Tick[];
}

/** Seven numbers a layer: minimum, 5, 25, 50, 75, 95 %, maximum. */
export const BOX = 7;

/** Linear, or logarithmic to both sides of zero, and linear about it: gradients of many sizes are told apart. */
export function valueAxis(boxes: ArrayLike<number>, log: boolean, width: number): ValueAxis {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const sizes: number[] = [];
  for (let at = 0; at < boxes.length; at++) {
    const value = boxes[at] as number;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
    const part = at % BOX;
    if (value !== 0 && (part === 2 || part === 4)) sizes.push(Math.abs(value));
  }
  if (low > high) [low, high] = [0, 1];
  if (!(high > low)) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  if (!log) {
    const around = (high - low) * 0.03;
    [low, high] = [low - around, high + around];
    return { at: (value) => (value - low) / (high - low), ticks: valueTicks(low, high, width) };
  }
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const least = Math.max(largest * 1e-12, sizes.length ? Math.min(...sizes) : largest * 1e-3);
  const scaled = (value: number) => Math.asinh(value / least);
  const [from, to] = [scaled(low) - 0.3, scaled(high) + 0.3];
  const at = (value: number) => (scaled(value) - from) / (to - from);
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(largest))];
  const powers = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  const values = [...powers.map((power) => -power).reverse(), 0, ...powers];
  const room = 52 / Math.max(1, width);
  const ticks: Tick[] = [{ at: at(0), text: "0" }];
  // From the ends inwards: the largest are named first, and never too near to zero.
  for (const value of values.sort((a, b) => Math.abs(b) - Math.abs(a))) {
    const place = at(value);
    if (place < 0 || place > 1 || ticks.some((tick) => Math.abs(tick.at - place) < room)) continue;
    ticks.push({ at: place, text: formatValue(value, 1) });
  }
  return { at, ticks: ticks.filter((tick) => tick.at >= 0 && tick.at <= 1).sort((a, b) => a.at - b.at) };
}

export function paintBoxes(
  context: Context2D,
  boxes: ArrayLike<number>,
  count: number,
  axis: ValueAxis,
  color: string,
  rect: Rect,
  theme: Theme,
): void {
  const row = rect.height / count;
  const thick = Math.max(2, Math.min(14, row * 0.62));
  const zero = axis.at(0);
  if (zero > 0 && zero < 1) {
    context.strokeStyle = theme.text;
    context.globalAlpha = 0.35;
    context.lineWidth = 1;
    const x = Math.round(rect.x + zero * rect.width) + 0.5;
    line(context, x, rect.y, x, rect.y + rect.height);
    context.globalAlpha = 1;
  }
  for (let index = 0; index < count; index++) {
    const parts = Array.from(
      { length: BOX },
      (_, part) => rect.x + axis.at(boxes[index * BOX + part] as number) * rect.width,
    );
    const [minimum, low, first, middle, third, high, maximum] = parts as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    if (!Number.isFinite(middle)) continue;
    const y = rect.y + (index + 0.5) * row;
    context.strokeStyle = color;
    context.lineWidth = Math.min(1.25, thick / 2);
    line(context, minimum, y, first, y);
    line(context, third, y, maximum, y);
    if (row >= 6) {
      for (const [x, size] of [
        [minimum, thick / 2],
        [maximum, thick / 2],
        [low, thick / 3.2],
        [high, thick / 3.2],
      ] as const) {
        line(context, x, y - size, x, y + size);
      }
    }
    context.fillStyle = color;
    context.globalAlpha = 0.4;
    context.fillRect(first, y - thick / 2, Math.max(1, third - first), thick);
    context.globalAlpha = 1;
    if (row >= 6) context.strokeRect(first, y - thick / 2, Math.max(1, third - first), thick);
    context.fillStyle = theme.text;
    context.fillRect(middle - 1, y - thick / 2, 2, thick);
  }
}

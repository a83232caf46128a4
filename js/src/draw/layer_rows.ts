/** Rows with a name at their left, one for each layer, and axes under them: what bars and boxes of layers have in common. */

import type { Theme } from "../runtime/context.ts";
import { thinned } from "./axis.ts";
import type { Context2D, Rect } from "./canvas.ts";
import { formatValue } from "./number.ts";
import { displayText, graphemes } from "./text.ts";

export interface Rows {
  readonly names: readonly string[];
  /** Rows that stand out: the one that is selected, the one under the pointer or the cursor. */
  readonly picked: number;
  readonly hovered: number;
}

/** What a row takes at most, in px. */
export const ROW = 24;
const LABEL = 12;

/** The height that so many rows take together where they may have `most` pixels. */
export function rowsHeight(count: number, most: number): number {
  return Math.max(count, Math.min(count * ROW, most));
}

/** Pixels for the names, at most a third of the width. */
export function labelWidth(context: Context2D, names: readonly string[], width: number, theme: Theme): number {
  context.font = labelFont(theme);
  let widest = 0;
  for (const name of names) widest = Math.max(widest, context.measureText(displayText(name.slice(0, 80))).width);
  return Math.ceil(Math.min(widest + 14, Math.max(56, Math.min(220, width * 0.3))));
}

export function labelFont(theme: Theme, bold = false): string {
  return `${bold ? "600 " : ""}11px ${theme.font}`;
}

/** The row at a height; -1 beside the rows. */
export function rowAt({ y, height }: Rect, count: number, at: number): number {
  const row = Math.floor(((at - y) / height) * count);
  return row >= 0 && row < count ? row : -1;
}

/** Names at the left of `rect` and a band behind the rows that stand out. */
export function paintRows(
  context: Context2D,
  { names, picked, hovered }: Rows,
  rect: Rect,
  left: number,
  theme: Theme,
) {
  const row = rect.height / names.length;
  const band = (index: number, alpha: number) => {
    if (index < 0) return;
    context.globalAlpha = alpha;
    context.fillStyle = theme.accent;
    context.fillRect(left, rect.y + index * row, rect.x + rect.width - left, Math.max(2, row));
    context.globalAlpha = 1;
  };
  band(hovered, 0.09);
  band(picked, 0.16);
  context.textAlign = "right";
  context.textBaseline = "middle";
  const shown = new Set(thinned(0, names.length, row, LABEL));
  for (const index of [picked, hovered]) {
    if (index < 0) continue;
    for (const other of [...shown]) if (other !== index && Math.abs(other - index) * row < LABEL) shown.delete(other);
    shown.add(index);
  }
  for (const index of shown) {
    if (index < 0 || index >= names.length) continue;
    context.font = labelFont(theme, index === picked);
    context.fillStyle = index === picked ? theme.accent : theme.text;
    const text = fitMiddle(context, displayText(names[index] as string), rect.x - left - 10);
    context.fillText(text, rect.x - 6, rect.y + (index + 0.5) * row);
  }
}

/** The text, or as much of its beginning and its end as fits: the ends of a module path tell most. */
export function fitMiddle(context: Context2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  const parts = graphemes(text.length > 400 ? `${text.slice(0, 200)}${text.slice(-200)}` : text);
  let [low, high] = [1, parts.length - 1];
  const cut = (kept: number) => {
    const front = Math.floor(kept * 0.4);
    return `${parts.slice(0, front).join("")}…${parts.slice(parts.length - (kept - front)).join("")}`;
  };
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(cut(middle)).width <= width) low = middle;
    else high = middle - 1;
  }
  return cut(low);
}

export interface Tick {
  /** From 0 to 1 along the axis. */
  readonly at: number;
  readonly text: string;
}

/** Whole decades between two powers of ten, as many as have room. */
export function decadeTicks(low: number, high: number, width: number): Tick[] {
  const every = Math.max(1, Math.ceil((high - low) / Math.max(1, Math.floor(width / 46))));
  const ticks: Tick[] = [];
  for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power++) {
    if ((power - Math.ceil(low - 1e-9)) % every) continue;
    const text = power >= -2 && power <= 3 ? formatValue(10 ** power, 1) : `1e${power}`.replace("-", "−");
    ticks.push({ at: (power - low) / (high - low || 1), text });
  }
  return ticks;
}

/** Ticks, their texts and a name under `rect`, `below` pixels away from it. */
export function paintAxis(
  context: Context2D,
  ticks: readonly Tick[],
  name: string,
  rect: Rect,
  below: number,
  theme: Theme,
  grid = true,
): void {
  const bottom = rect.y + rect.height;
  context.strokeStyle = theme.border;
  context.lineWidth = 1;
  for (const { at } of ticks) {
    const x = Math.round(rect.x + at * rect.width) + 0.5;
    context.globalAlpha = grid ? 0.5 : 0;
    line(context, x, rect.y, x, bottom);
    context.globalAlpha = 1;
    line(context, x, bottom + below, x, bottom + below + 3);
  }
  context.font = labelFont(theme);
  context.fillStyle = theme.faint;
  context.textBaseline = "top";
  let free = Number.NEGATIVE_INFINITY;
  for (const { at, text } of ticks) {
    const x = rect.x + at * rect.width;
    const half = context.measureText(text).width / 2;
    const middle = Math.min(Math.max(x, rect.x + half - 8), rect.x + rect.width - half + 8);
    if (middle - half < free) continue;
    free = middle + half + 6;
    context.textAlign = "center";
    context.fillText(text, middle, bottom + below + 5);
  }
  context.textAlign = "center";
  context.fillText(fitMiddle(context, name, rect.width + 20), rect.x + rect.width / 2, bottom + below + 19);
}

export function line(context: Context2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** Paints a bar for each layer on a logarithmic axis, with a mark where its largest value lies, and a word beside it. */

import type { Theme } from "../runtime/context.ts";
import type { Context2D, Rect } from "./canvas.ts";
import { labelFont, line } from "./layer_rows.ts";
import { headColor } from "./palette.ts";

export interface Bar {
  /** Powers of ten; −∞ for zero, NaN for what is not there. */
  readonly size: number;
  /** Of the largest value; NaN for none. */
  readonly largest: number;
  /** What is said of it; "" for nothing. */
  readonly word: string;
  readonly tone: Tone;
}

export type Tone = "fine" | "low" | "high" | "none";

/** The colours say what the words beside them say. */
export const TONES: Readonly<Record<Tone, string>> = {
  fine: headColor(0),
  low: headColor(4),
  high: headColor(1),
  none: headColor(6),
};
const SIGNS: Readonly<Record<Tone, string>> = { fine: "", low: "▾ ", high: "▲ ", none: "∅ " };

export interface BarScale {
  /** Powers of ten at the two ends. */
  readonly low: number;
  readonly high: number;
}

export function paintBars(context: Context2D, bars: readonly Bar[], scale: BarScale, rect: Rect, theme: Theme): void {
  const row = rect.height / bars.length;
  const place = (power: number) =>
    rect.x + rect.width * Math.min(1, Math.max(0, (power - scale.low) / (scale.high - scale.low || 1)));
  const thick = Math.max(1, Math.min(14, row - Math.min(4, row * 0.35)));
  context.font = labelFont(theme);
  context.textBaseline = "middle";
  // Between two layers with a word in thin rows, only the first of the same words is written.
  let written = { word: "", y: Number.NEGATIVE_INFINITY };
  for (const [index, { size, largest, word, tone }] of bars.entries()) {
    const y = rect.y + (index + 0.5) * row;
    const end = Number.isNaN(size) ? rect.x : place(size);
    context.fillStyle = TONES[tone];
    context.fillRect(rect.x, y - thick / 2, Math.max(Number.isNaN(size) ? 0 : 2, end - rect.x), thick);
    let right = end;
    if (!Number.isNaN(largest) && largest > Number.NEGATIVE_INFINITY) {
      const most = place(largest);
      context.strokeStyle = TONES[tone];
      context.lineWidth = Math.min(1.5, thick);
      line(context, end, y, most, y);
      if (row >= 5) line(context, most, y - thick / 2, most, y + thick / 2);
      right = Math.max(right, most);
    }
    if (!word || (word === written.word && y - written.y < 11) || y - written.y < 9) continue;
    written = { word, y };
    const text = `${SIGNS[tone]}${word}`;
    const width = context.measureText(text).width;
    const fits = right + 6 + width <= rect.x + rect.width;
    const x = fits ? right + 6 : Math.max(rect.x + 2, rect.x + rect.width - width - 2);
    context.textAlign = "left";
    // Where the bar leaves no room beside it the word stands on it, on a ground of its own.
    context.fillStyle = theme.background;
    context.globalAlpha = fits ? 0 : 0.82;
    context.fillRect(x - 2, y - 7, width + 4, 14);
    context.globalAlpha = 1;
    context.fillStyle = theme.text;
    context.fillText(text, x, y + 0.5);
  }
}

/** A strip of the heatmap's colours along the bars' axis: the axis is the key to both. */
export function paintKey(context: Context2D, table: Uint32Array, rect: Rect): void {
  const count = Math.max(1, Math.round(rect.width));
  for (let x = 0; x < count; x++) {
    const color = table[Math.round((255 * x) / Math.max(1, count - 1))] as number;
    context.fillStyle = `rgb(${color & 255} ${(color >> 8) & 255} ${(color >> 16) & 255})`;
    context.fillRect(rect.x + x, rect.y, Math.min(1.5, rect.width - x), rect.height);
  }
}

/** Paints histograms of many steps one behind the other, the oldest at the back: each a ridge that covers those behind it. */

import type { Theme } from "../runtime/context.ts";
import type { Context2D, Rect } from "./canvas.ts";
import { labelFont, line } from "./layer_rows.ts";
import { formatStep } from "./number.ts";

export interface Ridges {
  readonly steps: ArrayLike<number>;
  /** `[steps, bins]`: shares of each step's values. */
  readonly shares: ArrayLike<number>;
  readonly bins: number;
  readonly log: boolean;
  readonly color: string;
  /** The ridge that is looked at, and the one under the pointer. */
  readonly picked: number;
  readonly hovered: number;
}

/** How far a ridge reaches up, in distances between two base lines. */
const REACH = 3.4;

/** The base line of each ridge; the newest lies at the bottom. */
export function baseLine(rect: Rect, count: number, at: number): number {
  const top = rect.y + rect.height * Math.min(0.45, REACH / (count + REACH));
  return count > 1 ? top + ((rect.y + rect.height - top) * at) / (count - 1) : rect.y + rect.height;
}

/** The ridge whose base line is the next under a point. */
export function ridgeAt(rect: Rect, count: number, y: number): number {
  if (y < rect.y || y > rect.y + rect.height + 4) return -1;
  for (let at = 0; at < count; at++) if (baseLine(rect, count, at) >= y - 1) return at;
  return count - 1;
}

export function paintRidges(context: Context2D, ridges: Ridges, rect: Rect, theme: Theme): void {
  const { steps, shares, bins, log, color, picked, hovered } = ridges;
  const count = steps.length;
  let most = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < count * bins; at++) {
    const share = shares[at] as number;
    if (share > most) most = share;
    if (share > 0 && share < least) least = share;
  }
  const floor = Math.max(least, most * 1e-5);
  const tall = (share: number) => {
    if (!(share > 0)) return 0;
    return log ? Math.max(0, Math.log(share / floor) / Math.log(most / floor || Math.E)) : share / most;
  };
  const apart = count > 1 ? baseLine(rect, count, 1) - baseLine(rect, count, 0) : rect.height * 0.8;
  const reach = count > 1 ? Math.max(apart * REACH, 14) : rect.height * 0.9;
  const x = (bin: number) => rect.x + ((bin + 0.5) / bins) * rect.width;
  for (let at = 0; at < count; at++) {
    const base = baseLine(rect, count, at);
    const high = Math.min(reach, base - rect.y);
    const trace = () => {
      context.beginPath();
      context.moveTo(rect.x, base);
      for (let bin = 0; bin < bins; bin++)
        context.lineTo(x(bin), base - high * tall(shares[at * bins + bin] as number));
      context.lineTo(rect.x + rect.width, base);
    };
    const chosen = at === picked;
    trace();
    context.fillStyle = theme.background;
    context.fill();
    context.globalAlpha = chosen ? 0.75 : at === hovered ? 0.6 : 0.16 + (0.34 * (at + 1)) / count;
    context.fillStyle = chosen ? theme.accent : color;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = chosen ? theme.accent : color;
    context.lineWidth = chosen || at === hovered ? 1.6 : 0.9;
    context.stroke();
  }
  context.font = labelFont(theme);
  context.textAlign = "right";
  context.textBaseline = "middle";
  let free = Number.NEGATIVE_INFINITY;
  const label = (at: number) => {
    const y = baseLine(rect, count, at);
    context.fillText(formatStep(steps[at] as number), rect.x - 8, y - 3);
    context.strokeStyle = theme.border;
    context.lineWidth = 1;
    line(context, rect.x - 5, y + 0.5, rect.x, y + 0.5);
  };
  const marked = [picked, hovered].filter((at) => at >= 0 && at < count);
  for (const at of marked) {
    context.font = labelFont(theme, true);
    context.fillStyle = at === picked ? theme.accent : theme.text;
    label(at);
  }
  context.font = labelFont(theme);
  context.fillStyle = theme.faint;
  for (let at = 0; at < count; at++) {
    const y = baseLine(rect, count, at);
    if (y < free || marked.some((mark) => Math.abs(baseLine(rect, count, mark) - y) < 13)) continue;
    free = y + 13;
    label(at);
  }
}

/** The scales of a chart of curves: how far they reach and where their ticks are. */

import { formatTickValue, formatValue } from "./number.ts";

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Room above and below what is drawn, as a share of it. */
const PADDING = 0.06;

/** The reach of a y axis over values from `low` to `high`; a constant line gets room too. */
export function reach(low: number, high: number, log: boolean): Bounds {
  if (!(low <= high)) return log ? { low: 0.1, high: 1 } : { low: 0, high: 1 };
  if (log) {
    const [from, to] = [Math.log10(low), Math.log10(high)];
    const pad = Math.max((to - from) * PADDING, 0.02);
    return { low: 10 ** Math.max(-323, from - pad), high: 10 ** Math.min(308, to + pad) };
  }
  const pad = (high - low) * PADDING || Math.abs(high) * 0.1 || 0.5;
  // What is never below zero does not look as if it were.
  return { low: low >= 0 && low - pad < 0 ? Math.min(0, low) : low - pad, high: high + pad };
}

/** Round values from `low` to `high`, `count` of them or fewer. */
export function linearTicks(low: number, high: number, count: number): { ticks: number[]; step: number } {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((nice) => nice * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const size = Math.max(0, Math.floor(high / step + 1e-9) - first + 1);
  if (!Number.isFinite(step) || size > 100) return { ticks: [low, high], step: high - low || 1 };
  return { ticks: Array.from({ length: size }, (_, i) => Number(((first + i) * step).toPrecision(12))), step };
}

/** Decades, or where they are few 1, 2 and 5 of each, or where there is less than one, round values between. */
export function logTicks(low: number, high: number, count: number): number[] {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, count).ticks.filter((tick) => tick > 0);
  const factors = decades * 3 <= count ? [1, 2, 5] : decades * 2 <= count ? [1, 3] : [1];
  const every = Math.max(1, Math.ceil(decades / count));
  const ticks: number[] = [];
  for (let power = Math.ceil(Math.log10(low)) - 1; power <= Math.log10(high); power++) {
    if (power % every !== 0 && factors.length === 1) continue;
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= low * 0.9999 && tick <= high * 1.0001) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? ticks : linearTicks(low, high, count).ticks.filter((tick) => tick > 0);
}

export function logTickWords(value: number): string {
  if (value >= 0.001 && value < 10_000)
    return formatValue(value, 3)
      .replace(/(\.\d*?)0+$/, "$1")
      .replace(/\.$/, "");
  return formatValue(value, 3);
}

/** Ticks of seconds: whole seconds, minutes, hours. */
export function timeTicks(low: number, high: number, count: number): { ticks: number[]; step: number } {
  const rough = (high - low) / Math.max(1, count);
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].find(
    (nice) => nice >= rough,
  );
  if (rough < 0.5 || step === undefined) return linearTicks(low, high, count);
  const first = Math.ceil(low / step);
  return {
    ticks: Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) => (first + i) * step),
    step,
  };
}

export function linearTickWords(ticks: readonly number[]): string[] {
  const step = ticks.length > 1 ? (ticks[1] as number) - (ticks[0] as number) : Math.abs(ticks[0] ?? 1) || 1;
  return ticks.map((tick) => formatTickValue(tick, step));
}

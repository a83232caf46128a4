/** From a value to a place between 0 and 1, linear or logarithmic, with ticks that fit it. */

export type ScaleKind = "linear" | "log";

export interface Scale {
  readonly kind: ScaleKind;
  readonly low: number;
  readonly high: number;
  /** 0 at `low`, 1 at `high`, held at the ends; NaN for NaN. */
  at(value: number): number;
  /** About `count` round values within the scale. */
  ticks(count: number): number[];
}

/** Decades below the maximum that a logarithmic scale shows; square-root coded bytes say nothing finer. */
const DECADES = 4;

/** A scale for magnitudes from 0 to `maximum`; a logarithmic one starts four decades below it. */
export function magnitudeScale(kind: ScaleKind, maximum: number): Scale {
  const high = Number.isFinite(maximum) && maximum > 0 ? maximum : 1;
  if (kind === "linear") {
    return { kind, low: 0, high, at: (value) => hold(value / high), ticks: (count) => linearTicks(high, count) };
  }
  const low = high * 10 ** -DECADES;
  const span = Math.log(high / low);
  return {
    kind,
    low,
    high,
    at: (value) => (value <= low ? 0 : hold(Math.log(value / low) / span)),
    ticks: () => decadeTicks(low, high),
  };
}

function hold(place: number): number {
  return Number.isNaN(place) ? place : Math.min(1, Math.max(0, place));
}

function linearTicks(high: number, count: number): number[] {
  const rough = high / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((nice) => nice * power >= rough * 0.999) ?? 10);
  return Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

function decadeTicks(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number((10 ** (first + i)).toPrecision(6)));
}

/** The index of the colour of 256 for a value; -1 for NaN, which has a look of its own. */
export function colorIndex(scale: Scale, value: number): number {
  return Number.isNaN(value) ? -1 : Math.round(255 * scale.at(value));
}

/** A weight rounded for a small place: ".41", "<.01", "0". */
export function shortWeight(value: number): string {
  if (value > 0 && value < 0.005) return "<.01";
  return Number.isFinite(value) && value !== 0 ? value.toFixed(2).replace(/^0\./, ".") : formatWeight(value);
}

/**
 * A weight in words, with `digits` after the point and more where it is small: all but one of them always mean something.
 * "0" stands for zero alone.
 */
export function formatWeight(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const zeros = -Math.floor(Math.log10(Math.abs(value)));
  if (zeros > 4) return value.toExponential(Math.max(0, digits - 2)).replace("-", "−");
  return value.toFixed(Math.max(digits, digits - 2 + zeros));
}

/** A weight that came rounded, in words; zero and NaN come as they are. */
export function formatRounded(value: number): string {
  return value === 0 || Number.isNaN(value) ? formatWeight(value) : `≈${formatWeight(value, 3)}`;
}

/** A tick's label: plain where short, a power of ten where small. */
export function formatTick(value: number): string {
  if (value === 0 || Math.abs(value) >= 0.001) return String(Number(value.toPrecision(3)));
  return value.toExponential(0).replace("-", "−");
}

/** What runs along the x axis of all charts of a run: steps, epochs or wall time, and the way from one to the other. */

import { formatSeconds, formatStep, formatValue } from "../../draw/number.ts";
import type { RunData, RunSeries } from "./run_data.ts";

export type XKind = "step" | "epoch" | "time";
export const X_KINDS: readonly (readonly [XKind, string])[] = [
  ["step", "step"],
  ["epoch", "epoch"],
  ["time", "wall time"],
];

export interface XAxis {
  readonly kind: XKind;
  /** Changes when places that were given out are no longer right. */
  readonly generation: string;
  /** The place of a series' point; NaN where it has none. */
  place(series: RunSeries, at: number): number;
  fromStep(step: number): number;
  toStep(x: number): number;
  /** A place in words, with its unit: "step 1,200", "12.4 s". */
  words(x: number): string;
}

const FORMATS: Readonly<Record<XKind, (x: number) => string>> = {
  step: (x) => `step ${formatStep(x)}`,
  epoch: (x) =>
    `epoch ${formatValue(x, x >= 100 ? 5 : 4)
      .replace(/(\.\d*?)0+$/, "$1")
      .replace(/\.$/, "")}`,
  time: formatSeconds,
};

/** Whether the run logged its epochs: without them there is no axis of epochs. */
export function hasEpochs(data: RunData): boolean {
  return (data.series.get("epoch")?.length ?? 0) > 0;
}

export function createXAxis(wanted: XKind, data: RunData): XAxis {
  const epochs = data.series.get("epoch");
  const kind = wanted === "epoch" && !epochs?.length ? "step" : wanted;
  const common = { kind, words: FORMATS[kind] };
  if (kind === "step") {
    return {
      ...common,
      generation: "step",
      place: ({ steps }, at) => steps[at] as number,
      fromStep: same,
      toStep: same,
    };
  }
  // Of an epoch that was logged with the first of its steps only, the steps after it lie on the way to the next one.
  let made: [number[], number[]] | null = null;
  const clock = () => {
    const series = kind === "epoch" ? (epochs as RunSeries) : longest(data);
    made ??= rising(series, kind === "epoch" ? series.values : series.times);
    return made;
  };
  const fromStep = (step: number) => between(...clock(), step);
  // The places of what came after the newest epoch were a guess; it is looked at again with each whole epoch.
  const newest = epochs ? Math.floor(epochs.values[epochs.length - 1] as number) : 0;
  return {
    ...common,
    generation: kind === "time" ? "time" : `epoch ${epochs?.generation} ${newest}`,
    place: kind === "time" ? ({ times }, at) => times[at] as number : ({ steps }, at) => fromStep(steps[at] as number),
    fromStep,
    toStep(x) {
      const [steps, places] = clock();
      return between(places, steps, x);
    },
  };
}

function same(x: number): number {
  return x;
}

function longest(data: RunData): RunSeries {
  return [...data.series.values()].reduce((most, series) => (series.length > most.length ? series : most));
}

/** The points of a clock that never goes back, however they were logged. */
function rising({ steps, length }: RunSeries, places: Float64Array): [number[], number[]] {
  const order = Uint32Array.from({ length }, (_, at) => at);
  if (steps.subarray(0, length).some((step, at) => at > 0 && step < (steps[at - 1] as number))) {
    order.sort((a, b) => (steps[a] as number) - (steps[b] as number));
  }
  const [x, y]: [number[], number[]] = [[], []];
  for (const at of order) {
    const [step, place] = [steps[at] as number, places[at] as number];
    if (!Number.isFinite(place)) continue;
    if (x.length && (step <= (x.at(-1) as number) || place < (y.at(-1) as number))) continue;
    x.push(step);
    y.push(place);
  }
  return [x, y];
}

/** Where `at` lies between the points; before and after them as fast as in general. */
function between(from: readonly number[], to: readonly number[], at: number): number {
  const last = from.length - 1;
  if (last < 0) return Number.NaN;
  const slope =
    last > 0 ? ((to[last] as number) - (to[0] as number)) / ((from[last] as number) - (from[0] as number)) : 0;
  if (at <= (from[0] as number)) return (to[0] as number) + slope * (at - (from[0] as number) || 0);
  if (at >= (from[last] as number))
    return (to[last] as number) + (Number.isFinite(slope) ? slope * (at - (from[last] as number)) : 0);
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((from[middle] as number) <= at) low = middle;
    else high = middle;
  }
  const [a, b] = [from[low] as number, from[high] as number];
  const share = b > a ? (at - a) / (b - a) : 0;
  return (to[low] as number) + share * ((to[high] as number) - (to[low] as number));
}

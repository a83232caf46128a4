/** Which charts a run has: one a metric, its phases together; what each is called, coloured and scaled. */

import { headColor } from "../../draw/palette.ts";
import type { Best, ChartSpec, LineSpec } from "./chart_panel.ts";
import { better, isOfLayer, type Phase, spoken } from "./names.ts";
import type { RunData, RunSeries } from "./run_data.ts";

export interface MetricGroup {
  readonly key: string;
  readonly title: string;
  /** The metrics on this chart: one, or those that only mean something together. */
  readonly metrics: readonly string[];
  readonly series: readonly RunSeries[];
  readonly color: string;
}

/** A line's look tells its phase, its colour its metric. */
export const DASHES: Readonly<Record<Phase, readonly number[]>> = { train: [], validation: [6, 3], test: [2, 2.5] };
const PHASES: readonly Phase[] = ["train", "validation", "test"];
const PHASE_WORDS: Readonly<Record<Phase, string>> = { train: "training", validation: "validation", test: "test" };

/** Losses of two players are looked at together. */
const ADVERSARIAL = ["generator_loss", "discriminator_loss"];
const FIRST = ["loss", "adversarial", "accuracy"];
const LAST = ["learning_rate", "gradient_norm", "samples_per_second"];
const COLORS: Readonly<Record<string, number>> = {
  loss: 0,
  adversarial: 0,
  generator_loss: 0,
  discriminator_loss: 1,
  accuracy: 2,
  learning_rate: 4,
  gradient_norm: 3,
  samples_per_second: 6,
};
/** Those that are left to other metrics, in turn. */
const OTHERS = [1, 5, 0, 2, 3];

/** What is shown unless it is asked for: the axis has the epochs, the header the speed. */
const UNASKED = ["samples_per_second"];

/** All groups of a run, the most looked at first. Series of single layers have views of their own. */
export function groupsOf(data: RunData): MetricGroup[] {
  const groups = new Map<string, { metrics: Set<string>; series: RunSeries[] }>();
  for (const series of data.series.values()) {
    if (isOfLayer(series.name) || series.metric === "epoch") continue;
    const key = ADVERSARIAL.includes(series.metric) ? "adversarial" : series.metric;
    const group = groups.get(key) ?? { metrics: new Set(), series: [] };
    group.metrics.add(series.metric);
    group.series.push(series);
    groups.set(key, group);
  }
  const rank = (key: string) => {
    if (FIRST.includes(key)) return FIRST.indexOf(key);
    return LAST.includes(key) ? 100 + LAST.indexOf(key) : 50;
  };
  let other = 0;
  return [...groups]
    .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(([key, { metrics, series }]) => ({
      key,
      title: key === "adversarial" ? "generator and discriminator loss" : spoken(key),
      metrics: [...metrics],
      series: series.sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase)),
      color: headColor(
        (Object.hasOwn(COLORS, key) ? COLORS[key] : undefined) ?? (OTHERS[other++ % OTHERS.length] as number),
      ),
    }));
}

/** Whether the option `metrics` names the group, by a metric or a series; null names all but those that must be asked for. */
export function isChosen({ key, metrics, series }: MetricGroup, chosen: readonly string[] | null): boolean {
  if (chosen === null) return !UNASKED.includes(key);
  return metrics.some((metric) => chosen.includes(metric)) || series.some(({ name }) => chosen.includes(name));
}

export interface ChartLook {
  readonly logY: boolean;
  /** Gradient norm above which gradients explode, if that is known. */
  readonly threshold: number | null;
}

export function chartOf(group: MetricGroup, best: BestFinder, { logY, threshold }: ChartLook): ChartSpec {
  const together = group.metrics.length > 1;
  const phases = new Set(group.series.map(({ phase }) => phase));
  const lines = group.series.map((series): LineSpec => {
    const metric = spoken(series.metric);
    const phase = PHASE_WORDS[series.phase];
    return {
      series,
      label: together
        ? `${metric.replace(/ loss$/, "")}${phases.size > 1 ? `, ${phase}` : ""}`
        : phases.size > 1 || series.phase !== "train"
          ? phase
          : metric,
      color: together ? headColor(COLORS[series.metric] ?? 0) : group.color,
      dash: DASHES[series.phase],
      // It is set, not measured: between two values of it there is nothing.
      exact: series.metric === "learning_rate",
    };
  });
  const measured = LAST.includes(group.key);
  const train = lines.findIndex(({ series }) => series.phase === "train");
  const validation = lines.findIndex(({ series }) => series.phase === "validation");
  const judged = validation >= 0 ? validation : train;
  const isLoss = /loss|perplexity|nll|entropy/i.test(group.key) || together;
  return {
    key: group.key,
    title: group.title,
    lines,
    names: [...group.metrics, ...group.series.map(({ name }) => name)],
    gaps: !together && train >= 0 && validation >= 0 ? [[train, validation]] : [],
    log: group.key === "learning_rate" || group.key === "gradient_norm" || (isLoss && logY),
    thresholds: group.key === "gradient_norm" && threshold !== null ? [{ y: threshold, label: "explodes above" }] : [],
    best: measured || together || judged < 0 ? null : best.of(lines[judged]?.series, judged),
  };
}

/** The best point of each series, looked for among what was added since. */
export class BestFinder {
  readonly #found = new WeakMap<RunSeries, { done: number; at: number; value: number }>();

  of(series: RunSeries | undefined, line: number): Best | null {
    if (!series) return null;
    const way = better(series.metric);
    if (way === null) return null;
    const high = way === "high";
    const found = this.#found.get(series) ?? { done: 0, at: -1, value: Number.NaN };
    const values = (high ? series.high : series.low) ?? series.values;
    for (; found.done < series.length; found.done++) {
      const value = values[found.done] as number;
      if (!Number.isFinite(value)) continue;
      if (found.at < 0 || (high ? value > found.value : value < found.value))
        [found.at, found.value] = [found.done, value];
    }
    this.#found.set(series, found);
    return found.at < 0 ? null : { line, at: found.at, value: found.value };
  }
}

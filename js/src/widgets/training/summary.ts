/** A run in a table of numbers: best and final of each metric, and how far and how quick it was. */

import { element } from "../../controls/dom.ts";
import { formatSeconds, formatStep, formatValue } from "../../draw/number.ts";
import { displayText } from "../../draw/text.ts";
import { spoken } from "./names.ts";
import type { XAxis } from "./x_axis.ts";

/** A number as JSON holds it: what it cannot hold comes as "nan" or "inf". */
export type Plain = number | "nan" | "inf" | "-inf";

export interface SummaryRow {
  readonly name: string;
  readonly metric: string;
  readonly phase: string;
  readonly best: Plain;
  readonly best_step: number;
  readonly final: Plain;
}

export interface Summary {
  readonly rows: readonly SummaryRow[];
  readonly gap: Plain | null;
  readonly step: number | null;
  readonly total_steps: number | null;
  readonly epoch: number | null;
  readonly total_epochs: number | null;
  readonly seconds: number | null;
  readonly seconds_left: number | null;
  readonly steps_per_second: number | null;
  readonly samples_per_second: number | null;
  readonly learning_rate: number | null;
  readonly mean_gradient_norm: Plain | null;
  readonly gradient_threshold: number | null;
}

export function numberOf(value: Plain): number {
  return typeof value === "number" ? value : value === "nan" ? Number.NaN : value === "inf" ? Infinity : -Infinity;
}

export function summaryTable(summary: Summary, axis: XAxis): HTMLElement {
  const said = (value: Plain | null | undefined) =>
    value === null || value === undefined ? "–" : formatValue(numberOf(value));
  const of = (total: number | null) => (total ? ` of ${formatStep(total)}` : "");
  const facts: readonly (readonly [string, string | null])[] = [
    ["gap: validation − training", summary.gap === null ? null : said(summary.gap)],
    ["step", summary.step === null ? null : `${formatStep(summary.step)}${of(summary.total_steps)}`],
    [
      "epoch",
      summary.epoch === null ? null : `${formatValue(summary.epoch).replace(/\.0+$/, "")}${of(summary.total_epochs)}`,
    ],
    ["learning rate", summary.learning_rate === null ? null : said(summary.learning_rate)],
    ["mean gradient norm", summary.mean_gradient_norm === null ? null : said(summary.mean_gradient_norm)],
    ["samples per second", summary.samples_per_second === null ? null : said(summary.samples_per_second)],
    ["steps per second", summary.steps_per_second === null ? null : formatValue(summary.steps_per_second, 3)],
    ["time", summary.seconds === null ? null : formatSeconds(summary.seconds)],
  ];
  const table = element(
    "table",
    { class: "nnw-summary" },
    element(
      "thead",
      {},
      element("tr", {}, ...["Metric", "Best", "at", "Final"].map((name) => element("th", { scope: "col" }, name))),
    ),
    element(
      "tbody",
      {},
      ...summary.rows.map(({ name, metric, phase, best, best_step, final }) => {
        const words = displayText(`${spoken(metric)}${phase === "train" ? "" : `, ${phase}`}`);
        return element(
          "tr",
          {},
          element("th", { scope: "row", title: displayText(name) }, element("bdi", {}, words)),
          element("td", {}, said(best)),
          element(
            "td",
            { class: "nnw-faint" },
            Number.isFinite(best_step) ? axis.words(axis.fromStep(best_step)) : "–",
          ),
          element("td", {}, said(final)),
        );
      }),
    ),
  );
  const list = element(
    "dl",
    { class: "nnw-summary-facts" },
    ...facts.flatMap(([name, value]) =>
      value === null ? [] : [element("div", {}, element("dt", {}, name), element("dd", {}, value))],
    ),
  );
  return element("div", {}, summary.rows.length ? table : null, list);
}

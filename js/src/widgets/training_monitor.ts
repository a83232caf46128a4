/** TrainingMonitor: the curves of a training while it runs and afterwards, what is wrong with it in words, and hands on it. */

import { createButton } from "../controls/button.ts";
import { element, quoted, setText } from "../controls/dom.ts";
import { createSelect } from "../controls/select.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { createSlider } from "../controls/slider.ts";
import { createSwitches } from "../controls/switches.ts";
import { createToggle } from "../controls/toggle.ts";
import sheet from "../controls/training.css";
import type { UPlotLibrary } from "../draw/curves.ts";
import { displayText } from "../draw/text.ts";
import type { View } from "../runtime/context.ts";
import { createChartGroup } from "./training/chart_group.ts";
import { createFindings, type Finding, remarkOf } from "./training/findings.ts";
import { createHeader } from "./training/header.ts";
import { BestFinder, chartOf, groupsOf, isChosen } from "./training/metrics.ts";
import { RunData } from "./training/run_data.ts";
import { isGoing } from "./training/status.ts";
import { type Summary, summaryTable } from "./training/summary.ts";
import { hasEpochs, X_KINDS, type XKind } from "./training/x_axis.ts";

/** Between two questions for summary and findings while a run goes on, in milliseconds. */
const REST = 2000;
/** More charts than this are shown only where they are asked for. */
const MOST_CHARTS = 12;

export const view: View = (context) => {
  const { options, state, signal } = context;
  const { UPlot, style } = context.library as UPlotLibrary;
  ensureSheet(context.root, "uplot", style);
  ensureSheet(context.root, "training", sheet);

  const data = new RunData(context);
  const header = createHeader(context);
  const group = createChartGroup(context, UPlot, data);
  const best = new BestFinder();
  let summary: Summary | null = null;
  let findings: readonly Finding[] = [];
  let pointed: number | null = null;
  let asked = -1;
  let askedAt = 0;
  let later: ReturnType<typeof setTimeout> | undefined;
  let drawn = 0;
  let drawLater: ReturnType<typeof setTimeout> | undefined;

  const smoothing = createSlider(
    "Smoothing",
    { low: 0, high: 0.99, step: 0.01, text: (value) => (value ? value.toFixed(2) : "none") },
    (value) => options.set("smoothing", value),
    signal,
  );
  const axis = createSelect<XKind>("X axis", X_KINDS, (kind) => options.set("x", kind), signal);
  const logY = createToggle("log losses", (on) => options.set("log_y", on), signal);
  const table = createToggle("as table", (on) => group.asTable(on), signal);
  const zoom = element(
    "div",
    { class: "nnw-row", role: "group", "aria-label": "Part in sight" },
    createButton("◀", "Earlier", () => group.pan(-0.3), signal),
    createButton("−", "Zoom out", () => void group.zoomBy(1 / 1.6), signal),
    createButton("+", "Zoom in", () => void group.zoomBy(1.6), signal),
    createButton("▶", "Later", () => group.pan(0.3), signal),
  );
  const all = createButton("all", "Show the whole run", () => group.reset(), signal);
  zoom.append(all);
  const place = element("output", { class: "nnw-place" });
  const picker = createSwitches("Metrics", turn, signal);
  const controls = element(
    "div",
    { class: "nnw-controls nnw-run-controls", role: "group", "aria-label": "What to show" },
    picker.element,
    smoothing.element,
    axis.element,
    logY.element,
    zoom,
    table.element,
    place,
  );
  const waiting = element("p", { class: "nnw-waiting" }, "Reading the run…");
  const empty = element("div", { class: "nnw-empty", hidden: true });
  const panel = createFindings(
    (at) => {
      pointed = at;
      remark();
    },
    (at) => {
      const steps = findings[at]?.steps;
      if (steps) group.zoomToSteps(steps[0], steps[1]);
    },
    signal,
  );
  const numbers = element("div", {});
  const found = element("section", { "aria-label": "Diagnosis" }, element("h4", {}, "Diagnosis"), panel.element);
  const told = element("section", { "aria-label": "Summary" }, element("h4", {}, "Summary"), numbers);
  const words = element("div", { class: "nnw-run-words" }, found, told);
  const body = element("div", { class: "nnw-run-body", hidden: true }, controls, group.element, words);
  context.root.append(
    element(
      "section",
      { class: "nnw-monitor", "aria-label": "Training monitor" },
      header.element,
      waiting,
      empty,
      body,
    ),
  );
  header.element.hidden = true;

  function turn(key: string): void {
    const groups = groupsOf(data);
    const chosen = options.get<string[] | null>("metrics");
    const on = groups.filter((group, at) => shows(group, at, chosen) !== (group.key === key));
    options.set(
      "metrics",
      on.flatMap(({ metrics }) => metrics),
    );
  }

  function shows(group: ReturnType<typeof groupsOf>[number], at: number, chosen: readonly string[] | null): boolean {
    return isChosen(group, chosen) && (chosen !== null || at < MOST_CHARTS);
  }

  /** What is shown, from the options and the series that there are. */
  function show(): void {
    if (!data.told || signal.aborted) return;
    const groups = groupsOf(data).filter(({ series }) => series.some(({ length }) => length > 0));
    waiting.hidden = true;
    header.element.hidden = false;
    body.hidden = groups.length === 0;
    empty.hidden = groups.length > 0;
    tell();
    if (!groups.length) {
      const name = quoted(displayText(state.get<string>("name") ?? data.label));
      const going = isGoing(context) && !context.saved;
      empty.replaceChildren(
        element(
          "p",
          {},
          going ? "Waiting for the first step of " : "No numbers were logged in ",
          name,
          going ? "…" : ".",
        ),
        element("p", { class: "nnw-faint" }, "run.log(step, loss=…, val_loss=…) in the training loop draws them here."),
      );
      return;
    }
    const chosen = options.get<string[] | null>("metrics");
    const [kind, log] = [options.get<XKind>("x"), options.get<boolean>("log_y")];
    const strength = options.get<number>("smoothing");
    picker.show(
      groups.map((group, at) => ({
        key: group.key,
        text: displayText(group.title),
        title: group.series.map(({ name }) => displayText(name)).join(", "),
        on: shows(group, at, chosen),
        color: group.color,
      })),
    );
    smoothing.show(strength);
    axis.show(kind === "epoch" && !hasEpochs(data) ? "step" : kind);
    for (const option of axis.element.querySelectorAll("option")) {
      option.disabled = option.value === "epoch" && !hasEpochs(data);
      option.title = option.disabled ? "The run did not log its epochs" : "";
    }
    logY.show(log);
    const threshold = options.get<number | null>("gradient_threshold") ?? summary?.gradient_threshold ?? null;
    const charts = groups
      .filter((group, at) => shows(group, at, chosen))
      .map((group) => chartOf(group, best, { logY: log, threshold }));
    group.show(charts, { x: kind, smoothing: strength, height: options.get<number>("height") });
  }

  /** The numbers, which follow the run also where the picture does not. */
  function tell(): void {
    let newest = 0;
    for (const { times, length } of data.series.values()) newest = Math.max(newest, times[length - 1] ?? 0);
    const epochs = data.series.get("epoch");
    const epoch = epochs?.length ? (epochs.values[epochs.length - 1] ?? null) : null;
    header.show({ label: data.label, newest, epoch, summary });
  }

  function remark(): void {
    const theme = context.theme();
    group.remark(
      findings.map((finding) => remarkOf(finding, theme)),
      pointed,
    );
  }

  /** Asks for summary and findings as the run stands now; while it goes on not too often. */
  async function summarise(): Promise<void> {
    clearTimeout(later);
    const { cursor } = data;
    const until = context.saved || asked < 0 ? null : cursor;
    if (asked === cursor || signal.aborted) return;
    const rest = askedAt + REST - performance.now();
    if (asked >= 0 && rest > 0 && isGoing(context)) {
      later = setTimeout(summarise, rest);
      return;
    }
    [asked, askedAt] = [until === null ? 0 : cursor, performance.now()];
    let moved = false; // the line of exploding gradients
    try {
      const { value } = await context.ask("run.summary", { until }, { control: "summary" });
      if (signal.aborted) return;
      moved = summary?.gradient_threshold !== value.gradient_threshold;
      summary = value as unknown as Summary;
      findings = (value.findings as Finding[] | undefined) ?? [];
      if (context.saved) asked = cursor;
      else if (typeof value.cursor === "number") asked = Math.max(asked, value.cursor);
    } catch (error) {
      // On a saved page what was not saved cannot be had, and the curves are there all the same.
      if ((error as Error).name !== "Superseded" && !context.saved) context.showError(error);
      return;
    }
    numbers.replaceChildren(summaryTable(summary, group.axis));
    panel.show(findings, isGoing(context));
    if (moved && isLive()) show();
    remark();
    tell();
    if (!context.saved && data.cursor > asked) later = setTimeout(summarise, REST);
  }

  const isLive = () => options.get<boolean | undefined>("live") ?? true;

  function grew(): void {
    void summarise();
    clearTimeout(drawLater);
    if (!isLive() && drawn > 0) {
      tell();
      return;
    }
    const rest = drawn + 1000 * (options.get<number | undefined>("interval") ?? 0) - performance.now();
    if (rest > 0) {
      drawLater = setTimeout(grew, rest);
      return;
    }
    drawn = performance.now();
    show();
  }

  data.onChange(grew);
  group.onLook(() => {
    setText(place, group.words());
    all.disabled = !group.zoomed;
  });
  state.onChange(() => {
    void summarise();
    if (data.told) tell();
    if (!body.hidden) panel.show(findings, isGoing(context));
  });
  options.onChange(["metrics", "smoothing", "x", "log_y", "gradient_threshold", "height", "live", "interval"], () => {
    show();
    if (summary) numbers.replaceChildren(summaryTable(summary, group.axis));
  });
  context.onTheme(remark);
  signal.addEventListener(
    "abort",
    () => {
      clearTimeout(later);
      clearTimeout(drawLater);
    },
    { once: true },
  );
};

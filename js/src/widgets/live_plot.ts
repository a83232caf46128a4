/** LivePlot: any series of the user's own, drawn while they grow. */

import { createButton } from "../controls/button.ts";
import { element, setText } from "../controls/dom.ts";
import plotSheet from "../controls/live_plot.css";
import { oncePerFrame, onResize } from "../controls/redraw.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { createSwitches } from "../controls/switches.ts";
import { createToggle } from "../controls/toggle.ts";
import sheet from "../controls/training.css";
import { linearTicks, linearTickWords, logTicks, logTickWords } from "../draw/curve_axes.ts";
import type { Curve, UPlotLibrary } from "../draw/curves.ts";
import { formatStep } from "../draw/number.ts";
import { displayText } from "../draw/text.ts";
import { Track } from "../draw/track.ts";
import type { View } from "../runtime/context.ts";
import { type Described, PlotData, type PlotSeries } from "./plot/plot_data.ts";
import { plotTable } from "./plot/plot_table.ts";
import { createPanel, readOut } from "./training/chart_panel.ts";

const DASHES: Readonly<Record<Described["dash"], readonly number[]>> = { solid: [], dashed: [6, 4], dotted: [2, 3] };
const NARROWEST = 200;
/** What is zoomed into is at least so small a part of the whole. */
const DEEPEST = 1e9;
/** A line of this width is drawn thinner where it is rough. */
const USUAL_WIDTH = 1.75;

interface Part {
  readonly from: number;
  readonly to: number;
}

export const view: View = (context) => {
  const { options, signal } = context;
  const { UPlot, style } = context.library as UPlotLibrary;
  ensureSheet(context.root, "uplot", style);
  ensureSheet(context.root, "training", sheet);
  ensureSheet(context.root, "live-plot", plotSheet);

  const tracks = new Map<number, { readonly track: Track; series: PlotSeries | null; key: string; done: number }>();
  const hidden = new Set<string>();
  let whole: Part = { from: 0, to: 1 };
  let part: Part | null = null;
  let [cursor, pinned]: [number | null, number | null] = [null, null];
  let tabled = false;
  const schedule = oncePerFrame(draw, signal);

  const switches = createSwitches("Series", (key) => turn(key), signal);
  const logX = createToggle("log x", (on) => options.set("log_x", on), signal);
  const logY = createToggle("log y", (on) => options.set("log_y", on), signal);
  const asTable = createToggle("as table", (on) => setTabled(on), signal);
  const all = createButton("all", "Show all of it", () => reset(), signal);
  const zoom = element(
    "div",
    { class: "nnw-row", role: "group", "aria-label": "Part in sight" },
    createButton("◀", "Further left", () => pan(-0.3), signal),
    createButton("−", "Zoom out", () => void zoomBy(1 / 1.6, null), signal),
    createButton("+", "Zoom in", () => void zoomBy(1.6, null), signal),
    createButton("▶", "Further right", () => pan(0.3), signal),
    all,
  );
  const place = element("output", { class: "nnw-place" });
  const controls = element(
    "div",
    { class: "nnw-controls nnw-run-controls", role: "group", "aria-label": "What to show" },
    switches.element,
    zoom,
    logX.element,
    logY.element,
    asTable.element,
    place,
  );
  const panel = createPanel(
    UPlot,
    {
      hover(x) {
        cursor = x === null ? null : snapped(x);
        lookAt();
      },
      pick(x) {
        const at = snapped(x);
        pinned = pinned === at ? null : at;
        cursor = at;
        lookAt();
      },
      zoom: (from, to) => setPart({ from, to }),
      pan,
      zoomBy,
      reset,
      move,
      pickCursor() {
        pinned = pinned === cursor ? null : cursor;
        lookAt();
      },
      letGo() {
        [cursor, pinned] = [null, null];
        lookAt();
      },
      redraw: schedule,
    },
    signal,
  );
  const yName = element("div", { class: "nnw-y-name" });
  const xName = element("div", { class: "nnw-x-name" });
  const table = element("div", { class: "nnw-table-twin nnw-chart-table", hidden: true, tabindex: 0 });
  const spoken = element("div", { class: "nnw-spoken", role: "status", "aria-live": "polite" });
  const empty = element(
    "div",
    { class: "nnw-empty", hidden: true },
    element("p", {}, "No points yet: ", element("code", {}, "plot.append(name, x, y)"), " draws the first."),
  );
  const chart = element("div", { class: "nnw-live-plot" }, yName, panel.element, xName);
  const root = element("div", { class: "nnw-monitor" }, controls, empty, chart, table, spoken);
  context.root.append(root);

  onResize(root, schedule, signal);
  signal.addEventListener("abort", () => panel.destroy(), { once: true });
  const data = new PlotData(context, () => schedule());
  options.onChange(["title", "x_label", "y_label", "log_y", "width", "height"], schedule);
  options.onChange(["log_x"], () => {
    [part, cursor, pinned] = [null, null, null];
    schedule();
  });
  context.onTheme(schedule);
  schedule();

  const isLogX = () => options.get<boolean>("log_x");
  /** From a place on the axis to the x that it stands for. */
  const xOf = (at: number) => (isLogX() ? Number((10 ** at).toPrecision(12)) : at);
  const xLabel = () => displayText(options.get<string>("x_label") || "x");
  const words = (at: number) => `${xLabel()} ${formatStep(xOf(at))}`;
  const shownSeries = () => [...data.series.values()].filter(({ look }) => !hidden.has(look.name));

  /** The series along the axis: made once, and longer with what came since. */
  function trackOf(series: PlotSeries): Track {
    const { number } = series.look;
    let kept = tracks.get(number);
    if (!kept) {
      kept = { track: new Track(), series: null, key: "", done: 0 };
      tracks.set(number, kept);
    }
    const key = `${series.generation} ${isLogX()}`;
    if (kept.series !== series || kept.key !== key) {
      [kept.series, kept.key, kept.done] = [series, key, 0];
      kept.track.clear();
    }
    for (; kept.done < series.length; kept.done++) {
      const x = series.x[kept.done] as number;
      const at = isLogX() ? Math.log10(x) : x;
      if (Number.isFinite(at)) kept.track.push(at, series.y[kept.done] as number);
    }
    kept.track.settle();
    return kept.track;
  }

  function curveOf(series: PlotSeries): Curve {
    const { name, color, dash, kind, width } = series.look;
    return {
      key: name,
      color,
      dash: DASHES[dash],
      track: trackOf(series),
      smooth: null,
      shape: kind,
      side: "left",
      width: width === USUAL_WIDTH ? undefined : width,
    };
  }

  /** What is zoomed to the newest points goes along with them. */
  function measure(series: readonly PlotSeries[]): void {
    const before = whole;
    let [from, to, apart] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, false];
    for (const one of series) {
      const { x, length } = trackOf(one);
      if (!length) continue;
      from = Math.min(from, x[0] as number);
      to = Math.max(to, x[length - 1] as number);
      apart ||= one.look.kind === "scatter";
    }
    if (!(from <= to)) [from, to] = [0, 1];
    const room = from < to ? (apart ? 0.02 * (to - from) : 0) : Math.abs(from) * 0.1 || 0.5;
    whole = { from: from - room, to: to + room };
    if (part && part.to >= before.to && whole.to > before.to) {
      part = { from: part.from + whole.to - before.to, to: whole.to };
    }
  }

  function draw(): void {
    const series = shownSeries();
    for (const number of tracks.keys()) if (!data.series.has(number)) tracks.delete(number);
    const width = options.get<number | null>("width");
    chart.style.width = width ? `${width}px` : "";
    logX.show(isLogX());
    logY.show(options.get<boolean>("log_y"));
    switches.show(
      [...data.series.values()].map(({ look: { name, color } }) => ({
        key: name,
        text: displayText(name),
        title: displayText(name),
        on: !hidden.has(name),
        color,
      })),
    );
    const some = [...data.series.values()].some(({ length }) => length > 0);
    empty.hidden = some || !data.told;
    chart.hidden = !some || tabled;
    table.hidden = !some || !tabled;
    zoom.hidden = place.hidden = !some;
    if (!some) return;
    measure(series);
    all.disabled = part === null && panel.y === null;
    const { from, to } = part ?? whole;
    const named = { x: options.get<string>("x_label") || "x", y: options.get<string>("y_label") || "y" };
    if (tabled) {
      const rows = series.map((one) => ({ name: one.look.name, track: trackOf(one) }));
      table.replaceChildren(plotTable(rows, { from, to }, named, xOf));
      lookAt();
      return;
    }
    const title = options.get<string>("title");
    chart.classList.toggle("nnw-untitled", !title);
    setText(yName, displayText(options.get<string>("y_label")));
    setText(xName, displayText(options.get<string>("x_label")));
    const curves = series.map(curveOf);
    const spec = {
      title: title || "Live plot",
      lines: series.map(({ look }) => ({ label: look.name, color: look.color, dash: DASHES[look.dash] })),
    };
    const scene = {
      curves,
      gaps: [],
      stretches: [],
      marks: [],
      thresholds: [],
      from,
      to,
      y: panel.y,
      log: { left: options.get<boolean>("log_y"), right: false },
      xTicks(low: number, high: number, count: number) {
        if (!isLogX()) {
          const { ticks } = linearTicks(low, high, count);
          return { ticks, words: linearTickWords(ticks) };
        }
        const ticks = logTicks(10 ** low, 10 ** high, count);
        return { ticks: ticks.map(Math.log10), words: ticks.map(logTickWords) };
      },
      xName: "",
    };
    const room = panel.plot.clientWidth || root.clientWidth;
    panel.draw(spec, scene, Math.max(NARROWEST, room), options.get<number>("height"), context.theme());
    lookAt();
  }

  function lookAt(): void {
    if (!chart.hidden) panel.look(cursor, pinned);
    const at = cursor ?? pinned;
    setText(place, at === null ? "" : words(at));
  }

  function turn(name: string): void {
    if (!hidden.delete(name)) hidden.add(name);
    schedule();
  }

  function setTabled(on: boolean): void {
    tabled = on;
    schedule();
  }

  function setPart(next: Part | null): void {
    if (next) {
      const middle = (next.from + next.to) / 2;
      const half = Math.max((next.to - next.from) / 2, (whole.to - whole.from) / DEEPEST);
      const [from, to] = [Math.max(whole.from, middle - half), Math.min(whole.to, middle + half)];
      next = from <= whole.from && to >= whole.to ? null : { from, to };
      if (next && !(next.from < next.to)) return;
    }
    part = next;
    schedule();
  }

  function reset(): void {
    panel.y = null;
    setPart(null);
  }

  function zoomBy(factor: number, around: number | null): boolean {
    if (factor < 1 && !part) return false;
    const { from, to } = part ?? whole;
    const pivot = around ?? cursor ?? (from + to) / 2;
    setPart({ from: pivot - (pivot - from) / factor, to: pivot + (to - pivot) / factor });
    return true;
  }

  function pan(share: number): void {
    if (part) {
      const by = share * (part.to - part.from);
      const held = Math.max(whole.from - part.from, Math.min(whole.to - part.to, by));
      part = { from: part.from + held, to: part.to + held };
    }
    schedule();
  }

  /** The nearest x at which there is a point. */
  function snapped(x: number): number {
    let [best, least] = [x, Number.POSITIVE_INFINITY];
    for (const series of shownSeries()) {
      const track = trackOf(series);
      const at = track.nearest(x);
      const found = track.x[at] as number;
      if (at >= 0 && Math.abs(found - x) < least) [best, least] = [found, Math.abs(found - x)];
    }
    return best;
  }

  /** The hand of the keyboard goes to the next point of any series, and says what is there. */
  function move(by: number, far: "point" | "page" | "end"): void {
    const { from, to } = part ?? whole;
    const start = cursor ?? pinned;
    if (far === "end") cursor = snapped(by > 0 ? to : from);
    else if (start === null) cursor = snapped(by > 0 ? from : to);
    else if (far === "page") cursor = snapped(start + by * 0.1 * (to - from));
    else cursor = neighbour(start, by) ?? start;
    if (part && (cursor < part.from || cursor > part.to)) {
      pan((cursor - (cursor < part.from ? part.from : part.to)) / (part.to - part.from));
    }
    lookAt();
    const said = shownSeries().map((series) => {
      return `${displayText(series.look.name)} ${readOut({ track: trackOf(series), smooth: null }, cursor)}`;
    });
    setText(spoken, `${words(cursor)}: ${said.join(", ")}`);
  }

  function neighbour(x: number, by: number): number | null {
    let best: number | null = null;
    for (const series of shownSeries()) {
      const track = trackOf(series);
      let at = track.first(x);
      if (by > 0) while (at < track.length && (track.x[at] as number) <= x) at += 1;
      else at -= 1;
      const found = track.x[at];
      if (at < 0 || at >= track.length || found === undefined) continue;
      if (best === null || (by > 0 ? found < best : found > best)) best = found;
    }
    return best;
  }
};

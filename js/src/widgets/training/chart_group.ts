/**
 * Charts that belong together: they share the part of the x axis in sight, one hover line, the picked step, and the strip
 * below that shows the whole. Draws once a frame at most, and only what is in sight of the reader.
 */

import { createBrush, type Part } from "../../controls/brush.ts";
import { element, setText } from "../../controls/dom.ts";
import { linearTicks, linearTickWords, timeTicks } from "../../draw/curve_axes.ts";
import { type Curve, type CurveScene, type Mark, RIGHT, type Stretch, type UPlot } from "../../draw/curves.ts";
import { decimate } from "../../draw/decimate.ts";
import { formatSeconds, formatValue } from "../../draw/number.ts";
import type { Track } from "../../draw/track.ts";
import type { ViewContext } from "../../runtime/context.ts";
import { type ChartSpec, createPanel, type Panel, readOut } from "./chart_panel.ts";
import { chartTable } from "./chart_table.ts";
import type { RunData } from "./run_data.ts";
import { Tracks } from "./tracks.ts";
import { createXAxis, type XAxis, type XKind } from "./x_axis.ts";

/** Steps about which something is said: a stretch of every chart that has one of the names, or of all. */
export interface Remark {
  readonly steps: readonly [number, number] | null;
  readonly names: readonly string[];
  readonly label: string;
  readonly color: string;
  /** Whether it is marked only while a hand is on its words. */
  readonly quiet: boolean;
}

export interface GroupLook {
  readonly x: XKind;
  readonly smoothing: number;
  /** Of one chart, px. */
  readonly height: number;
}

export interface ChartGroup {
  readonly element: HTMLElement;
  readonly axis: XAxis;
  /** Other charts, or the same with other lines; drawn with the next frame. */
  show(charts: readonly ChartSpec[], look: GroupLook): void;
  remark(remarks: readonly Remark[], active: number | null): void;
  zoomToSteps(from: number, to: number): void;
  zoomBy(factor: number): boolean;
  pan(share: number): void;
  reset(): void;
  asTable(on: boolean): void;
  /** Called when the part in sight, the cursor or the axis changed. */
  onLook(listener: () => void): void;
  readonly zoomed: boolean;
  /** Where the hand is, or the picked step: in words, with its unit. */
  words(): string;
}

const LEFT = 56;
/** A picture is at least so wide. */
const NARROWEST = 240;
/** What is zoomed into is at least so many of the whole. */
const DEEPEST = 1e7;

export function createChartGroup(context: ViewContext, library: UPlot, data: RunData): ChartGroup {
  const { selection, signal } = context;
  const grid = element("div", { class: "nnw-charts" });
  const table = element("div", { class: "nnw-table-twin nnw-chart-table", hidden: true, tabindex: 0 });
  const spoken = element("div", { class: "nnw-spoken", role: "status", "aria-live": "polite" });
  const brush = createBrush({ left: LEFT, right: RIGHT }, (part) => setPart(part), signal);
  const root = element("div", { class: "nnw-chart-group" }, grid, table, brush.element, spoken);

  const tracks = new Tracks();
  const panels = new Map<string, Panel>();
  const inSight = new Set<Element>();
  const listeners: (() => void)[] = [];
  let charts: readonly ChartSpec[] = [];
  let look: GroupLook = { x: "step", smoothing: 0, height: 240 };
  let axis = createXAxis("step", data);
  let remarks: readonly Remark[] = [];
  let active: number | null = null;
  let whole: Part = { from: 0, to: 1 };
  let part: Part | null = null;
  let cursor: number | null = null;
  /** Whether a table stands in place of the charts. */
  let tabled = false;
  let frame = 0;
  let later: ReturnType<typeof setTimeout> | undefined;

  const visible = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) inSight.add(target);
        else inSight.delete(target);
      }
      schedule();
    },
    { rootMargin: "200px" },
  );
  const sizes = new ResizeObserver(() => schedule());
  sizes.observe(root);
  signal.addEventListener(
    "abort",
    () => {
      visible.disconnect();
      sizes.disconnect();
      cancelAnimationFrame(frame);
      clearTimeout(later);
      for (const panel of panels.values()) panel.destroy();
    },
    { once: true },
  );
  selection.onChange(["step"], () => {
    lookAt();
    drawBrush();
  });
  context.onTheme(() => schedule());

  function schedule(): void {
    if (frame || signal.aborted) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  }

  function picked(): number | null {
    const step = selection.get("step");
    const x = step === null ? Number.NaN : axis.fromStep(step);
    return Number.isFinite(x) ? x : null;
  }

  function shown(): Part {
    return part ?? whole;
  }

  /** A part at the end of a run that goes on moves with it. */
  function measure(): void {
    const before = whole;
    let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const { lines } of charts) {
      for (const { series } of lines) {
        const { x, length } = tracks.of(series, axis);
        if (!length) continue;
        from = Math.min(from, x[0] as number);
        to = Math.max(to, x[length - 1] as number);
      }
    }
    if (!(from <= to)) [from, to] = [0, 1];
    whole = from < to ? { from, to } : { from: from - 0.5, to: from + 0.5 };
    if (part && part.to >= before.to && whole.to > before.to) {
      part = { from: part.from + whole.to - before.to, to: whole.to };
    }
  }

  function setPart(next: Part | null): void {
    if (next) {
      const least = (whole.to - whole.from) / DEEPEST;
      const middle = (next.from + next.to) / 2;
      const half = Math.max((next.to - next.from) / 2, least);
      const [from, to] = [Math.max(whole.from, middle - half), Math.min(whole.to, middle + half)];
      next = from <= whole.from && to >= whole.to ? null : { from, to };
      if (next && !(next.from < next.to)) return;
    }
    part = next;
    schedule();
  }

  function draw(): void {
    axis = createXAxis(look.x, data);
    measure();
    const theme = context.theme();
    if (tabled) table.replaceChildren(chartTable(charts, tracks, axis, shown()));
    else {
      for (const spec of charts) {
        const panel = panels.get(spec.key) as Panel;
        if (!inSight.has(panel.element)) continue;
        if (!panel.plot.clientWidth) {
          // For a moment there is no layout: JupyterLab swaps its style sheet. Nobody tells when it is over.
          clearTimeout(later);
          later = setTimeout(schedule, 50);
          continue;
        }
        const width = Math.max(NARROWEST, panel.plot.clientWidth);
        panel.draw(spec, sceneOf(spec, panel), width, look.height, theme);
      }
    }
    drawBrush();
    lookAt();
  }

  function drawBrush(): void {
    const first = charts[0];
    brush.element.hidden = !first || tabled;
    if (!first || tabled) return;
    const width = Math.max(NARROWEST, root.clientWidth);
    const columns = Math.max(1, width - LEFT - RIGHT);
    const unit = spacing(first);
    const lines = first.lines.map(({ series, color, dash }) => {
      const track = tracks.smoothed(series, axis, look.smoothing, unit) ?? tracks.of(series, axis);
      return { line: decimate(track, whole.from, whole.to, columns, first.log).line, color, dash };
    });
    const { from, to } = shown();
    const words = part ? `${axis.words(from)} to ${axis.words(to)}` : "all";
    brush.show({ lines, whole, part, picked: picked(), log: first.log ?? false, words }, width, context.theme());
  }

  function spacing(spec: ChartSpec): number {
    return look.smoothing > 0
      ? tracks.spacing(
          spec.lines.map(({ series }) => series),
          axis,
        )
      : 1;
  }

  function sceneOf(spec: ChartSpec, panel: Panel): CurveScene {
    const { from, to } = shown();
    const unit = spacing(spec);
    const curves = spec.lines.map(({ series, color, dash, shape, side, exact }): Curve => {
      let track = tracks.of(series, axis);
      if (series.thinned && part) {
        const [start, stop] = [axis.toStep(from), axis.toStep(to)];
        const closer = data.closer(series.name, start, stop);
        if (closer) track = tracks.of(closer, axis, "closer");
        else data.wantCloser(series.name, start, stop);
      }
      return {
        key: series.name,
        color,
        dash,
        track,
        smooth: exact ? null : tracks.smoothed(series, axis, look.smoothing, unit),
        shape: shape ?? "line",
        side: side ?? "left",
      };
    });
    return {
      curves,
      gaps: (spec.gaps ?? []).map(([one, other]) => ({ one, other, color: curves[one]?.color ?? "" })),
      stretches: stretchesOf(spec),
      marks: marksOf(spec),
      thresholds: spec.thresholds ?? [],
      from,
      to,
      y: panel.y,
      log: { left: spec.log ?? false, right: spec.logRight ?? false },
      xTicks(low, high, count) {
        const { ticks } = axis.kind === "time" ? timeTicks(low, high, count) : linearTicks(low, high, count);
        const whole = axis.kind === "time" ? ticks : ticks.filter(Number.isInteger);
        const kept = whole.length > 1 ? whole : ticks;
        return { ticks: kept, words: axis.kind === "time" ? kept.map(formatSeconds) : linearTickWords(kept) };
      },
      xName: axis.kind,
    };
  }

  function stretchesOf(spec: ChartSpec): Stretch[] {
    return remarks.flatMap(({ steps, names, label, color, quiet }, at) => {
      if (!steps || (quiet && at !== active)) return [];
      const concerned = names.some((name) => spec.names.includes(name));
      const homeless = !charts.some((chart) => names.some((name) => chart.names.includes(name)));
      if (!concerned && !(homeless && spec === charts[0]) && at !== active) return [];
      const [from, to] = [axis.fromStep(steps[0]), axis.fromStep(steps[1])];
      return [{ from, to, label, color, active: at === active }];
    });
  }

  function marksOf({ best, lines }: ChartSpec): Mark[] {
    const line = best && lines[best.line];
    if (!line) return [];
    const x = axis.place(line.series, best.at);
    return [{ x, y: best.value, color: line.color, label: `best ${formatValue(best.value)} · ${axis.words(x)}` }];
  }

  /** The cheap part: lines of cursor and pick, read-outs. */
  function lookAt(): void {
    const at = picked();
    if (!tabled) {
      for (const { key } of charts) {
        const panel = panels.get(key) as Panel;
        if (inSight.has(panel.element)) panel.look(cursor, at);
      }
    }
    for (const listener of listeners) listener();
  }

  function pick(x: number): void {
    const step = Math.round(axis.toStep(x));
    selection.set({ step: selection.get("step") === step ? null : step });
  }

  function zoomBy(factor: number, around: number | null): boolean {
    if (factor < 1 && !part) return false;
    const { from, to } = shown();
    const pivot = around ?? cursor ?? (from + to) / 2;
    setPart({ from: pivot - (pivot - from) / factor, to: pivot + (to - pivot) / factor });
    return true;
  }

  function pan(share: number): void {
    if (!part) {
      schedule(); // the values may have moved
      return;
    }
    const by = share * (part.to - part.from);
    const held = Math.max(whole.from - part.from, Math.min(whole.to - part.to, by));
    setPart({ from: part.from + held, to: part.to + held });
  }

  /** The hand of the keyboard goes to the next point of any line, and says what is there. */
  function move(by: number, far: "point" | "page" | "end", of: readonly Track[]): void {
    const { from, to } = shown();
    const start = cursor ?? picked() ?? (by > 0 ? from : to);
    let next = start;
    if (far === "end") next = by > 0 ? to : from;
    else if (far === "page") next = start + by * 0.1 * (to - from);
    else next = neighbour(of, start, by, cursor === null && picked() === null) ?? start;
    cursor = Math.min(whole.to, Math.max(whole.from, next));
    if (part && (cursor < part.from || cursor > part.to))
      pan((cursor - (cursor < part.from ? part.from : part.to)) / (part.to - part.from));
    lookAt();
    setText(spoken, sentence());
  }

  function sentence(): string {
    const x = cursor;
    if (x === null) return "";
    const said = charts.flatMap(({ title, lines }) =>
      lines.map(({ series, label }) => {
        const track = tracks.of(series, axis);
        return `${label === title ? title : `${title} ${label}`} ${readOut({ track, smooth: null }, x)}`;
      }),
    );
    return `${axis.words(x)}: ${said.join(", ")}`;
  }

  const events = {
    hover(x: number | null) {
      if (x !== null && part === null) x = Math.min(whole.to, Math.max(whole.from, x));
      cursor = x === null ? null : snapped(x);
      lookAt();
    },
    pick(x: number) {
      cursor = snapped(x);
      pick(cursor);
    },
    zoom: (from: number, to: number) => setPart({ from, to }),
    pan,
    zoomBy,
    reset: () => setPart(null),
    move,
    pickCursor: () => cursor !== null && pick(cursor),
    letGo() {
      cursor = null;
      selection.set({ step: null });
      lookAt();
    },
    redraw: () => schedule(),
  };

  /** The nearest x at which anything was logged. */
  function snapped(x: number): number {
    let best = x;
    let least = Number.POSITIVE_INFINITY;
    for (const { lines } of charts) {
      for (const { series } of lines) {
        const track = tracks.of(series, axis);
        const at = track.nearest(x);
        if (at < 0) continue;
        const place = track.x[at] as number;
        if (Math.abs(place - x) < least) [best, least] = [place, Math.abs(place - x)];
      }
    }
    return best;
  }

  return {
    element: root,
    get axis() {
      return axis;
    },
    get zoomed() {
      return part !== null || [...panels.values()].some(({ y }) => y !== null);
    },
    show(next, nextLook) {
      if (nextLook.x !== look.x && part) {
        const after = createXAxis(nextLook.x, data);
        const [from, to] = [after.fromStep(axis.toStep(part.from)), after.fromStep(axis.toStep(part.to))];
        part = from < to ? { from, to } : null;
      }
      if (nextLook.x !== look.x) cursor = null;
      [charts, look] = [next, nextLook];
      axis = createXAxis(look.x, data);
      for (const [key, panel] of panels) {
        if (charts.some((chart) => chart.key === key)) continue;
        visible.unobserve(panel.element);
        inSight.delete(panel.element);
        panel.destroy();
        panels.delete(key);
      }
      for (const [at, { key }] of charts.entries()) {
        let panel = panels.get(key);
        if (!panel) {
          panel = createPanel(library, events, signal);
          panels.set(key, panel);
          visible.observe(panel.element);
        }
        if (grid.children[at] !== panel.element) grid.insertBefore(panel.element, grid.children[at] ?? null);
      }
      schedule();
    },
    remark(next, on) {
      [remarks, active] = [next, on];
      schedule();
    },
    zoomToSteps(from, to) {
      const [left, right] = [axis.fromStep(from), axis.fromStep(to)];
      const margin = Math.max((right - left) * 0.15, (whole.to - whole.from) / 200);
      setPart({ from: left - margin, to: right + margin });
    },
    zoomBy: (factor) => zoomBy(factor, null),
    pan,
    reset() {
      for (const panel of panels.values()) panel.y = null;
      setPart(null);
    },
    asTable(on) {
      tabled = on;
      table.hidden = !on;
      grid.hidden = on;
      schedule();
    },
    onLook: (listener) => void listeners.push(listener),
    words() {
      const x = cursor ?? picked();
      if (x === null) return "";
      if (axis.kind === "step") return axis.words(x);
      return `${axis.words(x)} · step ${Math.round(axis.toStep(x)).toLocaleString("en")}`;
    },
  };
}

/** The nearest point of any of the tracks beyond `x`, or at it where the hand is put down only now. */
function neighbour(tracks: readonly Track[], x: number, by: number, here: boolean): number | undefined {
  let best: number | undefined;
  for (const track of tracks) {
    let at = track.first(x);
    if (by > 0) while (!here && track.x[at] === x && at < track.length) at += 1;
    else if (!(here && track.x[at] === x)) at -= 1;
    const place = at >= 0 && at < track.length ? track.x[at] : undefined;
    if (place !== undefined && (best === undefined || (by > 0 ? place < best : place > best))) best = place;
  }
  return best;
}

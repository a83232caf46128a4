/** One run's gradients: bars of all layers at a step, and beside them, in the same rows, colours over all steps. */

import { element, setText } from "../../controls/dom.ts";
import { createLayerPlot, type PlotPoint } from "../../controls/layer_plot.ts";
import { nearestStep } from "../../controls/step_slider.ts";
import { type Bar, type BarScale, paintBars, paintKey, type Tone } from "../../draw/bars.ts";
import { fitCanvas, type Rect } from "../../draw/canvas.ts";
import { linearTicks } from "../../draw/curve_axes.ts";
import { paintHeatmap } from "../../draw/heatmap.ts";
import { decadeTicks, labelFont, labelWidth, paintAxis, paintRows, rowAt, rowsHeight } from "../../draw/layer_rows.ts";
import { formatStep, formatTickValue, formatValue } from "../../draw/number.ts";
import { colorTable, pixel } from "../../draw/palette.ts";
import { displayText, fitText } from "../../draw/text.ts";
import type { Theme } from "../../runtime/context.ts";
import type { Exact, Flow, Measure, Sizes } from "./gradient_data.ts";

/** Marks, as the kernel numbers them. */
const TONES: readonly Tone[] = ["fine", "low", "high", "none", "high", "none"];
const UPDATE_WORDS: Readonly<Record<string, string>> = { "near zero": "hardly moves", extreme: "large steps" };

export interface Panel {
  readonly element: HTMLElement;
  draw(scene: Scene, width: number, theme: Theme): void;
  /** What is drawn, as numbers. */
  table(): HTMLTableElement | null;
}

export interface Scene {
  readonly flow: Flow;
  readonly exact: Exact | null;
  readonly measure: Measure;
  /** The column that is looked at. */
  readonly place: number;
  readonly following: boolean;
  readonly layer: string | null;
  readonly scale: BarScale;
  readonly height: number;
  /** Whether the run is named: where there are two. */
  readonly named: boolean;
}

export interface PanelEvents {
  pickLayer(path: string | null): void;
  /** null for the newest. */
  pickStep(step: number | null): void;
}

/** One layer's numbers, as powers of ten, with the word for its mark. */
interface Reading {
  readonly size: number;
  readonly largest: number;
  readonly word: string;
  readonly tone: Tone;
}

const [HEAD, FOOT, KEY, GAP] = [20, 38, 6, 16];

export function createPanel(events: PanelEvents, signal: AbortSignal): Panel {
  const name = element("b", { class: "nnw-layers-run" });
  const heading = element("span", { class: "nnw-layers-step" });
  const reading = element("p", { class: "nnw-layers-reading" });
  let shown: { scene: Scene; theme: Theme; width: number } | null = null;
  let boxes = { bars: { x: 0, y: 0, width: 1, height: 1 }, heat: { x: 0, y: 0, width: 1, height: 1 } };
  let hovered = { row: -1, column: -1 };

  const plot = createLayerPlot(
    "bars and colours of layers",
    {
      hover(point) {
        const next = point ? { row: rowOf(point), column: columnOf(point) } : { row: -1, column: -1 };
        if (next.row === hovered.row && next.column === hovered.column) return;
        hovered = next;
        paint();
      },
      pick(point) {
        if (!shown) return;
        const { flow } = shown.scene;
        const [row, column] = [rowOf(point), columnOf(point)];
        if (row >= 0) events.pickLayer(flow.paths[row] ?? null);
        if (column >= 0) pickColumn(column);
      },
      drag(point) {
        const column = columnOf(point, true);
        if (column >= 0) pickColumn(column);
      },
      move(rows, columns, far) {
        if (!shown) return;
        const { flow, place, layer } = shown.scene;
        if (rows) {
          const last = flow.paths.length - 1;
          const from =
            hovered.row >= 0 ? hovered.row : layer === null ? (rows > 0 ? -1 : last + 1) : flow.paths.indexOf(layer);
          hovered = { row: Math.min(last, Math.max(0, from + rows)), column: -1 };
          paint();
        } else {
          const last = flow.steps.length - 1;
          pickColumn(far ? (columns > 0 ? last : 0) : Math.min(last, Math.max(0, place + columns)));
        }
        plot.speak(wordsAt() || stepWords(shown.scene, shown.scene.place));
      },
      enter() {
        const path = shown?.scene.flow.paths[hovered.row];
        if (path === undefined) return;
        events.pickLayer(path);
        plot.speak(`${displayText(path)} selected`);
      },
      escape() {
        hovered = { row: -1, column: -1 };
        events.pickLayer(null);
        events.pickStep(null);
        paint();
      },
    },
    signal,
  );

  function pickColumn(column: number): void {
    const steps = shown?.scene.flow.steps;
    if (!steps) return;
    events.pickStep(column >= steps.length - 1 ? null : Math.round(steps[column] as number));
  }

  function rowOf({ y }: PlotPoint): number {
    return shown ? rowAt(boxes.bars, shown.scene.flow.paths.length, y) : -1;
  }

  function columnOf({ x, y }: PlotPoint, held = false): number {
    const { heat } = boxes;
    const count = shown?.scene.flow.steps.length ?? 0;
    const at = Math.floor(((x - heat.x) / heat.width) * count);
    if (held) return x < heat.x - 8 ? -1 : Math.min(count - 1, Math.max(0, at));
    return y >= heat.y && y <= heat.y + heat.height && at >= 0 && at < count ? at : -1;
  }

  function wordsAt(): string {
    if (!shown) return "";
    const { scene } = shown;
    const row = hovered.row >= 0 ? hovered.row : scene.layer === null ? -1 : scene.flow.paths.indexOf(scene.layer);
    return row < 0 ? "" : readingWords(scene, row, hovered.column);
  }

  function paint(): void {
    if (!shown) return;
    const { scene, theme, width } = shown;
    const { flow, measure, scale } = scene;
    const rows = flow.paths.length;
    const tall = rowsHeight(rows, scene.height);
    const context = fitCanvas(plot.canvas, width, HEAD + tall + FOOT);
    const left = labelWidth(context, flow.paths, width, theme);
    const room = width - left - GAP - 8;
    const bars: Rect = { x: left, y: HEAD, width: Math.round(room * 0.5), height: tall };
    const heat: Rect = { x: left + bars.width + GAP, y: HEAD, width: room - bars.width, height: tall };
    boxes = { bars, heat };
    const layer = scene.layer === null ? -1 : flow.paths.indexOf(scene.layer);
    paintRows(context, { names: flow.paths, picked: layer, hovered: hovered.row }, bars, 0, theme);
    const ticks = decadeTicks(scale.low, scale.high, bars.width);
    context.font = labelFont(theme);
    const named = axisName(measure);
    const fits = context.measureText(named).width <= bars.width + 20;
    paintAxis(context, ticks, fits ? named : shortName(measure), bars, KEY + 1, theme);
    paintKey(context, colorTable("viridis"), { x: bars.x, y: bars.y + tall + 1, width: bars.width, height: KEY });
    if (measure === "updates") {
      const at = (Math.log10(flow.usualUpdate) - scale.low) / (scale.high - scale.low);
      const x = Math.round(bars.x + at * bars.width) + 0.5;
      context.setLineDash([4, 3]);
      context.strokeStyle = theme.faint;
      context.beginPath();
      context.moveTo(x, bars.y - 4);
      context.lineTo(x, bars.y + tall);
      context.stroke();
      context.setLineDash([]);
    }
    paintBars(context, readings(scene), scale, bars, theme);
    paintSteps(context, scene, heat, theme);
    paintHeads(context, scene, bars, heat, theme);
    setText(reading, wordsAt() || "Click a row to select its layer, the colours to pick a step.");
  }

  function paintSteps(
    context: CanvasRenderingContext2D,
    { flow, measure, scale, place }: Scene,
    rect: Rect,
    theme: Theme,
  ) {
    const columns = flow.steps.length;
    const values = measure === "gradients" ? flow.mean : flow.update;
    const span = scale.high - scale.low || 1;
    const at = (value: number) => (Number.isNaN(value) ? value : Math.min(1, Math.max(0, (value - scale.low) / span)));
    paintHeatmap(
      context,
      { values, rows: flow.paths.length, columns, top: 0, left: 0, span: 1 },
      { left: 0, right: columns, top: 0, bottom: flow.paths.length },
      rect,
      {
        scale: { kind: "log", low: scale.low, high: scale.high, at, ticks: () => [] },
        table: colorTable("viridis"),
        missing: theme.dark ? [pixel(58, 62, 68), pixel(92, 97, 105)] : [pixel(224, 224, 224), pixel(158, 158, 158)],
        reduce: "mean",
      },
    );
    const x = rect.x + ((place + 0.5) / columns) * rect.width;
    const bottom = rect.y + rect.height;
    for (const [color, width] of [
      [theme.background, 4],
      [theme.accent, 2],
    ] as const) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x, rect.y - 3);
      context.lineTo(x, bottom + 3);
      context.stroke();
    }
    if (hovered.row >= 0 && hovered.column >= 0) {
      const row = rect.height / flow.paths.length;
      context.strokeStyle = theme.text;
      context.lineWidth = 1;
      const left = rect.x + (hovered.column / columns) * rect.width;
      context.strokeRect(left, rect.y + hovered.row * row, Math.max(3, rect.width / columns), Math.max(3, row));
    }
    const [first, last] = [flow.steps[0] as number, flow.steps[columns - 1] as number];
    const nice = linearTicks(first, Math.max(last, first + 1), Math.max(2, Math.floor(rect.width / 60)));
    const ticks = nice.ticks.map((tick) => ({
      at: (nearestStep(flow.steps, tick) + 0.5) / columns,
      text: formatTickValue(Math.round(tick), Math.max(1, nice.step)),
    }));
    paintAxis(context, ticks, "step", rect, 1, theme, false);
  }

  function paintHeads(context: CanvasRenderingContext2D, scene: Scene, bars: Rect, heat: Rect, theme: Theme): void {
    context.font = labelFont(theme, true);
    context.fillStyle = theme.text;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(fitText(context, stepWords(scene, scene.place), bars.width + GAP - 6), bars.x, 8);
    context.font = labelFont(theme);
    context.fillStyle = theme.faint;
    const over = scene.measure === "gradients" ? "mean, over the steps" : "over the steps";
    context.fillText(fitText(context, over, heat.width), heat.x, 8);
  }

  return {
    element: element(
      "section",
      { class: "nnw-layers-panel" },
      element("header", {}, name, heading),
      plot.element,
      reading,
    ),
    draw(scene, width, theme) {
      shown = { scene, width, theme };
      if (hovered.row >= scene.flow.paths.length) hovered = { row: -1, column: -1 };
      setText(name, displayText(scene.flow.label));
      name.parentElement?.toggleAttribute("hidden", !scene.named);
      plot.describe(describe(scene));
      paint();
    },
    table: () => (shown ? tableOf(shown.scene) : null),
  };
}

function axisName(measure: Measure): string {
  return measure === "gradients"
    ? "|∂loss/∂parameter|: mean (bar) to largest (line)"
    : "norm of a step ÷ norm of the weights (dashed: usual)";
}

function shortName(measure: Measure): string {
  return measure === "gradients" ? "mean |∂loss/∂parameter|" : "step ÷ weights";
}

/** The layer's numbers at the column, or at the exact step where it is known. */
function readingAt(scene: Scene, row: number, column = scene.place): Reading {
  const { flow, exact, measure } = scene;
  const alone = exact !== null && column === scene.place && exact.paths.includes(flow.paths[row] as string);
  const [sizes, at]: [Sizes, number] = alone
    ? [exact, exact.paths.indexOf(flow.paths[row] as string)]
    : [flow, row * flow.steps.length + column];
  const updates = measure === "updates";
  const mark = (updates ? sizes.updateMarks : sizes.marks)[at] as number;
  const said = flow.words[mark] ?? "";
  return {
    size: (updates ? sizes.update : sizes.mean)[at] as number,
    largest: updates ? Number.NaN : (sizes.largest[at] as number),
    word: updates ? (UPDATE_WORDS[said] ?? said) : said,
    tone: TONES[mark] ?? "fine",
  };
}

function readings(scene: Scene): Bar[] {
  return scene.flow.paths.map((_, row) => readingAt(scene, row));
}

function stepWords({ flow, exact, place, following }: Scene, column: number): string {
  if (column === place && exact) return `step ${formatStep(exact.step)}`;
  const [step, count] = [Math.round(flow.steps[column] as number), flow.counts[column] as number];
  const newest = following && column === place ? ", the newest" : "";
  return count > 1
    ? `about step ${formatStep(step)}${newest} (of ${count} steps)`
    : `step ${formatStep(step)}${newest}`;
}

export function readingWords(scene: Scene, row: number, column = -1): string {
  const at = column < 0 ? scene.place : column;
  const path = displayText(scene.flow.paths[row] as string);
  const { size, largest, word } = readingAt(scene, row, at);
  const where = stepWords(scene, at);
  const end = word ? `: ${word}` : "";
  if (Number.isNaN(size)) return `${path}, ${where}${end || ": not logged"}`;
  if (scene.measure === "updates")
    return `${path}, ${where}: a step of ${power(size)} of the weights${word ? `, ${word}` : ""}`;
  const most = Number.isNaN(largest) ? "" : `, largest ${power(largest)}`;
  return `${path}, ${where}: mean ${power(size)}${most}${word ? `, ${word}` : ""}`;
}

function power(exponent: number): string {
  return formatValue(10 ** exponent, 3);
}

function describe(scene: Scene): string {
  const { flow, measure } = scene;
  const all = readings(scene);
  const said = new Map<string, string[]>();
  for (const [row, { word }] of all.entries()) {
    if (!word) continue;
    said.set(word, [...(said.get(word) ?? []), displayText(flow.paths[row] as string)]);
  }
  const marks = [...said].map(([word, paths]) => `${word}: ${paths.slice(0, 12).join(", ")}`);
  const subject = measure === "gradients" ? "Mean absolute gradient" : "Size of a step over that of the weights";
  const count = flow.paths.length;
  const [first, last] = [all[0] as Reading, all.at(-1) as Reading];
  return (
    `${subject} of ${count} ${count === 1 ? "layer" : "layers"} of ${displayText(flow.label)}, ${stepWords(scene, scene.place)}: ` +
    `${power(first.size)} in ${displayText(flow.paths[0] as string)}, ${power(last.size)} in ${displayText(flow.paths.at(-1) as string)}. ` +
    `${marks.length ? `${marks.join(". ")}. ` : ""}` +
    "Up and down arrows go through the layers, left and right through the steps, Enter selects the layer, Escape lets go."
  );
}

function tableOf(scene: Scene): HTMLTableElement {
  const { flow, measure } = scene;
  const updates = measure === "updates";
  const heads = updates ? ["layer", "step ÷ weights", ""] : ["layer", "mean", "largest", ""];
  return element(
    "table",
    {},
    element("caption", {}, `${displayText(flow.label)}, ${stepWords(scene, scene.place)}: ${axisName(measure)}.`),
    element(
      "thead",
      {},
      element("tr", {}, ...heads.map((head) => element(head ? "th" : "td", head ? { scope: "col" } : {}, head))),
    ),
    element(
      "tbody",
      {},
      ...flow.paths.map((path, row) => {
        const { size, largest, word } = readingAt(scene, row);
        const cell = (value: number) => element("td", {}, Number.isNaN(value) ? "–" : power(value));
        return element(
          "tr",
          { class: path === scene.layer ? "nnw-picked" : null },
          element("th", { scope: "row", title: displayText(path) }, element("bdi", {}, displayText(path))),
          cell(size),
          updates ? null : cell(largest),
          element("td", {}, word),
        );
      }),
    ),
  );
}

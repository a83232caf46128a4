/** Small curves of what is measured at each step, the step that is looked at marked; a hand on them goes to a step. */

import { element, setAttribute, setText } from "../../controls/dom.ts";
import { type Context2D, fitCanvas, type Rect } from "../../draw/canvas.ts";
import { linearTicks, linearTickWords, reach } from "../../draw/curve_axes.ts";
import { formatStep, formatValue } from "../../draw/number.ts";
import { displayText } from "../../draw/text.ts";
import type { Theme } from "../../runtime/context.ts";

export interface Line {
  readonly name: string;
  readonly color: string;
  /** By x, from 0; NaN is a gap. */
  readonly values: ArrayLike<number>;
}

export interface Measure {
  readonly name: string;
  readonly lines: readonly Line[];
}

export interface MeasureCurves {
  readonly element: HTMLElement;
  show(measures: readonly Measure[], step: number, last: number, theme: Theme): void;
}

const HEIGHT = 92;
const LEFT = 46;
const FOOT = 14;

export function createMeasureCurves(onPick: (step: number) => void, signal: AbortSignal): MeasureCurves {
  const root = element("div", { class: "nnw-measures", role: "group", "aria-label": "Measures" });
  const panels: Panel[] = [];
  let last = 0;

  interface Panel {
    readonly figure: HTMLElement;
    readonly name: HTMLElement;
    readonly value: HTMLElement;
    readonly canvas: HTMLCanvasElement;
    /** As it was seen last: with another theme there is no layout for a moment. */
    width: number;
  }

  function createPanel(): Panel {
    const name = element("span", { class: "nnw-measure-name" });
    const value = element("span", { class: "nnw-measure-value" });
    const canvas = element("canvas", { role: "img" });
    const figure = element("figure", { class: "nnw-measure" }, element("figcaption", {}, name, value), canvas);
    const pick = (event: PointerEvent) => {
      const { left, width } = canvas.getBoundingClientRect();
      const share = (event.clientX - left - LEFT) / Math.max(1, width - LEFT - 4);
      onPick(Math.round(Math.min(1, Math.max(0, share)) * last));
    };
    canvas.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0) return;
        canvas.setPointerCapture(event.pointerId);
        pick(event);
      },
      { signal },
    );
    canvas.addEventListener("pointermove", (event) => event.buttons & 1 && pick(event), { signal });
    root.append(figure);
    return { figure, name, value, canvas, width: 0 };
  }

  return {
    element: root,
    show(measures, step, steps, theme) {
      last = steps;
      root.hidden = measures.length === 0;
      for (const { figure } of panels.splice(measures.length)) figure.remove();
      for (const [at, { name, lines }] of measures.entries()) {
        panels[at] ??= createPanel();
        const panel = panels[at];
        setText(panel.name, displayText(name));
        setAttribute(panel.name, "title", displayText(name));
        const values = lines.map((line) => line.values[step] ?? Number.NaN);
        // A value that is not here yet is no NaN of the process.
        const said = values.map((value) => (Number.isNaN(value) ? "–" : formatValue(value))).join(" · ");
        setText(panel.value, said);
        const words = lines.map((line, index) => {
          const value = formatValue(values[index] as number);
          return lines.length > 1 ? `${line.name} ${value}` : value;
        });
        setAttribute(panel.canvas, "aria-label", `${name}: ${words.join(", ")} at step ${formatStep(step)}`);
        const width = panel.figure.clientWidth || panel.width;
        panel.width = width;
        if (!width) continue;
        const context = fitCanvas(panel.canvas, width, HEIGHT);
        paintLines(context, lines, { x: LEFT, y: 4, width: width - LEFT - 4, height: HEIGHT - FOOT - 6 }, theme, {
          last: steps,
          at: step,
        });
      }
    },
  };
}

export interface LinesLook {
  /** The x of the right end; the left one is 0. */
  readonly last: number;
  /** The x that is marked. */
  readonly at?: number;
  /** The range of y; without it that of the values. */
  readonly range?: readonly [number, number];
}

/** Lines over whole numbers from 0, with ticks left and below. */
export function paintLines(
  context: Context2D,
  lines: readonly Line[],
  rect: Rect,
  theme: Theme,
  look: LinesLook,
): void {
  const { last, at } = look;
  const [low, high] = look.range ?? rangeOf(lines);
  const bounds = reach(low, high, false);
  const across = (x: number) => rect.x + (last ? x / last : 0.5) * rect.width;
  const down = (y: number) => rect.y + rect.height * (1 - (y - bounds.low) / (bounds.high - bounds.low));
  context.save();
  context.font = `${theme.fontSize - 2}px ${theme.font}`;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const { ticks } = linearTicks(bounds.low, bounds.high, Math.max(3, Math.floor(rect.height / 20)));
  for (const [index, words] of linearTickWords(ticks).entries()) {
    const y = Math.round(down(ticks[index] as number)) + 0.5;
    context.strokeStyle = theme.border;
    context.globalAlpha = 0.45;
    stroke(context, rect.x, y, rect.x + rect.width, y);
    context.globalAlpha = 1;
    context.fillStyle = theme.faint;
    context.fillText(words, rect.x - 5, y);
  }
  context.textBaseline = "top";
  context.fillStyle = theme.faint;
  context.fillText(formatStep(last), rect.x + rect.width, rect.y + rect.height + 3);
  context.textAlign = "left";
  context.fillText("0", rect.x, rect.y + rect.height + 3);
  if (at !== undefined) {
    context.strokeStyle = theme.text;
    context.globalAlpha = 0.55;
    stroke(context, across(at), rect.y, across(at), rect.y + rect.height);
    context.globalAlpha = 1;
  }
  context.beginPath();
  context.rect(rect.x - 4, rect.y - 4, rect.width + 8, rect.height + 8);
  context.clip();
  for (const { values, color } of lines) {
    [context.strokeStyle, context.fillStyle] = [color, color];
    context.lineWidth = 1.5;
    context.beginPath();
    let pen = false;
    for (let x = 0; x < values.length; x++) {
      const value = values[x] as number;
      if (!Number.isFinite(value)) pen = false;
      else if (pen) context.lineTo(across(x), down(value));
      else {
        context.moveTo(across(x), down(value));
        context.lineTo(across(x) + 0.01, down(value)); // a lone point is seen too
        pen = true;
      }
    }
    context.stroke();
    const marked = at === undefined ? Number.NaN : (values[at] as number);
    if (at !== undefined && Number.isFinite(marked)) {
      context.beginPath();
      context.arc(across(at), down(marked), 3, 0, 2 * Math.PI);
      context.fill();
    }
  }
  context.restore();
}

function rangeOf(lines: readonly Line[]): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { values } of lines) {
    for (let x = 0; x < values.length; x++) {
      const value = values[x] as number;
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return [low, high];
}

function stroke(context: Context2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

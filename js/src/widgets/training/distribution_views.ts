/** The pictures of Distributions: a histogram a layer, boxes of all layers, one layer over the steps, all layers in one. */

import { createButton } from "../../controls/button.ts";
import { element, setAttribute, setText } from "../../controls/dom.ts";
import { createLayerPlot } from "../../controls/layer_plot.ts";
import { BOX, paintBoxes, type ValueAxis, valueAxis } from "../../draw/boxes.ts";
import { fitCanvas, type Rect } from "../../draw/canvas.ts";
import { paintHistogram, valueTicks } from "../../draw/histogram.ts";
import { labelFont, labelWidth, paintAxis, paintRows, rowAt, rowsHeight } from "../../draw/layer_rows.ts";
import { formatStep, formatValue } from "../../draw/number.ts";
import { headColor } from "../../draw/palette.ts";
import { paintRidges, ridgeAt } from "../../draw/ridges.ts";
import { displayText } from "../../draw/text.ts";
import type { Theme } from "../../runtime/context.ts";
import { type AtStep, type OverSteps, WHAT, type What } from "./distribution_data.ts";
import { captionOf, percent } from "./distribution_words.ts";

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  readonly log: boolean;
  readonly layer: string | null;
}

export interface Picks {
  layer(path: string | null): void;
  step(step: number | null): void;
}

/** The same kind of values has the same colour in every view. */
export function colorOf(what: What): string {
  return headColor([0, 1, 2][WHAT.indexOf(what)] as number);
}

/** What a bar counts, and what of it. */
const VALUES: Readonly<Record<What, string>> = {
  weights: "weight",
  gradients: "∂loss/∂parameter",
  activations: "activation",
};

/** A histogram a layer, as buttons; so many on a page. */
export function createHistograms(picks: Picks, signal: AbortSignal) {
  const grid = element("div", { class: "nnw-hists", role: "group", "aria-label": "Layers" });
  const where = element("span", { class: "nnw-faint" });
  const turn = (by: number) => () => {
    page += by;
    again?.();
  };
  const [back, on] = [
    createButton("◀", "Earlier layers", turn(-1), signal),
    createButton("▶", "Later layers", turn(1), signal),
  ];
  const pager = element("div", { class: "nnw-row", role: "group", "aria-label": "Pages of layers" }, back, where, on);
  const buttons: { button: HTMLButtonElement; name: HTMLElement; canvas: HTMLCanvasElement; caption: HTMLElement }[] =
    [];
  let page = 0;
  let followed: string | null = null;
  let again: (() => void) | null = null;

  const make = (place: number) => {
    const [name, canvas, caption] = [
      element("b", {}),
      element("canvas", { "aria-hidden": "true" }),
      element("span", { class: "nnw-hist-words" }),
    ];
    const button = element("button", { type: "button", class: "nnw-hist" }, name, canvas, caption);
    button.addEventListener(
      "click",
      () => {
        const path = button.dataset.path ?? null;
        picks.layer(button.getAttribute("aria-pressed") === "true" ? null : path);
      },
      { signal },
    );
    button.addEventListener(
      "keydown",
      (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        buttons[place + by]?.button.focus();
      },
      { signal },
    );
    return { button, name, canvas, caption };
  };

  return {
    element: element("div", { class: "nnw-layers-body" }, grid, pager),
    draw(at: AtStep, size: number, shared: boolean, look: Look): void {
      again = () => this.draw(at, size, shared, look);
      const pages = Math.max(1, Math.ceil(at.paths.length / size));
      const row = look.layer === null ? -1 : at.paths.indexOf(look.layer);
      if (look.layer !== followed && row >= 0) page = Math.floor(row / size);
      followed = look.layer;
      page = Math.min(pages - 1, Math.max(0, page));
      const first = page * size;
      const shown = at.paths.slice(first, first + size);
      pager.hidden = pages < 2;
      setText(where, `layers ${first + 1} to ${first + shown.length} of ${at.paths.length}`);
      back.disabled = page === 0;
      on.disabled = page === pages - 1;
      while (buttons.length < shown.length) {
        const made = make(buttons.length);
        buttons.push(made);
        grid.append(made.button);
      }
      while (buttons.length > shown.length) buttons.pop()?.button.remove();
      const columns = Math.max(1, Math.floor((look.width + 14) / (176 + 14)));
      const width = Math.floor((look.width - (columns - 1) * 14) / columns) - 14;
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let at_ = first; at_ < first + shown.length; at_++) {
        const [from, to] = [at.ranges[2 * at_] as number, at.ranges[2 * at_ + 1] as number];
        if (from < low) low = from;
        if (to > high) high = to;
      }
      for (const [place, path] of shown.entries()) {
        const { button, name, canvas, caption } = buttons[place] as (typeof buttons)[number];
        const index = first + place;
        const words = at.layers[index] ?? null;
        button.dataset.path = path;
        setText(name, displayText(path));
        setAttribute(name, "title", displayText(path));
        setAttribute(button, "aria-pressed", String(path === look.layer));
        caption.replaceChildren(...captionOf(words).flatMap((line, at) => (at ? [element("br"), line] : [line])));
        setAttribute(
          button,
          "aria-label",
          `${displayText(path)}: ${captionOf(words)
            .map((line) => line.textContent)
            .join(", ")}`,
        );
        const counts = at.counts.subarray(index * at.bins, (index + 1) * at.bins);
        const bins = words && { low: at.ranges[2 * index] as number, high: at.ranges[2 * index + 1] as number, counts };
        const range = shared && low < high ? ([low, high] as const) : null;
        paintHistogram(canvas, bins, { range, log: look.log, color: colorOf(at.what) }, width, 92, look.theme);
      }
    },
  };
}

/** A box a layer on one axis. */
export function createBoxes(picks: Picks, signal: AbortSignal) {
  const reading = element("p", { class: "nnw-layers-reading" });
  let shown: { at: AtStep; look: Look; axis: ValueAxis } | null = null;
  let rect: Rect = { x: 0, y: 0, width: 1, height: 1 };
  let hovered = -1;
  const plot = createLayerPlot(
    "box plots",
    {
      hover(point) {
        const row = point && shown ? rowAt(rect, shown.at.paths.length, point.y) : -1;
        if (row === hovered) return;
        hovered = row;
        paint();
      },
      pick(point) {
        const path = shown?.at.paths[rowAt(rect, shown.at.paths.length, point.y)];
        if (path !== undefined) picks.layer(path);
      },
      drag() {},
      move(rows, columns, far) {
        if (!shown) return;
        const last = shown.at.paths.length - 1;
        const from = hovered >= 0 ? hovered : shown.look.layer === null ? -1 : shown.at.paths.indexOf(shown.look.layer);
        hovered = far ? (columns > 0 ? last : 0) : Math.min(last, Math.max(0, from + rows));
        paint();
        plot.speak(wordsOf(hovered));
      },
      enter() {
        const path = shown?.at.paths[hovered];
        if (path !== undefined) picks.layer(path);
      },
      escape() {
        hovered = -1;
        picks.layer(null);
      },
    },
    signal,
  );
  const wordsOf = (row: number) => {
    if (!shown || row < 0) return "";
    const values = Array.from({ length: BOX }, (_, part) =>
      formatValue(shown?.at.boxes[row * BOX + part] as number, 3),
    );
    const [minimum, low, first, middle, third, high, maximum] = values;
    const path = displayText(shown.at.paths[row] as string);
    if (!shown.at.layers[row]) return `${path}: not logged at this step`;
    return `${path}: median ${middle}, quartiles ${first} and ${third}, 5 and 95 % ${low} and ${high}, from ${minimum} to ${maximum}`;
  };
  function paint(): void {
    if (!shown) return;
    const { at, look, axis } = shown;
    const tall = rowsHeight(at.paths.length, look.height);
    const context = fitCanvas(plot.canvas, look.width, 8 + tall + 38);
    const left = labelWidth(context, at.paths, look.width, look.theme);
    rect = { x: left, y: 6, width: look.width - left - 12, height: tall };
    const picked = look.layer === null ? -1 : at.paths.indexOf(look.layer);
    paintRows(context, { names: at.paths, picked, hovered }, rect, 0, look.theme);
    const name = `${VALUES[at.what]}${look.log ? ", logarithmic to both sides of 0" : ""} (box: quartiles, small ticks: 5 and 95 %)`;
    paintAxis(context, axis.ticks, name, rect, 1, look.theme);
    paintBoxes(context, at.boxes, at.paths.length, axis, colorOf(at.what), rect, look.theme);
    setText(reading, wordsOf(hovered));
  }
  return {
    element: element("div", {}, plot.element, reading),
    draw(at: AtStep, look: Look): void {
      shown = { at, look, axis: valueAxis(at.boxes, look.log, look.width * 0.75) };
      if (hovered >= at.paths.length) hovered = -1;
      plot.describe(
        `Box plots of the ${at.what} of ${at.paths.length} layers at step ${formatStep(at.step)}. Up and down arrows go through the layers, Enter selects one, Escape lets it go.`,
      );
      paint();
    },
  };
}

/** One layer's histograms over the steps. */
export function createOverSteps(picks: Picks, signal: AbortSignal) {
  const reading = element("p", { class: "nnw-layers-reading" });
  let shown: { over: OverSteps; look: Look; picked: number } | null = null;
  let rect: Rect = { x: 0, y: 0, width: 1, height: 1 };
  let hovered = -1;
  const pick = (at: number) => {
    const steps = shown?.over.steps;
    if (!steps || at < 0) return;
    picks.step(at >= steps.length - 1 ? null : (steps[at] as number));
  };
  const plot = createLayerPlot(
    "histograms over the steps",
    {
      hover(point) {
        const at = point && shown ? ridgeAt(rect, shown.over.steps.length, point.y) : -1;
        if (at === hovered) return;
        hovered = at;
        paint();
      },
      pick: (point) => pick(shown ? ridgeAt(rect, shown.over.steps.length, point.y) : -1),
      drag() {},
      move(rows, columns, far) {
        if (!shown) return;
        const last = shown.over.steps.length - 1;
        const by = rows || columns;
        pick(far ? (columns > 0 ? last : 0) : Math.min(last, Math.max(0, shown.picked + by)));
      },
      enter() {
        pick(hovered);
      },
      escape() {
        picks.step(null);
      },
    },
    signal,
  );
  function paint(): void {
    if (!shown) return;
    const { over, look, picked } = shown;
    const count = over.steps.length;
    const tall = Math.min(look.height, 60 + 14 * count);
    const context = fitCanvas(plot.canvas, look.width, 8 + tall + 38);
    rect = { x: 64, y: 6, width: look.width - 64 - 12, height: tall };
    const bins = over.edges.length - 1;
    const [low, high] = [over.edges[0] as number, over.edges[bins] as number];
    paintAxis(context, valueTicks(low, high, rect.width), VALUES[over.what], rect, 1, look.theme);
    const { steps, shares } = over;
    paintRidges(
      context,
      { steps, shares, bins, log: look.log, color: colorOf(over.what), picked, hovered },
      rect,
      look.theme,
    );
    context.save();
    context.translate(9, rect.y + rect.height / 2);
    context.rotate(-Math.PI / 2);
    context.font = labelFont(look.theme);
    context.fillStyle = look.theme.faint;
    context.textAlign = "center";
    context.fillText("step", 0, 0);
    context.restore();
    const at = hovered >= 0 ? hovered : picked;
    const outside =
      over.beyond >= 0.0005 ? ` Up to ${percent(over.beyond)} of a step's values lie outside this range.` : "";
    setText(reading, `${displayText(over.layer)}, step ${formatStep(over.steps[at] as number)}.${outside}`);
  }
  return {
    element: element("div", {}, plot.element, reading),
    draw(over: OverSteps, picked: number, look: Look): void {
      shown = { over, look, picked };
      if (hovered >= over.steps.length) hovered = -1;
      const last = over.steps.length - 1;
      plot.describe(
        `Histograms of the ${over.what} of ${displayText(over.layer)} at ${over.steps.length} steps, ${formatStep(over.steps[0] as number)} to ${formatStep(over.steps[last] as number)}; step ${formatStep(over.steps[picked] as number)} stands out. Arrow keys go through the steps, Escape goes to the newest.`,
      );
      paint();
    },
  };
}

/** All layers in one histogram. */
export function createAll() {
  const canvas = element("canvas", { role: "img" });
  const note = element("p", { class: "nnw-layers-reading" });
  return {
    element: element("div", {}, canvas, note),
    draw(at: AtStep, look: Look): void {
      if (!at.all) return;
      const { edges, counts } = at.all;
      const [low, high] = [edges[0] as number, edges[edges.length - 1] as number];
      let total = 0;
      for (const count of counts) total += count;
      const name = VALUES[at.what];
      const height = Math.min(look.height, Math.max(220, look.width * 0.45));
      paintHistogram(
        canvas,
        { low, high, counts },
        { log: look.log, color: colorOf(at.what), name },
        look.width,
        height,
        look.theme,
      );
      const words = `${formatStep(Math.round(total))} ${at.what} of ${at.paths.length} layers at step ${formatStep(at.step)}, ${formatValue(low, 3)} to ${formatValue(high, 3)}`;
      setAttribute(canvas, "aria-label", `Histogram of ${words}`);
      setText(note, `${words}. Of large layers a sample is counted, so they weigh no more than others.`);
    },
  };
}

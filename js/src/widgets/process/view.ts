/** What all scrubbers of a process share: frames of its branches, a player, curves; linked to the selection's step. */

import { element, setAttribute, setText } from "../../controls/dom.ts";
import sheet from "../../controls/player.css";
import { createPlayer, type Player } from "../../controls/player.ts";
import { oncePerFrame, onResize } from "../../controls/redraw.ts";
import { ensureSheet } from "../../controls/sheet.ts";
import { createToggle } from "../../controls/toggle.ts";
import training from "../../controls/training.css";
import { type Context2D, fitCanvas } from "../../draw/canvas.ts";
import { formatStep, formatValue } from "../../draw/number.ts";
import { headColor } from "../../draw/palette.ts";
import { fitGrid, gridPlace, gridSize, type PictureGrid, paintPictures } from "../../draw/pictures.ts";
import { displayText } from "../../draw/text.ts";
import type { ViewContext } from "../../runtime/context.ts";
import { branchColor, branchWords, createBranchPicker } from "./branches.ts";
import { createMeasureCurves, type Measure, paintLines } from "./curves.ts";
import { type Branch, type Frame, FrameStore, type Story } from "./frames.ts";

export interface Scene {
  readonly story: Story;
  readonly step: number;
  /** The branches that are looked at. */
  readonly branches: readonly Branch[];
}

/** A branch's frame in the page. */
export interface Row {
  readonly branch: number;
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** How its pictures lie, where they are pictures. */
  readonly grid: PictureGrid | null;
}

export interface PixelPlace {
  readonly sample: number;
  readonly row: number;
  readonly column: number;
}

export interface ProcessHooks {
  /** Of the view, for screen readers. */
  readonly name: string;
  /** The step that is shown where none is selected. */
  readonly start?: "first" | "last";
  /** The widest that a picture is drawn, px. */
  readonly most?: number;
  /** Names of the samples, for their captions. */
  readonly titles?: (scene: Scene) => readonly string[];
  /** What a step is called in the scrubber, for example by its time t. */
  readonly words?: (step: number) => string;
  /** Measures that are no curve here: these are drawn otherwise. */
  readonly without?: readonly string[];
  /** Paints over a branch's pictures. */
  readonly over?: (paint: Context2D, row: Row, scene: Scene) => void;
  /** Called after each drawing. */
  readonly drawn?: (scene: Scene) => void;
}

export interface ProcessView {
  readonly element: HTMLElement;
  /** An empty place above the frames, for further controls. */
  readonly controls: HTMLElement;
  /** An empty place between the frames and the curves. */
  readonly below: HTMLElement;
  readonly store: FrameStore;
  readonly player: Player;
  readonly rows: readonly Row[];
  scene(): Scene | null;
  go(step: number): void;
  /** Draw once more, soon. */
  redraw(): void;
  /** Which pixel of which picture lies under the pointer. */
  pixelAt(row: Row, event: MouseEvent): PixelPlace | null;
}

const CURVE_HEIGHT = 180;
const CAPTION = 16;
/** Rows of the table of measures. */
const MOST_ROWS = 101;

export function createProcessView(context: ViewContext, hooks: ProcessHooks): ProcessView {
  const { options, selection, signal } = context;
  ensureSheet(context.root, "training", training);
  ensureSheet(context.root, "player", sheet);
  const redraw = oncePerFrame(draw, signal);
  let before = 0;
  /** As it was seen last: while JupyterLab swaps its style sheet for another theme, there is no layout for a moment. */
  let room = 0;
  let forward = true;
  let complained = false;
  const rows = new Map<number, MutableRow>();

  const controls = element("div", { class: "nnw-controls", role: "group", "aria-label": "What to show", hidden: true });
  const waiting = element("p", { class: "nnw-waiting" }, "Waiting for the first frame…");
  const stage = element("div", { class: "nnw-branches" });
  const below = element("div", { class: "nnw-below" });
  const picker = createBranchPicker(redraw, signal);
  const player = createPlayer(
    {
      onStep: go,
      ready(step) {
        if (store.fails(step)) player.pause(); // it would wait for ever
        return store.ready(step);
      },
      onSpeed: (fps) => options.set("fps", fps),
      onLoop: (loop) => options.set("loop", loop),
      words: (step) => hooks.words?.(step) ?? formatStep(step),
    },
    signal,
  );
  const curves = createMeasureCurves((step) => {
    player.pause();
    go(step);
  }, signal);
  const table = element("div", { class: "nnw-table-twin nnw-chart-table", hidden: true, tabindex: 0 });
  const asTable = createToggle(
    "as table",
    (on) => {
      table.hidden = !on;
      redraw();
    },
    signal,
    "What is measured at each step, as a table",
  );
  const root = element(
    "section",
    { class: "nnw-process", "aria-label": hooks.name },
    controls,
    picker.element,
    waiting,
    stage,
    player.element,
    below,
    curves.element,
    asTable.element,
    table,
  );
  picker.element.hidden = true;
  player.element.hidden = true;
  asTable.element.hidden = true;
  player.listen(stage);
  player.listen(curves.element);
  context.root.append(root);
  const store = new FrameStore(context, redraw);

  onResize(root, redraw, signal);
  selection.onChange(["step"], redraw);
  options.onChange(["fps", "loop", "columns"], redraw);
  context.onTheme(redraw);
  redraw();

  function go(step: number): void {
    selection.set({ step });
  }

  function scene(): Scene | null {
    const { story } = store;
    if (!story) return null;
    const picked = selection.get("step") ?? (hooks.start === "last" ? story.steps : 0);
    return { story, step: Math.min(story.steps, Math.max(0, picked)), branches: picker.shown(store.branches) };
  }

  function draw(): void {
    const now = scene();
    room = root.clientWidth || room;
    if (!now || !room) return;
    const { story, step, branches } = now;
    if (step !== before) forward = step > before || (step === 0 && player.playing);
    before = step;
    store.look(
      step,
      branches.map(({ index }) => index),
      forward,
    );
    waiting.hidden = true;
    player.element.hidden = false;
    player.showSpeed(options.get<number>("fps"));
    player.showLoop(options.get<boolean>("loop"));
    player.show(step, story.steps);
    picker.draw(store.branches);
    for (const [index, row] of rows) {
      if (branches.some((branch) => branch.index === index)) continue;
      row.element.remove();
      rows.delete(index);
    }
    for (const branch of branches) drawRow(branch, now);
    drawCurves(now);
    tellTrouble();
    hooks.drawn?.(now);
  }

  /** What went wrong stays said: the steps before it are shown all the same. */
  function tellTrouble(): void {
    const { trouble } = store;
    if (trouble !== null) context.showError(new Error(trouble));
    else if (complained) context.showError(null);
    complained = trouble !== null;
  }

  function drawRow(branch: Branch, now: Scene): void {
    const row = rowOf(branch.index);
    const name = branchWords(branch, store.branches);
    row.heading.hidden = store.branches.length < 2;
    setText(row.heading, name);
    row.heading.style.setProperty("--fill", branchColor(branch.index));
    const shown = store.frame(branch.index, now.step);
    row.place.classList.toggle("nnw-stale", shown === null);
    setAttribute(row.place, "aria-busy", String(shown === null));
    if (!shown) return; // the last picture stays until this one is here
    const isText = shown.kind === "text";
    row.canvas.hidden = isText;
    row.texts.hidden = !isText;
    row.place.classList.toggle("nnw-wide-frame", shown.kind === "curve");
    if (shown.kind === "text") {
      const texts = row.texts.children;
      if (texts.length !== shown.texts.length)
        row.texts.replaceChildren(...shown.texts.map(() => element("li", { dir: "auto" })));
      for (const [at, text] of shown.texts.entries()) setText(texts[at] as Element, text);
      return;
    }
    const said = `step ${formatStep(now.step)} of ${formatStep(now.story.steps)}`;
    const what = shown.kind === "images" ? "picture" : "curve";
    const { samples, height, width } = now.story;
    const size = shown.kind === "images" ? ` of ${width} × ${height} pixels` : "";
    const whose = store.branches.length > 1 ? `, ${name}` : "";
    setAttribute(row.canvas, "aria-label", `${samples} ${what}${samples > 1 ? "s" : ""}${size}, ${said}${whose}`);
    if (shown.kind === "images") paintImages(row, shown.pixels, now);
    else paintCurveFrame(row, shown, now);
  }

  function paintImages(row: MutableRow, pixels: Uint8Array, now: Scene): void {
    const { samples, height, width, channels } = now.story;
    const shape = [height, width, channels] as const;
    const columns = options.get<number | null>("columns") ?? samples;
    const titles = hooks.titles?.(now) ?? [];
    const most = hooks.most ?? (samples === 1 ? 288 : 192);
    const fitted = fitGrid(samples, shape, room, { most, columns });
    row.grid = { ...fitted, rowGap: titles.length ? CAPTION + 4 : fitted.gap };
    const [wide, high] = gridSize(samples, row.grid);
    const paint = fitCanvas(row.canvas, wide, high + (titles.length ? CAPTION : 0));
    paintPictures(paint, pixels, samples, shape, row.grid, 0, 0);
    const theme = context.theme();
    paint.font = `${theme.fontSize - 1}px ${theme.font}`;
    paint.fillStyle = theme.faint;
    paint.textAlign = "center";
    for (const [sample, title] of titles.entries()) {
      const place = gridPlace(sample, row.grid);
      paint.fillText(displayText(title), place.x + place.width / 2, place.y + place.height + 12, place.width);
    }
    hooks.over?.(paint, row, now);
  }

  function paintCurveFrame(row: MutableRow, { curves }: Extract<Frame, { kind: "curve" }>, now: Scene): void {
    const { samples } = now.story;
    const count = curves.length / samples;
    const lines = Array.from({ length: samples }, (_, at) => ({
      name: `sample ${at}`,
      color: headColor(at),
      values: curves.subarray(at * count, (at + 1) * count),
    }));
    const wide = Math.min(room, 900);
    const paint = fitCanvas(row.canvas, wide, CURVE_HEIGHT);
    const rect = { x: 52, y: 6, width: wide - 60, height: CURVE_HEIGHT - 26 };
    const { range } = store; // that of step 0 alone, which the story knows, may be a point
    paintLines(paint, lines, rect, context.theme(), { last: count - 1, ...(range && { range }) });
    hooks.over?.(paint, row, now);
  }

  function drawCurves(now: Scene): void {
    const wanted = options.get<readonly string[] | null | undefined>("measures") ?? null;
    const measures = now.story.measures.flatMap((name, at): Measure[] => {
      if (hooks.without?.includes(name) || (wanted && !wanted.includes(name))) return [];
      const lines = now.branches.map((branch) => ({
        name: branchWords(branch, store.branches),
        color: branchColor(branch.index),
        values: store.curve(branch.index, at),
      }));
      return [{ name, lines }];
    });
    curves.show(measures, now.step, now.story.steps, context.theme());
    asTable.element.hidden = measures.length === 0;
    if (!table.hidden) table.replaceChildren(tableOf(measures, now));
  }

  function rowOf(index: number): MutableRow {
    const known = rows.get(index);
    if (known) return known;
    const heading = element("div", { class: "nnw-branch-name" });
    const canvas = element("canvas", { role: "img", tabindex: 0 });
    const texts = element("ul", { class: "nnw-frame-texts", tabindex: 0, hidden: true });
    const place = element("div", { class: "nnw-frame-place" }, canvas, texts);
    const row = {
      branch: index,
      element: element("div", { class: "nnw-branch" }, heading, place),
      heading,
      canvas,
      texts,
      place,
      grid: null,
    };
    rows.set(index, row);
    const after = [...rows.values()].filter((other) => other.branch > index).sort((a, b) => a.branch - b.branch)[0];
    stage.insertBefore(row.element, after?.element ?? null);
    return row;
  }

  return {
    element: root,
    controls,
    below,
    store,
    player,
    get rows() {
      return [...rows.values()].sort((a, b) => a.branch - b.branch);
    },
    scene,
    go,
    redraw,
    pixelAt({ canvas, grid }, event) {
      const now = scene();
      if (!grid || !now) return null;
      const box = canvas.getBoundingClientRect();
      const scale = Number.parseFloat(canvas.style.width) / box.width;
      const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      for (let sample = 0; sample < now.story.samples; sample++) {
        const place = gridPlace(sample, grid);
        const column = Math.floor(((x - place.x) / place.width) * now.story.width);
        const row = Math.floor(((y - place.y) / place.height) * now.story.height);
        if (column >= 0 && column < now.story.width && row >= 0 && row < now.story.height)
          return { sample, row, column };
      }
      return null;
    },
  };
}

interface MutableRow extends Row {
  readonly heading: HTMLElement;
  readonly place: HTMLElement;
  readonly texts: HTMLElement;
  grid: PictureGrid | null;
}

/** Measures by step, evenly thinned; the step that is looked at is among them. */
function tableOf(measures: readonly Measure[], { story, step }: Scene): HTMLTableElement {
  const every = Math.max(1, Math.ceil((story.steps + 1) / MOST_ROWS));
  const steps = Array.from({ length: Math.floor(story.steps / every) + 1 }, (_, at) => at * every);
  const shown = [...new Set([...steps, step, story.steps])].sort((a, b) => a - b);
  const columns = measures.flatMap(({ name, lines }) =>
    lines.map((line) => ({ title: lines.length > 1 ? `${name}, ${line.name}` : name, values: line.values })),
  );
  return element(
    "table",
    {},
    element("caption", {}, "What is measured at each step"),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col" }, "step"),
        ...columns.map(({ title }) => element("th", { scope: "col" }, displayText(title))),
      ),
    ),
    element(
      "tbody",
      {},
      ...shown.map((at) =>
        element(
          "tr",
          { "aria-current": at === step ? "step" : null },
          element("th", { scope: "row", class: at === step ? "nnw-picked" : null }, formatStep(at)),
          ...columns.map(({ values }) => {
            const value = values[at] as number;
            return element("td", {}, Number.isNaN(value) ? "–" : formatValue(value));
          }),
        ),
      ),
    ),
  );
}

/** Distributions: how weights, gradients and activations of each layer are spread, at a step and over a training. */

import { element, quoted, setText } from "../controls/dom.ts";
import layers from "../controls/layers.css";
import { oncePerFrame, onResize } from "../controls/redraw.ts";
import { createSelect } from "../controls/select.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { createStepSlider, nearestStep } from "../controls/step_slider.ts";
import { createToggle } from "../controls/toggle.ts";
import sheet from "../controls/training.css";
import { displayText } from "../draw/text.ts";
import type { View } from "../runtime/context.ts";
import { DistributionData, type Overview, WHAT, type What } from "./training/distribution_data.ts";
import { createAll, createBoxes, createHistograms, createOverSteps, type Look } from "./training/distribution_views.ts";
import { sentenceOf, tableOf, ternaryWords } from "./training/distribution_words.ts";
import { isGoing } from "./training/status.ts";

const VIEWS = [
  ["histograms", "a histogram a layer"],
  ["boxes", "boxes of all layers"],
  ["steps", "one layer over the steps"],
  ["all", "all layers in one"],
] as const;
type Shape = (typeof VIEWS)[number][0];

/** Numbers of bins that the page offers; none is finer than what was logged. */
const BINS = [8, 16, 32, 64, 128] as const;

export const view: View = (context) => {
  const { options, selection, signal } = context;
  ensureSheet(context.root, "training", sheet);
  ensureSheet(context.root, "layers", layers);
  const what = () => options.get<What>("what");

  const kind = createSelect<What>(
    "Of",
    WHAT.map((each) => [each, each] as const),
    (value) => options.set("what", value),
    signal,
  );
  const shape = createSelect<Shape>("Show", VIEWS, (value) => options.set("view", value), signal);
  const bins = createSelect(
    "Bins",
    [["logged", "as logged"], ...BINS.map((count) => [String(count), String(count)] as const)],
    (value) => options.set("bins", value === "logged" ? null : Number(value)),
    signal,
  );
  const picker = element("select", { class: "nnw-select nnw-layer-select", "aria-label": "Layer" });
  picker.addEventListener("change", () => selection.set({ layer: picker.value || null }), { signal });
  const layer = element("label", { class: "nnw-field" }, element("span", { class: "nnw-name" }, "Layer"), picker);
  const slider = createStepSlider((step) => selection.set({ step }), signal);
  const shared = createToggle(
    "one axis",
    (on) => options.set("shared", on),
    signal,
    "All histograms of a page have one axis",
  );
  const log = createToggle(
    "log",
    (on) => options.set("log", on),
    signal,
    "Counts, and the values of boxes, on a logarithmic axis",
  );
  const asTable = createToggle("as table", () => show(), signal);
  const tableInput = asTable.element.querySelector("input") as HTMLInputElement;
  const controls = element(
    "div",
    { class: "nnw-controls nnw-layers-controls", role: "group", "aria-label": "What to show" },
    kind.element,
    shape.element,
    layer,
    bins.element,
    slider.element,
    shared.element,
    log.element,
    asTable.element,
  );
  const picks = {
    layer: (path: string | null) => selection.set({ layer: path }),
    step: (step: number | null) => selection.set({ step }),
  };
  const views = {
    histograms: createHistograms(picks, signal),
    boxes: createBoxes(picks, signal),
    steps: createOverSteps(picks, signal),
    all: createAll(),
  };
  const waiting = element("p", { class: "nnw-waiting" }, "Reading the histograms…");
  const empty = element("div", { class: "nnw-empty", hidden: true });
  const table = element("div", { class: "nnw-table-twin", tabindex: 0, hidden: true });
  const picture = element("div", {}, ...Object.values(views).map((each) => each.element));
  const reading = element("p", { class: "nnw-layers-reading" });
  const ternary = element("p", { class: "nnw-layers-reading" });
  const body = element("div", { class: "nnw-layers-body", hidden: true }, controls, picture, table, reading, ternary);
  context.root.append(element("section", { class: "nnw-layers", "aria-label": "Distributions" }, waiting, empty, body));

  /** As it was seen last: while styles change, as with a theme, the element has another width for a moment. */
  let width = context.root.clientWidth;
  const soon = oncePerFrame(show, signal);
  const data = new DistributionData(context, what, soon);

  function show(): void {
    if (signal.aborted) return;
    const overview = data.overview(what());
    if (!overview || !width) return; // out of sight: drawn when it has a width
    waiting.hidden = true;
    const full = overview.paths.length > 0 && overview.steps.length > 0;
    const any = full || WHAT.some((each) => overview.counted[each] > 0);
    empty.hidden = full;
    body.hidden = !any;
    for (const each of [picture, reading, ternary, slider.element]) each.hidden = !full;
    const look = showControls(overview);
    if (!full) {
      table.hidden = true;
      explain(overview);
      return;
    }
    const step = selection.get("step");
    const place = nearestStep(overview.steps, step);
    slider.show(overview.steps, place, step === null);
    const shown = options.get<Shape>("view");
    const count = options.get<number | null>("bins");
    const at = data.at(what(), overview.steps[place] as number, count);
    table.hidden = !tableInput.checked;
    picture.hidden = tableInput.checked;
    for (const [name, { element }] of Object.entries(views)) element.hidden = name !== shown;
    if (shown === "steps") {
      const path = overview.paths.includes(look.layer ?? "") ? (look.layer as string) : (overview.paths[0] as string);
      const over = data.over(what(), path, count);
      if (over?.steps.length) views.steps.draw(over, nearestStep(over.steps, step), look);
    }
    if (!at) return;
    if (tableInput.checked) table.replaceChildren(tableOf(at, look.layer));
    else if (shown === "histograms")
      views.histograms.draw(at, options.get<number>("layers"), options.get<boolean>("shared"), look);
    else if (shown === "boxes") views.boxes.draw(at, look);
    else if (shown === "all") views.all.draw(at, look);
    const row = at.paths.indexOf(look.layer ?? (shown === "steps" ? (at.paths[0] as string) : ""));
    const finer =
      count !== null && count > at.logged
        ? ` Histograms were logged in ${at.logged} bins: finer ones cannot be had.`
        : "";
    setText(reading, `${row < 0 ? "" : sentenceOf(at.paths[row] as string, at.layers[row] ?? null)}${finer}`);
    setText(ternary, ternaryWords(at));
  }

  function showControls({ paths }: Overview): Look {
    const [shown, count] = [options.get<Shape>("view"), options.get<number | null>("bins")];
    kind.show(what());
    shape.show(shown);
    const input = bins.element.querySelector("select") as HTMLSelectElement;
    const value = count === null ? "logged" : String(count);
    if (![...input.options].some((option) => option.value === value)) input.append(element("option", { value }, value));
    bins.show(value);
    shared.show(options.get<boolean>("shared"));
    log.show(options.get<boolean>("log"));
    shared.element.hidden = shown !== "histograms" || tableInput.checked;
    log.element.hidden = tableInput.checked;
    bins.element.hidden = shown === "boxes" || tableInput.checked;
    const path = selection.get("layer");
    const known = JSON.stringify(paths);
    if (picker.dataset.paths !== known) {
      picker.dataset.paths = known;
      picker.replaceChildren(
        element("option", { value: "" }, "none"),
        ...paths.map((each) => element("option", { value: each }, displayText(each))),
      );
    }
    picker.value = path !== null && paths.includes(path) ? path : "";
    return {
      width: Math.max(260, width),
      height: options.get<number>("height"),
      theme: context.theme(),
      log: options.get<boolean>("log"),
      layer: path,
    };
  }

  function explain({ label, counted }: Overview): void {
    const others = WHAT.filter((each) => counted[each] > 0);
    const going = isGoing(context) && !context.saved;
    empty.replaceChildren(
      element(
        "p",
        {},
        `No ${what()} were logged ${going ? "yet " : ""}in `,
        quoted(displayText(label)),
        others.length ? `; ${others.join(" and ")} were.` : ".",
      ),
      element(
        "p",
        { class: "nnw-faint" },
        "nnw.watch(model, optimizer, run) logs histograms of weights, gradients and activations every 100 steps.",
      ),
    );
  }

  options.onChange(["what", "view", "bins", "layers", "shared", "log", "height"], show);
  selection.onChange(["step", "layer"], show);
  context.onTheme(show);
  const resized = () => {
    if (context.root.clientWidth === width) return;
    width = context.root.clientWidth;
    soon();
  };
  onResize(context.root, resized, signal);
  show();
};

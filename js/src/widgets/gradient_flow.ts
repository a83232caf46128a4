/** GradientFlow: sizes of the gradients of all layers, at one step and over a training; two runs side by side. */

import { element, quoted, setText } from "../controls/dom.ts";
import layers from "../controls/layers.css";
import { oncePerFrame, onResize } from "../controls/redraw.ts";
import { createSelect } from "../controls/select.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { createStepSlider, nearestStep } from "../controls/step_slider.ts";
import { createToggle } from "../controls/toggle.ts";
import sheet from "../controls/training.css";
import type { BarScale } from "../draw/bars.ts";
import { displayText } from "../draw/text.ts";
import type { View } from "../runtime/context.ts";
import { type Flow, GradientData, type Measure } from "./training/gradient_data.ts";
import { createPanel, type Panel, type Scene } from "./training/gradient_panel.ts";
import { isGoing } from "./training/status.ts";

/** More decades than these below the largest are drawn at the axis' end. */
const DECADES = 20;
/** Two runs stand beside each other from here on. */
const WIDE = 860;

interface Beside {
  readonly id?: string;
  readonly label?: string;
  readonly cursor?: number;
}

export const view: View = (context) => {
  const { options, selection, signal } = context;
  ensureSheet(context.root, "training", sheet);
  ensureSheet(context.root, "layers", layers);
  const beside = () => options.get<Beside | undefined>("_beside") ?? {};

  const measure = createSelect<Measure>(
    "Show",
    [
      ["gradients", "gradients"],
      ["updates", "updates"],
    ],
    (value) => options.set("view", value),
    signal,
  );
  const slider = createStepSlider((step) => selection.set({ step }), signal);
  const asTable = createToggle("as table", () => show(), signal);
  const tableInput = asTable.element.querySelector("input") as HTMLInputElement;
  const controls = element(
    "div",
    { class: "nnw-controls nnw-layers-controls", role: "group", "aria-label": "What to show" },
    measure.element,
    slider.element,
    asTable.element,
  );
  const waiting = element("p", { class: "nnw-waiting" }, "Reading the gradients…");
  const empty = element("div", { class: "nnw-empty", hidden: true });
  const panels = element("div", { class: "nnw-layers-panels" });
  const tables = element("div", { class: "nnw-table-twin nnw-layers-table", tabindex: 0, hidden: true });
  const words = element("div", { class: "nnw-layers-words" });
  const body = element("div", { class: "nnw-layers-body", hidden: true }, controls, panels, tables, words);
  context.root.append(element("section", { class: "nnw-layers", "aria-label": "Gradient flow" }, waiting, empty, body));

  const events = {
    pickLayer: (layer: string | null) => selection.set({ layer }),
    pickStep: (step: number | null) => selection.set({ step }),
  };
  /** As it was seen last: while styles change, as with a theme, the element has another width for a moment. */
  let width = context.root.clientWidth;
  const soon = oncePerFrame(show, signal);
  // Data that is at hand is told at once, in the constructor.
  const own = new GradientData(context, null, () => context.state.get<number>("cursor") ?? 0, soon);
  const { id } = beside();
  const other = id ? new GradientData(context, id, () => beside().cursor ?? 0, soon) : null;
  const shown: readonly { readonly data: GradientData; readonly panel: Panel }[] = [own, other]
    .filter((data) => data !== null)
    .map((data) => ({ data, panel: createPanel(events, signal) }));
  panels.append(...shown.map(({ panel }) => panel.element));

  function show(): void {
    if (signal.aborted) return;
    const flows = shown.map(({ data }) => data.flow);
    if (flows.some((flow) => flow === null)) return;
    const full = flows.filter((flow): flow is Flow => flow !== null && flow.paths.length > 0 && flow.steps.length > 0);
    waiting.hidden = true;
    body.hidden = full.length === 0;
    empty.hidden = full.length === shown.length;
    if (full.length < shown.length) explain(flows);
    if (!full.length || !width) return; // out of sight: drawn when it has a width
    const kind = options.get<Measure>("view");
    const [step, theme] = [selection.get("step"), context.theme()];
    measure.show(kind);
    tableInput.checked ||= false;
    const main = full[0] as Flow;
    slider.show(main.steps, nearestStep(main.steps, step), step === null);
    const scale = scaleOf(full, kind);
    const columns = full.length > 1 && width >= WIDE ? 2 : 1;
    panels.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    const each = Math.max(260, Math.floor((width - (columns - 1) * 24) / columns));
    for (const { data, panel } of shown) {
      const flow = data.flow as Flow;
      panel.element.hidden = !flow.paths.length || tableInput.checked;
      if (!flow.paths.length) continue;
      const scene: Scene = {
        flow,
        exact: data.exact(step),
        measure: kind,
        place: nearestStep(flow.steps, step),
        following: step === null,
        layer: selection.get("layer"),
        scale,
        height: options.get<number>("height"),
        named: shown.length > 1,
      };
      panel.draw(scene, each, theme);
    }
    tables.hidden = !tableInput.checked;
    tables.replaceChildren(
      ...(tableInput.checked ? shown.map(({ panel }) => panel.table()).filter((table) => table !== null) : []),
    );
    tell(full);
  }

  /** What was found over the whole run, in words; of two runs under the name of each. */
  function tell(flows: readonly Flow[]): void {
    const told = flows.map(({ label, findings }) =>
      element(
        "div",
        {},
        ...findings.map(({ severity, sentence, evidence, cause, remedy }) =>
          element(
            "details",
            { class: "nnw-finding", "data-severity": severity },
            element("summary", {}, shown.length > 1 ? `${displayText(label)}: ` : "", displayText(sentence)),
            ...[evidence, cause && `Likely cause: ${cause}`, remedy && `To try: ${remedy}`]
              .filter(Boolean)
              .map((text) => element("p", { class: "nnw-finding-line" }, displayText(text as string))),
          ),
        ),
      ),
    );
    const texts = told.map(({ textContent }) => textContent).join();
    if (words.dataset.texts === texts) return; // an open one stays open
    words.dataset.texts = texts;
    words.replaceChildren(...told);
  }

  function explain(flows: readonly (Flow | null)[]): void {
    const missing = flows.filter((flow) => flow !== null && (!flow.paths.length || !flow.steps.length)) as Flow[];
    const going = isGoing(context) && !context.saved;
    empty.replaceChildren(
      ...missing.map(({ label }) =>
        element(
          "p",
          {},
          going ? "No gradients were logged yet in " : "No gradients were logged in ",
          quoted(displayText(label)),
          ".",
        ),
      ),
      element("p", { class: "nnw-faint" }, "nnw.watch(model, optimizer, run) logs them."),
    );
  }

  options.onChange(["view", "height"], show);
  options.onChange(["_beside"], () => other?.refresh());
  selection.onChange(["step", "layer"], show);
  context.onTheme(show);
  const resized = () => {
    if (context.root.clientWidth === width) return;
    width = context.root.clientWidth;
    soon();
  };
  onResize(context.root, resized, signal);
  setText(tables, "");
  show();
};

/** Whole decades that hold what all runs show at all steps. */
export function scaleOf(flows: readonly Flow[], measure: Measure): BarScale {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { mean, largest, update } of flows) {
    for (const values of measure === "gradients" ? [mean, largest] : [update]) {
      for (const value of values) {
        if (!Number.isFinite(value)) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  if (low > high) return { low: -4, high: 0 };
  const top = Math.ceil(high - 1e-6);
  const bottom = Math.max(top - DECADES, Math.floor(low + 1e-6));
  return { low: Math.min(bottom, top - 1), high: top };
}

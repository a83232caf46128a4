/** The controls that only the map has: mean over heads, colours, scale, zoom, and the table. */

import { createButton } from "../../controls/button.ts";
import { element } from "../../controls/dom.ts";
import { createSelect } from "../../controls/select.ts";
import { createToggle } from "../../controls/toggle.ts";
import { COLOR_MAPS, type ColorMap } from "../../draw/palette.ts";
import type { ViewContext } from "../../runtime/context.ts";

export interface MapControls {
  readonly elements: readonly HTMLElement[];
  /** `shared` says that pixels stand for several weights, so that how they are reduced matters. */
  show(state: { shared: boolean; table: boolean }): void;
  /** Offers the log scale, or not. */
  advise(log: boolean): void;
}

export interface MapControlEvents {
  zoom(factor: number): void;
  reset(): void;
  table(on: boolean): void;
}

export function createMapControls({ options, signal }: ViewContext, events: MapControlEvents): MapControls {
  const mean = createToggle("mean over heads", (on) => options.set("mean", on), signal);
  const log = createToggle("log scale", (on) => options.set("scale", on ? "log" : "linear"), signal);
  const table = createToggle("as table", events.table, signal, "The weights in sight as numbers");
  const colors = createSelect<ColorMap>(
    "Colours",
    COLOR_MAPS.map((name) => [name, name] as const),
    (value) => options.set("color_map", value),
    signal,
  );
  const reduce = createSelect<"max" | "mean">(
    "Several a pixel",
    [
      ["max", "largest"],
      ["mean", "mean"],
    ],
    (value) => options.set("reduce", value),
    signal,
  );
  reduce.element.title = "What a pixel shows where several weights share it";
  const zoom = element(
    "div",
    {
      class: "nnw-field",
      role: "group",
      "aria-label": "Zoom",
      title:
        "Drag to zoom, Shift+drag to move, double click for all; the wheel zooms with Ctrl, or once the map has focus",
    },
    element("span", { class: "nnw-name" }, "Zoom"),
    element(
      "div",
      { class: "nnw-row" },
      createButton("−", "Zoom out", () => events.zoom(1 / 1.5), signal),
      createButton("+", "Zoom in", () => events.zoom(1.5), signal),
      createButton("all", "Show the whole matrix", events.reset, signal),
    ),
  );
  const advice = element(
    "button",
    { type: "button", class: "nnw-advice", hidden: true },
    "most weights are small: use the log scale",
  );
  advice.addEventListener("click", () => options.set("scale", "log"), { signal });
  const toggles = element("div", { class: "nnw-toggles" }, mean.element, log.element, table.element, advice);
  return {
    elements: [colors.element, reduce.element, zoom, toggles],
    show(state) {
      mean.show(options.get("mean"));
      log.show(options.get("scale") === "log");
      colors.show(options.get("color_map"));
      reduce.show(options.get("reduce"));
      reduce.element.hidden = !state.shared;
      table.show(state.table);
    },
    advise(log) {
      advice.hidden = !log;
    },
  };
}

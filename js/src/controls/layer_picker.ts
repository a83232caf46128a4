/** Picks the layer to look at: a chip for each, grouped by kind, with the module path of the picked one in full. */

import { displayText } from "../draw/text.ts";
import { createChips } from "./chips.ts";
import { element, setText } from "./dom.ts";

export interface LayerChoice {
  readonly path: string;
  /** Which kind of layer, where a model has several kinds; else "". */
  readonly group: string;
}

export interface LayerPicker {
  readonly element: HTMLElement;
  show(layers: readonly LayerChoice[], picked: number): void;
}

export function createLayerPicker(onPick: (index: number) => void, signal: AbortSignal): LayerPicker {
  const chips = createChips("Layer", false, onPick, signal);
  const path = element("bdi", { class: "nnw-path" });
  return {
    element: element(
      "div",
      { class: "nnw-field nnw-wide" },
      element("span", { class: "nnw-name" }, "Layer"),
      element("div", { class: "nnw-stack" }, chips.element, path),
    ),
    show(layers, picked) {
      chips.show(
        layers.map((layer, index) => ({
          text: String(index),
          title: `Layer ${index}: ${displayText(layer.path)}`,
          picked: index === picked,
          group: layer.group,
        })),
        picked,
      );
      setText(path, displayText(layers[picked]?.path ?? ""));
      path.title = path.textContent;
    },
  };
}

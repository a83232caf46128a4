/** The controls that both attention widgets share: layer, heads, step, sample, special tokens. */

import { createHeadPicker } from "../../controls/head_picker.ts";
import { createLayerPicker } from "../../controls/layer_picker.ts";
import { createNumber } from "../../controls/number.ts";
import { createSelect } from "../../controls/select.ts";
import type { ViewContext } from "../../runtime/context.ts";
import { type Entry, type Overview, tokensOf } from "./overview.ts";
import type { Place } from "./place.ts";
import type { SpecialTokens } from "./tokens.ts";
import { askHeadAhead } from "./weights.ts";

export interface Pickers {
  readonly elements: readonly HTMLElement[];
  show(overview: Overview, place: Place): void;
}

/** `onHead` is told before a head is picked, for a view that may be showing something else than a head. */
export function createPickers(context: ViewContext, onHead: () => void = () => {}): Pickers {
  const { selection, options, signal } = context;
  let overview: Overview | null = null;
  let place: Place | null = null;
  const layers = createLayerPicker((index) => {
    const entry = overview?.entries[index];
    if (entry) selection.set({ attention: index, layer: entry.path });
  }, signal);
  const aim = (head: number) => place && askHeadAhead(context, place, head);
  const heads = createHeadPicker(
    (picked, head) => {
      onHead();
      selection.set({ heads: picked, head });
    },
    signal,
    aim,
  );
  const step = createNumber("Step", (value) => selection.set({ step: value }), signal);
  const sample = createNumber("Sample", (value) => selection.set({ sample: value }), signal);
  const special = createSelect<SpecialTokens>(
    "Special tokens",
    [
      ["show", "show"],
      ["dim", "dim"],
      ["hide", "hide"],
    ],
    (value) => options.set("special_tokens", value),
    signal,
  );
  special.element.title = "Tokens such as [CLS] and padding";
  return {
    elements: [layers.element, heads.element, step.element, sample.element, special.element],
    show(newOverview, newPlace) {
      [overview, place] = [newOverview, newPlace];
      layers.show(choicesOf(overview.entries), overview.entries.indexOf(place.entry));
      heads.show(place.entry.heads, place.heads, place.head);
      step.show(place.step ?? 0, 0, (place.entry.steps ?? 1) - 1);
      sample.show(place.sample, 0, overview.samples - 1);
      special.show(options.get("special_tokens"));
      const sides = [tokensOf(overview, place.entry.queryTokens), tokensOf(overview, place.entry.keyTokens)];
      special.element.hidden = sides.every((side) => side.special.length + side.padding.length === 0);
    },
  };
}

/** Kinds are named only where there are several; a module that is called again says which call. */
function choicesOf(entries: readonly Entry[]): { path: string; group: string }[] {
  const several = new Set(entries.map((entry) => entry.kind)).size > 1;
  return entries.map((entry) => ({
    path: entry.call > 0 ? `${entry.path} (call ${entry.call})` : entry.path,
    group: several ? entry.kind : "",
  }));
}

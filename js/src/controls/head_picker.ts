/** Picks attention heads: a chip in the colour of each head, one or several at once. */

import { headColor, inkOn } from "../draw/palette.ts";
import { createButton } from "./button.ts";
import { createChips, type OnAim, type PickMode } from "./chips.ts";
import { element, setAttribute, uniqueId } from "./dom.ts";

export interface HeadPicker {
  readonly element: HTMLElement;
  show(count: number, heads: readonly number[], head: number): void;
}

/** `onPick` hears the heads and the focused one, which is their last. */
export function createHeadPicker(
  onPick: (heads: number[], head: number) => void,
  signal: AbortSignal,
  onAim?: OnAim,
): HeadPicker {
  let [count, heads, head] = [0, [] as readonly number[], 0];
  const pick = (index: number, mode: PickMode) => {
    const next = pickHeads(heads, index, mode, count);
    onPick(next, next.at(-1) ?? 0);
  };
  const chips = createChips("Heads", true, pick, signal, onAim);
  const all = createButton("all", "Show all heads", () => pick(head, "all"), signal);
  const hint = element("small", { id: uniqueId() }, "Ctrl+click or Space adds a head");
  setAttribute(chips.element, "aria-describedby", hint.id);
  return {
    element: element(
      "div",
      {
        class: "nnw-field nnw-wide nnw-heads",
        title: "Ctrl+click adds a head, or Space on it; Ctrl+arrows move without picking",
      },
      element("span", { class: "nnw-name" }, "Head"),
      element("div", { class: "nnw-stack" }, element("div", { class: "nnw-row" }, chips.element, all), hint),
    ),
    show(newCount, newHeads, newHead) {
      [count, heads, head] = [newCount, newHeads, newHead];
      all.hidden = count < 2;
      hint.hidden = count < 2;
      chips.show(
        Array.from({ length: count }, (_, index) => ({
          text: String(index),
          title: `Head ${index}`,
          picked: heads.includes(index),
          color: [headColor(index), inkOn(headColor(index))] as const,
          group: "",
        })),
        head,
      );
    },
  };
}

/** What is picked after `index` was: never nothing, and the focused head is the last. */
export function pickHeads(heads: readonly number[], index: number, mode: PickMode, count: number): number[] {
  const others = heads.filter((other) => other !== index);
  if (mode === "only") return [index];
  if (mode === "all")
    return [...Array.from({ length: count }, (_, other) => other).filter((other) => other !== index), index];
  if (!heads.includes(index)) return [...others, index];
  return others.length ? others : [index];
}

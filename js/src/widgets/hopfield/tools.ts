/** The tools to make a cue: the brush, noise, clear, invert; run it, or put it away. */

import { createButton } from "../../controls/button.ts";
import { element, setAttribute, setText } from "../../controls/dom.ts";
import { createNumber } from "../../controls/number.ts";
import { createSelect } from "../../controls/select.ts";
import { createSlider } from "../../controls/slider.ts";
import type { Brush, Noise } from "./draft.ts";

export interface ToolHooks {
  noise(noise: Noise): void;
  clear(): void;
  invert(): void;
  run(): void;
  discard(): void;
  /** To the step where the draft is. */
  goThere(): void;
}

export interface ToolState {
  readonly noise: Noise;
  /** What stands there, and what can be done with it. */
  readonly words: string;
  readonly canRun: boolean;
  readonly canDiscard: boolean;
  readonly elsewhere: boolean;
}

export interface Tools {
  readonly element: HTMLElement;
  readonly brush: { readonly brush: Brush; readonly size: number };
  show(state: ToolState): void;
}

const MOST_SEED = 9999;

export function createTools(hooks: ToolHooks, signal: AbortSignal): Tools {
  let [brush, size]: [Brush, number] = ["flip", 1];
  let noise: Noise = { share: 0, seed: 0 };
  const kinds = createSelect<Brush>(
    "Pointer",
    [
      ["flip", "flips units"],
      ["on", "draws on (white)"],
      ["off", "draws off (black)"],
    ],
    (picked) => {
      brush = picked;
    },
    signal,
  );
  const sizes = createSelect(
    "Brush",
    [
      ["1", "1 unit"],
      ["2", "2 × 2"],
      ["3", "3 × 3"],
    ],
    (picked) => {
      size = Number(picked);
    },
    signal,
  );
  const share = createSlider(
    "Corrupt",
    { low: 0, high: 50, step: 1, text: (value) => `${value} %` },
    (value) => hooks.noise({ ...noise, share: value / 100 }),
    signal,
  );
  setAttribute(share.element, "title", "The share of the units that are flipped at random");
  const seed = createNumber("Seed", (value) => hooks.noise({ ...noise, seed: value }), signal);
  setAttribute(seed.element, "title", "Which units are flipped at random");
  const clear = createButton("Clear", "Clear: all units off", hooks.clear, signal);
  const invert = createButton("Invert", "Invert: all units flipped", hooks.invert, signal);
  const words = element("span", { class: "nnw-hopfield-draft", role: "status" });
  const there = createButton("Go there", "Go to the step of the drawn state", hooks.goThere, signal);
  const run = createButton("Run", "Run from this state, as a branch", hooks.run, signal);
  run.classList.add("nnw-hopfield-run");
  const discard = createButton("Discard", "Put the drawn state away", hooks.discard, signal);
  const root = element(
    "div",
    { class: "nnw-hopfield-tools", role: "group", "aria-label": "Draw the state" },
    element(
      "div",
      { class: "nnw-controls" },
      kinds.element,
      sizes.element,
      share.element,
      seed.element,
      element("div", { class: "nnw-row" }, clear, invert),
    ),
    element("div", { class: "nnw-controls nnw-hopfield-ready" }, run, discard, there, words),
  );
  return {
    element: root,
    get brush() {
      return { brush, size };
    },
    show(state) {
      noise = state.noise;
      share.show(Math.round(100 * noise.share));
      seed.show(noise.seed, 0, MOST_SEED);
      setText(words, state.words);
      // Not `disabled`: a button that loses the focus under the hand gives the next key to JupyterLab.
      setAttribute(run, "aria-disabled", String(!state.canRun));
      setAttribute(discard, "aria-disabled", String(!state.canDiscard));
      there.hidden = !state.elsewhere;
    },
  };
}

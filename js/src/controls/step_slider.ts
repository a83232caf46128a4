/** The step that is looked at, of those that were logged: a native slider, and a way back to the newest. */

import { formatStep } from "../draw/number.ts";
import { element, setAttribute, setText } from "./dom.ts";
import { labelled } from "./field.ts";

export interface StepSlider {
  readonly element: HTMLElement;
  /** `place` is that of the step in `steps`; `following` whether no step is picked, so that the newest is shown. */
  show(steps: ArrayLike<number>, place: number, following: boolean): void;
}

/** Picks a step, or null for the newest; the slider's end is the newest. */
export function createStepSlider(onPick: (step: number | null) => void, signal: AbortSignal): StepSlider {
  const input = element("input", { type: "range", class: "nnw-slider nnw-step-slider", min: 0, max: 0, step: 1 });
  const output = element("output", { class: "nnw-output nnw-step-output" });
  const newest = element(
    "button",
    { type: "button", class: "nnw-button", title: "Show the newest step, and go on with it" },
    "newest",
  );
  let shown: ArrayLike<number> = [];
  const say = (place: number, following: boolean) => {
    const words = shown.length ? `${formatStep(shown[place] as number)}${following ? " (newest)" : ""}` : "–";
    setText(output, words);
    setAttribute(input, "aria-valuetext", shown.length ? `step ${words}, ${place + 1} of ${shown.length}` : "no step");
  };
  input.addEventListener(
    "input",
    () => {
      const place = input.valueAsNumber;
      const last = place >= shown.length - 1;
      say(place, last);
      onPick(last ? null : Math.round(shown[place] as number));
    },
    { signal },
  );
  newest.addEventListener("click", () => onPick(null), { signal });
  return {
    element: element("div", { class: "nnw-row nnw-steps" }, labelled("Step", input, output), newest),
    show(steps, place, following) {
      shown = steps;
      setAttribute(input, "max", String(Math.max(0, steps.length - 1)));
      if (input.valueAsNumber !== place) input.value = String(Math.max(0, place));
      input.disabled = steps.length < 2;
      setAttribute(newest, "aria-pressed", String(following));
      say(place, following);
    },
  };
}

/** The place of the step that is nearest; of null, the last. -1 where there is none. */
export function nearestStep(steps: ArrayLike<number>, step: number | null): number {
  if (step === null || !steps.length) return steps.length - 1;
  let [low, high] = [0, steps.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] as number) < step) low = middle + 1;
    else high = middle;
  }
  return low > 0 && step - (steps[low - 1] as number) <= (steps[low] as number) - step ? low - 1 : low;
}

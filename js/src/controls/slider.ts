/** A value on a range, as a native slider with its value beside it. */

import { element, setText } from "./dom.ts";
import { labelled } from "./field.ts";

export interface SliderControl {
  readonly element: HTMLElement;
  show(value: number): void;
}

export interface SliderRange {
  readonly low: number;
  readonly high: number;
  readonly step: number;
  /** What is said for a value of the range. */
  text(value: number): string;
}

export function createSlider(
  name: string,
  range: SliderRange,
  onInput: (value: number) => void,
  signal: AbortSignal,
): SliderControl {
  const input = element("input", {
    type: "range",
    class: "nnw-slider",
    min: range.low,
    max: range.high,
    step: range.step,
  });
  const output = element("output", { class: "nnw-output" });
  const say = (value: number) => {
    setText(output, range.text(value));
    input.setAttribute("aria-valuetext", range.text(value));
  };
  input.addEventListener(
    "input",
    () => {
      say(input.valueAsNumber);
      onInput(input.valueAsNumber);
    },
    { signal },
  );
  return {
    element: labelled(name, input, output),
    show(value) {
      if (input.valueAsNumber !== value) input.value = String(value);
      say(value);
    },
  };
}

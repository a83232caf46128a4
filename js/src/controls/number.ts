/** A whole number within bounds, as a native number input with its bounds beside it. */

import { element, setText } from "./dom.ts";
import { labelled } from "./field.ts";

export interface NumberControl {
  readonly element: HTMLElement;
  /** Bounds are inclusive; with nothing to choose the control hides. */
  show(value: number, low: number, high: number): void;
}

export function createNumber(name: string, onPick: (value: number) => void, signal: AbortSignal): NumberControl {
  const input = element("input", { type: "number", class: "nnw-number", step: 1, inputmode: "numeric" });
  const bounds = element("span", { class: "nnw-faint" });
  const field = labelled(name, input, bounds);
  let shown = 0;
  input.addEventListener(
    "input",
    () => {
      const value = input.valueAsNumber;
      if (Number.isInteger(value) && value >= Number(input.min) && value <= Number(input.max)) onPick(value);
    },
    { signal },
  );
  // What was typed out of bounds is not left standing as if it were in force.
  input.addEventListener(
    "change",
    () => {
      input.value = String(shown);
    },
    { signal },
  );
  return {
    element: field,
    show(value, low, high) {
      shown = value;
      field.hidden = high <= low;
      input.min = String(low);
      input.max = String(high);
      setText(bounds, `of ${low} to ${high}`);
      if (input.valueAsNumber !== value) input.value = String(value);
    },
  };
}

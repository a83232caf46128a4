/** A choice of one of a few, as a native select. */

import { element } from "./dom.ts";
import { labelled } from "./field.ts";

export interface SelectControl<T extends string> {
  readonly element: HTMLElement;
  show(value: T): void;
}

export function createSelect<T extends string>(
  name: string,
  choices: readonly (readonly [value: T, text: string])[],
  onPick: (value: T) => void,
  signal: AbortSignal,
): SelectControl<T> {
  const input = element(
    "select",
    { class: "nnw-select" },
    ...choices.map(([value, text]) => element("option", { value }, text)),
  );
  input.addEventListener("change", () => onPick(input.value as T), { signal });
  return {
    element: labelled(name, input),
    show(value) {
      if (input.value !== value) input.value = value;
    },
  };
}

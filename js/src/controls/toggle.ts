/** On or off, as a native check box. */

import { element } from "./dom.ts";

export interface ToggleControl {
  readonly element: HTMLElement;
  show(on: boolean): void;
}

export function createToggle(
  name: string,
  onChange: (on: boolean) => void,
  signal: AbortSignal,
  title: string | null = null,
): ToggleControl {
  const input = element("input", { type: "checkbox" });
  input.addEventListener("change", () => onChange(input.checked), { signal });
  return {
    element: element("label", { class: "nnw-toggle", title }, input, element("span", {}, name)),
    show(on) {
      input.checked = on;
    },
  };
}

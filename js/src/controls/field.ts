/** A control with its visible name, laid out the same for every kind of control. */

import { element } from "./dom.ts";

/** The name is a label of the native input, so a click on it reaches the input and screen readers say it. */
export function labelled(name: string, input: HTMLElement, ...after: Node[]): HTMLLabelElement {
  return element("label", { class: "nnw-field" }, element("span", { class: "nnw-name" }, name), input, ...after);
}

/** A push button with a short face and a full name. */

import { element } from "./dom.ts";

export function createButton(face: string, name: string, onPress: () => void, signal: AbortSignal): HTMLButtonElement {
  const button = element("button", { type: "button", class: "nnw-button", "aria-label": name, title: name }, face);
  button.addEventListener("click", onPress, { signal });
  return button;
}

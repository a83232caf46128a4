/** Several things that are on or off, as small buttons in a row: a click turns one, each has a tab stop. */

import { element, setAttribute, setText } from "./dom.ts";

export interface Switch {
  readonly key: string;
  readonly text: string;
  readonly title: string;
  readonly on: boolean;
  readonly color: string;
}

export interface Switches {
  readonly element: HTMLElement;
  show(switches: readonly Switch[]): void;
}

export function createSwitches(name: string, onTurn: (key: string) => void, signal: AbortSignal): Switches {
  const row = element("div", { class: "nnw-switches", role: "group", "aria-label": name });
  const buttons = new Map<string, HTMLButtonElement>();
  return {
    element: row,
    show(switches) {
      for (const [key, button] of buttons) {
        if (switches.some((one) => one.key === key)) continue;
        button.remove();
        buttons.delete(key);
      }
      for (const [at, { key, text, title, on, color }] of switches.entries()) {
        let button = buttons.get(key);
        if (!button) {
          button = element("button", { type: "button", class: "nnw-switch" });
          button.addEventListener("click", () => onTurn(key), { signal });
          buttons.set(key, button);
        }
        setText(button, text);
        setAttribute(button, "title", title);
        setAttribute(button, "aria-pressed", String(on));
        button.style.setProperty("--fill", color);
        if (row.children[at] !== button) row.insertBefore(button, row.children[at] ?? null);
      }
    },
  };
}

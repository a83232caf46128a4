/**
 * A row of small numbered choices with one tab stop: the ground under the layer and the head picker.
 * It is a listbox: arrows move and pick (with Ctrl they only move), Home and End go to the
 * ends, Space toggles, Shift+arrow adds, Ctrl+A picks all.
 */

import { element, setAttribute, setText } from "./dom.ts";

export interface Chip {
  readonly text: string;
  /** The full name, for the tooltip and screen readers. */
  readonly title: string;
  readonly picked: boolean;
  /** A CSS colour and one to write on it, where the choice stands for a colour of the picture. */
  readonly color?: readonly [fill: string, ink: string];
  /** Chips of one group stand together under its name; "" for no name. */
  readonly group: string;
}

/** Where a hand that goes down would pick: heard before `onPick`. */
export type OnAim = (index: number) => void;

/** `only` replaces what was picked, `toggle` adds or takes away, `all` ignores the index. */
export type PickMode = "only" | "toggle" | "all";

export interface Chips {
  readonly element: HTMLElement;
  /** `active` is the chip that has the tab stop: the focused one of those picked. */
  show(chips: readonly Chip[], active: number): void;
}

export function createChips(
  name: string,
  several: boolean,
  onPick: (index: number, mode: PickMode) => void,
  signal: AbortSignal,
  onAim: OnAim = () => {},
): Chips {
  const list = element("div", {
    class: "nnw-chips",
    role: "listbox",
    "aria-label": name,
    "aria-orientation": "horizontal",
    "aria-multiselectable": several ? "true" : null,
  });
  let buttons: HTMLElement[] = [];
  let shape = "";

  const held = (to: number) => Math.min(buttons.length - 1, Math.max(0, to));
  const focus = (to: number) => buttons[held(to)]?.focus({ preventScroll: true });
  const move = (to: number, mode: PickMode) => {
    onPick(held(to), mode);
    focus(to);
  };
  list.addEventListener(
    "keydown",
    (event) => {
      const at = buttons.indexOf(event.target as HTMLElement);
      const target = {
        ArrowRight: at + 1,
        ArrowDown: at + 1,
        ArrowLeft: at - 1,
        ArrowUp: at - 1,
        Home: 0,
        End: buttons.length,
      }[event.key];
      if (at < 0) return;
      if (target !== undefined && !event.altKey) {
        // At the end a Shift+arrow would toggle the last chip back off.
        if (several && (event.ctrlKey || event.metaKey)) focus(target);
        else if (!(several && event.shiftKey)) move(target, "only");
        else if (target >= 0 && target < buttons.length) move(target, "toggle");
      } else if (event.key === " " || event.key === "Enter") move(at, several && event.key === " " ? "toggle" : "only");
      else if (several && event.key === "a" && (event.ctrlKey || event.metaKey)) onPick(at, "all");
      else return;
      event.preventDefault();
    },
    { signal },
  );
  const chipAt = ({ target }: Event) => {
    const chip = target instanceof Element ? target.closest<HTMLElement>("[role=option]") : null;
    return chip ? buttons.indexOf(chip) : -1;
  };
  list.addEventListener(
    "pointerdown",
    (event) => {
      const at = chipAt(event);
      if (at >= 0) onAim(at);
    },
    { signal },
  );
  list.addEventListener(
    "click",
    (event) => {
      const at = chipAt(event);
      if (at >= 0) move(at, several && (event.shiftKey || event.ctrlKey || event.metaKey) ? "toggle" : "only");
    },
    { signal },
  );

  return {
    element: list,
    show(chips, active) {
      const some = several && chips.filter((chip) => chip.picked).length > 1;
      const newShape = JSON.stringify(chips.map((chip) => chip.group));
      const focused = list.matches(":focus-within");
      if (newShape !== shape) {
        shape = newShape;
        buttons = chips.map(() => element("div", { class: "nnw-chip", role: "option" }));
        list.replaceChildren(...grouped(chips, buttons));
      }
      // First of all: the browser lays out what changed before it, to see whether the focused one can keep the focus.
      for (const [index, button] of buttons.entries()) setAttribute(button, "tabindex", index === active ? "0" : "-1");
      for (const [index, chip] of chips.entries()) {
        const button = buttons[index] as HTMLElement;
        setText(button, chip.text);
        setAttribute(button, "title", chip.title);
        setAttribute(button, "aria-label", chip.title);
        setAttribute(button, "aria-selected", String(chip.picked));
        const stands = some && chip.picked && index === active;
        button.classList.toggle("nnw-active", stands);
        setAttribute(button, "aria-current", String(stands));
        setProperty(button, "--fill", chip.color?.[0] ?? "");
        setProperty(button, "--ink", chip.color?.[1] ?? "");
      }
      // The chip that had the focus may have gone; the listbox must not lose it.
      if (focused && !list.matches(":focus-within")) buttons[active]?.focus({ preventScroll: true });
    },
  };
}

/** Setting even the same value makes the browser look at the styles again. */
function setProperty({ style }: HTMLElement, name: string, value: string): void {
  if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
}

function grouped(chips: readonly Chip[], buttons: readonly HTMLElement[]): Node[] {
  const groups: { name: string; members: HTMLElement[] }[] = [];
  for (const [index, chip] of chips.entries()) {
    if (groups.at(-1)?.name !== chip.group) groups.push({ name: chip.group, members: [] });
    groups.at(-1)?.members.push(buttons[index] as HTMLElement);
  }
  return groups.map(({ name, members }) =>
    name
      ? element(
          "div",
          { class: "nnw-chip-group", role: "group", "aria-label": name },
          element("span", { class: "nnw-faint", "aria-hidden": "true" }, name),
          ...members,
        )
      : element("div", { class: "nnw-chip-group", role: "presentation" }, ...members),
  );
}

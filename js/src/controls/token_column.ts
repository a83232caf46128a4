/**
 * A column of tokens as a listbox: only the rows in sight are in the page, so 4,096 tokens cost what forty do.
 * Arrow keys move (and scroll), Enter picks, Escape lets go; the pointer hovers and clicks.
 */

import { displayText, displayToken } from "../draw/text.ts";
import { element, setAttribute, setText, uniqueId } from "./dom.ts";

export interface TokenRow {
  readonly index: number;
  readonly text: string;
  readonly faint: boolean;
}

export interface TokenWindow {
  readonly count: number;
  row(at: number): TokenRow;
  readonly rowHeight: number;
  /** How far the column is scrolled, and how much of it is in sight, in pixels. */
  readonly offset: number;
  readonly height: number;
  /** The row that was picked and stays, and the one that is looked at now. */
  readonly picked: number | null;
  readonly focused: number | null;
}

export interface TokenColumnEvents {
  hover(row: number | null): void;
  /** The row that the keyboard is on. It may be out of sight: the listener scrolls. */
  move(row: number): void;
  pick(row: number): void;
  leave(): void;
  /** Nothing is to stay picked. */
  letGo(): void;
  /** Left or Right: to the other column. */
  cross(): void;
}

export interface TokenColumn {
  readonly element: HTMLElement;
  show(window: TokenWindow): void;
}

export function createTokenColumn(
  name: string,
  side: "left" | "right",
  events: TokenColumnEvents,
  signal: AbortSignal,
): TokenColumn {
  const id = uniqueId();
  const list = element("div", { class: `nnw-tokens nnw-${side}`, role: "listbox", tabindex: 0, "aria-label": name });
  const rows: HTMLElement[] = [];
  let shown: TokenWindow | null = null;
  let first = 0;

  const rowAt = (target: EventTarget | null) => {
    const row = target instanceof Element ? target.closest<HTMLElement>("[role=option]") : null;
    return row ? first + rows.indexOf(row) : null;
  };
  const on = <K extends keyof HTMLElementEventMap>(type: K, listener: (event: HTMLElementEventMap[K]) => void) =>
    list.addEventListener(type, listener, { signal });
  on("pointermove", (event) => events.hover(rowAt(event.target)));
  on("pointerleave", () => events.hover(null));
  on("click", (event) => {
    const row = rowAt(event.target);
    if (row !== null) events.pick(row);
  });
  on("blur", () => events.leave());
  on("focus", () => {
    // A pointer's focus is followed by its click; the keyboard's shows where it stands at once.
    if (shown?.count && list.matches(":focus-visible")) events.move(shown.focused ?? shown.picked ?? first);
  });
  on("keydown", (event) => {
    if (!shown?.count || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = shown.focused ?? shown.picked ?? first;
    const page = Math.max(1, Math.floor(shown.height / shown.rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: shown.count - 1,
    };
    const to = steps[event.key];
    if (to !== undefined) events.move(Math.min(shown.count - 1, Math.max(0, to)));
    else if (event.key === "Enter" || event.key === " ") events.pick(at);
    else if (event.key === "Escape") events.letGo();
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") events.cross();
    else return;
    event.preventDefault();
  });

  return {
    element: list,
    show(window) {
      shown = window;
      first = Math.max(0, Math.floor(window.offset / window.rowHeight));
      const last = Math.min(window.count, Math.ceil((window.offset + window.height) / window.rowHeight));
      while (rows.length > Math.max(0, last - first)) rows.pop()?.remove();
      while (rows.length < last - first) {
        const row = element("div", { class: "nnw-token", role: "option", id: `${id}-${rows.length}` }, element("bdi"));
        rows.push(row);
        list.append(row);
      }
      for (const [offset, row] of rows.entries()) showRow(row, first + offset, window);
      const { focused } = window;
      const active = focused !== null && focused >= first && focused < last ? `${id}-${focused - first}` : "";
      setAttribute(list, "aria-activedescendant", active);
      list.style.height = `${window.height}px`;
    },
  };
}

/** A token in full with its position, which is said once where it is all there is to say. */
export function numbered(index: number, text: string): string {
  return text === String(index) ? text : `${index}: ${displayText(text.slice(0, 1000))}`;
}

function showRow(row: HTMLElement, at: number, window: TokenWindow): void {
  const token = window.row(at);
  setText(row.firstElementChild as Element, displayToken(token.text));
  setAttribute(row, "title", numbered(token.index, token.text));
  setAttribute(row, "aria-posinset", String(at + 1));
  setAttribute(row, "aria-setsize", String(window.count));
  setAttribute(row, "aria-selected", String(at === window.picked));
  row.classList.toggle("nnw-dim", token.faint);
  row.classList.toggle("nnw-focused", at === window.focused);
  row.style.top = `${at * window.rowHeight - window.offset}px`;
  row.style.height = `${window.rowHeight}px`;
}

/** A canvas that hands and keys go over in rows and columns: hover, click, drag along the columns, arrows, Enter, Escape. */

import { element, setAttribute, setText } from "./dom.ts";

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
}

export interface PlotHands {
  hover(point: PlotPoint | null): void;
  /** A click. */
  pick(point: PlotPoint): void;
  /** A hand that moves with the button down. */
  drag(point: PlotPoint): void;
  /** By rows and columns; `far` goes to the end. */
  move(rows: number, columns: number, far: boolean): void;
  enter(): void;
  escape(): void;
}

export interface LayerPlot {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** What a screen reader says of the picture. */
  describe(words: string): void;
  /** What is said after a key moved something. */
  speak(words: string): void;
}

export function createLayerPlot(role: string, hands: PlotHands, signal: AbortSignal): LayerPlot {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const spoken = element("span", { class: "nnw-spoken", "aria-live": "polite" });
  const plot = element(
    "div",
    { class: "nnw-layer-plot", tabindex: 0, role: "application", "aria-roledescription": role },
    canvas,
    spoken,
  );
  const on = <K extends keyof HTMLElementEventMap>(type: K, listener: (event: HTMLElementEventMap[K]) => void) =>
    plot.addEventListener(type, listener, { signal });
  const point = (event: MouseEvent): PlotPoint => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  let held: { from: PlotPoint; moved: boolean } | null = null;
  on("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    held = { from: point(event), moved: false };
    plot.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => {
    const at = point(event);
    if (held) {
      held.moved ||= Math.abs(at.x - held.from.x) >= 4;
      if (held.moved) hands.drag(at);
    }
    hands.hover(at);
  });
  on("pointerup", (event) => {
    const ended = held;
    held = null;
    if (ended && !ended.moved) hands.pick(point(event));
  });
  on("pointercancel", () => {
    held = null;
  });
  on("pointerleave", () => hands.hover(null));
  on("blur", () => hands.hover(null));
  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions: Record<string, () => void> = {
      ArrowUp: () => hands.move(-1, 0, false),
      ArrowDown: () => hands.move(1, 0, false),
      ArrowLeft: () => hands.move(0, -1, false),
      ArrowRight: () => hands.move(0, 1, false),
      PageUp: () => hands.move(-10, 0, false),
      PageDown: () => hands.move(10, 0, false),
      Home: () => hands.move(0, -1, true),
      End: () => hands.move(0, 1, true),
      Enter: () => hands.enter(),
      " ": () => hands.enter(),
      Escape: () => hands.escape(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  return {
    element: plot,
    canvas,
    describe: (words) => setAttribute(plot, "aria-label", words),
    speak: (words) => setText(spoken, words),
  };
}

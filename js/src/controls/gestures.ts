/** Hands on a picture that can be zoomed: hover, click, drag to zoom, Shift+drag to move, wheel, double click, and the keys. */

import type { Rect } from "../draw/canvas.ts";

export interface PictureGestures {
  /** Points are in CSS pixels of the canvas. */
  hover(point: Point | null): void;
  pick(point: Point): void;
  /** The box while it is drawn; null when it is given up. */
  box(rect: Rect | null): void;
  zoomTo(rect: Rect): void;
  pan(dx: number, dy: number): void;
  /** Around a point, or the middle. False where there is nothing to zoom, so that the page may scroll. */
  zoom(factor: number, around: Point | null): boolean;
  reset(): void;
  /** The keyboard's cursor: by rows and columns; `page` moves by what is in sight, `end` to the end of the row. */
  move(rows: number, columns: number, by: "cell" | "page" | "end"): void;
  pickCursor(): void;
  leave(): void;
  /** Leaves, and nothing is to stay picked. */
  letGo(): void;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A hand that moves less than this clicks. */
const STILL = 4;
const STEP = 1.5;

export function listenToHands(canvas: HTMLElement, gestures: PictureGestures, signal: AbortSignal): void {
  const on = <K extends keyof HTMLElementEventMap>(type: K, listener: (event: HTMLElementEventMap[K]) => void) =>
    canvas.addEventListener(type, listener, { signal, passive: false });
  const point = (event: MouseEvent): Point => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  let drag: { from: Point; last: Point; pans: boolean; moved: boolean } | null = null;

  on("pointerdown", (event) => {
    if (event.button > 1 || !event.isPrimary) return;
    const from = point(event);
    drag = { from, last: from, pans: event.shiftKey || event.button === 1, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => {
    const at = point(event);
    if (!drag) {
      gestures.hover(at);
      return;
    }
    drag.moved ||= Math.hypot(at.x - drag.from.x, at.y - drag.from.y) >= STILL;
    if (!drag.moved) return;
    if (drag.pans) gestures.pan(at.x - drag.last.x, at.y - drag.last.y);
    else gestures.box(between(drag.from, at));
    drag.last = at;
  });
  on("pointerup", (event) => {
    const ended = drag;
    drag = null;
    if (!ended) return;
    if (!ended.moved) gestures.pick(point(event));
    else if (!ended.pans) {
      gestures.box(null);
      gestures.zoomTo(between(ended.from, point(event)));
    }
  });
  on("pointercancel", () => {
    drag = null;
    gestures.box(null);
  });
  on("pointerleave", () => gestures.hover(null));
  on("dblclick", () => gestures.reset());
  on("wheel", (event) => {
    // The page's scrolling is taken only by a hand that means the map: after a click into it, or with Ctrl.
    if (!event.ctrlKey && !event.metaKey && !focused(canvas)) return;
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 * event.deltaY : event.deltaY;
    if (gestures.zoom(Math.exp(-Math.max(-200, Math.min(200, pixels)) / 300), point(event))) event.preventDefault();
  });
  on("keydown", (event) => {
    const ctrl = event.ctrlKey || event.metaKey;
    const actions: Record<string, () => void> = {
      ArrowUp: () => gestures.move(-1, 0, "cell"),
      ArrowDown: () => gestures.move(1, 0, "cell"),
      ArrowLeft: () => gestures.move(0, -1, "cell"),
      ArrowRight: () => gestures.move(0, 1, "cell"),
      PageUp: () => gestures.move(-1, 0, "page"),
      PageDown: () => gestures.move(1, 0, "page"),
      Home: () => gestures.move(0, -1, "end"),
      End: () => gestures.move(0, 1, "end"),
      "+": () => gestures.zoom(STEP, null),
      "=": () => gestures.zoom(STEP, null),
      "-": () => gestures.zoom(1 / STEP, null),
      _: () => gestures.zoom(1 / STEP, null),
      "0": () => gestures.reset(),
      Enter: () => gestures.pickCursor(),
      " ": () => gestures.pickCursor(),
      Escape: () => gestures.letGo(),
    };
    const action = actions[event.key];
    // Ctrl and plus is the browser's zoom of the page.
    if (!action || ctrl || event.altKey) return;
    event.preventDefault();
    action();
  });
  on("blur", () => gestures.leave());
}

/** In a shadow root the document's active element is the root's host. */
function focused(canvas: HTMLElement): boolean {
  const root = canvas.getRootNode();
  return (root instanceof ShadowRoot ? root : document).activeElement === canvas;
}

function between(a: Point, b: Point): Rect {
  return { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
}

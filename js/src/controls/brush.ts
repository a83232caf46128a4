/**
 * A strip with the whole of the x axis, and on it a window that a hand draws, moves and stretches: what the charts above show.
 * One control for the keyboard: arrows move the window, plus and minus stretch it, Home and End go to the ends, 0 shows all.
 */

import { fitCanvas } from "../draw/canvas.ts";
import type { Polyline } from "../draw/decimate.ts";
import type { Theme } from "../runtime/context.ts";
import { element, setAttribute } from "./dom.ts";

export interface Part {
  readonly from: number;
  readonly to: number;
}

export interface BrushPicture {
  readonly lines: readonly { readonly line: Polyline; readonly color: string; readonly dash: readonly number[] }[];
  readonly whole: Part;
  /** Null for all of it. */
  readonly part: Part | null;
  /** The step that is picked, where there is one. */
  readonly picked: number | null;
  readonly log: boolean;
  readonly words: string;
}

export interface Brush {
  readonly element: HTMLElement;
  show(picture: BrushPicture, width: number, theme: Theme): void;
}

const HEIGHT = 40;
/** The strip's ends are where the plots' are. */
const GRIP = 7;

export function createBrush(
  room: { readonly left: number; readonly right: number },
  onPart: (part: Part | null) => void,
  signal: AbortSignal,
): Brush {
  const canvas = element("canvas", {});
  const strip = element(
    "div",
    {
      class: "nnw-brush",
      tabindex: 0,
      role: "slider",
      "aria-label": "Part of the run in sight",
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      title: "Drag to choose a part, drag the window or its edges; double click for all",
    },
    canvas,
  );
  let [shown, width]: [BrushPicture | null, number] = [null, 1];
  type Grip = "from" | "to" | "window" | "new";
  let drag: { grip: Grip; at: number; part: Part; moved: boolean } | null = null;

  const inner = () => Math.max(1, width - room.left - room.right);
  const pixel = (x: number, { from, to }: Part) => room.left + ((x - from) / (to - from)) * inner();
  const place = (event: MouseEvent) => {
    const { from, to } = (shown as BrushPicture).whole;
    return from + ((event.clientX - canvas.getBoundingClientRect().left - room.left) / inner()) * (to - from);
  };
  const tell = (part: Part) => {
    if (!shown) return;
    const held = within(part, shown.whole);
    onPart(held.from <= shown.whole.from && held.to >= shown.whole.to ? null : held);
  };
  const gripAt = (event: MouseEvent): Grip => {
    if (!shown?.part) return "new";
    const x = event.clientX - canvas.getBoundingClientRect().left;
    const [left, right] = [pixel(shown.part.from, shown.whole), pixel(shown.part.to, shown.whole)];
    if (Math.abs(x - right) <= GRIP && x > (left + right) / 2) return "to";
    if (Math.abs(x - left) <= GRIP) return "from";
    return x > left && x < right ? "window" : "new";
  };
  const on = <K extends keyof HTMLElementEventMap>(type: K, listener: (event: HTMLElementEventMap[K]) => void) =>
    strip.addEventListener(type, listener, { signal });
  on("pointerdown", (event) => {
    if (!shown || event.button !== 0 || !event.isPrimary) return;
    strip.setPointerCapture(event.pointerId);
    const at = place(event);
    drag = { grip: gripAt(event), at, part: shown.part ?? { from: at, to: at }, moved: false };
  });
  on("pointermove", (event) => {
    if (!drag) {
      const cursor = { from: "ew-resize", to: "ew-resize", window: "grab", new: "crosshair" }[gripAt(event)];
      if (strip.style.cursor !== cursor) strip.style.cursor = cursor;
      return;
    }
    const { grip, at, part } = drag;
    const now = place(event);
    if (!drag.moved && Math.abs(now - at) * inner() < 3 * (span(shown?.whole) || 1)) return;
    drag.moved = true;
    if (grip === "window") tell(shifted(part, now - at, (shown as BrushPicture).whole));
    else if (grip === "from") tell(ordered(now, part.to));
    else if (grip === "to") tell(ordered(part.from, now));
    else tell(ordered(at, now));
  });
  on("pointerup", (event) => {
    const ended = drag;
    drag = null;
    // A click beside the window brings its middle there.
    if (!ended || ended.moved || ended.grip !== "new" || !shown?.part) return;
    tell(shifted(shown.part, place(event) - (shown.part.from + shown.part.to) / 2, shown.whole));
  });
  on("pointercancel", () => {
    drag = null;
  });
  on("dblclick", () => onPart(null));
  on("keydown", (event) => {
    if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const { whole } = shown;
    const part = shown.part ?? whole;
    const wide = span(part);
    const step = (event.shiftKey ? 0.5 : 0.1) * wide;
    const stretch = (factor: number) => {
      const middle = (part.from + part.to) / 2;
      tell({ from: middle - (wide * factor) / 2, to: middle + (wide * factor) / 2 });
    };
    const actions: Record<string, () => void> = {
      ArrowLeft: () => tell(shifted(part, -step, whole)),
      ArrowDown: () => tell(shifted(part, -step, whole)),
      ArrowRight: () => tell(shifted(part, step, whole)),
      ArrowUp: () => tell(shifted(part, step, whole)),
      Home: () => tell(shifted(part, whole.from - part.from, whole)),
      End: () => tell(shifted(part, whole.to - part.to, whole)),
      "+": () => stretch(1 / 1.5),
      "=": () => stretch(1 / 1.5),
      "-": () => stretch(1.5),
      _: () => stretch(1.5),
      "0": () => onPart(null),
      Escape: () => onPart(null),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  return {
    element: strip,
    show(picture, wide, theme) {
      [shown, width] = [picture, wide];
      const { whole, part } = picture;
      setAttribute(strip, "aria-valuetext", picture.words);
      const middle = part ? ((part.from + part.to) / 2 - whole.from) / (span(whole) || 1) : 0.5;
      setAttribute(strip, "aria-valuenow", String(Math.round(100 * middle)));
      const context = fitCanvas(canvas, wide, HEIGHT);
      const [left, right] = [room.left, room.left + inner()];
      context.fillStyle = theme.text;
      context.globalAlpha = 0.045;
      context.fillRect(left, 0, right - left, HEIGHT);
      context.globalAlpha = 1;
      context.save();
      context.beginPath();
      context.rect(left, 0, right - left, HEIGHT);
      context.clip();
      paintLines(context, picture, (x) => pixel(x, whole));
      context.restore();
      if (picture.picked !== null) {
        context.fillStyle = theme.accent;
        context.fillRect(pixel(picture.picked, whole) - 0.75, 0, 1.5, HEIGHT);
      }
      if (!part) return;
      const [from, to] = [pixel(part.from, whole), pixel(part.to, whole)];
      context.fillStyle = theme.background;
      context.globalAlpha = 0.66;
      context.fillRect(left, 0, Math.max(0, from - left), HEIGHT);
      context.fillRect(to, 0, Math.max(0, right - to), HEIGHT);
      context.globalAlpha = 1;
      context.strokeStyle = theme.accent;
      context.lineWidth = 1;
      context.strokeRect(from + 0.5, 0.5, Math.max(1, to - from - 1), HEIGHT - 1);
      context.fillStyle = theme.accent;
      for (const x of [from, to]) context.fillRect(Math.round(x) - 2, HEIGHT / 2 - 8, 4, 16);
    },
  };
}

function paintLines(context: CanvasRenderingContext2D, { lines, log }: BrushPicture, xOf: (x: number) => number): void {
  const scaled = (value: number) => (log ? Math.log(value) : value);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { line } of lines) {
    for (const value of line.y) {
      if (value === null || (log && value <= 0)) continue;
      low = Math.min(low, scaled(value));
      high = Math.max(high, scaled(value));
    }
  }
  const yOf = (value: number) => HEIGHT - 4 - ((scaled(value) - low) / (high - low || 1)) * (HEIGHT - 8);
  for (const { line, color, dash } of lines) {
    context.strokeStyle = color;
    context.lineWidth = 1;
    context.setLineDash([...dash]);
    context.beginPath();
    let drawing = false;
    for (const [at, value] of line.y.entries()) {
      if (value === null || (log && value <= 0)) drawing = false;
      else {
        const [x, y] = [xOf(line.x[at] as number), yOf(value)];
        if (drawing) context.lineTo(x, y);
        else context.moveTo(x, y);
        drawing = true;
      }
    }
    context.stroke();
  }
  context.setLineDash([]);
}

function span(part: Part | undefined): number {
  return part ? part.to - part.from : 0;
}

function ordered(one: number, other: number): Part {
  return { from: Math.min(one, other), to: Math.max(one, other) };
}

/** Moved by as much as the whole allows. */
export function shifted({ from, to }: Part, by: number, whole: Part): Part {
  const held = Math.max(whole.from - from, Math.min(whole.to - to, by));
  return { from: from + held, to: to + held };
}

function within({ from, to }: Part, whole: Part): Part {
  return { from: Math.max(whole.from, from), to: Math.min(whole.to, to) };
}

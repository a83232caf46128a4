/** A row of decoded pictures with the place on it that is looked at; a click goes to one. */

import { element, setAttribute } from "../../controls/dom.ts";
import { fitCanvas } from "../../draw/canvas.ts";
import type { Theme } from "../../runtime/context.ts";
import type { Shown } from "./shown.ts";

export interface Strip {
  readonly element: HTMLCanvasElement;
  /** Items `first` to `first + count`; `mark` is the place on them, 0 at the first and 1 at the last, null for none. */
  show(shown: Shown | null, first: number, count: number, mark: number | null, width: number, theme: Theme): void;
}

const GAP = 2;
/** Pictures are no taller, px. */
const TALLEST = 72;
/** Room under the pictures for the mark. */
const FOOT = 5;

export function createStrip(name: string, onPick: (index: number) => void, signal: AbortSignal): Strip {
  const canvas = element("canvas", { class: "nnw-latent-strip", role: "img", "aria-label": name });
  let [shownCount, shownWidth] = [0, 0];
  canvas.addEventListener(
    "click",
    (event) => {
      const share = (event.clientX - canvas.getBoundingClientRect().left) / shownWidth;
      if (shownCount) onPick(Math.min(shownCount - 1, Math.max(0, Math.floor(share * shownCount))));
    },
    { signal },
  );
  return {
    element: canvas,
    show(shown, first, count, mark, width, theme) {
      [shownCount, shownWidth] = [shown ? count : 0, width];
      const cell = (width - GAP * (count - 1)) / count;
      const height = Math.max(8, Math.min(TALLEST, cell / (shown?.aspect ?? 1)));
      const context = fitCanvas(canvas, width, height + FOOT);
      const middle = (at: number) => at * (cell + GAP) + cell / 2;
      for (let at = 0; shown && at < count; at++) {
        const x = Math.round(at * (cell + GAP));
        const place = { x, y: 0, width: Math.round(at * (cell + GAP) + cell) - x, height: Math.round(height) };
        shown.paint(context, first + at, place, theme);
      }
      if (mark !== null) {
        const x = middle(Math.min(1, Math.max(0, mark)) * (count - 1));
        context.fillStyle = theme.accent;
        context.beginPath();
        context.moveTo(x, height + 1);
        context.lineTo(x + 4, height + FOOT);
        context.lineTo(x - 4, height + FOOT);
        context.fill();
      }
      setAttribute(canvas, "data-pictures", String(shownCount));
    },
  };
}

/** One decoded picture with its caption: the large one, or an input beside its reconstruction. */

import { element, setAttribute, setText } from "../../controls/dom.ts";
import { fitCanvas } from "../../draw/canvas.ts";
import type { Theme } from "../../runtime/context.ts";
import type { Shown } from "./shown.ts";

export interface PictureFrame {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Paint item `index`; `name` says for screen readers what it is. */
  show(shown: Shown | null, index: number, name: string, theme: Theme): void;
  caption(words: string): void;
}

export function createPictureFrame(size: number, words = ""): PictureFrame {
  const canvas = element("canvas", { role: "img", class: "nnw-latent-picture" });
  const caption = element("figcaption", { class: "nnw-faint" }, words);
  return {
    element: element("figure", { class: "nnw-latent-figure" }, canvas, caption),
    canvas,
    show(shown, index, name, theme) {
      const aspect = shown?.aspect ?? 1;
      const width = Math.round(aspect >= 1 ? size : size * aspect);
      const height = Math.round(aspect >= 1 ? size / aspect : size);
      const context = fitCanvas(canvas, width, height);
      if (shown && index < shown.count) shown.paint(context, index, { x: 0, y: 0, width, height }, theme);
      setAttribute(canvas, "aria-label", [name, shown?.words(index)].filter(Boolean).join(": "));
    },
    caption: (text) => setText(caption, text),
  };
}

/** What is said of pictures that hold values that are not numbers. */
export function brokenWords(shown: Shown | null): string {
  if (!shown?.broken) return "";
  const these = shown.count === 1 ? "This picture holds" : `${shown.broken} of ${shown.count} pictures hold`;
  return `${these} values that are not numbers (NaN), drawn in magenta: look at the decoder's weights.`;
}

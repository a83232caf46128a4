/** Key steps of one sample, evenly taken: the noisy image over the clean one that the model sees. A press goes there. */

import { element, setAttribute, setText } from "../../controls/dom.ts";
import { fitCanvas } from "../../draw/canvas.ts";
import { formatStep } from "../../draw/number.ts";
import { paintPicture } from "../../draw/pictures.ts";
import type { FrameStore } from "../process/frames.ts";
import type { Scene } from "../process/view.ts";
import { type Diffusion, timeWords } from "./story.ts";

const WIDTH = 52;
const GAP = 3;

export interface Strip {
  readonly element: HTMLElement;
  draw(scene: Scene, diffusion: Diffusion, store: FrameStore, branch: number, sample: number, count: number): void;
}

export function createStrip(onPick: (step: number) => void, signal: AbortSignal): Strip {
  const root = element("div", { class: "nnw-strip", role: "group", "aria-label": "Key steps" });
  const keys: Key[] = [];

  interface Key {
    readonly button: HTMLButtonElement;
    readonly canvas: HTMLCanvasElement;
    readonly words: HTMLElement;
    step: number;
    /** What is painted on it: pictures that the page let go of stay here. */
    painted: string;
  }

  function createKey(): Key {
    const canvas = element("canvas", { "aria-hidden": "true" });
    const words = element("span", { class: "nnw-strip-words" });
    const button = element("button", { type: "button", class: "nnw-strip-key" }, canvas, words);
    const key: Key = { button, canvas, words, step: 0, painted: "" };
    button.addEventListener("click", () => onPick(key.step), { signal });
    root.append(button);
    return key;
  }

  return {
    element: root,
    draw({ story, step }, diffusion, store, branch, sample, count) {
      const { steps, height, width, channels, samples } = story;
      const many = Math.min(count, steps + 1);
      const places = Array.from({ length: many }, (_, at) => Math.round((at * steps) / Math.max(1, many - 1)));
      const nearest = places.reduce(
        (best, place) => (Math.abs(place - step) < Math.abs(best - step) ? place : best),
        0,
      );
      for (const { button } of keys.splice(many)) button.remove();
      const high = Math.round((WIDTH * height) / width);
      for (const [at, place] of places.entries()) {
        keys[at] ??= createKey();
        const key = keys[at] as Key;
        key.step = place;
        setText(key.words, timeWords(diffusion, place));
        setAttribute(key.button, "aria-label", `Step ${formatStep(place)}, ${timeWords(diffusion, place)}`);
        setAttribute(key.button, "title", `Go to step ${formatStep(place)}`);
        if (place === nearest) setAttribute(key.button, "aria-current", "step");
        else key.button.removeAttribute("aria-current");
        const frame = store.frame(branch, place);
        const size = height * width * channels;
        const rows = frame?.kind === "images" ? frame.pixels.length / (size * samples) : 0;
        const wanted = `${branch} ${place} ${sample} ${devicePixelRatio}`;
        if (key.painted === wanted || (rows < 2 && key.painted.startsWith(wanted))) continue;
        const paint = fitCanvas(key.canvas, WIDTH, 2 * high + GAP);
        key.painted = "";
        for (let row = 0; row < Math.min(rows, 2); row++) {
          const from = (row * samples + sample) * size;
          const pixels = frame?.kind === "images" ? frame.pixels.subarray(from, from + size) : new Uint8Array();
          paintPicture(paint, pixels, [height, width, channels], 0, row * (high + GAP), WIDTH, high);
        }
        if (rows >= 2) key.painted = wanted;
      }
    },
  };
}

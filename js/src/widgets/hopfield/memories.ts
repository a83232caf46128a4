/** The memories as small pictures, each with its overlap with every state that is looked at; a press takes one as the state. */

import { element, setAttribute, setText } from "../../controls/dom.ts";
import { type Context2D, fitCanvas } from "../../draw/canvas.ts";
import { paintPicture } from "../../draw/pictures.ts";
import { displayText } from "../../draw/text.ts";
import { type Network, nearest, pixelsOf } from "./network.ts";

export interface Likeness {
  readonly branch: number;
  readonly name: string;
  readonly color: string;
  /** With each memory; null while they are not known. */
  readonly overlaps: ArrayLike<number> | null;
}

export interface Memories {
  readonly element: HTMLElement;
  show(network: Network, likenesses: readonly Likeness[]): void;
}

const PICTURE = 40;
/** Memories that are shown: of more, those most like a state. */
const MOST = 40;

export function createMemories(onTake: (memory: number) => void, signal: AbortSignal): Memories {
  const grid = element("div", { class: "nnw-memories" });
  const heading = element("h4", { class: "nnw-hopfield-heading" }, "Overlap with each memory");
  const note = element("p", { class: "nnw-faint" });
  const root = element("section", { "aria-label": "Overlap with each memory" }, heading, note, grid);
  const tiles = new Map<number, Tile>();
  let painted: Network | null = null;

  interface Tile {
    readonly button: HTMLButtonElement;
    readonly canvas: HTMLCanvasElement;
    readonly bars: HTMLElement;
  }

  function tileOf(memory: number, network: Network): Tile {
    const known = tiles.get(memory);
    if (known) return known;
    const canvas = element("canvas", { "aria-hidden": "true" });
    const name = element("bdi", { class: "nnw-memory-name", dir: "auto" }, displayText(network.labels[memory] ?? ""));
    const bars = element("span", { class: "nnw-memory-bars" });
    const button = element("button", { type: "button", class: "nnw-memory" }, canvas, name, bars);
    button.addEventListener("click", () => onTake(memory), { signal });
    const long = Math.max(network.height, network.width);
    const [width, height] = [(PICTURE * network.width) / long, (PICTURE * network.height) / long];
    const paint: Context2D = fitCanvas(canvas, width, height);
    const shape = [network.height, network.width, 1] as const;
    paintPicture(paint, pixelsOf(network.memories[memory] as Int8Array), shape, 0, 0, width, height);
    const tile = { button, canvas, bars };
    tiles.set(memory, tile);
    return tile;
  }

  return {
    element: root,
    show(network, likenesses) {
      if (painted !== network) {
        painted = network;
        tiles.clear();
        grid.replaceChildren();
      }
      const count = network.memories.length;
      root.hidden = count === 0;
      const shown = mostAlike(count, likenesses);
      const more = count > shown.length ? `The ${shown.length} of ${count} that are most alike. ` : "";
      setText(note, `${more}1 is equal, 0 unrelated, −1 inverted. Press a memory to take it as the state.`);
      const marked = new Map(likenesses.map(({ branch, overlaps }) => [branch, overlaps ? nearest(overlaps) : -1]));
      for (const [memory, { button }] of tiles) if (!shown.includes(memory)) button.remove();
      for (const [place, memory] of shown.entries()) {
        const { button, bars } = tileOf(memory, network);
        if (grid.children[place] !== button) grid.insertBefore(button, grid.children[place] ?? null);
        const isNearest = likenesses.some(({ branch }) => marked.get(branch) === memory);
        button.classList.toggle("nnw-nearest", isNearest);
        while (bars.children.length > likenesses.length) bars.lastElementChild?.remove();
        while (bars.children.length < likenesses.length) bars.append(newBar());
        const said = likenesses.map(({ branch, name, color, overlaps }, at) => {
          const value = overlaps?.[memory];
          drawBar(bars.children[at] as HTMLElement, value, color, marked.get(branch) === memory);
          const words = value === undefined ? "not known yet" : overlapWords(value);
          const whose = likenesses.length > 1 ? `${name} ` : "";
          return `${whose}${words}${marked.get(branch) === memory ? ", the nearest" : ""}`;
        });
        const name = displayText(network.labels[memory] ?? "");
        setAttribute(button, "aria-label", `Memory ${name}, overlap ${said.join("; ")}: take it as the state`);
        setAttribute(button, "title", `${name}: ${said.join("; ")}`);
      }
    },
  };
}

/** Two digits; 0.997 is no 1.00. */
export function overlapWords(value: number): string {
  return (Math.trunc(100 * value + Math.sign(value) * 1e-4) / 100).toFixed(2).replace("-", "−");
}

function newBar(): HTMLElement {
  const track = element("span", { class: "nnw-memory-track" }, element("span", { class: "nnw-memory-fill" }));
  return element("span", { class: "nnw-memory-bar" }, track, element("span", { class: "nnw-memory-value" }));
}

function drawBar(bar: HTMLElement, value: number | undefined, color: string, isNearest: boolean): void {
  const fill = bar.querySelector(".nnw-memory-fill") as HTMLElement;
  const held = Math.min(1, Math.max(-1, value ?? 0));
  fill.style.background = color;
  fill.style.left = `${50 + 50 * Math.min(0, held)}%`;
  fill.style.width = `${50 * Math.abs(held)}%`;
  setText(bar.lastElementChild as Element, value === undefined ? "–" : overlapWords(value));
  bar.classList.toggle("nnw-nearest-bar", isNearest);
}

function mostAlike(count: number, likenesses: readonly Likeness[]): number[] {
  const all = Array.from({ length: count }, (_, at) => at);
  if (count <= MOST) return all;
  const like = (memory: number) => Math.max(0, ...likenesses.map(({ overlaps }) => Math.abs(overlaps?.[memory] ?? 0)));
  return all
    .sort((one, other) => like(other) - like(one))
    .slice(0, MOST)
    .sort((one, other) => one - other);
}

/** The rows of pictures of each branch under each other, with their names; what a pixel is worth, under the pointer. */

import { element, setAttribute } from "../../controls/dom.ts";
import { fitCanvas } from "../../draw/canvas.ts";
import { formatValue } from "../../draw/number.ts";
import { gridPlace, gridSize, type PictureGrid, paintPictures } from "../../draw/pictures.ts";
import type { ViewContext } from "../../runtime/context.ts";
import type { ProcessView, Row, Scene } from "../process/view.ts";
import { PLACES } from "./feed.ts";
import { type Forward, noisedPixels } from "./forward.ts";
import { type Diffusion, timeWords } from "./story.ts";

export type RowName = "noisy" | "predicted" | "noise" | "forward";

export const ROW_NAMES: Readonly<Record<RowName, { readonly short: string; readonly long: string }>> = {
  noisy: { short: "noisy xₜ", long: "xₜ, the noisy images" },
  predicted: { short: "clean x̂₀", long: "x̂₀, the clean images that the model sees in them" },
  noise: { short: "noise ε̂", long: "ε̂, the noise that it takes for the rest" },
  forward: { short: "forward", long: "the forward process: real images noised to the same t" },
};
const HINT = "No real images were given: images=… shows some of them, noised to the same t.";

interface Lane {
  readonly name: RowName;
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
}

export interface Lanes {
  draw(scene: Scene, diffusion: Diffusion, forward: Forward | null, rows: readonly RowName[]): void;
}

export function createLanes(context: ViewContext, view: ProcessView): Lanes {
  const { selection, signal } = context;
  const lanes = new WeakMap<HTMLElement, { readonly title: HTMLElement; readonly others: readonly Lane[] }>();
  const tip = element("div", { class: "nnw-tip", hidden: true });
  const real = lane("forward");
  const hint = element("p", { class: "nnw-faint nnw-diffusion-hint", hidden: true }, HINT);
  const beside = element("div", { class: "nnw-branch nnw-diffusion-forward" }, real.element, hint);
  let grid: PictureGrid | null = null;
  let drawn: { readonly scene: Scene; readonly diffusion: Diffusion; readonly forward: Forward | null } | null = null;
  view.element.append(tip);

  function lane(name: RowName): Lane {
    const canvas = element("canvas", { role: "img", tabindex: 0 });
    const place = element("div", { class: "nnw-frame-place" }, canvas);
    view.player.listen(place);
    return { name, canvas, element: element("div", { class: "nnw-lane" }, titled(name), place) };
  }

  function titled(name: RowName): HTMLElement {
    return element("div", { class: "nnw-lane-name", title: ROW_NAMES[name].long }, ROW_NAMES[name].long);
  }

  function lanesOf(row: Row) {
    const known = lanes.get(row.element);
    if (known) return known;
    const made = { title: titled("noisy"), others: [lane("predicted"), lane("noise")] };
    row.canvas.parentElement?.before(made.title);
    row.element.append(...made.others.map((each) => each.element));
    lanes.set(row.element, made);
    watch(row.canvas, "noisy", row.branch);
    for (const each of made.others) watch(each.canvas, each.name, row.branch);
    return made;
  }

  /** The pixel under the pointer is told; a press looks at its sample. */
  function watch(canvas: HTMLCanvasElement, name: RowName, branch: number): void {
    const at = (event: MouseEvent) => view.pixelAt({ branch, element: canvas, canvas, grid }, event);
    canvas.addEventListener("pointermove", (event) => tell(event, name, branch, at(event)), { signal });
    canvas.addEventListener("pointerleave", () => setHidden(tip, true), { signal });
    canvas.addEventListener(
      "click",
      (event) => {
        const found = at(event);
        if (found) selection.set({ sample: found.sample });
      },
      { signal },
    );
  }
  watch(real.canvas, "forward", 0);

  function tell(event: PointerEvent, name: RowName, branch: number, at: ReturnType<ProcessView["pixelAt"]>): void {
    const values = at && valuesOf(name, branch, at.sample, at.row, at.column);
    setHidden(tip, !values);
    if (!at || !values || !drawn) return;
    const mark = name === "noisy" || name === "forward" ? "xₜ" : name === "predicted" ? "x̂₀" : "ε̂";
    const parts = values.length === 3 ? values.map((value, part) => `${"RGB"[part]} ${value}`) : values;
    const where = `sample ${at.sample}, column ${at.column}, row ${at.row}, ${timeWords(drawn.diffusion, drawn.scene.step)}`;
    tip.replaceChildren(element("strong", {}, `${mark}: ${parts.join("  ")}`), element("div", {}, where));
    const box = view.element.getBoundingClientRect();
    const left = Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${event.clientY - box.top + 16}px`;
  }

  /** What the channels of a pixel are worth, as far as a byte says it: at its ends a value may lie beyond. */
  function valuesOf(name: RowName, branch: number, sample: number, row: number, column: number): string[] | null {
    if (!drawn) return null;
    const { scene, diffusion, forward } = drawn;
    const { width, height, channels, samples } = scene.story;
    const start = ((sample * height + row) * width + column) * channels;
    if (name === "forward") {
      if (!forward || sample >= forward.count) return null;
      const bar = diffusion.alphasBar[scene.step] ?? 1;
      return Array.from({ length: channels }, (_, part) => {
        const [clean, noise] = [forward.images[start + part] as number, forward.noise[start + part] as number];
        return formatValue(Math.sqrt(bar) * clean + Math.sqrt(1 - bar) * noise, 3);
      });
    }
    const frame = view.store.frame(branch, scene.step);
    const from = PLACES[name] * samples * height * width * channels + start;
    if (frame?.kind !== "images" || from >= frame.pixels.length) return null;
    const [low, high] = name === "noise" ? [-diffusion.noise, diffusion.noise] : [diffusion.low, diffusion.high];
    return Array.from(frame.pixels.subarray(from, from + channels), (byte) => {
      const value = formatValue(low + (byte / 255) * (high - low), 2);
      return byte === 0 ? `≤ ${value}` : byte === 255 ? `≥ ${value}` : value;
    });
  }

  function mark(canvas: HTMLCanvasElement, sample: number): void {
    const paint = canvas.getContext("2d");
    if (!paint || !grid) return;
    const { x, y, width, height } = gridPlace(sample, grid);
    paint.strokeStyle = context.theme().accent;
    paint.lineWidth = 2;
    paint.strokeRect(x + 1, y + 1, width - 2, height - 2);
  }

  function paint(canvas: HTMLCanvasElement, pixels: Uint8Array, count: number, scene: Scene, what: string): void {
    const { height, width, channels, samples } = scene.story;
    if (!grid) return;
    const context = fitCanvas(canvas, ...gridSize(count, grid));
    paintPictures(context, pixels, count, [height, width, channels], grid, 0, 0);
    setAttribute(canvas, "aria-label", what);
    const chosen = selection.get("sample");
    if (chosen !== null && chosen < count && samples > 1) mark(canvas, chosen);
  }

  return {
    draw(scene, diffusion, forward, rows) {
      drawn = { scene, diffusion, forward };
      const { story, step, branches } = scene;
      const { samples, height, width, channels } = story;
      const size = samples * height * width * channels;
      const chosen = selection.get("sample");
      for (const row of view.rows) {
        grid = row.grid ?? grid;
        const { title, others } = lanesOf(row);
        const frame = view.store.frame(row.branch, step);
        setHidden(title, !rows.includes("noisy"));
        if (row.canvas.parentElement) setHidden(row.canvas.parentElement, !rows.includes("noisy"));
        if (frame && chosen !== null && chosen < samples && samples > 1) mark(row.canvas, chosen);
        for (const { name, element: root, canvas } of others) {
          setHidden(root, !rows.includes(name));
          if (root.hidden) continue;
          const from = size * PLACES[name as "predicted" | "noise"];
          const here = frame?.kind === "images" && frame.pixels.length >= from + size;
          root.classList.toggle("nnw-stale", !here);
          if (!here) continue;
          const whose = branches.length > 1 ? `, branch ${row.branch}` : "";
          const what = `${ROW_NAMES[name].long}: ${samples} pictures, ${timeWords(diffusion, step)}${whose}`;
          paint(canvas, frame.pixels.subarray(from, from + size), samples, scene, what);
        }
      }
      const stage = view.rows[0]?.element.parentElement;
      if (stage && !beside.isConnected) stage.append(beside);
      setHidden(beside, !rows.includes("forward"));
      setHidden(real.element, !forward);
      setHidden(hint, forward !== null);
      if (beside.hidden || !forward) return;
      const what = `${ROW_NAMES.forward.long}: ${forward.count} pictures, ${timeWords(diffusion, step)}`;
      paint(real.canvas, noisedPixels(forward, diffusion, step), forward.count, scene, what);
    },
  };
}

function setHidden(target: HTMLElement, hidden: boolean): void {
  if (target.hidden !== hidden) target.hidden = hidden;
}

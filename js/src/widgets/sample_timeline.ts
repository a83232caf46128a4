/** SampleTimeline: images that a run logged over the training, scrubbed, played, and watched as they come. */

import { element, quoted, setAttribute, setText } from "../controls/dom.ts";
import sheet from "../controls/player.css";
import { createPlayer } from "../controls/player.ts";
import { oncePerFrame, onResize } from "../controls/redraw.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { nearestStep } from "../controls/step_slider.ts";
import { fitCanvas } from "../draw/canvas.ts";
import { formatStep } from "../draw/number.ts";
import { fitGrid, paintPicture } from "../draw/pictures.ts";
import { displayText } from "../draw/text.ts";
import type { View } from "../runtime/context.ts";
import { type Picture, SampleData } from "./training/sample_data.ts";
import { isGoing } from "./training/status.ts";

/** The widest that an image is drawn, px. */
const WIDEST = 512;
const THUMB = 88;
/** Images of the strip where nobody says how many. */
const STRIP = 6;

export const view: View = (context) => {
  const { options, selection, signal } = context;
  ensureSheet(context.root, "player", sheet);
  const redraw = oncePerFrame(draw, signal);
  /** As it was seen last: while JupyterLab swaps its style sheet for another theme, there is no layout for a moment. */
  let room = 0;
  const waiting = element("p", { class: "nnw-waiting" }, "Reading the images…");
  const empty = element("div", { class: "nnw-empty", hidden: true });
  const title = element("p", { class: "nnw-title" });
  const canvas = element("canvas", { role: "img", tabindex: 0 });
  const stage = element("div", { class: "nnw-frame-place" }, canvas);
  const newest = element(
    "button",
    { type: "button", class: "nnw-button", title: "Show the newest image, and go on with it" },
    "newest",
  );
  newest.addEventListener("click", () => selection.set({ step: null }), { signal });
  const player = createPlayer(
    {
      onStep: go,
      ready: (place) => data.ready(place),
      onSpeed: (fps) => options.set("fps", fps),
      onLoop: (loop) => options.set("loop", loop),
      words: (place) => formatStep(data.story?.steps[place] ?? 0),
    },
    signal,
  );
  player.element.querySelector(".nnw-player-track")?.append(newest);
  player.listen(stage);
  const strip = element("div", { class: "nnw-strip", role: "group", "aria-label": "Over the training" });
  player.listen(strip);
  const body = element("div", { class: "nnw-process", hidden: true }, title, stage, player.element, strip);
  context.root.append(element("section", { "aria-label": "Samples over the training" }, waiting, empty, body));
  const data = new SampleData(context, () => options.get<string>("name"), redraw);

  onResize(context.root, redraw, signal);
  selection.onChange(["step"], redraw);
  options.onChange(["fps", "loop", "columns"], redraw);
  options.onChange(["name"], () => data.begin());
  context.onTheme(redraw);
  redraw();

  /** The last one is the newest: from there on new ones are followed. */
  function go(place: number): void {
    const steps = data.story?.steps ?? [];
    selection.set({ step: place >= steps.length - 1 ? null : Math.round(steps[place] as number) });
  }

  function draw(): void {
    const { story } = data;
    room = context.root.clientWidth || room;
    if (!story || !room) return;
    const { steps } = story;
    waiting.hidden = true;
    empty.hidden = steps.length > 0;
    body.hidden = steps.length === 0;
    if (!steps.length) {
      explain();
      return;
    }
    const picked = selection.get("step");
    const place = nearestStep(steps, picked);
    data.look(place);
    player.showSpeed(options.get<number>("fps"));
    player.showLoop(options.get<boolean>("loop"));
    player.show(place, steps.length - 1);
    setAttribute(newest, "aria-pressed", String(picked === null));
    const said = formatStep(steps[place] as number);
    const thinned = story.count > steps.length ? ` · ${steps.length} of ${formatStep(story.count)} images` : "";
    title.replaceChildren(
      element("b", {}, displayText(options.get<string>("name"))),
      ` at step ${said}`,
      element("small", {}, `${displayText(story.label)}${thinned}`),
    );
    const picture = data.at(place);
    stage.classList.toggle("nnw-stale", picture === null);
    if (picture) {
      paint(canvas, picture, Math.min(WIDEST, room));
      setAttribute(canvas, "aria-label", `${options.get<string>("name")} at step ${said}, of ${story.label}`);
    }
    drawStrip(place);
  }

  function paint(target: HTMLCanvasElement, { pixels, shape }: Picture, most: number): void {
    const { width, height } = fitGrid(1, shape, most, { most });
    paintPicture(fitCanvas(target, width, height), pixels, shape, 0, 0, width, height);
  }

  /** A few images over the whole training, to see it at once and to go there. */
  function drawStrip(place: number): void {
    const steps = data.story?.steps ?? [];
    const count = Math.min(options.get<number | null>("columns") ?? STRIP, steps.length);
    strip.hidden = count < 2;
    while (strip.children.length > count) strip.lastElementChild?.remove();
    while (strip.children.length < count) strip.append(thumb());
    for (const [index, button] of ([...strip.children] as HTMLButtonElement[]).entries()) {
      const at = count < 2 ? 0 : Math.round((index * (steps.length - 1)) / (count - 1));
      button.dataset.place = String(at);
      const said = formatStep(steps[at] as number);
      setText(button.lastElementChild as Element, said);
      setAttribute(button, "aria-label", `Step ${said}`);
      setAttribute(button, "aria-current", String(at === place));
      const picture = data.at(at);
      const small = button.firstElementChild as HTMLCanvasElement;
      const key = picture ? `${steps[at]} ${devicePixelRatio}` : "";
      if (small.dataset.shows === key) continue; // thirty times a second nothing else changes
      small.dataset.shows = key;
      if (picture) paint(small, picture, THUMB);
      else fitCanvas(small, THUMB, THUMB);
    }
  }

  function thumb(): HTMLButtonElement {
    const button = element(
      "button",
      { type: "button", class: "nnw-thumb" },
      element("canvas", { "aria-hidden": true }),
      element("span", {}),
    );
    button.addEventListener(
      "click",
      () => {
        player.pause();
        go(Number(button.dataset.place));
      },
      { signal },
    );
    return button;
  }

  function explain(): void {
    const name = displayText(options.get<string>("name"));
    const { label = "", names = [] } = data.story ?? {};
    const going = isGoing(context) && !context.saved;
    empty.replaceChildren(
      element("p", {}, "No images named ", quoted(name), ` were logged ${going ? "yet " : ""}in `, quoted(label), "."),
      element(
        "p",
        { class: "nnw-faint" },
        ...(names.length
          ? ["It has ", ...names.flatMap((each, at) => [at ? ", " : "", quoted(displayText(each))]), "."]
          : ["run.log(step, samples=nnw.SampleTimeline.sheet(images)) logs some, every so many steps."]),
      ),
    );
  }
};

/** LatentMap: a plane of the latent space as what is decoded there, with the inputs' places and a cursor to drag. */

import { element, setAttribute, setText } from "../controls/dom.ts";
import sheet from "../controls/latent.css";
import { createNumber } from "../controls/number.ts";
import { listenToPad, type PadPoint } from "../controls/pad.ts";
import { onResize } from "../controls/redraw.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { createSlider } from "../controls/slider.ts";
import { createSwitches } from "../controls/switches.ts";
import { createToggle } from "../controls/toggle.ts";
import trainingSheet from "../controls/training.css";
import { formatValue } from "../draw/number.ts";
import { headColor } from "../draw/palette.ts";
import type { Answer, NdArray, View } from "../runtime/context.ts";
import { brokenWords, createPictureFrame } from "./latent/frame_of.ts";
import { createLive } from "./latent/live.ts";
import {
  cellAt,
  layoutOf,
  type MapLayout,
  type MapPoints,
  paintCursor,
  paintManifold,
  paintPoints,
  pointAt,
  valuesAt,
} from "./latent/map_picture.ts";
import { readShown, type Shown } from "./latent/shown.ts";
import { classesOf, className, latentOf, readSpace, type Space, selectedLatent, short } from "./latent/space.ts";

/** Standard deviations of a step by an arrow key. */
const STEP = 0.1;
const LARGE = 208;
const SMALL = 100;

export const view: View = (context) => {
  const { options, selection, signal } = context;
  ensureSheet(context.root, "training", trainingSheet); // for the classes' switches
  ensureSheet(context.root, "latent", sheet);

  let space: Space | null = null;
  let manifold: { readonly shown: Shown; readonly axes: readonly [number, number] } | null = null;
  let layout: MapLayout | null = null;
  let x: ArrayLike<number> = [];
  let y: ArrayLike<number> = [];
  let places: { readonly axes: string; readonly data: ArrayLike<number> } | null = null;
  let decoded: Shown | null = null;
  let nearest = false;
  /** Some inputs and their reconstructions. */
  let both: { readonly chunk: number; readonly given: Shown | null; readonly back: Shown | null } | null = null;
  let hovered = -1;
  const hidden = new Set<number>();

  const axisPickers = (["to the right", "upwards"] as const).map((name, side) =>
    createNumber(`Dimension ${name}`, (value) => setAxis(side, value), signal),
  );
  const gridSlider = createSlider(
    "Pictures",
    { low: 2, high: 40, step: 1, text: (value) => `${value} × ${value}` },
    (value) => options.set("grid", value),
    signal,
  );
  const spreadSlider = createSlider(
    "Range",
    { low: 0.5, high: 6, step: 0.25, text: (value) => `± ${value} σ` },
    (value) => options.set("spread", value),
    signal,
  );
  const dots = createToggle("points", (on) => options.set("points", on), signal, "The inputs, where they are encoded");
  const density = createToggle("density", (on) => options.set("density", on), signal, "How densely the inputs lie");
  const legend = createSwitches("Classes", (key) => turn(Number(key)), signal);
  const controls = element(
    "div",
    { class: "nnw-controls", role: "group", "aria-label": "What to show" },
    ...axisPickers.map((picker) => picker.element),
    gridSlider.element,
    spreadSlider.element,
    dots.element,
    density.element,
  );
  const layers = [0, 1, 2].map(() => element("canvas", { "aria-hidden": "true", class: "nnw-latent-layer" }));
  const [ground, over, top] = layers as [HTMLCanvasElement, HTMLCanvasElement, HTMLCanvasElement];
  const pad = element(
    "div",
    { class: "nnw-latent-pad", role: "application", "aria-roledescription": "latent map", tabindex: 0 },
    ...layers,
  );
  const large = createPictureFrame(LARGE);
  const input = createPictureFrame(SMALL, "input");
  const back = createPictureFrame(SMALL, "reconstruction");
  const pairTitle = element("div", { class: "nnw-latent-title" });
  const pair = element("div", { class: "nnw-latent-pair" }, input.element, back.element);
  const hint = element("p", { class: "nnw-faint" });
  const note = element("p", { class: "nnw-faint", hidden: true });
  const spoken = element("div", { class: "nnw-spoken", role: "status", "aria-live": "polite" });
  const side = element(
    "div",
    { class: "nnw-latent-side" },
    large.element,
    legend.element,
    element("div", { class: "nnw-latent-hover" }, pairTitle, pair, hint),
    note,
  );
  const body = element("div", { class: "nnw-latent-body", hidden: true }, pad, side);
  const root = element("div", { class: "nnw-latent" }, controls, body, spoken);
  context.root.append(root);

  const picture = createLive(context, "latent.decode", showDecoded, offline);
  const map = createLive(context, "latent.manifold", showManifold);
  const points = createLive(context, "latent.points", (answer, { axes }) => {
    places = { axes: String(axes), data: (answer.arrays.points as NdArray).data };
    paintOver();
  });
  const pairs = createLive(context, "latent.pairs", (answer, { chunk }) => {
    both = { chunk: chunk as number, given: readShown(answer, "input."), back: readShown(answer) };
    lookAtPair();
  });

  listenToPad(
    pad,
    {
      drag: (point) => go(point),
      holds: (point) => found(point) >= 0,
      click: (point) => visit(found(point)),
      hover(point) {
        const at = point ? found(point) : -1;
        if (at !== hovered) hover(at);
      },
      move(right, up) {
        if (!space || !layout) return;
        const [across, above] = axes();
        const latent = latentOf(space, selection);
        const by = (axis: number, steps: number) => steps * STEP * (space?.std[axis] ?? 1);
        put((latent[across] as number) + by(across, right), (latent[above] as number) + by(above, up));
        say();
      },
      home() {
        if (space) selection.set({ latent: Array.from(space.mean, short) });
        say();
      },
      enter() {
        if (!space || !layout) return;
        const cursor = cursorAt();
        visit(nearestPoint(cursor));
      },
      escape: () => hover(-1),
    },
    signal,
  );

  selection.onChange(["latent"], moved);
  selection.onChange(["sample"], () => {
    if (hovered < 0) lookAtPair();
    paintTop();
  });
  options.onChange(["axes", "grid", "spread"], ask);
  options.onChange(["points", "density"], () => {
    showControls();
    if (manifold) paintOver();
  });
  options.onChange(["height"], paint);
  context.onVersion(() => {
    for (const live of [picture, map, points, pairs]) live.again();
    both = null;
    start();
  });
  context.onTheme(paint);
  onResize(root, paint, signal);
  start();

  async function start(): Promise<void> {
    try {
      space = readSpace(await context.ask("latent.overview", {}));
    } catch (error) {
      context.showError(error);
      return;
    }
    if (signal.aborted) return;
    setText(note, space.notes.join(" "));
    note.hidden = !space.notes.length;
    showControls();
    ask();
  }

  function axes(): readonly [number, number] {
    return options.get<[number, number]>("axes");
  }

  function setAxis(at: number, value: number): void {
    const now = [...axes()] as [number, number];
    // Two axes that would be the same change places.
    if (now[1 - at] === value) now[1 - at] = now[at] as number;
    now[at] = value;
    options.set("axes", now);
  }

  function turn(label: number): void {
    if (!hidden.delete(label)) hidden.add(label);
    showControls();
    paintOver();
  }

  function showControls(): void {
    if (!space) return;
    const last = space.size - 1;
    for (const [at, picker] of axisPickers.entries()) picker.show(axes()[at] as number, 0, space.size > 2 ? last : 0);
    gridSlider.show(options.get<number>("grid"));
    spreadSlider.show(options.get<number>("spread"));
    dots.show(options.get<boolean>("points"));
    density.show(options.get<boolean>("density"));
    dots.element.hidden = density.element.hidden = !space.count;
    legend.show(
      classesOf(space).map((label) => {
        const text = className(space as Space, label);
        return { key: String(label), text, title: text, on: !hidden.has(label), color: headColor(label) };
      }),
    );
  }

  /** What the picture needs, at the place that the selection and the options say. */
  function ask(): void {
    if (!space) return;
    showControls();
    map.want(manifoldAt(space));
    if (space.count) points.want({ axes: [...axes()] });
    picture.want({ latent: selectedLatent(space, selection) });
  }

  function manifoldAt(of: Space): { axes: number[]; grid: number; spread: number; at: number[] | null } {
    const two = [...axes()];
    const at = of.size > 2 ? latentOf(of, selection) : null;
    for (const axis of at ? two : []) (at as number[])[axis] = 0;
    return { axes: two, grid: options.get<number>("grid"), spread: short(options.get<number>("spread")), at };
  }

  function moved(): void {
    if (!space) return;
    picture.want({ latent: selectedLatent(space, selection) });
    if (space.size > 2) map.want(manifoldAt(space));
    paintTop();
  }

  function showManifold(answer: Answer, args: Readonly<Record<string, unknown>>): void {
    const shown = readShown(answer);
    if (!shown) return;
    [x, y] = [(answer.arrays.x as NdArray).data, (answer.arrays.y as NdArray).data];
    manifold = { shown, axes: args.axes as [number, number] };
    paint();
  }

  function showDecoded(answer: Answer): void {
    decoded = readShown(answer);
    nearest = false;
    paintLarge();
  }

  /** A saved page shows the grid's picture that is nearest to the cursor. */
  function offline(): boolean {
    if (!manifold || !layout) return false;
    nearest = true;
    paintLarge();
    return true;
  }

  function paint(): void {
    const room = root.clientWidth;
    if (!manifold || !room || signal.aborted) return; // without room it is out of sight, and keeps its picture
    body.hidden = false;
    const beside = room >= 560 ? LARGE + 40 : 0;
    layout = layoutOf(x, y, room - beside, options.get<number>("height"));
    pad.style.width = `${layout.width}px`;
    pad.style.height = `${layout.height}px`;
    const names = manifold.axes.map((axis) => `dimension ${axis}`) as [string, string];
    paintManifold(ground, layout, manifold.shown, names, context.theme());
    paintOver();
    paintLarge();
    lookAtPair();
  }

  function dotsShown(): MapPoints | null {
    if (!space || !places || places.axes !== String(axes())) return null;
    return { places: places.data, labels: space.labels, hidden };
  }

  function paintOver(): void {
    if (!layout) return;
    const show = { dots: options.get<boolean>("points"), density: options.get<boolean>("density") };
    paintPoints(over, layout, dotsShown(), show, context.theme());
    setText(
      hint,
      dotsShown()
        ? "Drag the cursor, or move it with the arrow keys. Point at a dot for its input, click to go there."
        : "Drag the cursor, or move it with the arrow keys.",
    );
    paintTop();
  }

  function cursorAt(): readonly [number, number] {
    const latent = latentOf(space as Space, selection);
    const [across, above] = axes();
    return [latent[across] as number, latent[above] as number];
  }

  function paintTop(): void {
    if (!layout || !space) return;
    const shown = dotsShown();
    const rings: [number, number, string][] = [];
    const sample = selection.get("sample");
    for (const at of new Set([sample ?? -1, hovered])) {
      if (!shown || at < 0 || at >= space.count || !options.get<boolean>("points")) continue;
      const color = headColor(space.labels ? (space.labels[at] as number) : 0);
      rings.push([shown.places[2 * at] as number, shown.places[2 * at + 1] as number, color]);
    }
    paintCursor(top, layout, cursorAt(), rings);
    setAttribute(pad, "aria-label", `Latent map of ${space.label}: ${whereWords()}. Arrow keys move the cursor.`);
    if (nearest) paintLarge();
    else large.caption(whereWords());
  }

  function whereWords(): string {
    const [across, above] = axes();
    const [atX, atY] = cursorAt();
    return `dimension ${across}: ${formatValue(atX)}, dimension ${above}: ${formatValue(atY)}`;
  }

  function paintLarge(): void {
    if (!space || !layout) return;
    const [atX, atY] = cursorAt();
    const shown = nearest && manifold ? manifold.shown : decoded;
    const index = nearest ? cellAt(layout, atX, atY) : 0;
    large.show(shown, index, `Decoded at ${whereWords()}`, context.theme());
    large.caption(nearest ? `${whereWords()} (offline: nearest of the grid's pictures)` : whereWords());
    const broken = brokenWords(nearest ? (manifold?.shown ?? null) : decoded) || brokenWords(manifold?.shown ?? null);
    setText(note, [broken, ...space.notes].filter(Boolean).join(" "));
    note.hidden = !note.textContent;
  }

  /** The pointer is on a point, or on none. */
  function hover(at: number): void {
    hovered = at;
    pad.classList.toggle("nnw-on-point", at >= 0);
    lookAtPair();
    paintTop();
  }

  function pairAt(): number {
    const sample = selection.get("sample") ?? 0;
    return hovered >= 0 ? hovered : space && sample < space.count ? sample : -1;
  }

  function lookAtPair(): void {
    const at = pairAt();
    pair.hidden = pairTitle.hidden = !space?.count || at < 0;
    if (!space || pair.hidden) return;
    const chunk = Math.floor(at / space.pairs);
    if (both?.chunk === chunk) paintPair(space, at);
    else pairs.want({ chunk });
  }

  function paintPair(of: Space, at: number): void {
    if (!both) return;
    const named = of.labels ? `, ${className(of, of.labels[at] as number)}` : "";
    setText(pairTitle, `sample ${at}${named}`);
    input.element.hidden = !both.given;
    input.show(both.given, at % of.pairs, `Input ${at}`, context.theme());
    back.show(both.back, at % of.pairs, `Reconstruction of input ${at}`, context.theme());
  }

  function found({ x: atX, y: atY }: PadPoint): number {
    const shown = options.get<boolean>("points") ? dotsShown() : null;
    return layout && shown ? pointAt(layout, shown, atX, atY) : -1;
  }

  function nearestPoint([atX, atY]: readonly [number, number]): number {
    const shown = dotsShown();
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    for (let at = 0; shown && at < shown.places.length / 2; at++) {
      if (shown.labels && hidden.has(shown.labels[at] as number)) continue;
      const away = ((shown.places[2 * at] as number) - atX) ** 2 + ((shown.places[2 * at + 1] as number) - atY) ** 2;
      if (away < least) [best, least] = [at, away];
    }
    return best;
  }

  function go({ x: atX, y: atY }: PadPoint): void {
    if (layout) put(...valuesAt(layout, atX, atY));
  }

  function put(atX: number, atY: number): void {
    if (!space || !layout) return;
    const hold = (value: number, low: number, high: number) => short(Math.min(high, Math.max(low, value)));
    const latent = latentOf(space, selection);
    const [across, above] = axes();
    latent[across] = hold(atX, layout.left, layout.right);
    latent[above] = hold(atY, layout.bottom, layout.top);
    selection.set({ latent });
  }

  /** Go where an input lies, in all dimensions. */
  async function visit(sample: number): Promise<void> {
    if (!space || sample < 0) return;
    try {
      const { arrays } = await context.ask("latent.sample", { sample }, { control: "visit" });
      selection.set({ sample, latent: Array.from((arrays.latent as NdArray).data, short) });
    } catch (error) {
      const shown = dotsShown();
      if (!context.saved || !shown || space.size > 2) return context.showError(error);
      const two = [short(shown.places[2 * sample] as number), short(shown.places[2 * sample + 1] as number)];
      selection.set({ sample, latent: axes()[0] === 0 ? two : two.reverse() });
    }
    say();
  }

  function say(): void {
    setText(spoken, whereWords());
  }
};

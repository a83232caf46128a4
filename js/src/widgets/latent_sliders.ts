/** LatentSliders: a slider a dimension with its strip, sliders along the classes' directions, and ways to begin. */

import { createButton } from "../controls/button.ts";
import { element, setAttribute, setText } from "../controls/dom.ts";
import sheet from "../controls/latent.css";
import { createNumber } from "../controls/number.ts";
import { createSelect } from "../controls/select.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { formatValue } from "../draw/number.ts";
import type { Answer, NdArray, View } from "../runtime/context.ts";
import { brokenWords, createPictureFrame } from "./latent/frame_of.ts";
import { createLive } from "./latent/live.ts";
import { readShown, type Shown } from "./latent/shown.ts";
import { className, latentOf, readSpace, type Space, selectedLatent, short } from "./latent/space.ts";
import { createStrip, type Strip } from "./latent/strip.ts";

/** Dimensions at once, as in the Python half. */
const PAGE = 8;
const LARGE = 208;
/** ms that a hand rests before the strips are decoded anew: they take much longer than one picture. */
const REST = 250;
/** Steps of a slider. */
const STEPS = 200;

interface Row {
  readonly element: HTMLElement;
  readonly name: HTMLElement;
  readonly strip: Strip;
  readonly input: HTMLInputElement;
  readonly output: HTMLElement;
  dimension: number;
}

interface Strips {
  readonly shown: Shown;
  readonly dimensions: readonly number[];
  readonly count: number;
}

interface Directions {
  readonly labels: readonly number[];
  readonly separation: readonly number[];
  /** Mean and standard deviation of the points along each. */
  readonly spread: readonly (readonly [number, number])[];
  readonly vectors: ArrayLike<number>;
}

export const view: View = (context) => {
  const { options, selection, signal } = context;
  ensureSheet(context.root, "latent", sheet);

  let space: Space | null = null;
  let change: ArrayLike<number> | null = null;
  let page = 0;
  let decoded: Shown | null = null;
  let strips: Strips | null = null;
  let directions: Directions | null = null;
  let resting: ReturnType<typeof setTimeout> | undefined;
  let seed = 0;
  /** The dimension that a hand moved last: of a saved page, its strip has the nearest picture. */
  let moved = -1;
  let nearest = false;
  let rows: Row[] = [];

  const order = createSelect(
    "Order",
    [
      ["effect", "by effect"],
      ["number", "by number"],
    ] as const,
    (value) => options.set("order", value),
    signal,
  );
  const sample = createNumber("From sample", (value) => void begin("latent.sample", { sample: value }, value), signal);
  const random = createButton("Random", "A random latent", () => draw(), signal);
  const seedWords = element("span", { class: "nnw-faint" });
  const reset = createButton("Reset", "Back to the mean", () => selection.set({ latent: mean() }), signal);
  const controls = element(
    "div",
    { class: "nnw-controls", role: "group", "aria-label": "Where to begin" },
    order.element,
    element("div", { class: "nnw-row" }, random, seedWords),
    reset,
    sample.element,
  );
  const back = createButton("◀", "Dimensions before", () => turn(-1), signal);
  const forth = createButton("▶", "Further dimensions", () => turn(1), signal);
  const place = element("span", { class: "nnw-faint" });
  const pages = element("div", { class: "nnw-row" }, back, place, forth);
  const large = createPictureFrame(LARGE);
  const note = element("p", { class: "nnw-faint", hidden: true });
  const side = element("div", { class: "nnw-latent-side nnw-latent-narrow" }, large.element, note);
  const list = element("div", { class: "nnw-latent-rows" });
  const ways = element("div", { class: "nnw-latent-rows" });
  const waysTitle = element("div", { class: "nnw-latent-title", hidden: true }, "Along the classes' directions");
  const main = element("div", { class: "nnw-latent-main" }, pages, list, waysTitle, ways);
  const body = element("div", { class: "nnw-latent-body", hidden: true }, side, main);
  const root = element("div", { class: "nnw-latent" }, controls, body);
  context.root.append(root);

  const picture = createLive(context, "latent.decode", showDecoded, offline);
  const traversals = createLive(context, "latent.traversals", showStrips, () => true);

  selection.onChange(["latent"], follow);
  options.onChange(["order"], () => {
    page = 0;
    start();
  });
  options.onChange(["dimensions", "spread", "strip"], () => {
    page = 0;
    lay();
  });
  context.onVersion(() => {
    picture.again();
    traversals.again();
    [change, directions] = [null, null];
    start();
  });
  context.onTheme(paint);
  const sizes = new ResizeObserver(() => paint());
  sizes.observe(root);
  signal.addEventListener(
    "abort",
    () => {
      sizes.disconnect();
      clearTimeout(resting);
    },
    { once: true },
  );
  start();

  async function start(): Promise<void> {
    try {
      space = readSpace(await context.ask("latent.overview", {}));
      if (signal.aborted) return;
      body.hidden = false;
      picture.want({ latent: selectedLatent(space, selection) });
      // Until it is known which dimension does most, they stand by their numbers: with many that takes a while.
      if (options.get("order") === "effect" && change === null) {
        if (space.size > PAGE) lay();
        await measure();
      }
      lay();
      if (space.labels && !directions) await findWays();
    } catch (error) {
      context.showError(error);
    }
  }

  async function measure(): Promise<void> {
    try {
      const { arrays } = await context.ask("latent.importance", {});
      change = (arrays.change as NdArray).data;
    } catch (error) {
      context.showError(error);
    }
  }

  async function findWays(): Promise<void> {
    const { value, arrays } = await context.ask("latent.directions", {});
    if (signal.aborted) return;
    directions = {
      labels: value.labels as number[],
      separation: value.separation as number[],
      spread: value.spread as [number, number][],
      vectors: (arrays.vectors as NdArray).data,
    };
    ways.replaceChildren(...directions.labels.map((_, at) => wayRow(at)));
    waysTitle.hidden = !directions.labels.length;
    placeHands();
  }

  function mean(): number[] {
    return Array.from((space as Space).mean, short);
  }

  /** All dimensions that can be shown, in their order. */
  function ordered(): number[] {
    if (!space) return [];
    const chosen = options.get<number[] | null>("dimensions");
    if (chosen) return chosen.filter((each) => each < (space as Space).size);
    const all = Array.from({ length: space.size }, (_, at) => at);
    const by = options.get("order") === "effect" ? change : null;
    return by ? all.sort((a, b) => (by[b] as number) - (by[a] as number) || a - b) : all;
  }

  function turn(by: number): void {
    page += by;
    lay();
    if (back.disabled || forth.disabled) (by < 0 ? forth : back).focus();
  }

  /** The rows of the page, and their strips. */
  function lay(): void {
    if (!space || signal.aborted) return;
    const all = ordered();
    page = Math.max(0, Math.min(page, Math.ceil(all.length / PAGE) - 1));
    const here = all.slice(page * PAGE, (page + 1) * PAGE);
    while (rows.length < here.length) rows.push(row(rows.length));
    rows = rows.slice(0, here.length);
    list.replaceChildren(...rows.map((each) => each.element));
    for (const [at, dimension] of here.entries()) (rows[at] as Row).dimension = dimension;
    order.element.hidden = options.get("dimensions") !== null;
    order.show(options.get("order"));
    sample.show(selection.get("sample") ?? 0, 0, Math.max(0, space.count - 1));
    pages.hidden = all.length <= PAGE;
    [back.disabled, forth.disabled] = [page === 0, (page + 1) * PAGE >= all.length];
    const [from, to] = [page * PAGE + 1, page * PAGE + here.length];
    setText(place, `${from} to ${to} of ${all.length.toLocaleString("en")} dimensions`);
    askStrips();
    paint();
  }

  function askStrips(): void {
    if (!space || !rows.length) return;
    traversals.want({
      dimensions: rows.map((each) => each.dimension),
      spread: short(options.get<number>("spread")),
      strip: options.get<number>("strip"),
      at: selectedLatent(space, selection),
    });
  }

  function row(at: number): Row {
    const name = element("div", { class: "nnw-latent-name" });
    const input = element("input", {
      type: "range",
      class: "nnw-slider nnw-latent-slider",
      min: 0,
      max: STEPS,
      step: 1,
    });
    const output = element("output", { class: "nnw-output" });
    const strip = createStrip("Strip", (index) => pickFrom(rows[at] as Row, index), signal);
    input.addEventListener("input", () => move(rows[at] as Row, input.valueAsNumber / STEPS), { signal });
    const line = element("div", { class: "nnw-latent-line" }, strip.element, input);
    const made = element("div", { class: "nnw-latent-row" }, name, line, output);
    return { element: made, name, strip, input, output, dimension: 0 };
  }

  /** Lowest and highest value of a slider. */
  function ends(dimension: number): readonly [number, number] {
    const { mean: middle, std } = space as Space;
    const reach = options.get<number>("spread") * (std[dimension] as number);
    return [(middle[dimension] as number) - reach, (middle[dimension] as number) + reach];
  }

  function move({ dimension }: Row, share: number): void {
    if (!space) return;
    const [low, high] = ends(dimension);
    const latent = latentOf(space, selection);
    latent[dimension] = short(low + share * (high - low));
    moved = dimension;
    selection.set({ latent });
  }

  function pickFrom(of: Row, index: number): void {
    move(of, index / (options.get<number>("strip") - 1));
  }

  function wayRow(at: number): HTMLElement {
    const { labels, separation, spread, vectors } = directions as Directions;
    const of = space as Space;
    const name = className(of, labels[at] as number);
    const [middle, std] = spread[at] as readonly [number, number];
    const input = element("input", {
      type: "range",
      class: "nnw-slider nnw-latent-slider",
      min: 0,
      max: STEPS,
      step: 1,
      "aria-label": `Towards ${name}`,
    });
    const output = element("output", { class: "nnw-output" });
    const vector = Array.from({ length: of.size }, (_, each) => vectors[at * of.size + each] as number);
    const reach = () => options.get<number>("spread") * std;
    const along = () => latentOf(of, selection).reduce((sum, value, each) => sum + value * (vector[each] as number), 0);
    input.addEventListener(
      "input",
      () => {
        const to = middle + (input.valueAsNumber / STEPS - 0.5) * 2 * reach();
        const by = to - along();
        moved = -1;
        const latent = latentOf(of, selection);
        selection.set({ latent: latent.map((value, each) => short(value + by * (vector[each] as number))) });
      },
      { signal },
    );
    const distance = (separation[at] as number).toFixed(1);
    const title = `The class's mean and that of the others are ${distance} standard deviations apart`;
    const words = element("div", { class: "nnw-latent-name", title }, name);
    const apart = element("span", { class: "nnw-faint" }, ` d′ ${distance}`);
    words.append(apart);
    const made = element("div", { class: "nnw-latent-row" }, words, input, output);
    made.addEventListener("nnw-place", () => {
      const sigmas = (along() - middle) / std;
      const words = sigmas.toFixed(2).replace("-0.00", "0.00").replace("-", "−");
      setSlider(input, 0.5 + (along() - middle) / (2 * reach()), `${words} standard deviations`);
      setText(output, `${words} σ`);
    });
    return made;
  }

  async function begin(what: string, args: Record<string, number>, at: number | null): Promise<void> {
    try {
      const { arrays } = await context.ask(what, args, { control: "begin" });
      moved = -1;
      const latent = Array.from((arrays.latent as NdArray).data, short);
      selection.set(at === null ? { latent } : { latent, sample: at });
      context.showError(null);
    } catch (error) {
      context.showError(error);
    }
  }

  function draw(): void {
    setText(seedWords, `seed ${seed}`);
    void begin("latent.random", { seed }, null);
    seed += 1;
  }

  function follow(): void {
    if (!space) return;
    picture.want({ latent: selectedLatent(space, selection) });
    placeHands();
    clearTimeout(resting);
    // A saved page has the strips of one latent.
    if (!context.saved) resting = setTimeout(askStrips, REST);
  }

  function showDecoded(answer: Answer): void {
    decoded = readShown(answer);
    nearest = false;
    paintLarge();
  }

  /** A saved page shows the picture of the moved dimension's strip that is nearest. */
  function offline(): boolean {
    if (!strips || stripAt() < 0) return false;
    nearest = true;
    paintLarge();
    return true;
  }

  /** Where in the strips the picture is that is nearest to the dimension that was moved; -1 where there is none. */
  function stripAt(): number {
    const row = strips?.dimensions.indexOf(moved) ?? -1;
    if (row < 0 || !strips || !space) return -1;
    return row * strips.count + Math.round(shareOf(moved) * (strips.count - 1));
  }

  function showStrips(answer: Answer, args: Readonly<Record<string, unknown>>): void {
    const shown = readShown(answer);
    if (!shown) return;
    strips = { shown, dimensions: args.dimensions as number[], count: args.strip as number };
    paint();
  }

  function paint(): void {
    if (!space || !root.clientWidth || signal.aborted) return; // without room it is out of sight
    paintLarge();
    placeHands();
  }

  /** Where a dimension is on its slider, 0 to 1. */
  function shareOf(dimension: number): number {
    const [low, high] = ends(dimension);
    const value = latentOf(space as Space, selection)[dimension] as number;
    return Math.min(1, Math.max(0, (value - low) / (high - low)));
  }

  /** The sliders, their marks and numbers. */
  function placeHands(): void {
    if (!space || signal.aborted) return;
    const latent = latentOf(space, selection);
    for (const { dimension, name, strip, input, output } of rows) {
      const share = shareOf(dimension);
      setText(name, `dimension ${dimension}`);
      const effect = change
        ? `It changes the output by ${formatValue(change[dimension] as number)} (root mean square)`
        : "";
      setAttribute(name, "title", effect);
      setAttribute(input, "aria-label", `Dimension ${dimension}`);
      const words = formatValue(latent[dimension] as number);
      setSlider(input, share, words);
      setText(output, words);
      const at = strips?.dimensions.indexOf(dimension) ?? -1;
      const width = Math.max(80, input.clientWidth || 80);
      const count = strips?.count ?? options.get<number>("strip");
      strip.show(at < 0 ? null : (strips?.shown ?? null), at * count, count, share, width, context.theme());
      setAttribute(strip.element, "aria-label", `What dimension ${dimension} does: ${count} pictures`);
    }
    for (const way of ways.children) way.dispatchEvent(new Event("nnw-place"));
    sample.show(selection.get("sample") ?? 0, 0, Math.max(0, space.count - 1));
  }

  function paintLarge(): void {
    const shown = nearest ? (strips?.shown ?? null) : decoded;
    large.show(shown, nearest ? Math.max(0, stripAt()) : 0, "Decoded at the selected latent", context.theme());
    large.caption(nearest ? "offline: nearest of the strip's pictures" : "decoded here");
    const words = [brokenWords(decoded), ...(space?.notes ?? [])].filter(Boolean).join(" ");
    setText(note, words);
    note.hidden = !words;
  }
};

function setSlider(input: HTMLInputElement, share: number, words: string): void {
  const value = Math.round(Math.min(1, Math.max(0, share)) * STEPS);
  // A hand that holds the slider has put it where it is.
  if (input.valueAsNumber !== value) input.value = String(value);
  setAttribute(input, "aria-valuetext", words);
}

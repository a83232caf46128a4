/** LatentInterpolation: what is decoded on the way from one latent to another: a strip, a player, how evenly it goes. */

import { createButton } from "../controls/button.ts";
import { element, setAttribute, setText } from "../controls/dom.ts";
import sheet from "../controls/latent.css";
import { createNumber } from "../controls/number.ts";
import playerSheet from "../controls/player.css";
import { createPlayer } from "../controls/player.ts";
import { onResize } from "../controls/redraw.ts";
import { createSelect } from "../controls/select.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { fitCanvas } from "../draw/canvas.ts";
import { formatValue } from "../draw/number.ts";
import { displayText } from "../draw/text.ts";
import type { Answer, NdArray, View } from "../runtime/context.ts";
import { brokenWords, createPictureFrame } from "./latent/frame_of.ts";
import { createLive } from "./latent/live.ts";
import { readShown, type Shown } from "./latent/shown.ts";
import { readSpace, type Space, short } from "./latent/space.ts";
import { createStrip } from "./latent/strip.ts";

type End = { readonly sample: number } | { readonly seed: number } | { readonly latent: readonly number[] };
type Kind = "sample" | "seed" | "latent";

interface Path {
  readonly shown: Shown;
  readonly count: number;
  readonly size: number;
  readonly latents: ArrayLike<number> | null;
  readonly steps: ArrayLike<number> | null;
  readonly start: string;
  readonly end: string;
  readonly sentence: string;
  readonly figures: string;
}

const LARGE = 208;
const CURVE = { width: 240, height: 64 } as const;
const SEEDS = 99_999;

export const view: View = (context) => {
  const { options, selection, signal } = context;
  ensureSheet(context.root, "player", playerSheet);
  ensureSheet(context.root, "latent", sheet);

  let space: Space | null = null;
  let path: Path | null = null;
  /** 0 to 1. While it plays this runs ahead of the option, which need not hear of each picture. */
  let position = options.get<number>("at");

  const pickers = (["start", "end"] as const).map((side) => endPicker(side));
  const method = createSelect(
    "Way",
    [
      ["linear", "linear"],
      ["spherical", "spherical"],
    ] as const,
    (value) => options.set("method", value),
    signal,
  );
  const count = createNumber("Pictures", (value) => options.set("count", value), signal);
  const swap = createButton("⇄ swap", "Change start and end", () => exchange(), signal);
  const random = createButton("Random", "Two random draws", () => drawTwo(), signal);
  const controls = element(
    "div",
    { class: "nnw-controls", role: "group", "aria-label": "From where to where" },
    ...pickers.map((picker) => picker.element),
    element("div", { class: "nnw-row" }, swap, random),
    method.element,
    count.element,
  );
  const large = createPictureFrame(LARGE);
  const note = element("p", { class: "nnw-faint", hidden: true });
  const strip = createStrip("The way", (index) => go(index), signal);
  const names = element("div", { class: "nnw-latent-ends nnw-faint" }, element("span"), element("span"));
  const player = createPlayer(
    { onStep: (step) => go(step), onPlay: () => settle(), name: "Picture", words: (step) => String(step + 1) },
    signal,
  );
  player.showSpeed(8);
  const curve = element("canvas", { role: "img" });
  const sentence = element("p", { class: "nnw-latent-smooth" });
  const figures = element("p", { class: "nnw-faint" });
  const smooth = element("div", { class: "nnw-latent-smoothness" }, curve, element("div", {}, sentence, figures));
  const side = element("div", { class: "nnw-latent-side nnw-latent-narrow" }, large.element, note);
  const main = element("div", { class: "nnw-latent-main" }, strip.element, names, player.element, smooth);
  const body = element("div", { class: "nnw-latent-body", hidden: true }, side, main);
  const root = element("div", { class: "nnw-latent" }, controls, body);
  context.root.append(root);

  const way = createLive(context, "latent.path", showPath);

  options.onChange(["start", "end", "method", "count"], ask);
  options.onChange(["at"], () => {
    if (player.playing) return;
    position = options.get<number>("at");
    paint();
  });
  context.onVersion(() => {
    way.again();
    start();
  });
  context.onTheme(paint);
  onResize(root, paint, signal);
  start();

  async function start(): Promise<void> {
    try {
      space = readSpace(await context.ask("latent.overview", {}));
      if (!signal.aborted) ask();
    } catch (error) {
      context.showError(error);
    }
  }

  /** Where the way begins or ends; as in the Python half, the first two samples where none is given. */
  function endOf(side: "start" | "end"): End {
    const given = options.get<End | null>(side);
    if (given) return given;
    const place = side === "start" ? 0 : 1;
    return (space?.count ?? 0) > place ? { sample: place } : { seed: place };
  }

  function ask(): void {
    if (!space) return;
    for (const picker of pickers) picker.show();
    method.show(options.get("method"));
    count.show(options.get("count"), 2, 101);
    way.want({ start: endOf("start"), end: endOf("end"), method: options.get("method"), count: options.get("count") });
  }

  function endPicker(side: "start" | "end") {
    const title = side === "start" ? "Start" : "End";
    const kinds = createSelect<Kind>(
      title,
      [
        ["sample", "sample"],
        ["seed", "random draw, seed"],
        ["latent", "the selected latent"],
      ],
      (kind) => options.set(side, ofKind(kind)),
      signal,
    );
    const number = createNumber(
      `${title}: number`,
      (value) => options.set(side, "seed" in endOf(side) ? { seed: value } : { sample: value }),
      signal,
    );
    number.element.classList.add("nnw-latent-unnamed");
    return {
      element: element("div", { class: "nnw-row" }, kinds.element, number.element),
      show() {
        const end = endOf(side);
        const kind = Object.keys(end)[0] as Kind;
        kinds.show(kind);
        const samples = Math.max(0, (space?.count ?? 0) - 1);
        if ("latent" in end) number.show(0, 0, 0);
        else number.show("sample" in end ? end.sample : end.seed, 0, "sample" in end ? samples : SEEDS);
      },
    };
  }

  function ofKind(kind: Kind): End {
    if (kind === "sample")
      return { sample: Math.min(selection.get("sample") ?? 0, Math.max(0, (space?.count ?? 1) - 1)) };
    if (kind === "seed") return { seed: randomSeed() };
    return { latent: (selection.get("latent") ?? Array.from(space?.mean ?? [])).map(short) };
  }

  function exchange(): void {
    const [from, to] = [endOf("start"), endOf("end")];
    options.set("start", to);
    options.set("end", from);
    options.set("at", 1 - options.get<number>("at"));
  }

  function drawTwo(): void {
    options.set("start", { seed: randomSeed() });
    options.set("end", { seed: randomSeed() });
  }

  function showPath({ value, arrays }: Answer): void {
    const shown = readShown({ value, arrays });
    if (!shown || !space) return;
    const even = value.smoothness as {
      sentence: string;
      ratio: number;
      pathLength: number;
      detour: number | null;
    } | null;
    const detour =
      even?.detour === null || !even ? "" : `, ${formatValue(even.detour)} times the straight way in pixels`;
    path = {
      shown,
      count: shown.count,
      size: space.size,
      latents: (arrays.latents as NdArray | undefined)?.data ?? null,
      steps: (arrays.steps as NdArray | undefined)?.data ?? null,
      start: displayText(String(value.start)),
      end: displayText(String(value.end)),
      sentence: even?.sentence ?? "",
      figures: even ? `Path length ${formatValue(even.pathLength)} (mean squared step by squared pace)${detour}.` : "",
    };
    paint();
  }

  function index(): number {
    return path ? Math.round(position * (path.count - 1)) : 0;
  }

  /** A hand, or the player, goes to a picture. */
  function go(to: number): void {
    if (!path) return;
    position = path.count > 1 ? short(to / (path.count - 1)) : 0;
    paint();
    settle();
  }

  /** Where a hand, or a player that rests, has come to, other widgets look too. */
  function settle(): void {
    if (!path || player.playing) return;
    options.set("at", position);
    const { latents, size } = path;
    const first = index() * size;
    if (latents) {
      selection.set({ latent: Array.from({ length: size }, (_, at) => short(latents[first + at] as number)) });
    }
  }

  function paint(): void {
    if (!path || !root.clientWidth || signal.aborted) return; // without room it is out of sight
    body.hidden = false;
    const theme = context.theme();
    const at = index();
    large.show(path.shown, at, `Picture ${at + 1} of ${path.count}, from ${path.start} to ${path.end}`, theme);
    large.caption(`picture ${at + 1} of ${path.count}`);
    const width = Math.max(120, main.clientWidth);
    strip.show(path.shown, 0, path.count, path.count > 1 ? at / (path.count - 1) : 0, width, theme);
    setAttribute(strip.element, "aria-label", `The way from ${path.start} to ${path.end}: ${path.count} pictures`);
    setText(names.firstElementChild as Element, path.start);
    setText(names.lastElementChild as Element, path.end);
    player.show(at, path.count - 1);
    setText(sentence, path.sentence);
    setText(figures, path.figures);
    smooth.hidden = !path.steps;
    if (path.steps) paintSteps(path.steps, at);
    const words = [brokenWords(path.shown), ...(space?.notes ?? [])].filter(Boolean).join(" ");
    setText(note, words);
    note.hidden = !words;
  }

  /** How much each step changes the picture, as bars from zero; those beside the shown picture in the accent. */
  function paintSteps(steps: ArrayLike<number>, at: number): void {
    const theme = context.theme();
    const paintOn = fitCanvas(curve, CURVE.width, CURVE.height);
    const highest = Math.max(...Array.from(steps), 1e-12);
    const cell = CURVE.width / steps.length;
    for (let step = 0; step < steps.length; step++) {
      const height = ((steps[step] as number) / highest) * (CURVE.height - 2);
      paintOn.fillStyle = step === at || step === at - 1 ? theme.accent : theme.faint;
      paintOn.fillRect(step * cell, CURVE.height - 1 - height, Math.max(1, cell - 1), height);
    }
    paintOn.fillStyle = theme.border;
    paintOn.fillRect(0, CURVE.height - 1, CURVE.width, 1);
    setAttribute(curve, "aria-label", `Change from each picture to the next. ${path?.sentence ?? ""}`);
  }
};

/** Short enough to be read and typed again. */
function randomSeed(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) % (SEEDS + 1);
}

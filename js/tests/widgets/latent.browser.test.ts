/** The latent widgets against a fake kernel: what a hand does, what is asked and what is not, what a saved page shows. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import type { Answer, Arguments, NdArray } from "../../src/runtime/context.ts";
import { view as interpolation } from "../../src/widgets/latent_interpolation.ts";
import { view as map } from "../../src/widgets/latent_map.ts";
import { view as sliders } from "../../src/widgets/latent_sliders.ts";
import { DARK, type FakeContext, type FakePage, mount } from "./fake_context.ts";

const until = vi.waitUntil;
const floats = (values: readonly number[], shape = [values.length]): NdArray => ({
  shape,
  data: Float32Array.from(values),
});

/** Pictures of 2 × 2 pixels, each of one grey. */
function greys(values: readonly number[]): NdArray {
  return {
    shape: [values.length, 2, 2, 1],
    data: Uint8Array.from(values.flatMap((value) => [value, value, value, value])),
  };
}

const POINTS = [
  [-2, -2],
  [0, 1],
  [2, 2],
] as const;

interface Space {
  readonly size?: number;
  readonly points?: boolean;
}

/** A space whose decoded grey tells the first coordinate: 128 + 20 x. */
function kernel({ size = 2, points = true }: Space = {}) {
  const grey = (latent: readonly number[] | null) => Math.round(128 + 20 * (latent?.[0] ?? 0));
  return (what: string, args: Arguments): Answer => {
    switch (what) {
      case "latent.overview": {
        const value = {
          label: "VAE",
          size,
          count: points ? POINTS.length : 0,
          classNames: ["ant", "<b>bee</b>"],
          pairs: 2,
          notes: [],
          kind: "images",
        };
        const arrays: Record<string, NdArray> = {
          mean: floats(Array(size).fill(0)),
          std: floats(Array(size).fill(1)),
        };
        if (points) arrays.labels = { shape: [3], data: Int32Array.of(0, 1, 0) };
        return { value, arrays };
      }
      case "latent.manifold": {
        const count = args.grid as number;
        const axis = Array.from({ length: count }, (_, at) => -3 + (6 * at) / (count - 1));
        const pictures = Array.from({ length: count ** 2 }, (_, at) => grey([axis[at % count] as number]));
        return {
          value: { kind: "images", broken: 0 },
          arrays: { pictures: greys(pictures), x: floats(axis), y: floats(axis) },
        };
      }
      case "latent.points":
        return { value: {}, arrays: { points: floats(POINTS.flat(), [3, 2]) } };
      case "latent.decode":
        return {
          value: { kind: "images", broken: 0 },
          arrays: { pictures: greys([grey(args.latent as number[] | null)]) },
        };
      case "latent.pairs": {
        const shown = (args.chunk as number) === 0 ? [10, 20] : [30];
        const value = { kind: "images", broken: 0, "input.kind": "images", "input.broken": 0 };
        return { value, arrays: { pictures: greys(shown), "input.pictures": greys(shown.map((each) => each + 100)) } };
      }
      case "latent.sample":
        return { value: {}, arrays: { latent: floats([...(POINTS[args.sample as number] as readonly number[])]) } };
      case "latent.random":
        return { value: {}, arrays: { latent: floats(Array(size).fill(0.5 + (args.seed as number))) } };
      case "latent.importance":
        return { value: {}, arrays: { change: floats(Array.from({ length: size }, (_, at) => at % 10)) } };
      case "latent.traversals": {
        const dimensions = args.dimensions as number[];
        const pictures = dimensions.flatMap(() => Array.from({ length: args.strip as number }, (_, at) => 30 * at));
        return { value: { kind: "images", broken: 0 }, arrays: { pictures: greys(pictures), values: floats([]) } };
      }
      case "latent.directions": {
        const value = { labels: [0, 1], separation: [1.5, 2], spread: Array(2).fill([0, 1]) };
        const vectors = [1, 0].flatMap((first) => Array.from({ length: size }, (_, at) => (at === 1 - first ? 1 : 0)));
        return { value, arrays: { vectors: floats(vectors, [2, size]) } };
      }
      case "latent.path": {
        const count = args.count as number;
        if (args.method === "spherical") throw new Error("the two latents are opposite");
        const value = {
          kind: "images",
          broken: 0,
          start: JSON.stringify(args.start),
          end: "<b>end</b>",
          smoothness: { sentence: "It changes evenly.", ratio: 1, pathLength: 1, detour: null },
        };
        const pictures = Array.from({ length: count }, (_, at) => 20 * at);
        const latents = pictures.flatMap((grey) => Array.from({ length: size }, () => grey / 100));
        return {
          value,
          arrays: {
            pictures: greys(pictures),
            latents: floats(latents, [count, size]),
            steps: floats(Array(count - 1).fill(1)),
          },
        };
      }
    }
    throw new Error(`nobody answers ${what}`);
  };
}

const MAP = { axes: [0, 1], grid: 7, spread: 3, points: true, density: false, height: 400 };

function showMap(page: Partial<FakePage> = {}, space: Space = {}): FakeContext {
  return mount(map, { answer: kernel(space), selection: { sample: 0 }, ...page, options: { ...MAP, ...page.options } });
}

const part = <E extends HTMLElement = HTMLElement>({ root }: FakeContext, selector: string): E =>
  root.querySelector(selector) as E;
const pad = (context: FakeContext) => part(context, ".nnw-latent-pad");
const largeOf = (context: FakeContext) => part<HTMLCanvasElement>(context, ".nnw-latent-side canvas");

/** The grey in the middle of a picture. */
function greyOf(canvas: HTMLCanvasElement): number {
  const paint = canvas.getContext("2d") as CanvasRenderingContext2D;
  return paint.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0] as number;
}

/** Where coordinates lie on the map's pad: its plot is 356 px wide, from 52 and 6, and its cells half a step wider. */
function placeOf(x: number, y: number): { x: number; y: number } {
  const side = 400 - 38 - 6;
  return { x: 52 + ((x + 3.5) / 7) * side, y: 6 + ((3.5 - y) / 7) * side };
}

function pointer(context: FakeContext, type: string, x: number, y: number): void {
  const box = pad(context).getBoundingClientRect();
  const at = placeOf(x, y);
  const event = new PointerEvent(type, {
    clientX: box.left + at.x,
    clientY: box.top + at.y,
    isPrimary: true,
    pointerId: 1,
    bubbles: true,
  });
  pad(context).dispatchEvent(event);
}

const ready = async (context: FakeContext) => {
  pad(context).setPointerCapture = () => {};
  await until(() => !part(context, ".nnw-latent-body").hidden && greyOf(largeOf(context)) > 0);
};

afterEach(() => document.body.replaceChildren());

describe("the map", () => {
  test("shows the manifold, the picture at the cursor, the classes as text and the selected sample's pair", async () => {
    const context = showMap();
    await ready(context);
    expect(greyOf(largeOf(context))).toBe(128);
    expect(part(context, ".nnw-switches").textContent).toBe("ant<b>bee</b>");
    await until(() => part(context, ".nnw-latent-title").textContent === "sample 0, ant");
    expect(pad(context).getAttribute("aria-label")).toContain("Latent map of VAE: dimension 0: 0");
    const ground = part<HTMLCanvasElement>(context, ".nnw-latent-layer");
    const { x, y } = placeOf(3, 0);
    const ratio = devicePixelRatio;
    const paint = ground.getContext("2d") as CanvasRenderingContext2D;
    expect(paint.getImageData(x * ratio, y * ratio, 1, 1).data[0]).toBe(188);
    expect(context.errors.filter(Boolean)).toEqual([]);
  });

  test("a drag moves the latent, and asks for one picture at a time: the newest, not each between", async () => {
    const answers: (() => void)[] = [];
    const answer = kernel();
    const context = showMap({
      answer: (what, args) =>
        what === "latent.decode" && args.latent !== null
          ? new Promise((resolve) => answers.push(() => resolve(answer(what, args))))
          : answer(what, args),
    });
    await ready(context);
    pointer(context, "pointerdown", -1, -1);
    for (let step = 0; step <= 20; step++) pointer(context, "pointermove", -1 + step / 10, 0.5);
    const asked = () => context.asks.filter(({ what, args }) => what === "latent.decode" && args.latent !== null);
    expect(context.selected.latent?.[0]).toBeCloseTo(1, 1);
    expect(asked().length).toBe(1);
    (answers[0] as () => void)();
    // The one that was on its way is shown all the same: a hand that never rests sees pictures.
    await until(() => asked().length === 2);
    await until(() => greyOf(largeOf(context)) === 108);
    expect((asked().at(-1)?.args.latent as number[] | undefined)?.[0]).toBeCloseTo(1, 1);
    (answers[1] as () => void)();
    await until(() => greyOf(largeOf(context)) === 148);
    pointer(context, "pointerup", 1, 0.5);
    expect(asked().length).toBe(2);
  });

  test("arrow keys move by a tenth of a deviation, with Shift by a half, Home to the mean, Enter to the nearest point", async () => {
    const context = showMap();
    await ready(context);
    pad(context).focus();
    await userEvent.keyboard("{ArrowRight}{ArrowUp}");
    expect(context.selected.latent).toEqual([0.1, 0.1]);
    await userEvent.keyboard("{Shift>}{ArrowLeft}{ArrowDown}{/Shift}");
    expect(context.selected.latent).toEqual([-0.4, -0.4]);
    expect(part(context, ".nnw-spoken").textContent).toContain("dimension 0: −0.4");
    await userEvent.keyboard("{Home}");
    expect(context.selected.latent).toEqual([0, 0]);
    await userEvent.keyboard("{Enter}");
    await until(() => context.selected.sample === 1);
    expect(context.selected.latent).toEqual([0, 1]);
    for (let press = 0; press < 9; press++) await userEvent.keyboard("{Shift>}{ArrowRight}{/Shift}");
    expect(context.selected.latent?.[0]).toBe(3.5); // the edge
  });

  test("a pointer on a point shows its pair, a click goes there; hidden classes have no points", async () => {
    const context = showMap();
    await ready(context);
    pointer(context, "pointermove", 2, 2);
    await until(() => part(context, ".nnw-latent-title").textContent === "sample 2, ant");
    const [input, back] = [...context.root.querySelectorAll<HTMLCanvasElement>(".nnw-latent-pair canvas")];
    expect([greyOf(input as HTMLCanvasElement), greyOf(back as HTMLCanvasElement)]).toEqual([130, 30]);
    expect(context.selected.latent).toBe(null);
    pointer(context, "pointerdown", 2, 2);
    pointer(context, "pointerup", 2, 2);
    await until(() => context.selected.sample === 2);
    expect(context.selected.latent).toEqual([2, 2]);
    part(context, ".nnw-switch").click();
    pointer(context, "pointermove", -2, -2);
    pointer(context, "pointerdown", -2, -2);
    expect(context.selected.sample).toBe(2);
    expect(context.selected.latent?.[0]).toBeCloseTo(-2, 1);
  });

  test("of many dimensions two vary, the others are asked for as they are selected", async () => {
    const context = showMap({ selection: { latent: [1, 2, 3, 4], sample: 0 }, options: { axes: [3, 1] } }, { size: 4 });
    await ready(context);
    const asked = context.asks.filter(({ what }) => what === "latent.manifold");
    expect(asked.map(({ args }) => args)).toEqual([{ axes: [3, 1], grid: 7, spread: 3, at: [1, 0, 3, 0] }]);
    pad(context).focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(context.selected.latent).toEqual([1, 2, 3, 3.5]); // 4.1 lies beyond the edge
    const count = context.asks.filter(({ what }) => what === "latent.manifold").length;
    context.selection.set({ latent: [9, 2, 3, 3.5] });
    await until(() => context.asks.filter(({ what }) => what === "latent.manifold").length === count + 1);
  });

  test("a saved page shows the nearest picture of the grid, and says so", async () => {
    const answer = kernel();
    const context = showMap({
      saved: true,
      theme: DARK,
      answer: (what, args) => {
        if (what === "latent.decode" && args.latent !== null)
          throw new Error("This saved page does not hold that view");
        return answer(what, args);
      },
    });
    await ready(context);
    context.selection.set({ latent: [2.2, 0] });
    await until(() => greyOf(largeOf(context)) === 168);
    expect(part(context, ".nnw-latent-side figcaption").textContent).toContain(
      "offline: nearest of the grid's pictures",
    );
    expect(context.errors.filter(Boolean)).toEqual([]);
  });

  test("an error of the decoder is shown, and the next picture takes it away", async () => {
    const answer = kernel();
    let broken = true;
    const context = showMap({
      answer: (what, args) => {
        if (broken && what === "latent.decode" && args.latent !== null) throw new Error("decode got latents [1, 2]");
        return answer(what, args);
      },
    });
    await ready(context);
    context.selection.set({ latent: [1, 1] });
    await until(() => String(context.errors.at(-1)).includes("decode got latents"));
    broken = false;
    context.selection.set({ latent: [1.5, 1] });
    await until(() => context.errors.at(-1) === null && greyOf(largeOf(context)) === 158);
  });

  test("without an encoder there is a map without points", async () => {
    const context = showMap({}, { points: false });
    await ready(context);
    expect(context.asks.some(({ what }) => what === "latent.points" || what === "latent.pairs")).toBe(false);
    pointer(context, "pointermove", 2, 2);
    expect(part(context, ".nnw-latent-pair").hidden).toBe(true);
  });
});

const SLIDERS = { dimensions: null, spread: 3, strip: 5, order: "effect" };

function showSliders(space: Space, page: Partial<FakePage> = {}): FakeContext {
  return mount(sliders, { answer: kernel(space), ...page, options: { ...SLIDERS, ...page.options } }, 900);
}

const names = (context: FakeContext) =>
  [...(context.root.querySelector(".nnw-latent-rows") as HTMLElement).querySelectorAll(".nnw-latent-name")].map(
    (each) => each.textContent,
  );
const inputs = (context: FakeContext) => [...context.root.querySelectorAll<HTMLInputElement>("input[type=range]")];

describe("the sliders", () => {
  test("stand by their effect; one moves its dimension, a class's slider goes along its direction", async () => {
    const context = showSliders({ size: 4 });
    await until(() => names(context).join() === "dimension 3,dimension 2,dimension 1,dimension 0");
    await until(() => inputs(context).length === 6);
    const [first] = inputs(context) as [HTMLInputElement];
    first.value = "150";
    first.dispatchEvent(new Event("input"));
    expect(context.selected.latent).toEqual([0, 0, 0, 1.5]);
    const toward = context.root.querySelector<HTMLInputElement>('[aria-label="Towards ant"]') as HTMLInputElement;
    toward.value = "200";
    toward.dispatchEvent(new Event("input"));
    expect(context.selected.latent).toEqual([3, 0, 0, 1.5]);
    await until(() => greyOf(largeOf(context)) === 188);
    // The strips start from there, once the hand rests.
    await until(() =>
      context.asks.some(({ what, args }) => what === "latent.traversals" && String(args.at) === "3,0,0,1.5"),
    );
    expect(context.asks.filter(({ what }) => what === "latent.traversals").length).toBe(2);
    expect(context.root.textContent).toContain("<b>bee</b>");
  });

  test("of thousands there are a few at once, and pages", async () => {
    const context = showSliders({ size: 4096 });
    await until(() => names(context)[0] === "dimension 9");
    expect(names(context).length).toBe(8);
    expect(context.root.textContent).toContain("1 to 8 of 4,096 dimensions");
    (context.root.querySelector('[aria-label="Further dimensions"]') as HTMLElement).click();
    await until(() => names(context)[0] === "dimension 89");
    context.options.set("order", "number");
    await until(() => names(context)[0] === "dimension 0");
  });

  test("begins from a draw with a seed that is said, from a sample, from the mean", async () => {
    const context = showSliders({ size: 3 });
    await until(() => names(context).length === 3);
    (context.root.querySelector('[aria-label="A random latent"]') as HTMLElement).click();
    await until(() => context.selected.latent?.[0] === 0.5);
    expect(context.root.textContent).toContain("seed 0");
    (context.root.querySelector('[aria-label="Back to the mean"]') as HTMLElement).click();
    expect(context.selected.latent).toEqual([0, 0, 0]);
    const sample = context.root.querySelector<HTMLInputElement>("input[type=number]") as HTMLInputElement;
    sample.value = "2";
    sample.dispatchEvent(new Event("input"));
    await until(() => context.selected.sample === 2);
  });
});

const WAY = { start: null, end: null, method: "linear", count: 6, at: 0 };

function showWay(page: Partial<FakePage> = {}): FakeContext {
  return mount(interpolation, { answer: kernel(), ...page, options: { ...WAY, ...page.options } }, 900);
}

describe("the interpolation", () => {
  const here = (context: FakeContext) => until(() => !part(context, ".nnw-latent-body").hidden);
  const scrubber = (context: FakeContext) => part<HTMLInputElement>(context, ".nnw-scrubber");

  test("goes from the first sample to the second, and a hand on the scrubber moves the latent", async () => {
    const context = showWay();
    await here(context);
    const asked = context.asks.find(({ what }) => what === "latent.path");
    expect(asked?.args).toEqual({ start: { sample: 0 }, end: { sample: 1 }, method: "linear", count: 6 });
    expect(context.selected.latent).toBe(null); // to be looked at moves nothing
    scrubber(context).value = "4";
    scrubber(context).dispatchEvent(new Event("input"));
    expect(context.traits.at).toBe(0.8);
    expect(context.selected.latent).toEqual([0.8, 0.8]);
    await until(() => greyOf(largeOf(context)) === 80);
    expect(part(context, ".nnw-latent-ends").textContent).toContain("<b>end</b>");
    expect(context.root.textContent).toContain("It changes evenly.");
  });

  test("plays on its own, and tells the others where it came to rest", async () => {
    const context = showWay();
    await here(context);
    let sets = 0;
    context.selection.onChange(["latent"], () => {
      sets += 1;
    });
    part(context, ".nnw-play").click();
    await until(() => context.traits.at === 1, { timeout: 5000 });
    expect(sets).toBeLessThanOrEqual(2);
    expect(greyOf(largeOf(context))).toBe(100);
  });

  test("swaps, draws two with seeds that are seen, and outlives a way that does not exist", async () => {
    const context = showWay({ options: { at: 0.2 } });
    await here(context);
    (context.root.querySelector('[aria-label="Change start and end"]') as HTMLElement).click();
    expect([context.traits.start, context.traits.end, context.traits.at]).toEqual([{ sample: 1 }, { sample: 0 }, 0.8]);
    (context.root.querySelector('[aria-label="Two random draws"]') as HTMLElement).click();
    const { seed } = context.traits.start as { seed: number };
    await until(() => context.root.querySelector<HTMLInputElement>("input[type=number]")?.value === String(seed));
    context.options.set("method", "spherical");
    await until(() => String(context.errors.at(-1)).includes("opposite"));
    context.options.set("method", "linear");
    await until(() => context.errors.at(-1) === null);
  });
});

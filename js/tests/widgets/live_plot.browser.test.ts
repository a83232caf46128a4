/** LivePlot against a fake kernel: what is drawn, what a hand does, what a lost message costs. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { style, UPlot } from "../../src/libraries/uplot.ts";
import type { Answer, Arguments, NdArray } from "../../src/runtime/context.ts";
import { view } from "../../src/widgets/live_plot.ts";
import { DARK, type FakeContext, type FakePage, mount } from "./fake_context.ts";

interface Fake {
  readonly name: string;
  readonly number: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly kind?: "line" | "scatter";
  readonly color?: string;
  readonly count?: number;
}

const OPTIONS = {
  title: "Speed",
  x_label: "epoch",
  y_label: "m/s",
  log_x: false,
  log_y: false,
  width: null,
  height: 300,
};
const RED = "#d55e00";
const BLUE = "#0072b2";

function look({ name, number, kind = "line", color = BLUE }: Fake) {
  return { name, number, kind, color, width: 1.75, dash: "solid" };
}

function halves(name: string, values: readonly number[]): Record<string, NdArray> {
  const first = Float32Array.from(values);
  const rest = Float32Array.from(values, (value, at) => (Number.isFinite(value) ? value - (first[at] as number) : 0));
  const array = (data: Float32Array) => ({ shape: [data.length], data });
  return rest.some(Boolean) ? { [name]: array(first), [`${name}.rest`]: array(rest) } : { [name]: array(first) };
}

function story(series: readonly Fake[]): Answer {
  const arrays = Object.assign(
    {},
    ...series.map(({ x, y }, at) => ({ ...halves(`${at}.x`, x), ...halves(`${at}.y`, y) })),
  );
  const said = series.map((one) => {
    const count = one.count ?? one.x.length;
    return { ...look(one), count, thinned: one.x.length < count };
  });
  return { value: { series: said, cursor: 1 }, arrays };
}

function show(series: readonly Fake[], page: Partial<FakePage> = {}): FakeContext {
  return mount(view, {
    answer: () => story(series),
    library: { UPlot, style },
    source: { series: series.map(look), cursor: 1 },
    ...page,
    options: { ...OPTIONS, ...page.options },
  });
}

function push(context: FakeContext, number: number, from: number, x: readonly number[], y: readonly number[]): void {
  const series = [{ number, from, count: x.length }];
  context.push({ kind: "points", series, cursor: 2 }, { ...halves("0.x", x), ...halves("0.y", y) });
}

const line = (count: number, more: Partial<Fake> = {}): Fake => ({
  name: "loss",
  number: 1,
  x: Array.from({ length: count }, (_, i) => i),
  y: Array.from({ length: count }, (_, i) => 1 / (i + 1)),
  ...more,
});

function plot({ root }: FakeContext): HTMLElement {
  return root.querySelector(".nnw-plot") as HTMLElement;
}

function label(context: FakeContext): string {
  return plot(context)?.getAttribute("aria-label") ?? "";
}

function button({ root }: FakeContext, name: string): HTMLElement {
  const found = [...root.querySelectorAll("button")].find(
    (one) => (one.getAttribute("aria-label") ?? one.textContent) === name,
  );
  if (!found) throw new Error(`there is no button ${name}`);
  return found;
}

/** How many pixels of the picture have about this colour. */
function pixels(context: FakeContext, color: string): number {
  const canvas = context.root.querySelector(".nnw-curves canvas:not(.nnw-curves-overlay)") as HTMLCanvasElement;
  const data = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(
    0,
    0,
    canvas.width,
    canvas.height,
  ).data;
  const wanted = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    if ((data[at + 3] as number) > 150 && wanted.every((part, i) => Math.abs((data[at + i] as number) - part) < 12))
      count += 1;
  }
  return count;
}

const until = vi.waitUntil;
const drawn = (context: FakeContext) => until(() => label(context).includes("Arrow keys"));

afterEach(() => document.body.replaceChildren());

describe("what is drawn", () => {
  test("lines and points in their colours, named with their newest values", async () => {
    const context = show([
      line(50),
      { name: "dots", number: 2, x: [3, 9], y: [0.5, 0.7], kind: "scatter", color: RED },
    ]);
    await drawn(context);
    expect(label(context)).toContain("Speed: loss 0.02000, dots 0.7000");
    expect(pixels(context, BLUE)).toBeGreaterThan(200);
    expect(pixels(context, RED)).toBeGreaterThan(5);
    expect(context.root.querySelector(".nnw-x-name")?.textContent).toBe("epoch");
    expect(context.root.querySelector(".nnw-y-name")?.textContent).toBe("m/s");
  });

  test("a plot without points says how the first one is made, and none of it twice", async () => {
    const context = show([]);
    const empty = () => context.root.querySelector(".nnw-empty") as HTMLElement;
    await until(() => !empty().hidden);
    expect(empty().textContent).toContain("plot.append(name, x, y)");
    context.become({ series: [look(line(0))] });
    push(context, 1, 0, [0, 1], [5, 6]);
    await until(() => empty().hidden && label(context).includes("loss 6.000"));
  });

  test("times far from zero keep their distances", async () => {
    const now = 1.8e9;
    const context = show([line(3, { x: [now, now + 0.25, now + 0.5] })]);
    await drawn(context);
    plot(context).focus();
    await userEvent.keyboard("{ArrowRight}{ArrowRight}");
    expect(context.root.querySelector(".nnw-spoken")?.textContent).toContain("loss 0.5000");
  });

  test("every point of a scatter is drawn, not only the edges of the cloud", async () => {
    // At each of 50 places in x a column of points: an outline would leave the inside white.
    const places = Array.from({ length: 5000 }, (_, i) => i);
    const cloud = { name: "cloud", number: 3, kind: "scatter" as const, color: RED };
    const context = show([{ ...cloud, x: places.map((i) => i / 100), y: places.map((i) => (i * 37) % 101) }]);
    await drawn(context);
    const canvas = context.root.querySelector(".nnw-curves canvas:not(.nnw-curves-overlay)") as HTMLCanvasElement;
    const [width, height] = [canvas.width, canvas.height];
    const middle = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(
      width * 0.3,
      height * 0.4,
      width * 0.3,
      height * 0.2,
    ).data;
    const inked = middle.filter((_, at) => at % 4 === 3).filter((alpha) => alpha > 60).length;
    expect(inked).toBeGreaterThan((0.3 * width * 0.2 * height) / 4);
  });

  test("a logarithmic x axis has places for decades, and its values read as they are", async () => {
    const context = show([line(4, { x: [0, 1, 10, 100], y: [9, 1, 2, 3] })], { options: { log_x: true } });
    await drawn(context);
    plot(context).focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(context.root.querySelector(".nnw-place")?.textContent).toBe("epoch 1");
    await userEvent.keyboard("{ArrowRight}{ArrowRight}");
    expect(context.root.querySelector(".nnw-place")?.textContent).toBe("epoch 100");
  });

  test("hostile names are text", async () => {
    const context = show([line(3, { name: '<img src=x onerror="window.bad=1">' })], { options: { title: "<b>x</b>" } });
    await drawn(context);
    expect(context.root.querySelector("img, .nnw-chart-title b")).toBeNull();
    expect(context.root.textContent).toContain("<img src=x");
  });

  test("dark is drawn on dark", async () => {
    const context = show([line(40)], { theme: DARK });
    await drawn(context);
    expect(pixels(context, BLUE)).toBeGreaterThan(100);
  });
});

describe("what comes", () => {
  test("pushed points go on from where the story ended; what overlaps is dropped", async () => {
    const context = show([line(3)]);
    await drawn(context);
    push(context, 1, 1, [1, 2, 3, 4], [9, 9, 8, 7]);
    await until(() => label(context).includes("loss 7.000"));
    await userEvent.click(context.root.querySelectorAll<HTMLElement>(".nnw-toggle input")[2] as HTMLElement);
    await until(() => context.root.querySelectorAll(".nnw-table-twin tbody tr").length === 5);
    expect(context.asks).toHaveLength(1);
  });

  test("a lost message has the whole asked for, once", async () => {
    const now = [line(3)];
    const context = show(now, { answer: () => story(now) });
    await drawn(context);
    now[0] = line(20, { y: Array.from({ length: 20 }, (_, i) => i) });
    push(context, 1, 15, [15, 16], [15, 16]);
    push(context, 1, 17, [17], [17]);
    await until(() => label(context).includes("loss 19.00"));
    expect(context.asks.length).toBeLessThanOrEqual(3);
    expect(context.asks[1]?.args).toEqual({ until: 2 });
  });

  test("more points than fit a message: the page asks", async () => {
    const now = [line(1)];
    const context = show(now, { answer: () => story(now) });
    await drawn(context);
    now[0] = line(5000);
    context.push({ kind: "points", series: [{ number: 1, from: 1, count: 4999 }], cursor: 5 }, {});
    await until(() => label(context).includes("loss 0.0002"));
  });

  test("a preview is followed by the whole", async () => {
    const answer = (_: string, args: Arguments) => story([args.until === null ? line(10, { count: 100 }) : line(100)]);
    const context = show([line(10)], { answer });
    await until(() => label(context).includes("loss 0.01000"));
    expect(context.asks.map(({ args }) => args.until)).toEqual([null, 0]);
  });

  test("a saved page shows what it holds and asks nothing that it does not", async () => {
    const answer = (_: string, args: Arguments) => {
      if (args.until !== null && args.until !== 0) throw new Error("not in this page");
      return story([args.until === null ? line(10, { count: 100 }) : line(100)]);
    };
    const context = show([line(10)], { answer, saved: true, source: { series: [look(line(1))], cursor: 8 } });
    await until(() => label(context).includes("loss 0.01000"));
    expect(context.errors.filter(Boolean)).toEqual([]);
  });

  test("a series that is cleared goes; one drawn anew under its name begins again", async () => {
    const now = [line(3), line(3, { name: "other", number: 2 })];
    const context = show(now, { answer: () => story(now) });
    await drawn(context);
    now.splice(0, 2, line(2, { number: 3, y: [5, 6] }));
    context.become({ series: [look(line(2, { number: 3 }))] });
    await until(() => label(context).startsWith("Speed: loss 6.000."));
  });
});

describe("hands", () => {
  test("the legend turns series off and on, by pointer and by keyboard", async () => {
    const context = show([line(50), line(50, { name: "other", number: 2, color: RED, y: Array(50).fill(0.5) })]);
    await drawn(context);
    expect(pixels(context, RED)).toBeGreaterThan(100);
    await userEvent.click(button(context, "other"));
    await until(() => pixels(context, RED) === 0);
    expect(button(context, "other").getAttribute("aria-pressed")).toBe("false");
    expect(label(context)).not.toContain("other");
    button(context, "other").focus();
    await userEvent.keyboard(" ");
    await until(() => pixels(context, RED) > 100);
  });

  test("keys move from point to point, zoom and go back", async () => {
    const context = show([line(100)]);
    await drawn(context);
    const place = () => context.root.querySelector(".nnw-place")?.textContent;
    plot(context).focus();
    await userEvent.keyboard("{Home}");
    expect(place()).toBe("epoch 0");
    await userEvent.keyboard("{ArrowRight}{ArrowRight}{ArrowLeft}");
    expect(place()).toBe("epoch 1");
    expect(context.root.querySelector(".nnw-spoken")?.textContent).toBe("epoch 1: loss 0.5000");
    await userEvent.keyboard("+");
    await until(() => !(button(context, "Show all of it") as HTMLButtonElement).disabled);
    await userEvent.keyboard("0");
    await until(() => (button(context, "Show all of it") as HTMLButtonElement).disabled);
    await userEvent.keyboard("{End}");
    expect(place()).toBe("epoch 99");
  });

  test("a box drawn by hand is what is in sight; newest points move along", async () => {
    const context = show([line(100)]);
    await drawn(context);
    await userEvent.click(button(context, "Zoom in"));
    await userEvent.click(button(context, "Further right"));
    await userEvent.click(button(context, "Further right"));
    await userEvent.click(context.root.querySelectorAll<HTMLElement>(".nnw-toggle input")[2] as HTMLElement);
    const last = () => context.root.querySelector(".nnw-table-twin tbody tr:last-child td")?.textContent;
    await until(() => last() === "99");
    push(context, 1, 100, [100, 101], [1, 1]);
    await until(() => last() === "101");
    expect(context.root.querySelector(".nnw-table-twin tbody tr td")?.textContent).not.toBe("0");
  });

  test("log y is asked of the plot, for Python sees it too", async () => {
    const context = show([line(10)]);
    await drawn(context);
    await userEvent.click(context.root.querySelectorAll<HTMLElement>(".nnw-toggle input")[1] as HTMLElement);
    expect(context.traits.log_y).toBe(true);
  });
});

/** TrainingMonitor on a page without a kernel, with the real uPlot, under real pointers and keys. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import { RIGHT } from "../../src/draw/curves.ts";
import { formatValue } from "../../src/draw/number.ts";
import * as library from "../../src/libraries/uplot.ts";
import { view } from "../../src/widgets/training_monitor.ts";
import { DARK, type FakeContext, type FakePage, mount } from "./fake_context.ts";
import { answering, type FakeRun, learning, OPTIONS, pushed, RUNNING, story, summary } from "./fake_run.ts";

let context: FakeContext;
const RUN = learning(2000);
beforeEach(async () => {
  await page.viewport(1000, 800);
  const style = document.createElement("style");
  style.textContent = css;
  document.body.append(style);
});
afterEach(() => {
  context.end();
  document.body.replaceChildren();
});

interface Opening extends Omit<Partial<FakePage>, "answer"> {
  readonly run?: FakeRun;
  readonly answer?: FakePage["answer"];
}

function open({ run = RUN, options, source, ...more }: Opening = {}, width = 900): FakeContext {
  context = mount(
    view,
    {
      answer: answering(run),
      library,
      options: { ...OPTIONS, ...options },
      source: { ...RUNNING, ...source },
      ...more,
    },
    width,
  );
  return context;
}

const plots = () => [...document.querySelectorAll<HTMLElement>(".nnw-plot")];
const plot = (at = 0) => plots()[at] as HTMLElement;
const canvas = (at = 0) => plot(at).querySelector(".u-wrap canvas") as HTMLCanvasElement;
const overlay = (at = 0) => plot(at).querySelector(".nnw-curves-overlay") as HTMLCanvasElement;
const titles = () => [...document.querySelectorAll(".nnw-chart-title")].map(({ textContent }) => textContent);
const place = () => document.querySelector(".nnw-place")?.textContent ?? "";
const reads = (at = 0) =>
  [...(plot(at).parentElement?.querySelectorAll(".nnw-read") ?? [])].map((one) => one.textContent);
const ready = () => expect.poll(() => document.querySelectorAll(".u-wrap canvas").length).toBeGreaterThan(0);
const frames = async (count = 3) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
};

/** Columns of the canvas in which a colour is, about. */
function columnsOf(source: HTMLCanvasElement, [red, green, blue]: readonly number[]): number[] {
  const paint = source.getContext("2d") as CanvasRenderingContext2D;
  const { data, width } = paint.getImageData(0, 0, source.width, source.height);
  const found = new Set<number>();
  for (let i = 0; i < data.length; i += 4) {
    const near = [red, green, blue].every((part, at) => Math.abs((data[i + at] as number) - (part as number)) < 12);
    if (near && (data[i + 3] as number) > 200) found.add((i / 4) % width);
  }
  return [...found].sort((a, b) => a - b);
}
const BLUE = [0, 114, 178] as const;
const ACCENT = [21, 101, 192] as const;

/** A drag in steps: the browser's own drag-and-drop helper moves elements, not boxes. */
function drag(
  on: HTMLElement,
  from: readonly [number, number],
  to: readonly [number, number],
  more: PointerEventInit = {},
): void {
  const { left, top } = on.getBoundingClientRect();
  on.setPointerCapture = () => {};
  const at = (type: string, share: number) =>
    on.dispatchEvent(
      new PointerEvent(type, {
        pointerId: 1,
        isPrimary: true,
        bubbles: true,
        clientX: left + from[0] + share * (to[0] - from[0]),
        clientY: top + from[1] + share * (to[1] - from[1]),
        ...more,
      }),
    );
  at("pointerdown", 0);
  for (const share of [0.3, 0.6, 1]) at("pointermove", share);
  at("pointerup", 1);
}
const part = () => document.querySelector(".nnw-brush")?.getAttribute("aria-valuetext") ?? "";
const steps = () => (part().match(/[\d,]+(?:\.\d+)?/g) ?? []).map((step) => Number(step.replaceAll(",", "")));

describe("what it shows", () => {
  it("a chart a metric, the phases together, the loss first", async () => {
    open();
    await ready();
    expect(titles()).toEqual(["loss", "accuracy", "learning rate", "gradient norm"]);
    expect(plot().getAttribute("aria-label")).toMatch(/^loss: training 0\.\d+, validation 0\.\d+/);
    await expect.poll(() => columnsOf(canvas(), BLUE).length).toBeGreaterThan(200);
    expect(context.errors.filter(Boolean)).toEqual([]);
  });

  it("a single spike among 100,000 points, at its place", async () => {
    const values = Array.from({ length: 100_000 }, () => 1);
    values[75_000] = 50;
    open({ run: { loss: { steps: values.map((_, step) => step), values } } });
    await ready();
    await frames();
    const box = canvas().getContext("2d")?.getImageData(0, 0, canvas().width, canvas().height) as ImageData;
    const { width, data } = box;
    const high: number[] = [];
    for (let x = 60; x < width - 60; x++) {
      const i = 4 * (Math.round(canvas().height * 0.4) * width + x);
      if ((data[i + 3] as number) > 20 && (data[i + 2] as number) > (data[i] as number) + 15) high.push(x);
    }
    expect(high.length).toBeGreaterThan(0);
    const [left, right] = [56, width / devicePixelRatio - RIGHT];
    const share = ((high[0] as number) / devicePixelRatio - left) / (right - left);
    expect(share).toBeCloseTo(0.75, 2);
  });

  it("the picked metrics, which chips turn on and off", async () => {
    open({ options: { metrics: ["val_loss", "gradient_norm"] } });
    await ready();
    expect(titles()).toEqual(["loss", "gradient norm"]);
    await page.getByRole("button", { name: "accuracy", exact: true }).click();
    expect(context.traits.metrics).toEqual(["loss", "accuracy", "gradient_norm"]);
    await expect.poll(titles).toEqual(["loss", "accuracy", "gradient norm"]);
    await page.getByRole("button", { name: "loss", exact: true }).click();
    await expect.poll(titles).toEqual(["accuracy", "gradient norm"]);
  });

  it("two players' losses on one chart, and hostile names as text", async () => {
    const name = `<img src=x onerror=alert(1)> "quoted" ${"y".repeat(300)}`;
    const { loss, accuracy } = RUN as Required<FakeRun>;
    open({ run: { g_loss: loss, d_loss: accuracy, [name]: accuracy } as FakeRun });
    await ready();
    expect(titles()[0]).toBe("generator and discriminator loss");
    expect(document.querySelector(".nnw-monitor img")).toBeNull();
    expect(titles()[1]).toContain("<img src=x");
    expect(document.querySelector<HTMLElement>(".nnw-monitor")?.scrollWidth).toBeLessThanOrEqual(900);
  });

  it("that it waits for the first step, then the first step", async () => {
    open({ run: {} });
    await expect.element(page.getByText(/Waiting for the first step of/)).toBeVisible();
    context.push(...pushed({ loss: { steps: [0, 1, 2], values: [3, 2, 1], from: 0 } }, 2));
    await ready();
    await expect.element(page.getByText(/Waiting for the first step/)).not.toBeVisible();
    expect(titles()).toEqual(["loss"]);
  });

  it("curves that grow as points come", async () => {
    open({ run: { loss: { steps: [0, 1], values: [1, 2] } } });
    await ready();
    await expect.poll(() => reads()).toEqual(["2.000"]);
    context.push(...pushed({ loss: { steps: [2, 3], values: [3, 4.5], from: 2 } }, 2));
    await expect.poll(() => reads()).toEqual(["4.500"]);
  });

  it("not the picture but the numbers where it is told not to follow", async () => {
    open({ run: { loss: { steps: [0, 1], values: [1, 2] } } });
    await ready();
    await expect.poll(() => reads()).toEqual(["2.000"]);
    context.options.set("live", false);
    context.push(...pushed({ loss: { steps: [2], values: [9], from: 2 } }, 2));
    context.become({ step: 2 });
    await expect.element(page.getByText(/step 2 ·/)).toBeVisible();
    expect(reads()).toEqual(["2.000"]);
  });

  it("values of 0 or less left out of a logarithmic axis, in words", async () => {
    open({ run: { learning_rate: { steps: [0, 1, 2], values: [0, 0.1, 0.01] } } });
    await expect.element(page.getByText(/1 point of 0 or less left out/)).toBeVisible();
  });

  it("another picture smoothed, by epochs, logarithmic, in the dark", async () => {
    open();
    await ready();
    const picture = () => canvas().toDataURL();
    let last = picture();
    const differs = async () => {
      await expect.poll(picture).not.toBe(last);
      await frames();
      last = picture();
    };
    await frames();
    last = picture();
    context.options.set("smoothing", 0.95);
    await differs();
    await expect.poll(() => reads()[0]).toMatch(/^0\.\d+ \(0\.\d+\)$/);
    context.options.set("log_y", true);
    await differs();
    await page.getByRole("combobox", { name: "X axis" }).selectOptions("epoch");
    expect(context.traits.x).toBe("epoch");
    await differs();
    context.setTheme(DARK);
    await differs();
  });

  it("the best value, the summary, the findings in words", async () => {
    open();
    await ready();
    await expect.element(page.getByText(/The validation loss rises/)).toBeVisible();
    await expect.element(page.getByText("Stop at the best step", { exact: false })).toBeVisible();
    const row = page.getByRole("row", { name: /loss, validation/ });
    await expect.element(row).toBeVisible();
    const best = Math.min(...(RUN.val_loss?.values ?? []));
    expect(row.element().textContent).toContain(best.toFixed(4));
  });

  it("at 600 px without reaching over, at 1400 px two charts a row", async () => {
    await page.viewport(1440, 900);
    open({}, 600);
    await ready();
    const monitor = document.querySelector(".nnw-monitor") as HTMLElement;
    expect(monitor.scrollWidth).toBeLessThanOrEqual(600);
    expect(plot(1).getBoundingClientRect().top).toBeGreaterThan(plot(0).getBoundingClientRect().bottom);
    context.end();
    document.querySelector(".nnw")?.remove();
    open({}, 1400);
    await ready();
    expect(plot(1).getBoundingClientRect().top).toBeCloseTo(plot(0).getBoundingClientRect().top, 0);
  });

  it("a table of what is in sight", async () => {
    open();
    await ready();
    await page.getByRole("checkbox", { name: "as table" }).click();
    await expect.poll(() => document.querySelectorAll(".nnw-chart-table tbody tr").length).toBe(50);
    await expect.element(page.getByRole("columnheader", { name: "loss, training" })).toBeVisible();
    const first = document.querySelector(".nnw-chart-table tbody tr") as HTMLElement;
    expect(first.textContent).toContain("step 0");
  });

  it("an error of the kernel, and goes on", async () => {
    let broken = true;
    open({
      answer: (what, args) => {
        if (broken && what === "run.story") throw new Error("the store is gone");
        return answering(RUN)(what, args);
      },
    });
    await expect.poll(() => context.errors.map(String)).toContain("Error: the store is gone");
    broken = false;
    context.rise();
    await ready();
    expect(context.errors.at(-1)).toBeNull();
  });
});

describe("what a hand does", () => {
  it("one hover line over all charts, with every value", async () => {
    open();
    await ready();
    await expect.poll(() => plots().length).toBe(4);
    await frames();
    await userEvent.hover(plot(), { position: { x: 200, y: 80 } });
    await expect.poll(place).toMatch(/^step [\d,]+$/);
    const step = Number(place().replace(/\D/g, ""));
    expect(reads()[0]).toBe(formatValue(RUN.loss?.values[step] ?? Number.NaN));
    expect(reads(1)[0]).toBe(formatValue(RUN.accuracy?.values[step] ?? Number.NaN));
    const ink = (at: number) =>
      overlay(at).getContext("2d")?.getImageData(0, 0, overlay(at).width, overlay(at).height).data;
    const columns = (at: number) => [...(ink(at) ?? [])].filter((part, i) => i % 4 === 3 && part > 60).length;
    for (const at of [0, 1, 2, 3]) expect(columns(at)).toBeGreaterThan(100);
    await userEvent.unhover(plot());
    await expect.poll(place).toBe("");
    expect(columns(1)).toBe(0);
  });

  it("a click pins the step for all widgets, again lets it go; another's choice shows here", async () => {
    open();
    await ready();
    await frames();
    await userEvent.click(plot(), { position: { x: 200, y: 80 } });
    const step = context.selected.step as number;
    expect(step).toBeGreaterThan(0);
    expect(place()).toBe(`step ${step}`);
    await userEvent.click(plot(), { position: { x: 200, y: 80 } });
    expect(context.selected.step).toBeNull();
    await userEvent.unhover(plot());
    expect(columnsOf(overlay(), ACCENT)).toEqual([]);
    context.selection.set({ step: 1000 });
    await expect.poll(() => columnsOf(overlay(), ACCENT).length).toBeGreaterThan(0);
    const columns = columnsOf(overlay(), ACCENT).map((x) => x / devicePixelRatio);
    const middle = ((columns[0] as number) + (columns.at(-1) as number)) / 2;
    const width = overlay().width / devicePixelRatio;
    expect((middle - 56) / (width - 56 - RIGHT)).toBeCloseTo(1000 / 1999, 1);
  });

  it("a drag zooms, Shift+drag pans, a double click shows all", async () => {
    open();
    await ready();
    await frames();
    drag(plot(), [120, 60], [220, 66]);
    await expect.poll(() => steps().length).toBe(2);
    const zoomed = steps();
    expect((zoomed[1] as number) - (zoomed[0] as number)).toBeLessThan(1000);
    drag(plot(), [150, 60], [250, 60], { shiftKey: true });
    await expect.poll(() => steps()[0]).toBeLessThan(zoomed[0] as number);
    plot().dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await expect.poll(part).toBe("all");
  });

  it("a tall box zooms the values too", async () => {
    open();
    await ready();
    await frames();
    const before = canvas().toDataURL();
    drag(plot(), [100, 20], [300, 120]);
    await expect.poll(() => steps().length).toBe(2);
    await frames();
    expect(canvas().toDataURL()).not.toBe(before);
    await page.getByRole("button", { name: "Show the whole run" }).click();
    await expect.poll(part).toBe("all");
    await frames();
    expect(canvas().toDataURL()).toBe(before);
  });

  it("the wheel zooms with Ctrl, and is the page's without", async () => {
    open();
    await ready();
    await frames();
    const { left, top } = plot().getBoundingClientRect();
    const wheel = (ctrlKey: boolean) => {
      const event = new WheelEvent("wheel", {
        deltaY: -200,
        ctrlKey,
        clientX: left + 200,
        clientY: top + 60,
        bubbles: true,
        cancelable: true,
      });
      plot().dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(wheel(false)).toBe(false);
    expect(wheel(true)).toBe(true);
    await expect.poll(() => steps().length).toBe(2);
  });

  it("keys move from point to point, say the values, zoom, pin and let go", async () => {
    open({
      run: { loss: { steps: [0, 10, 20, 30], values: [4, 3, 2, 1] }, val_loss: { steps: [15, 25], values: [5, 6] } },
    });
    await ready();
    await frames();
    plot().focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(place()).toBe("step 0");
    await userEvent.keyboard("{ArrowRight}{ArrowRight}");
    expect(place()).toBe("step 15");
    expect(document.querySelector(".nnw-spoken")?.textContent).toMatch(
      /^step 15: loss training (2|3)\.000, loss validation 5\.000/,
    );
    await userEvent.keyboard("{ArrowLeft}");
    expect(place()).toBe("step 10");
    await userEvent.keyboard("{End}");
    expect(place()).toBe("step 30");
    await userEvent.keyboard("{Enter}");
    expect(context.selected.step).toBe(30);
    await userEvent.keyboard("{Home}+");
    await expect.poll(() => steps().length).toBe(2);
    await userEvent.keyboard("0");
    await expect.poll(part).toBe("all");
    await userEvent.keyboard("{Escape}");
    expect(context.selected.step).toBeNull();
  });

  it("the strip below draws, moves and stretches the window; keys too", async () => {
    open();
    await ready();
    await frames();
    const brush = document.querySelector(".nnw-brush") as HTMLElement;
    const wide = brush.clientWidth - 56 - RIGHT;
    drag(brush, [56 + wide * 0.25, 20], [56 + wide * 0.5, 20]);
    await expect.poll(() => steps().map((step) => Math.round(step / 100))).toEqual([5, 10]);
    await frames();
    drag(brush, [56 + wide * 0.4, 20], [56 + wide * 0.6, 20]);
    await expect.poll(() => steps().map((step) => Math.round(step / 100))).toEqual([9, 14]);
    await frames();
    drag(brush, [56 + wide * 0.7, 20], [56 + wide * 0.9, 20]);
    await expect.poll(() => Math.round((steps()[1] as number) / 100)).toBe(18);
    brush.focus();
    await userEvent.keyboard("{Home}");
    await expect.poll(() => steps()[0]).toBe(0);
    await userEvent.keyboard("0");
    await expect.poll(part).toBe("all");
  });

  it("a finding marks its steps while a hand is on it, and a click goes there", async () => {
    open();
    await ready();
    const finding = page.getByText(/The gradient norm jumps/);
    await expect.element(finding).toBeVisible();
    await frames();
    const before = canvas(3).toDataURL();
    await userEvent.hover(finding.element());
    await expect.poll(() => canvas(3).toDataURL()).not.toBe(before);
    await userEvent.click(finding.element());
    await expect.poll(() => steps().length).toBe(2);
    expect(steps()[1]).toBeLessThan(600);
  });

  it("asks for finer points where it came thinned", async () => {
    const steps = Array.from({ length: 1000 }, (_, i) => i * 1000);
    const values = steps.map((step) => 1 + Math.sin(step));
    const thinned = {
      loss: { steps, values, low: values.map((v) => v - 1), high: values.map((v) => v + 1), count: 1_000_000 },
    };
    open({
      answer: (what) => (what === "run.closer" || what === "run.story" ? story(thinned) : summary({})),
    });
    await ready();
    await frames();
    drag(plot(), [120, 60], [180, 62]);
    await expect.poll(() => context.asks.filter(({ what }) => what === "run.closer").length).toBe(1);
    const [start, stop] = [context.asks.at(-1)?.args.start as number, context.asks.at(-1)?.args.stop as number];
    expect(stop - start).toBeLessThan(700_000);
  });
});

describe("hands on the training", () => {
  it("pause, resume, and stop only when asked twice", async () => {
    open();
    await page.getByRole("button", { name: "Pause" }).click();
    expect(context.acts).toEqual([{ what: "pause", args: {} }]);
    context.become({ control: "paused" });
    await expect.element(page.getByText("paused")).toBeVisible();
    await page.getByRole("button", { name: "Resume" }).click();
    expect(context.acts.at(-1)?.what).toBe("resume");
    await page.getByRole("button", { name: "Stop" }).click();
    expect(context.acts).toHaveLength(2);
    await page.getByRole("button", { name: "Really stop?" }).click();
    expect(context.acts.at(-1)?.what).toBe("stop");
  });

  it("a Stop that nobody confirms is forgotten", async () => {
    open();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Really stop?" }).element().dispatchEvent(new FocusEvent("blur"));
    await expect.element(page.getByRole("button", { name: "Stop", exact: true })).toBeVisible();
    expect(context.acts).toEqual([]);
  });

  it("the learning rate by keys; what is none is refused in words", async () => {
    open();
    const rate = page.getByRole("textbox", { name: "Learning rate" });
    await expect.element(rate).toHaveValue("0.0125");
    await userEvent.click(rate);
    await userEvent.keyboard("{ArrowDown}{Enter}");
    expect(context.acts).toEqual([{ what: "learning_rate", args: { value: 0.01 } }]);
    await userEvent.fill(rate, "-3");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/-3 is no learning rate/)).toBeVisible();
    expect(context.acts).toHaveLength(1);
    await userEvent.keyboard("{Escape}");
    await expect.element(rate).toHaveValue("0.0125");
  });

  it("an error of the kernel is shown", async () => {
    open({
      act: async () => {
        throw new Error("the run has ended");
      },
    });
    await page.getByRole("button", { name: "Pause" }).click();
    await expect.poll(() => context.errors.map(String)).toContain("Error: the run has ended");
  });

  it.each([
    [{ recording: false, control: "elsewhere" }, {}, /Another process trains this run/],
    [{ deaf: "This cell's loop holds the kernel." }, {}, /This cell's loop holds the kernel/],
    [{}, { saved: true }, /This is a saved page/],
  ] as const)("%o %o refuses with the reason", async (source, more, words) => {
    open({ source, ...more });
    await ready();
    await expect.element(page.getByText(words)).toBeVisible();
    const pause = page.getByRole("button", { name: "Pause" });
    await expect.element(pause).toHaveAttribute("aria-disabled", "true");
    await pause.click({ force: true });
    expect(context.acts).toEqual([]);
  });

  it("a run that is over has no more hands on it, but says how it ended and what is wrong with the store", async () => {
    open({
      source: {
        status: "failed",
        message: "FloatingPointError: loss is NaN",
        trouble: "The disk is full: 1,203 points wait.",
      },
    });
    await ready();
    await expect.element(page.getByText("failed", { exact: true })).toBeVisible();
    await expect.element(page.getByText("FloatingPointError: loss is NaN")).toBeVisible();
    await expect.element(page.getByText(/The disk is full/)).toBeVisible();
    await expect.element(page.getByText("Pause")).not.toBeVisible();
  });
});

/** GradientFlow in a real page: keys, pointer, two runs, live news, what a screen reader hears. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import type { Arguments } from "../../src/runtime/context.ts";
import { scaleOf, view } from "../../src/widgets/gradient_flow.ts";
import type { Flow } from "../../src/widgets/training/gradient_data.ts";
import { DARK, type FakeContext, type FakePage, LIGHT, mount } from "./fake_context.ts";
import { type FakeFlow, flow, HEALTHY, VANISHING } from "./fake_layers.ts";

let context: FakeContext;
const OPTIONS = { view: "gradients", height: 400, _beside: {} };

beforeEach(() => {
  const sheet = document.createElement("style");
  sheet.textContent = css;
  document.body.append(sheet);
});
afterEach(() => {
  context.end();
  document.body.replaceChildren();
});

async function show(flows: Record<string, FakeFlow>, more: Partial<FakePage> = {}, width = 760): Promise<HTMLElement> {
  const answer = (what: string, args: Arguments) => {
    const fake = flows[String(args.run)] as FakeFlow;
    if (what === "gradient_flow.step") {
      const one = flow({ ...fake, steps: [args.step as number], counts: [1] });
      return { ...one, value: { step: args.step, paths: fake.paths } };
    }
    return flow(fake);
  };
  context = mount(view, { answer, ...more, options: { ...OPTIONS, ...more.options } }, width);
  await expect.poll(() => context.root.querySelector(".nnw-waiting")?.hasAttribute("hidden")).toBe(true);
  return context.root;
}

const plots = () => [...context.root.querySelectorAll<HTMLElement>(".nnw-layer-plot")];
const label = (at = 0) => plots()[at]?.getAttribute("aria-label") ?? "";

/** Whether a pixel of the canvas has about this colour. */
function hasColor(canvas: HTMLCanvasElement, [red, green, blue]: readonly [number, number, number]): boolean {
  const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(
    0,
    0,
    canvas.width,
    canvas.height,
  );
  for (let at = 0; at < data.length; at += 4) {
    const far =
      Math.abs((data[at] as number) - red) +
      Math.abs((data[at + 1] as number) - green) +
      Math.abs((data[at + 2] as number) - blue);
    if (far < 12 && (data[at + 3] as number) > 250) return true;
  }
  return false;
}
const canvas = (at = 0) => plots()[at]?.querySelector("canvas") as HTMLCanvasElement;

it("says which layers get hardly any gradient, in words and colour", async () => {
  const root = await show({ null: VANISHING });
  expect(label()).toContain("near zero: encoder.layers.0.linear, encoder.layers.1.linear");
  expect(label()).toContain("step 190, the newest");
  expect(hasColor(canvas(), [230, 159, 0])).toBe(true);
  expect(root.querySelector(".nnw-layers-words")?.textContent).toContain("Gradients vanish on their way back.");
});

it("has no mark where all is well", async () => {
  await show({ null: HEALTHY });
  expect(label()).not.toContain("near zero");
  expect(hasColor(canvas(), [230, 159, 0])).toBe(false);
});

it("moves through the steps by keys, and back to the newest", async () => {
  await show({ null: VANISHING });
  plots()[0]?.focus();
  await userEvent.keyboard("{ArrowLeft}{ArrowLeft}");
  expect(context.selected.step).toBe(170);
  expect(label()).toContain("step 170");
  await userEvent.keyboard("{Home}");
  expect(context.selected.step).toBe(0);
  await userEvent.keyboard("{End}");
  expect(context.selected.step).toBe(null);
  const slider = context.root.querySelector<HTMLInputElement>(".nnw-step-slider");
  slider?.focus();
  await userEvent.keyboard("{ArrowLeft}");
  expect(context.selected.step).toBe(180);
  expect(slider?.getAttribute("aria-valuetext")).toBe("step 180, 19 of 20");
});

it("selects a layer by keys and by the pointer, and marks another widget's", async () => {
  await show({ null: VANISHING });
  plots()[0]?.focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}{Enter}");
  expect(context.selected.layer).toBe("encoder.layers.1.linear");
  await userEvent.click(plots()[0] as HTMLElement, { position: { x: 60, y: 20 + 24 * 4 + 12 } });
  expect(context.selected.layer).toBe("encoder.layers.4.linear");
  const before = canvas().toDataURL();
  context.selection.set({ layer: "encoder.layers.6.linear" });
  expect(canvas().toDataURL()).not.toBe(before);
  await userEvent.keyboard("{Escape}");
  expect(context.selected.layer).toBe(null);
});

it("picks a step by the pointer on the colours", async () => {
  await show({ null: VANISHING });
  const { width } = canvas().getBoundingClientRect();
  await userEvent.click(plots()[0] as HTMLElement, { position: { x: width * 0.8, y: 60 } });
  const step = context.selected.step as number;
  expect(step).toBeGreaterThan(50);
  expect(step).toBeLessThan(180);
});

it("shows two runs on one scale at the same step", async () => {
  await show(
    { null: VANISHING, other: HEALTHY },
    { options: { _beside: { id: "other", label: "relu", cursor: 1 } } },
    1100,
  );
  expect(plots()).toHaveLength(2);
  const [first, second] = plots().map((plot) => plot.getBoundingClientRect());
  expect(first?.top).toBeCloseTo(second?.top ?? 0, 0);
  expect(context.root.textContent).toContain("sigmoids");
  expect(context.root.textContent).toContain("relu");
  context.selection.set({ step: 50 });
  expect(label(0)).toContain("step 50");
  expect(label(1)).toContain("step 50");
});

it("stands two runs above each other in a narrow page, nothing wider than it", async () => {
  const root = await show({ null: VANISHING, other: HEALTHY }, { options: { _beside: { id: "other" } } }, 560);
  const [first, second] = plots().map((plot) => plot.getBoundingClientRect());
  expect(second?.top).toBeGreaterThan(first?.bottom ?? 0);
  expect(root.scrollWidth).toBeLessThanOrEqual(560);
});

it("asks for the exact step where measurements were joined", async () => {
  const thinned = { ...VANISHING, counts: VANISHING.steps.map(() => 10) };
  await show({ null: thinned });
  expect(label()).toContain("about step 190, the newest (of 10 steps)");
  context.selection.set({ step: 53 });
  await expect.poll(() => label()).toContain("step 53");
  expect(context.asks.filter(({ what }) => what === "gradient_flow.step")).toHaveLength(1);
});

it("follows the run while it grows, with at most a question a second", async () => {
  await show({ null: { ...VANISHING, cursor: 1 } });
  const asked = () => context.asks.filter(({ what }) => what === "gradient_flow.flow").length;
  expect(asked()).toBe(1);
  for (let cursor = 2; cursor < 40; cursor++) {
    context.become({ cursor });
    context.push({ kind: "points", cursor, series: [{ name: "gradient_mean/0", from: 0 }] });
    await new Promise((done) => setTimeout(done, 20));
  }
  expect(asked()).toBeLessThanOrEqual(2);
  await expect.poll(asked, { timeout: 3000 }).toBeGreaterThan(1);
  expect(context.asks.at(-1)?.args.until).toBe(39);
});

it("does not ask when other series grew", async () => {
  await show({ null: VANISHING });
  context.become({ cursor: 9 });
  context.push({ kind: "points", cursor: 9, series: [{ name: "loss", from: 0 }] });
  await new Promise((done) => setTimeout(done, 1200));
  expect(context.asks).toHaveLength(1);
});

it("says what to do where nothing was logged", async () => {
  const root = await show({ null: { ...HEALTHY, paths: [], steps: [] } });
  expect(root.querySelector(".nnw-empty")?.textContent).toContain("nnw.watch(model, optimizer, run) logs them");
  expect(root.querySelector(".nnw-layers-body")?.hasAttribute("hidden")).toBe(true);
});

it("shows the sentence of an error", async () => {
  const answer = () => Promise.reject(new Error("the store cannot be read now"));
  context = mount(view, { answer, options: OPTIONS });
  await expect.poll(() => context.errors.map(String)).toContain("Error: the store cannot be read now");
});

it("has a table with the same numbers", async () => {
  const root = await show({ null: VANISHING });
  await userEvent.click(root.querySelector(".nnw-toggle") as HTMLElement);
  const cells = [...root.querySelectorAll(".nnw-layers-table tbody tr:first-child > *")].map(
    ({ textContent }) => textContent,
  );
  expect(cells[0]).toBe("encoder.layers.0.linear");
  expect(cells[3]).toBe("near zero");
});

it("shows updates without a largest value", async () => {
  await show({ null: VANISHING }, { options: { view: "updates" } });
  expect(label()).toContain("Size of a step over that of the weights");
});

it("draws hostile names and numbers as they are", async () => {
  const paths = ["<img src=x onerror=window.hacked=1>", "\u202eevil", "x".repeat(5000)];
  const odd = [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const root = await show({
    null: { ...HEALTHY, paths, mean: (layer) => odd[layer] as number, mark: (layer) => [5, 3, 4][layer] as number },
  });
  expect(root.querySelector("img")).toBe(null);
  expect(label()).toContain("no gradient");
  expect(root.scrollWidth).toBeLessThanOrEqual(760);
});

it("stays quick with 300 layers and 240 columns", async () => {
  const paths = Array.from({ length: 300 }, (_, at) => `block.${at}.weight`);
  const steps = Array.from({ length: 240 }, (_, at) => at);
  await show({ null: { paths, steps, mean: (layer, place) => -5 + Math.sin(layer + place) } });
  const begun = performance.now();
  for (let step = 0; step < 20; step++) context.selection.set({ step: 5 * step });
  expect((performance.now() - begun) / 20).toBeLessThan(60);
});

it("is drawn again in the dark", async () => {
  await show({ null: VANISHING }, { theme: LIGHT });
  const before = canvas().toDataURL();
  context.setTheme(DARK);
  expect(canvas().toDataURL()).not.toBe(before);
});

it("is drawn as wide as it is seen, and only then", async () => {
  const root = await show({ null: VANISHING });
  const wide = canvas().clientWidth;
  root.style.display = "none";
  await new Promise((done) => setTimeout(done, 50));
  context.setTheme(DARK);
  root.style.display = "";
  await expect.poll(() => canvas().clientWidth).toBe(wide);
  root.style.width = "420px";
  await expect.poll(() => canvas().clientWidth).toBeLessThanOrEqual(420);
});

it("has whole decades as its scale, however small the gradients", () => {
  const of = (mean: number[], largest: number[]) => ({ mean, largest, update: [] }) as unknown as Flow;
  expect(scaleOf([of([-3.2, Number.NEGATIVE_INFINITY], [-1.5, Number.NaN])], "gradients")).toEqual({
    low: -4,
    high: -1,
  });
  expect(scaleOf([of([-300], [2])], "gradients")).toEqual({ low: -18, high: 2 });
  expect(scaleOf([of([], [])], "gradients")).toEqual({ low: -4, high: 0 });
  expect(scaleOf([of([-3], [-3])], "gradients")).toEqual({ low: -4, high: -3 });
});

vi.setConfig({ testTimeout: 15000 });

/** Distributions in a real page: views, layers, steps, pages of layers, what is said of them. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import { valueAxis } from "../../src/draw/boxes.ts";
import { view } from "../../src/widgets/distributions.ts";
import { type FakeContext, type FakePage, mount } from "./fake_context.ts";
import { bell, type FakeLayer, spread } from "./fake_layers.ts";

let context: FakeContext;
const OPTIONS = { what: "weights", view: "histograms", bins: null, layers: 12, shared: false, log: false, height: 420 };

beforeEach(() => {
  const sheet = document.createElement("style");
  sheet.textContent = css;
  document.body.append(sheet);
});
afterEach(() => {
  context.end();
  document.body.replaceChildren();
});

const THREE = [bell("conv1", 0.5), bell("conv2", 1), bell("fc", 4)];

async function show(
  layers: readonly FakeLayer[] = THREE,
  more: Partial<FakePage> = {},
  width = 760,
): Promise<HTMLElement> {
  context = mount(view, { answer: spread(layers), ...more, options: { ...OPTIONS, ...more.options } }, width);
  await expect.poll(() => context.root.querySelector(".nnw-waiting")?.hasAttribute("hidden")).toBe(true);
  return context.root;
}

const buttons = () => [...context.root.querySelectorAll<HTMLButtonElement>(".nnw-hist")];
const shown = (selector: string) => context.root.querySelector<HTMLElement>(selector);
const plot = () =>
  [...context.root.querySelectorAll<HTMLElement>(".nnw-layer-plot")].find(
    (each) => each.offsetParent !== null,
  ) as HTMLElement;

it("has a histogram a layer, and a click selects it", async () => {
  await show();
  await expect.poll(() => buttons().length).toBe(3);
  expect(buttons()[0]?.getAttribute("aria-label")).toBe("conv1: μ 0, σ 0.17");
  await userEvent.click(buttons()[1] as HTMLElement);
  expect(context.selected.layer).toBe("conv2");
  expect(buttons()[1]?.getAttribute("aria-pressed")).toBe("true");
  expect(context.root.textContent).toMatch(/conv2: [\d,]+ values, −1\.00 to 1\.00/);
  await userEvent.click(buttons()[1] as HTMLElement);
  expect(context.selected.layer).toBe(null);
});

it("goes from histogram to histogram by keys", async () => {
  await show();
  await expect.poll(() => buttons().length).toBe(3);
  buttons()[0]?.focus();
  await userEvent.keyboard("{ArrowRight}{ArrowRight}{Enter}");
  expect(context.selected.layer).toBe("fc");
});

it("says what stands out: ternary, NaN, zeros, dead", async () => {
  const layers = [
    bell("bit", 1, { ternary: true, spikes: "Ternary: 100 % of the values lie at −s, 0 or +s." }),
    bell("gone", 1, { nan: 3, infinite: 1 }),
    bell("relu", 1, { zeros: [0.5, 0.63], dead: 0.12 }),
  ];
  await show(layers);
  await expect.poll(() => buttons().length).toBe(3);
  expect(buttons()[0]?.textContent).toContain("ternary");
  expect(buttons()[1]?.textContent).toContain("3 NaN, 1 infinite");
  expect(buttons()[2]?.textContent).toContain("zeros 50 % to 63 %, dead 12 %");
  expect(context.root.textContent).toContain(
    "1 of 3 layers is ternary (three spikes at −s, 0 and +s, as BitNet b1.58's are): bit.",
  );
});

it("pages through many layers, and turns to the one that is selected elsewhere", async () => {
  const layers = Array.from({ length: 30 }, (_, at) => bell(`layer${at}`, 1));
  await show(layers);
  await expect.poll(() => buttons().length).toBe(12);
  expect(context.root.textContent).toContain("layers 1 to 12 of 30");
  await userEvent.click(shown('[aria-label="Later layers"]') as HTMLElement);
  expect(buttons()[0]?.textContent).toContain("layer12");
  context.selection.set({ layer: "layer29" });
  expect(context.root.textContent).toContain("layers 25 to 30 of 30");
  expect(buttons()).toHaveLength(6);
});

it("shows the step that is picked elsewhere, the nearest that was logged", async () => {
  await show();
  await expect.poll(() => buttons().length).toBe(3);
  context.selection.set({ step: 120 });
  await expect.poll(() => context.asks.filter(({ what }) => what === "distributions.step").at(-1)?.args.step).toBe(100);
  const slider = shown(".nnw-step-slider") as HTMLInputElement;
  slider.focus();
  await userEvent.keyboard("{ArrowRight}");
  expect(context.selected.step).toBe(200);
  await userEvent.keyboard("{End}");
  expect(context.selected.step).toBe(null);
});

it("draws boxes of all layers, and keys select one", async () => {
  await show(THREE, { options: { view: "boxes" } });
  await expect
    .poll(() => plot()?.getAttribute("aria-label"))
    .toContain("Box plots of the weights of 3 layers at step 300");
  plot().focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}{Enter}");
  expect(context.selected.layer).toBe("conv2");
});

it("shows a layer over the steps, and a click picks one", async () => {
  await show(THREE, { options: { view: "steps" }, selection: { layer: "fc" } });
  await expect.poll(() => plot()?.getAttribute("aria-label")).toContain("Histograms of the weights of fc at 4 steps");
  plot().focus();
  await userEvent.keyboard("{ArrowUp}");
  expect(context.selected.step).toBe(200);
  const { height } = plot().getBoundingClientRect();
  await userEvent.click(plot(), { position: { x: 300, y: height * 0.3 } });
  expect(context.selected.step).toBeLessThan(200);
});

it("puts all layers into one histogram", async () => {
  await show(THREE, { options: { view: "all" } });
  await expect.poll(() => shown('canvas[role="img"]')?.getAttribute("aria-label")).toContain("of 3 layers at step 300");
});

it("asks for other bins, other values", async () => {
  await show();
  await expect.poll(() => buttons().length).toBe(3);
  const [kind, , , bins] = [...context.root.querySelectorAll<HTMLSelectElement>("select")];
  await userEvent.selectOptions(bins as HTMLSelectElement, "8");
  expect(context.traits.bins).toBe(8);
  await expect.poll(() => context.asks.at(-1)?.args).toEqual({ what: "weights", step: 300, bins: 8 });
  await userEvent.selectOptions(kind as HTMLSelectElement, "gradients");
  await expect.poll(() => shown(".nnw-empty")?.textContent).toContain("No gradients were logged");
  expect(shown(".nnw-empty")?.textContent).toContain("weights and activations were");
  await userEvent.selectOptions(kind as HTMLSelectElement, "activations");
  await expect.poll(() => shown(".nnw-empty")?.hidden).toBe(true);
});

it("takes up new histograms while the run goes on, with at most a question a second", async () => {
  await show();
  await expect.poll(() => buttons().length).toBe(3);
  const overviews = () => context.asks.filter(({ what }) => what === "distributions.overview");
  for (let cursor = 2; cursor < 30; cursor++) {
    context.push({ kind: "points", cursor, series: [], grew: ["weights/conv1"] });
    await new Promise((done) => setTimeout(done, 15));
  }
  expect(overviews().length).toBeLessThanOrEqual(2);
  await expect.poll(() => overviews().at(-1)?.args.until, { timeout: 4000 }).toBe(29);
});

it("has a table, and fits a narrow page", async () => {
  const root = await show(THREE, {}, 560);
  await expect.poll(() => buttons().length).toBe(3);
  expect(root.scrollWidth).toBeLessThanOrEqual(560);
  await userEvent.click([...root.querySelectorAll<HTMLElement>(".nnw-toggle")].at(-1) as HTMLElement);
  await expect.poll(() => root.querySelectorAll("tbody tr").length).toBe(3);
  expect(root.querySelector("tbody tr")?.textContent).toContain("conv1");
  expect(root.scrollWidth).toBeLessThanOrEqual(560);
});

it("shows the sentence of an error, once", async () => {
  context = mount(view, { answer: () => Promise.reject(new Error("the store cannot be read now")), options: OPTIONS });
  await expect.poll(() => context.errors.map(String)).toContain("Error: the store cannot be read now");
  await new Promise((done) => setTimeout(done, 100));
  expect(context.asks.length).toBeLessThan(3);
});

it("has an axis on which small and large boxes are told apart", () => {
  const boxes = [-1e-6, -6e-7, -3e-7, 0, 3e-7, 6e-7, 1e-6, -1, -0.6, -0.3, 0, 0.3, 0.6, 1];
  const [linear, log] = [valueAxis(boxes, false, 600), valueAxis(boxes, true, 600)];
  expect(linear.at(1e-6) - linear.at(0)).toBeLessThan(1e-5);
  expect(log.at(1e-6) - log.at(0)).toBeGreaterThan(0.02);
  expect(log.at(0)).toBeCloseTo(0.5);
  expect(log.ticks.map(({ text }) => text)).toContain("0");
  for (const { at } of [...linear.ticks, ...log.ticks]) expect(at).toBeGreaterThanOrEqual(0);
});

/** DiffusionScrubber in a real page: rows, their pixels, the schedule's words, the forward process, other seeds, trouble. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import type { Answer, Arguments } from "../../src/runtime/context.ts";
import { view } from "../../src/widgets/diffusion_scrubber.ts";
import { DARK, type FakeContext, type FakePage, mount } from "./fake_context.ts";
import { answering, OPTIONS, ORIGINAL, story } from "./fake_process.ts";

const STEPS = 20;
const MEASURES = ["signal_to_noise", "noise_norm", "change"];
const ALL = ["noisy", "predicted", "noise", "forward"];
const told = story({ measures: MEASURES, steps: STEPS });

/** ᾱ rises evenly to 1; t falls by 50 from 950. */
const bars = Float32Array.from({ length: STEPS + 1 }, (_, step) => (step + 1) / (STEPS + 1));

/** The pixels of x̂₀ are 200 minus the step, those of the noise 128. */
function diffusing(more: Record<string, unknown> = {}, without: readonly string[] = []) {
  const process = answering(told);
  return (what: string, args: Arguments): Answer => {
    if (without.includes(what)) throw new Error(`${what} is not in this page`);
    if (what === "diffusion.story") {
      const value = { sampler: "ddpm", eta: 0, seed: 5, low: -1, high: 1, noise: 3, draws: true, ...more };
      const timesteps = Int32Array.from({ length: STEPS }, (_, step) => 950 - 50 * step);
      const ratio = bars.map((bar) => bar / (1 - bar));
      const arrays = {
        timesteps: { shape: [STEPS], data: timesteps },
        alphas_bar: { shape: [STEPS + 1], data: bars },
        signal_to_noise: { shape: [STEPS + 1], data: ratio },
      };
      return { value, arrays };
    }
    if (what === "diffusion.forward") {
      const shape = [2, 4, 4, 1];
      return {
        value: {},
        arrays: {
          images: { shape, data: new Float32Array(32).fill(0.5) },
          noise: { shape, data: new Float32Array(32).fill(-1) },
        },
      };
    }
    if (what === "diffusion.branch") return { value: { branch: 1 }, arrays: {} };
    if (what === "diffusion.predicted" || what === "diffusion.noise") {
      const { start, stop } = args as { start: number; stop: number };
      const steps = Array.from({ length: stop - start }, (_, at) => start + at);
      const shape = [steps.length, 2, 4, 4, 1];
      const data = Uint8Array.from(
        steps.flatMap((step) => Array<number>(32).fill(what === "diffusion.noise" ? 128 : 200 - step)),
      );
      const bands = Float32Array.from(steps.flatMap((step) => [1, 0.5 * step, 0.1 * step]));
      return { value: {}, arrays: { frames: { shape, data }, bands: { shape: [steps.length, 3], data: bands } } };
    }
    return process(what, args);
  };
}

let context: FakeContext;

beforeEach(() => {
  const sheet = document.createElement("style");
  sheet.textContent = css;
  document.body.append(sheet);
});
afterEach(() => {
  context.end();
  document.body.replaceChildren();
});

async function show(more: Partial<FakePage> = {}, answer = diffusing()): Promise<void> {
  const options = { ...OPTIONS, rows: ALL, key_steps: 5, _images: "", ...more.options };
  context = mount(view, { answer, ...more, options });
  await expect.poll(() => find(".nnw-diffusion-step")?.textContent).toBeTruthy();
}

const find = (selector: string) => context.root.querySelector<HTMLElement>(selector);
const canvas = (says: string) => find(`.nnw-branches canvas[aria-label*="${says}"]`) as HTMLCanvasElement | null;
const [CLEAN, NOISE, REAL] = ["x̂₀, the clean", "ε̂, the noise", "the forward process"];
/** The shade of the middle of a row's first picture. */
function shade(picture: HTMLCanvasElement | null): number | undefined {
  const ratio = devicePixelRatio;
  return picture?.getContext("2d")?.getImageData(40 * ratio, 40 * ratio, 1, 1).data[0];
}
const button = (text: string) =>
  [...context.root.querySelectorAll<HTMLButtonElement>("button")].find((each) => each.textContent?.includes(text));

it("shows the noisy images, the clean ones and the noise of the selected step", async () => {
  await show({ selection: { step: 7 } });
  await expect.poll(() => shade(canvas("2 pictures of 4 × 4"))).toBe(70);
  await expect.poll(() => shade(canvas(CLEAN))).toBe(193);
  expect(shade(canvas(NOISE))).toBe(128);
  expect(find(".nnw-diffusion-step")?.textContent).toBe("step 7 of 20, t = 600, SNR 0.62");
  expect(context.root.textContent).toContain("DDPM, ancestral, seed 5");
  find(".nnw-scrubber")?.focus();
  await userEvent.keyboard("{End}");
  await expect.poll(() => shade(canvas(CLEAN))).toBe(180);
  expect(find(".nnw-diffusion-step")?.textContent).toBe("step 20 of 20, image: no noise is left");
});

it("turns rows off and on; the noise is not asked for until it is shown", async () => {
  await show({ options: { rows: ["noisy", "predicted"] } });
  await expect.poll(() => shade(canvas(CLEAN))).toBe(200);
  await expect.poll(() => context.asks.filter(({ what }) => what === "process.frames").length).toBe(3);
  expect(context.asks.some(({ what }) => what === "diffusion.noise")).toBe(false);
  const asked = context.asks.filter(({ what }) => what !== "diffusion.noise").length;
  await userEvent.click(button("noise ε̂") as HTMLElement);
  expect(context.traits.rows).toEqual(["noisy", "predicted", "noise"]);
  await expect.poll(() => shade(canvas(NOISE))).toBe(128);
  await userEvent.click(button("noisy xₜ") as HTMLElement);
  await expect.poll(() => canvas("2 pictures of 4 × 4")?.checkVisibility()).toBe(false);
  await userEvent.click(button("clean x̂₀") as HTMLElement);
  await userEvent.click(button("noise ε̂") as HTMLElement);
  expect(context.traits.rows).toEqual(["noise"]); // one is always shown
  expect(canvas(NOISE)?.checkVisibility()).toBe(true);
  // What had come before was not asked for again but once: the page has it.
  const again = context.asks.filter(({ what }) => what !== "diffusion.noise").length - asked;
  expect(again).toBeLessThanOrEqual(6);
});

it("noises real images to the same t by the closed form, or says that there are none", async () => {
  await show({ selection: { step: 6 }, options: { _images: "abc" } });
  await expect.poll(() => canvas(REAL)?.checkVisibility()).toBe(true);
  const bar = 7 / 21;
  const value = Math.sqrt(bar) * 0.5 - Math.sqrt(1 - bar);
  await expect.poll(() => shade(canvas(REAL))).toBe(Math.round(((value + 1) / 2) * 255));
  expect(find(".nnw-diffusion-hint")?.hidden).toBe(true);
  context.selection.set({ step: 20 });
  await expect.poll(() => shade(canvas(REAL))).toBe(191);
  context.end();
  context.root.remove();
  await show();
  await expect.poll(() => find(".nnw-diffusion-hint")?.checkVisibility()).toBe(true);
  expect(find(".nnw-diffusion-hint")?.textContent).toContain("images=");
});

it("branches from the step that is looked at, with a seed that none has", async () => {
  await show({ source: { branches: [ORIGINAL] }, selection: { step: 6 } });
  await expect.poll(() => button("Another seed from step 6")?.ariaDisabled).toBe("false");
  await userEvent.click(button("Another seed") as HTMLElement);
  const asked = () => context.asks.filter(({ what }) => what === "diffusion.branch").map(({ args }) => args);
  await expect.poll(asked).toEqual([{ step: 6, branch: 0, seed: 6 }]);
  context.become({ branches: [ORIGINAL, { index: 1, parent: 0, step: 6, label: "noise 6 from step 6" }] });
  await expect.poll(() => context.root.querySelectorAll(".nnw-branch-name").length).toBe(2);
  await expect.poll(() => find("select")?.checkVisibility()).toBe(true);
  await userEvent.selectOptions(find("select") as HTMLSelectElement, "1");
  context.selection.set({ step: 0 });
  await expect.poll(() => button("Other start noise")?.title).toContain("seed 7");
  await userEvent.click(button("Other start noise") as HTMLElement);
  await expect.poll(() => asked().at(-1)).toEqual({ step: 0, branch: 1, seed: 7 });
  context.selection.set({ step: 19 });
  await expect.poll(() => button("Another seed")?.ariaDisabled).toBe("true");
  button("Another seed")?.focus();
  await userEvent.keyboard("{Enter}");
  expect(asked().length).toBe(2);
});

it("says that a deterministic sampler draws no noise on the way", async () => {
  await show({ selection: { step: 6 } }, diffusing({ sampler: "ddim", draws: false }));
  await expect.poll(() => button("Another seed")?.title).toContain("DDIM with η = 0 draws no noise");
  expect(context.root.textContent).toContain("DDIM, deterministic");
  context.selection.set({ step: 0 });
  await expect.poll(() => button("Other start noise")?.ariaDisabled).toBe("false");
});

it("has key steps that a press goes to, and curves of the waves as a share of the end's", async () => {
  await show({ selection: { step: 9, sample: 1 } });
  const keys = () => [...context.root.querySelectorAll<HTMLButtonElement>(".nnw-strip-key")];
  await expect
    .poll(() => keys().map((key) => key.textContent))
    .toEqual(["t = 950", "t = 700", "t = 450", "t = 200", "image"]);
  expect(keys()[2]?.getAttribute("aria-current")).toBe("step");
  await expect
    .poll(() => keys()[3]?.querySelector("canvas")?.getContext("2d")?.getImageData(20, 20, 1, 1).data[0])
    .toBe(150);
  await userEvent.click(keys()[3] as HTMLElement);
  expect(context.selected.step).toBe(15);
  const waves = () => find('.nnw-measure canvas[aria-label*="Waves"]')?.getAttribute("aria-label");
  await expect.poll(waves).toBe("Waves in x̂₀: coarse 1.000, middle 0.7500, fine 0.7500 at step 15");
  expect(find('.nnw-measure canvas[aria-label*="log₁₀"]')?.getAttribute("aria-label")).toContain("0.505");
});

it("tells what a pixel is worth, and a press on a picture looks at its sample", async () => {
  await show({ selection: { step: 7 } });
  await expect.poll(() => shade(canvas(CLEAN))).toBe(193);
  const clean = canvas(CLEAN) as HTMLCanvasElement;
  await userEvent.hover(clean, { position: { x: 10, y: 10 } });
  await expect.poll(() => find(".nnw-tip")?.textContent).toBe("x̂₀: 0.51sample 0, column 0, row 0, t = 600");
  await userEvent.click(clean, { position: { x: clean.clientWidth - 10, y: 40 } });
  expect(context.selected.sample).toBe(1);
});

it("shows a saved page's images where it lacks what the model sees, in dark too", async () => {
  await show({ saved: true, theme: DARK, selection: { step: 7 } }, diffusing({}, ["diffusion.predicted"]));
  await expect.poll(() => shade(canvas("2 pictures of 4 × 4"))).toBe(70);
  expect(canvas(CLEAN)).toBeNull();
  expect(button("Another seed")?.checkVisibility()).toBe(false);
  context.end();
  context.root.remove();
  await show({ saved: true }, diffusing({}, ["diffusion.noise"]));
  await expect.poll(() => shade(canvas(CLEAN))).toBe(200);
  expect(canvas(NOISE)).toBeNull();
});

it("says what went wrong", async () => {
  await show({}, diffusing({}, ["diffusion.predicted"]));
  await expect.poll(() => String(context.errors.at(-1))).toContain("diffusion.predicted is not in this page");
});

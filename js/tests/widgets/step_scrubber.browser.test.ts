/** StepScrubber in a real page: frames of each kind, branches, curves, the linked step, trouble. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import type { Story } from "../../src/widgets/process/frames.ts";
import { view } from "../../src/widgets/step_scrubber.ts";
import { DARK, type FakeContext, type FakePage, mount } from "./fake_context.ts";
import { answering, OPTIONS, ORIGINAL, story } from "./fake_process.ts";

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

async function show(told: Partial<Story> = {}, more: Partial<FakePage> = {}, fails?: number): Promise<void> {
  context = mount(view, { answer: answering(story(told), fails), ...more, options: { ...OPTIONS, ...more.options } });
  await expect.poll(() => find(".nnw-player")?.hidden).toBe(false);
}

const find = (selector: string) => context.root.querySelector<HTMLElement>(selector);
const scrubber = () => find(".nnw-scrubber") as HTMLInputElement;
const canvases = () => [...context.root.querySelectorAll<HTMLCanvasElement>(".nnw-frame-place canvas")];
/** The red of a picture's middle. */
function shade(canvas = canvases()[0] as HTMLCanvasElement): number | undefined {
  const ratio = devicePixelRatio;
  return canvas.getContext("2d")?.getImageData(20 * ratio, 20 * ratio, 1, 1).data[0];
}

it("shows the frame of the selected step, and a hand on the scrubber selects it", async () => {
  await show({}, { selection: { step: 7 } });
  await expect.poll(shade).toBe(70);
  expect(canvases()[0]?.getAttribute("aria-label")).toBe("2 pictures of 4 × 4 pixels, step 7 of 20");
  scrubber().focus();
  await userEvent.keyboard("{ArrowRight}");
  expect(context.selected.step).toBe(8);
  await expect.poll(shade).toBe(80);
  context.selection.set({ step: 13 }); // another widget, or Python
  await expect.poll(shade).toBe(130);
  expect(scrubber().value).toBe("13");
  context.selection.set({ step: 99 });
  await expect.poll(shade).toBe(200);
});

it("takes the keys on its picture", async () => {
  await show();
  await expect.poll(shade).toBe(0);
  canvases()[0]?.focus();
  await userEvent.keyboard("{End}{ArrowLeft}");
  expect(context.selected.step).toBe(19);
});

it("plays without asking once all is here", async () => {
  await show({ steps: 20 }, { options: { fps: 30 } });
  await expect.poll(() => context.asks.length).toBe(4);
  await new Promise((done) => setTimeout(done, 50));
  const asked = context.asks.length;
  scrubber().focus();
  await userEvent.keyboard(" ");
  await expect.poll(() => context.selected.step, { timeout: 5000 }).toBe(20);
  await expect.poll(shade).toBe(200);
  expect(context.asks.length).toBe(asked);
});

it("has curves with the value of the step, and a press on one goes there", async () => {
  await show({}, { selection: { step: 4 } });
  await expect.poll(() => find(".nnw-measure-value")?.textContent).toBe("96.00");
  const canvas = find(".nnw-measure canvas") as HTMLCanvasElement;
  expect(canvas.getAttribute("aria-label")).toBe("energy: 96.00 at step 4");
  await userEvent.click(canvas, { position: { x: canvas.clientWidth - 4, y: 30 } });
  expect(context.selected.step).toBe(20);
  await userEvent.click(find(".nnw-toggle:has(+ .nnw-table-twin) input") as HTMLElement);
  await expect.poll(() => find(".nnw-table-twin tbody tr:last-child")?.textContent).toBe("2080.00");
});

it("shows only the measures that are wanted", async () => {
  await show({ measures: ["energy", "flipped"] }, { options: { measures: [] } });
  await expect.poll(shade).toBe(0);
  expect(find(".nnw-measures")?.hidden).toBe(true);
});

it("shows branches beside the original, by name, and turns them off", async () => {
  const branches = [ORIGINAL, { index: 1, parent: 0, step: 10, label: "<i>pushed</i>" }];
  await show({}, { source: { branches: [ORIGINAL] }, selection: { step: 12 } });
  await expect.poll(shade).toBe(120);
  expect(find(".nnw-branch-name")?.hidden).toBe(true);
  context.become({ branches });
  await expect.poll(() => canvases().length).toBe(2);
  await expect.poll(() => shade(canvases()[1])).toBe(121);
  const names = [...context.root.querySelectorAll(".nnw-branch-name")].map((each) => each.textContent);
  expect(names).toEqual(["original", "<i>pushed</i>: left the original at step 10"]);
  context.selection.set({ step: 9 });
  await expect.poll(() => shade(canvases()[1])).toBe(90);
  await userEvent.click(find(".nnw-switch") as HTMLElement);
  await expect.poll(() => canvases().length).toBe(1);
  await userEvent.click(context.root.querySelectorAll<HTMLElement>(".nnw-switch")[1] as HTMLElement);
  expect(canvases().length).toBe(1); // one is always shown
});

it("says what the process raised, with the steps before it usable", async () => {
  await show({}, { selection: { step: 12 } }, 17);
  await expect.poll(shade).toBe(120);
  await expect.poll(() => String(context.errors.at(-1))).toContain("step 17 of a fall raised ValueError: too deep");
  context.selection.set({ step: 16 });
  await expect.poll(shade).toBe(160);
  scrubber().focus();
  await userEvent.keyboard(" ");
  await new Promise((done) => setTimeout(done, 250));
  expect(find(".nnw-play")?.getAttribute("aria-label")).toContain("Play");
  expect(context.selected.step).toBe(16);
  context.selection.set({ step: 18 });
  await expect.poll(() => find(".nnw-frame-place")?.getAttribute("aria-busy")).toBe("true");
  expect(shade()).toBe(160);
});

it("draws texts as text", async () => {
  await show({ kind: "text", samples: 1, measures: [] }, { selection: { step: 3 } });
  await expect.poll(() => find(".nnw-frame-texts li")?.textContent).toBe("<b>step</b> 3 of 0");
  expect(find(".nnw-frame-texts b")).toBeNull();
});

it("draws curves as lines, in dark too", async () => {
  await show({ kind: "curve", width: 30 }, { theme: DARK, selection: { step: 3 } });
  await expect.poll(() => canvases()[0]?.getAttribute("aria-label")).toBe("2 curves, step 3 of 20");
  context.setTheme(DARK);
  await expect.poll(() => canvases()[0]?.clientWidth).toBeGreaterThan(500);
});

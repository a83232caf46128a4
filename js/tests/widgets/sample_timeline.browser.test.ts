/** SampleTimeline in a real page: the newest image, scrubbing, the strip, images that come while a run trains. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import type { Answer, Arguments } from "../../src/runtime/context.ts";
import { view } from "../../src/widgets/sample_timeline.ts";
import { type FakeContext, type FakePage, mount } from "./fake_context.ts";

const OPTIONS = { name: "samples", columns: null, fps: 30, loop: false };
let context: FakeContext;
let steps: number[];

/** The shade of each image is its step. */
function answer(what: string, args: Arguments): Answer {
  if (what === "samples.story") {
    const there = args.name === "samples" ? steps : [];
    const value = { label: "<b>gan</b>", cursor: 1, count: there.length, names: ["samples"], chunk: 4 };
    return { value, arrays: { steps: { shape: [there.length], data: Int32Array.from(there) } } };
  }
  const asked = args.steps as number[];
  if (asked.includes(50)) {
    // Of several sizes.
    const arrays = asked.map((step, at) => [String(at), { shape: [step === 50 ? 2 : 4, 4, 3], data: shade(step, 48) }]);
    return { value: {}, arrays: Object.fromEntries(arrays) };
  }
  const data = Uint8Array.from(asked.flatMap((step) => [...shade(step, 16)]));
  return { value: {}, arrays: { images: { shape: [asked.length, 4, 4, 1], data } } };
}
const shade = (step: number, size: number) => new Uint8Array(size).fill(step);

beforeEach(() => {
  steps = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90];
  const sheet = document.createElement("style");
  sheet.textContent = css;
  document.body.append(sheet);
});
afterEach(() => {
  context.end();
  document.body.replaceChildren();
});

async function show(more: Partial<FakePage> = {}): Promise<void> {
  context = mount(view, { answer, ...more, options: { ...OPTIONS, ...more.options } });
  await expect.poll(() => context.root.querySelector(".nnw-waiting")?.hasAttribute("hidden")).toBe(true);
}

const find = (selector: string) => context.root.querySelector<HTMLElement>(selector) as HTMLElement;
const shown = () =>
  (find(".nnw-frame-place canvas") as HTMLCanvasElement).getContext("2d")?.getImageData(9, 9, 1, 1).data[0];
const thumbs = () => [...context.root.querySelectorAll<HTMLButtonElement>(".nnw-thumb")];
const imagesAsked = () => context.asks.filter(({ what }) => what === "samples.images").map(({ args }) => args.steps);

it("shows the newest image, and all others once they are fetched", async () => {
  await show();
  await expect.poll(shown).toBe(90);
  expect(find(".nnw-title").textContent).toContain("samples at step 90");
  expect(find(".nnw-title").textContent).toContain("<b>gan</b>");
  await expect
    .poll(() => imagesAsked())
    .toEqual([
      [80, 90],
      [40, 50, 60, 70],
      [0, 10, 20, 30],
    ]);
  expect(thumbs().map((each) => each.textContent)).toEqual(["0", "20", "40", "50", "70", "90"]);
});

it("is scrubbed by keys; the end is the newest again", async () => {
  await show();
  await expect.poll(shown).toBe(90);
  (find(".nnw-scrubber") as HTMLElement).focus();
  await userEvent.keyboard("{ArrowLeft}{ArrowLeft}");
  expect(context.selected.step).toBe(70);
  await expect.poll(shown).toBe(70);
  expect(find(".nnw-scrubber").getAttribute("aria-valuetext")).toBe("step 70 of 90");
  await userEvent.keyboard("{End}");
  expect(context.selected.step).toBeNull();
  context.selection.set({ step: 33 }); // a step of the monitor's, between two images
  await expect.poll(shown).toBe(30);
});

it("goes where a hand presses on the strip", async () => {
  await show({ options: { columns: 4 } });
  await expect.poll(() => thumbs().length).toBe(4);
  await userEvent.click(thumbs()[1] as HTMLElement);
  expect(context.selected.step).toBe(30);
  await expect.poll(() => thumbs()[1]?.getAttribute("aria-current")).toBe("true");
  await expect.poll(shown).toBe(30);
});

it("plays from the beginning to the newest without a further question", async () => {
  await show();
  await expect.poll(() => imagesAsked().length).toBe(3);
  await new Promise((done) => setTimeout(done, 50));
  const asked = context.asks.length;
  (find(".nnw-scrubber") as HTMLElement).focus();
  await userEvent.keyboard(" ");
  await expect.poll(shown).toBe(0);
  await expect.poll(() => context.selected.step, { timeout: 4000 }).toBeNull();
  expect(context.asks.length).toBe(asked);
});

it("follows a run: new images are fetched, those that are here are not", async () => {
  await show({ source: { status: "running" } });
  await expect.poll(() => imagesAsked().length).toBe(3);
  steps = [...steps, 100];
  context.push({ kind: "points", series: [], grew: ["loss"], cursor: 4 });
  context.push({ kind: "points", series: [], grew: ["samples"], cursor: 5 });
  await expect.poll(shown, { timeout: 3000 }).toBe(100);
  expect(imagesAsked().at(-1)).toEqual([100]);
  expect(context.asks.filter(({ what }) => what === "samples.story").map(({ args }) => args.until)).toEqual([null, 5]);
  context.selection.set({ step: 20 });
  steps = [...steps, 110];
  context.push({ kind: "points", series: [], grew: ["samples"], cursor: 6 });
  await expect.poll(() => imagesAsked().at(-1), { timeout: 3000 }).toEqual([110]);
  expect(shown()).toBe(20); // a step that was picked stays
});

it("says that there are none, and what there is", async () => {
  await show({ options: { name: "<i>faces</i>" } });
  expect(find(".nnw-empty").textContent).toContain("No images named <i>faces</i> were logged yet in <b>gan</b>.");
  expect(find(".nnw-empty").textContent).toContain("It has samples.");
  context.options.set("name", "samples");
  await expect.poll(shown).toBe(90);
});

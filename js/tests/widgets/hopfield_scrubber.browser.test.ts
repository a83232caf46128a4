/** HopfieldScrubber in a real page: drawing by pointer and keys, noise, running, overlaps, the experiment, a saved page. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import type { Answer, Arguments } from "../../src/runtime/context.ts";
import { flippedBy } from "../../src/widgets/hopfield/draft.ts";
import { line } from "../../src/widgets/hopfield/hands.ts";
import { view } from "../../src/widgets/hopfield_scrubber.ts";
import { type FakeContext, type FakePage, mount } from "./fake_context.ts";
import { ORIGINAL } from "./fake_process.ts";

const STEPS = 4;
/** Two orthogonal memories of 16 units: the upper half, and the left half. */
const UPPER = Int8Array.from({ length: 16 }, (_, at) => (at < 8 ? 1 : -1));
const LEFT = Int8Array.from({ length: 16 }, (_, at) => (at % 4 < 2 ? 1 : -1));
const OPTIONS = { fps: 20, loop: false, experiments: [] as string[] };
let context: FakeContext;

/** The original lies in the first memory from its first step to its last. */
function answer(what: string, args: Arguments, storage = "hebbian"): Answer {
  const pixels = (units: Int8Array) => Array.from(units, (unit) => (unit > 0 ? 255 : 0));
  if (what === "process.story") {
    const size = { samples: 1, height: 4, width: 4, channels: 1, bytes: 16, chunk: 8, low: -1, high: 1 };
    const measures = ["energy", "flipped", "overlap"];
    return { value: { label: "recall", steps: STEPS, measures, kind: "images", ...size }, arrays: {} };
  }
  if (what === "process.frames") {
    const data = Uint8Array.from(Array.from({ length: STEPS + 1 }, () => pixels(UPPER)).flat());
    const values = { shape: [STEPS + 1], data: new Float32Array(STEPS + 1) };
    const frames = { shape: [STEPS + 1, 1, 4, 4, 1], data };
    return { value: {}, arrays: { frames, "m.0": values, "m.1": values, "m.2": values } };
  }
  if (what === "hopfield.network") {
    const memories = { shape: [2, 4, 4, 1], data: Uint8Array.from([...pixels(UPPER), ...pixels(LEFT)]) };
    const told = { units: 16, height: 4, width: 4, labels: ["upper", "<b>left</b>"], update: "asynchronous" };
    return { value: { ...told, storage, steps: STEPS, orders: storage === "hebbian" }, arrays: { memories } };
  }
  if (what === "hopfield.recall") {
    const overlaps = Float32Array.from({ length: 2 * (STEPS + 1) }, (_, at) => 1 - (at % 2));
    const value = { kind: "memory", pattern: 0, words: "fell into the memory upper (overlap 1.00)" };
    return { value, arrays: { overlaps: { shape: [STEPS + 1, 2], data: overlaps } } };
  }
  if (what === "hopfield.orders") {
    const data = Uint16Array.from({ length: STEPS * 16 }, (_, at) => (5 * at) % 16);
    return { value: {}, arrays: { orders: { shape: [STEPS, 16], data } } };
  }
  if (what === "hopfield.capacity") {
    if (args.patterns === "own") throw new Error("cancelled: choose it again");
    const value = { units: 16, storage, flips: 0.1, threshold: 0.9, critical: 0.15 };
    const loads = { shape: [2], data: Float32Array.of(0.1, 0.2) };
    return { value, arrays: { loads, overlaps: { shape: [2, 2], data: Float32Array.of(1, 1, 0.7, 0.9) } } };
  }
  throw new Error(`The fake network does not answer ${what}(${args}).`);
}

beforeEach(() => {
  const sheet = document.createElement("style");
  sheet.textContent = css;
  document.body.append(sheet);
});
afterEach(() => {
  context.end();
  document.body.replaceChildren();
});

async function show(more: Partial<FakePage> = {}): Promise<void> {
  context = mount(view, {
    answer,
    act: async () => ({ branch: 1 }),
    ...more,
    options: { ...OPTIONS, ...more.options },
  });
  await expect.poll(() => find(".nnw-basin")?.textContent).toContain("fell into the memory upper");
  await expect.poll(() => find(".nnw-memory-value")?.textContent).toBe("1.00");
  await expect.poll(() => grid().getAttribute("aria-label")).toContain("step");
}

const find = (selector: string) => context.root.querySelector<HTMLElement>(selector);
const grids = () => [...context.root.querySelectorAll<HTMLCanvasElement>("canvas.nnw-hopfield-grid")];
const grid = () => grids()[0] as HTMLCanvasElement;
const button = (name: string) =>
  [...context.root.querySelectorAll<HTMLElement>("button")].find((each) =>
    each.getAttribute("aria-label")?.startsWith(name),
  ) as HTMLElement;
const said = () => find(".nnw-hopfield-draft")?.textContent;
const values = () => [...context.root.querySelectorAll(".nnw-memory-value")].map((each) => each.textContent);
const place = (row: number, column: number) => {
  const box = grid().getBoundingClientRect();
  return { clientX: box.left + ((column + 0.5) * box.width) / 4, clientY: box.top + ((row + 0.5) * box.height) / 4 };
};

function stroke(...cells: [number, number][]): void {
  const send = (type: string, [row, column]: [number, number]) =>
    grid().dispatchEvent(
      new PointerEvent(type, {
        ...place(row, column),
        pointerId: 1,
        isPrimary: true,
        button: 0,
        buttons: 1,
        bubbles: true,
      }),
    );
  grid().setPointerCapture = () => {};
  send("pointerdown", cells[0] as [number, number]);
  for (const cell of cells.slice(1)) send("pointermove", cell);
  send("pointerup", cells.at(-1) as [number, number]);
}

it("names the network, its updates, its memories as text, and the nearest of them", async () => {
  await show();
  expect(find(".nnw-hopfield-facts")?.textContent).toContain("Asynchronous updates");
  expect(find(".nnw-hopfield-facts")?.textContent).toContain("2 memories in 16 units");
  expect([...context.root.querySelectorAll(".nnw-memory-name")].map((each) => each.textContent)).toEqual([
    "upper",
    "<b>left</b>",
  ]);
  expect(button("Memory upper").getAttribute("aria-label")).toBe(
    "Memory upper, overlap 1.00, the nearest: take it as the state",
  );
});

it("draws with the pointer, flipping each unit of a stroke once, and runs what was drawn", async () => {
  await show();
  stroke([0, 0], [0, 3], [0, 0]);
  await expect.poll(said).toBe("Drawn: 4 of 16 units differ from step 0.");
  await expect.poll(values).toEqual(["0.50", "0.00"]);
  await userEvent.click(button("Run"));
  expect(context.acts).toEqual([
    { what: "hopfield.edit", args: { branch: 0, step: 0, state: "0000111100000000", label: "drawn" } },
  ]);
  context.become({ branches: [ORIGINAL, { index: 1, parent: 0, step: 0, label: "drawn" }] });
  await expect.poll(() => grids().length).toBe(2);
  await expect.poll(said).toContain("Draw on the picture");
});

it("keeps a drawing at its step, and goes back to it", async () => {
  await show();
  stroke([0, 0]);
  await expect.poll(said).toContain("1 of 16");
  context.selection.set({ step: 2 });
  await expect.poll(said).toBe("A drawn state waits at step 0.");
  expect(button("Run").getAttribute("aria-disabled")).toBe("true");
  await userEvent.click(button("Go to the step"));
  expect(context.selected.step).toBe(0);
  await expect.poll(said).toContain("1 of 16");
  await userEvent.click(button("Put the drawn state away"));
  await expect.poll(values).toEqual(["1.00", "0.00"]);
});

it("is drawn on by keys, which the player then does not take", async () => {
  await show({ selection: { step: 2 } });
  grid().focus();
  await userEvent.keyboard("{Home}{Shift>}{ArrowUp}{/Shift} {ArrowRight}{Enter}");
  await expect.poll(said).toBe("Drawn: 2 of 16 units differ from step 2.");
  expect(context.selected.step).toBe(2);
  const spoken = [...context.root.querySelectorAll(".nnw-spoken")].map((each) => each.textContent);
  expect(spoken).toContain("row 1, column 2: off");
  expect(find(".nnw-play")?.getAttribute("aria-label")).toBe("Play (Space)");
});

it("flips a share at random by the seed, clears, inverts, takes a memory", async () => {
  await show();
  const corrupt = [...context.root.querySelectorAll<HTMLInputElement>(".nnw-hopfield-tools input[type=range]")][0];
  (corrupt as HTMLInputElement).value = "25";
  corrupt?.dispatchEvent(new Event("input"));
  await expect.poll(said).toContain("4 of 16");
  await userEvent.click(button("Invert"));
  await expect.poll(said).toContain("12 of 16");
  await userEvent.click(button("Memory <b>left"));
  await expect.poll(values).toEqual(["0.00", "1.00"]);
  await userEvent.click(button("Run"));
  expect(context.acts[0]?.args.label).toBe("the memory <b>left</b>");
  expect(context.acts[0]?.args.state).toBe("1100110011001100");
});

it("runs nothing from the last step, and says why", async () => {
  await show({ selection: { step: STEPS } });
  stroke([0, 0]);
  await expect.poll(said).toContain("No step follows");
  await userEvent.click(button("Run"), { force: true });
  expect(context.acts).toEqual([]);
});

it("shows what the kernel refuses, and keeps the drawing", async () => {
  const refused = "state has 4 units, but the network has 16";
  await show({ act: () => Promise.reject(new Error(refused)) });
  stroke([0, 0]);
  await expect.poll(said).toContain("1 of 16");
  await userEvent.click(button("Run"));
  await expect.poll(() => String(context.errors.at(-1))).toContain(refused);
  await expect.poll(said).toContain("1 of 16");
});

it("tries the capacity, shows it against theory, and says what went wrong", async () => {
  await show();
  await userEvent.click(find(".nnw-capacity summary") as HTMLElement);
  await userEvent.click(button("Run the capacity experiment on random"));
  await expect
    .poll(() => find(".nnw-capacity li")?.textContent)
    .toBe(
      "Random patterns, hebbian: the mean overlap falls below 0.9 at 0.150 patterns a unit (2.4 patterns in 16 units); theory, for many units: 0.138.",
    );
  expect(context.traits.experiments).toEqual(["random"]);
  expect(find(".nnw-capacity canvas")?.getAttribute("aria-label")).toContain(
    "random patterns: 0.100: 1.00, 0.200: 0.80",
  );
  await userEvent.click(button("Run the capacity experiment on these"));
  await expect.poll(() => find(".nnw-capacity .nnw-error")?.textContent).toBe("cancelled: choose it again");
  expect(context.traits.experiments).toEqual(["random"]);
});

describe("a saved page", () => {
  it("recalls by itself under Hebb's rule", async () => {
    await show({ saved: true, act: () => Promise.reject(new Error("no kernel")) });
    stroke([0, 0], [0, 2]);
    await expect.poll(said).toContain("3 of 16");
    await userEvent.click(button("Run"));
    await expect.poll(() => grids().length).toBe(2);
    await expect
      .poll(() => context.root.querySelectorAll(".nnw-basin")[1]?.textContent)
      .toBe("At step 4: fell into the memory upper (overlap 1.00)");
    expect(context.acts).toEqual([]);
  });

  it("says that it cannot, where the weights do not come along", async () => {
    await show({ saved: true, answer: (what, args) => answer(what, args, "pseudo-inverse") });
    await expect.poll(said).toContain("This saved page cannot recall by itself");
    stroke([0, 0]);
    await userEvent.click(button("Run"), { force: true });
    expect(context.acts).toEqual([]);
    expect(grids().length).toBe(1);
  });
});

it("flips of a larger share hold those of a smaller one, the same for a seed", () => {
  const few = Array.from(flippedBy({ share: 0.1, seed: 3 }, 100));
  const many = Array.from(flippedBy({ share: 0.5, seed: 3 }, 100));
  expect(few.length).toBe(10);
  expect(new Set(many).size).toBe(50);
  expect(many.slice(0, 10)).toEqual(few);
  expect(Array.from(flippedBy({ share: 0.1, seed: 4 }, 100))).not.toEqual(few);
});

it("leaves no gaps in a quick stroke", () => {
  const cells = line({ row: 0, column: 0 }, { row: 2, column: 6 });
  expect(cells.length).toBe(6);
  expect(cells.at(-1)).toEqual({ row: 2, column: 6 });
  expect(line({ row: 1, column: 1 }, { row: 1, column: 1 })).toEqual([]);
});

/** AttentionHeads on a page without a kernel, under real pointers and keys. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import { Superseded } from "../../src/runtime/context.ts";
import { view } from "../../src/widgets/attention_heads.ts";
import { DARK, type FakeContext, type FakePage, mount } from "./fake_context.ts";
import { fakeModel, words } from "./fake_model.ts";

let context: FakeContext;
beforeEach(() => {
  const style = document.createElement("style");
  style.textContent = css;
  document.body.append(style);
});
afterEach(() => {
  context.end();
  document.body.replaceChildren();
});

function open(parts: Partial<FakePage> = {}, width = 900): FakeContext {
  context = mount(view, { answer: fakeModel().answer, ...parts }, width);
  return context;
}
const tokens = (side: "left" | "right") => [
  ...document.querySelectorAll<HTMLElement>(`.nnw-tokens.nnw-${side} .nnw-token`),
];
const lines = () => document.querySelector("canvas[role=img]") as HTMLCanvasElement;
const label = () => expect.poll(() => lines().getAttribute("aria-label"));
const drawn = () =>
  expect.poll(() => lines().getContext("2d")?.getImageData(0, 0, lines().width, lines().height).data.some(Boolean));
/** Whether the lines hold the hue of a head: its strongest channels, at whatever opacity. */
function has(red: number, green: number, blue: number): boolean {
  const { data } = (lines().getContext("2d") as CanvasRenderingContext2D).getImageData(
    0,
    0,
    lines().width,
    lines().height,
  );
  for (let i = 0; i < data.length; i += 4) {
    const [r = 0, g = 0, b = 0, a = 0] = data.subarray(i, i + 4);
    if (a > 150 && Math.abs(r - red) < 12 && Math.abs(g - green) < 12 && Math.abs(b - blue) < 12) return true;
  }
  return false;
}

describe("what it shows", () => {
  it("names both columns, draws the first head, and changes no selection by itself", async () => {
    open();
    await drawn().toBe(true);
    await expect.element(page.getByText("attending from")).toBeVisible();
    await expect.element(page.getByText("attending to")).toBeVisible();
    expect(
      tokens("left")
        .map((token) => token.textContent)
        .slice(0, 3),
    ).toEqual(["[CLS]", "the", "bank"]);
    expect(context.selected).toMatchObject({ attention: null, heads: [], head: null });
    expect(has(0, 114, 178)).toBe(true);
  });

  it("draws several heads in their colours", async () => {
    open({ selection: { heads: [0, 1], head: 1 } });
    await drawn().toBe(true);
    await expect.poll(() => has(0, 114, 178) && has(213, 94, 0)).toBe(true);
  });

  it("paints a cached head in the same frame, without asking", async () => {
    open();
    await drawn().toBe(true);
    context.selection.set({ heads: [1], head: 1 });
    await label().toMatch(/head 1:/);
    const asked = context.asks.length;
    context.selection.set({ heads: [0], head: 0 });
    expect(lines().getAttribute("aria-label")).toMatch(/head 0:/);
    expect(context.asks).toHaveLength(asked);
  });

  it("says why there is nothing", async () => {
    open({ answer: fakeModel({ layers: 0, unseen: [{ path: "<b>flex</b>", reason: "compiled" }] }).answer });
    await expect.element(page.getByText("No attention was seen in FakeModel.")).toBeVisible();
    await expect.element(page.getByText("<b>flex</b>: compiled")).toBeVisible();
  });

  it("groups modules that share a reason, and knows the way out where there is none", async () => {
    const unseen = [0, 1, 2].map((at) => ({ path: `encoder.${at}.attention`, reason: "compiled" }));
    open({ answer: fakeModel({ layers: 0, unseen }).answer });
    await expect.element(page.getByText("encoder.0…2.attention (3 modules): compiled")).toBeVisible();
    context.end();
    open({ answer: fakeModel({ layers: 0 }).answer });
    await expect.element(page.getByText(/session.layers lists what can be looked at/)).toBeVisible();
  });

  it("says that a sequence is empty", async () => {
    open({ answer: fakeModel({ tokens: [], special: [] }).answer });
    await expect.element(page.getByText(/The sequence is empty/)).toBeVisible();
  });

  it("keeps hostile tokens text, in columns and table", async () => {
    const hostile = [
      "<script>window.hacked=1</script>",
      '"><img src=x onerror=window.hacked=1>',
      "‮שלום",
      "👩‍👩‍👧‍👦",
      "z".repeat(10_000),
    ];
    open({ answer: fakeModel({ tokens: hostile, special: [] }).answer });
    await drawn().toBe(true);
    await userEvent.hover(tokens("left")[1] as HTMLElement);
    await expect.element(page.getByText("attends to", { exact: false })).toBeVisible();
    expect(document.querySelectorAll("#x, .nnw script, .nnw img")).toHaveLength(0);
    expect("hacked" in window).toBe(false);
  });

  it("says that NaN has no lines", async () => {
    open({ answer: fakeModel({ weight: (_l, _h, query) => (query === 2 ? Number.NaN : 0.05) }).answer });
    await expect.element(page.getByText("Some weights are NaN: they have no lines.")).toBeVisible();
  });

  it("shows two token lists for cross-attention", async () => {
    open({ answer: fakeModel({ tokens: ["the", "black", "cat"], target: ["le", "chat"], special: [] }).answer });
    await drawn().toBe(true);
    expect(tokens("left").map((token) => token.textContent)).toEqual(["le", "chat"]);
    expect(tokens("right").map((token) => token.textContent)).toEqual(["the", "black", "cat"]);
  });

  it("shows errors to the reader and keeps the last picture", async () => {
    const model = fakeModel();
    open({
      answer: (what, args) => {
        if (args.head === 3) throw new Error("head 3 failed");
        return model.answer(what, args);
      },
    });
    await drawn().toBe(true);
    context.selection.set({ heads: [3], head: 3 });
    await expect.poll(() => context.errors.map(String)).toContain("Error: head 3 failed");
    expect(lines().getAttribute("aria-label")).toMatch(/head 0:/);
  });

  it("ignores what was superseded", async () => {
    const model = fakeModel();
    open({
      answer: (what, args) => (args.head === 3 ? Promise.reject(new Superseded()) : model.answer(what, args)),
    });
    await drawn().toBe(true);
    context.selection.set({ heads: [3], head: 3 });
    context.selection.set({ heads: [4], head: 4 });
    await label().toMatch(/head 4:/);
    expect(context.errors.filter(Boolean)).toEqual([]);
  });
});

describe("what a hand does", () => {
  it("hovering a token fades the other lines and lists its exact weights", async () => {
    open();
    await drawn().toBe(true);
    const faint = () =>
      lines()
        .getContext("2d")
        ?.getImageData(0, 0, lines().width, lines().height)
        .data.filter((v, i) => i % 4 === 3 && v > 120).length ?? 0;
    const before = faint();
    await userEvent.hover(tokens("left")[5] as HTMLElement);
    await expect.poll(faint).toBeLessThan(before / 3);
    await expect.element(page.getByText("(5) attends to")).toBeVisible();
    const exact = fakeModel().weight(0, 0, 5, 4).toFixed(4);
    await expect.element(page.getByRole("cell", { name: exact, exact: true })).toBeVisible();
  });

  it("a rest on a token asks for one exact line a head, and nothing about it stays rounded", async () => {
    const model = fakeModel();
    const asked: unknown[] = [];
    open({
      selection: { heads: [1, 4], head: 4 },
      answer: (what, args) => {
        if (what === "attention.exact") asked.push([args.head, args.queries, args.keys]);
        return model.answer(what, args);
      },
    });
    await drawn().toBe(true);
    const reading = () => document.querySelector(".nnw-reading")?.textContent;
    await userEvent.hover(tokens("left")[5] as HTMLElement);
    await expect.poll(reading).toMatch(/attends to(?!.*≈)/);
    await userEvent.hover(tokens("right")[3] as HTMLElement);
    await expect.poll(reading).toMatch(/is attended to by(?!.*≈)/);
    expect(asked).toEqual([
      [1, [5, 6], [0, 20]],
      [4, [5, 6], [0, 20]],
      [1, [0, 20], [3, 4]],
      [4, [0, 20], [3, 4]],
    ]);
    expect(reading()).toContain(fakeModel().weight(0, 1, 2, 3).toFixed(4).slice(0, 4));
  });

  it("says the rounded weights where no exact ones can be had, and asks once", async () => {
    const model = fakeModel();
    open({
      answer: (what, args) => {
        if (what === "attention.exact") throw new Error("not in this page");
        return model.answer(what, args);
      },
    });
    await drawn().toBe(true);
    for (const row of [5, 6, 5]) {
      await userEvent.hover(tokens("left")[row] as HTMLElement);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await expect.element(page.getByRole("cell", { name: /^≈/ }).first()).toBeVisible();
    expect(context.asks.filter((ask) => ask.what === "attention.exact")).toHaveLength(2);
    expect(context.errors.filter(Boolean)).toEqual([]);
  });

  it("a click keeps a token for all widgets; a second one lets it go", async () => {
    open();
    await drawn().toBe(true);
    await userEvent.click(tokens("left")[4] as HTMLElement);
    expect(context.selected.query).toBe(4);
    await userEvent.click(tokens("right")[7] as HTMLElement);
    expect(context.selected).toMatchObject({ query: 4, key: 7 });
    await userEvent.click(tokens("left")[4] as HTMLElement);
    expect(context.selected).toMatchObject({ query: null, key: 7 });
  });

  it("walks through the tokens by keys", async () => {
    open();
    await drawn().toBe(true);
    (page.getByRole("listbox", { name: /Query tokens/ }).element() as HTMLElement).focus();
    await userEvent.keyboard("{Home}{ArrowDown}{ArrowDown}{Enter}");
    expect(context.selected.query).toBe(2);
    await userEvent.keyboard("{ArrowRight}");
    await expect.element(page.getByRole("listbox", { name: /Key tokens/ })).toHaveFocus();
    await userEvent.keyboard("{End}{Enter}");
    expect(context.selected.key).toBe(19);
  });

  it("picks layers and heads for all widgets", async () => {
    open();
    await drawn().toBe(true);
    await page.getByRole("option", { name: /^Layer 3/ }).click();
    expect(context.selected).toMatchObject({ attention: 3, layer: "encoder.layer.3.attention.self" });
    await page.getByRole("option", { name: "Head 2", exact: true }).click();
    await page.getByRole("option", { name: "Head 5", exact: true }).click({ modifiers: ["Shift"] });
    expect(context.selected).toMatchObject({ heads: [2, 5], head: 5 });
    await label().toMatch(/heads 2, 5:/);
  });

  it("adds a head by the keyboard alone", async () => {
    open({ selection: { heads: [2], head: 2 } });
    await drawn().toBe(true);
    (page.getByRole("option", { name: "Head 2", exact: true }).element() as HTMLElement).focus();
    await userEvent.keyboard("{Control>}{ArrowRight}{ArrowRight}{ArrowRight}{/Control}");
    expect(context.selected.heads).toEqual([2]);
    await userEvent.keyboard(" ");
    expect(context.selected).toMatchObject({ heads: [2, 5], head: 5 });
    await expect.element(page.getByText("Layer 0 · heads 2, 5")).toBeVisible();
  });

  it("says what the ranking leaves out", async () => {
    open({ options: { special_tokens: "dim" } });
    await expect.element(page.getByText("Strongest attention, without special tokens")).toBeVisible();
    context.options.set("special_tokens", "show");
    await expect.element(page.getByText("Strongest attention", { exact: true })).toBeVisible();
  });

  it("hides special tokens and padding", async () => {
    open({
      answer: fakeModel({ tokens: ["[CLS]", "a", "b", "[SEP]", "[PAD]"], special: [0, 3], padding: [4] }).answer,
    });
    await drawn().toBe(true);
    await page.getByRole("combobox", { name: "Special tokens" }).selectOptions("hide");
    expect(context.traits.special_tokens).toBe("hide");
    expect(tokens("left").map((token) => token.textContent)).toEqual(["a", "b"]);
    await page.getByRole("combobox", { name: "Special tokens" }).selectOptions("dim");
    expect(tokens("left").map((token) => token.classList.contains("nnw-dim"))).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
  });

  it("the threshold takes lines away, and says when none is left", async () => {
    open();
    await drawn().toBe(true);
    context.options.set("threshold", 0.99);
    await expect.element(page.getByText("No weight in sight reaches 0.990.")).toBeVisible();
    expect(lines().getContext("2d")?.getImageData(0, 0, lines().width, lines().height).data.some(Boolean)).toBe(false);
  });
});

it("scrolls through 4,096 tokens, asking for blocks of rows in sight", async () => {
  open({ answer: fakeModel({ tokens: words(4096) }).answer, selection: { heads: [1], head: 1 } });
  await drawn().toBe(true);
  const asked = () => context.asks.filter((ask) => ask.what === "attention.weights").map((ask) => ask.args.rows);
  expect(asked()).toEqual([[0, 64]]);
  const scroller = document.querySelector(".nnw-heads-scroller") as HTMLElement;
  scroller.scrollTop = scroller.scrollHeight / 2;
  await expect.poll(() => asked().length).toBeGreaterThan(1);
  expect((asked().at(-1) as number[])[0]).toBeGreaterThan(1900);
  expect(tokens("left").length).toBeLessThan(40);
  expect(Number(tokens("left")[0]?.getAttribute("aria-posinset"))).toBeGreaterThan(2000);
});

it("follows the theme and its cell's width, and asks again after a new version", async () => {
  open();
  await drawn().toBe(true);
  context.setTheme(DARK);
  context.root.style.width = "420px";
  await expect.poll(() => lines().clientWidth).toBeLessThan(260);
  const asked = context.asks.length;
  context.rise();
  await expect.poll(() => context.asks.length).toBe(asked + 2);
});

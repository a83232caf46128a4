/** AttentionMap on a page without a kernel, under real pointers and keys. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import css from "../../src/controls/style.css";
import { colorTable, css as toCss } from "../../src/draw/palette.ts";
import { view } from "../../src/widgets/attention_map.ts";
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
const canvas = () => document.querySelector("canvas[role=application]") as HTMLCanvasElement;
const label = () => expect.poll(() => canvas().getAttribute("aria-label"));
/** A weight of 1 in one cell and of 0 elsewhere: where it is bright says where the cell is drawn. */
const only = (row: number, column: number) => (_l: number, _h: number, query: number, key: number) =>
  query === row && key === column ? 1 : 0;
function find(color: string, source = canvas()): { x: number; y: number; count: number } {
  const context2d = source.getContext("2d") as CanvasRenderingContext2D;
  const { data } = context2d.getImageData(0, 0, source.width * 0.8, source.height);
  const width = Math.floor(source.width * 0.8);
  let [x, y, count] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    if (`rgb(${data[i]} ${data[i + 1]} ${data[i + 2]})` !== color) continue;
    x += (i / 4) % width;
    y += Math.floor(i / 4 / width);
    count += 1;
  }
  return { x: x / count / devicePixelRatio, y: y / count / devicePixelRatio, count };
}
const BRIGHT = toCss(colorTable("viridis")[255] as number);
const four = { tokens: ["a", "b", "c", "d"], special: [] };
const shown = () => expect.poll(() => find(BRIGHT).count);

it("asks for a head ahead when the pointer goes down on it, in the words that it will ask in", async () => {
  open({ answer: fakeModel(four).answer });
  await label().toMatch(/head 0/);
  await page.getByRole("option", { name: "Head 1", exact: true }).click();
  await label().toMatch(/head 1/);
  const { what, args } = context.asks.at(-1) as (typeof context.asks)[number];
  expect(context.aheads).toEqual([{ what, args }]);
});

describe("what it shows", () => {
  it("another head to the pixel as if it were the first one shown", async () => {
    const { width, height } = { width: 900, height: 2000 };
    const pixels = () => canvas().getContext("2d")?.getImageData(0, 0, width, height).data.join() ?? "";
    const answer = fakeModel({ weight: (_l, head, query, key) => (head + 1) / (2 + query + 3 * key) }).answer;
    open({ answer });
    await label().toMatch(/head 0/);
    const before = pixels();
    context.selection.set({ heads: [1], head: 1 });
    await label().toMatch(/head 1/);
    const kept = pixels();
    context.end();
    const first = canvas();
    first.remove();
    open({ answer, selection: { heads: [1], head: 1 } });
    await label().toMatch(/head 1/);
    expect(canvas()).not.toBe(first);
    expect(kept).not.toBe(before);
    expect(kept === pixels()).toBe(true);
  });

  it("a cell where its query and key meet, with the size and the head in its name", async () => {
    open({ answer: fakeModel({ ...four, weight: only(1, 2) }).answer });
    await shown().toBeGreaterThan(100);
    expect(canvas().getAttribute("aria-label")).toMatch(/head 0: 4 queries \(rows\) × 4 keys/);
    const spot = find(BRIGHT);
    await userEvent.hover(canvas(), { position: { x: spot.x, y: spot.y } });
    await expect.element(page.getByText("query 1", { exact: false }).first()).toBeVisible();
    await expect.element(page.getByText("key 2", { exact: false }).first()).toBeVisible();
    await expect.element(page.getByText("1.0000").first()).toBeVisible();
  });

  it("the sent weight at once and the exact one after a rest", async () => {
    const model = fakeModel(four);
    open({
      answer: (what, args) =>
        what === "attention.exact"
          ? { value: {}, arrays: { weights: { shape: [1, 1], data: Float32Array.of(0.000749) } } }
          : model.answer(what, args),
    });
    await label().toMatch(/head 0/);
    await userEvent.hover(canvas(), { position: { x: 200, y: 100 } });
    await expect.element(page.getByText(/^≈/).first()).toBeVisible();
    await expect.element(page.getByText("0.000749").first()).toBeVisible();
  });

  it("the sent weight for good where no exact one can be had, without an error", async () => {
    const model = fakeModel(four);
    open({
      answer: (what, args) => {
        if (what === "attention.exact") throw new Error("not in this page");
        return model.answer(what, args);
      },
    });
    await label().toMatch(/head 0/);
    await userEvent.hover(canvas(), { position: { x: 200, y: 100 } });
    await expect.poll(() => context.asks.filter((ask) => ask.what === "attention.exact").length).toBe(1);
    await userEvent.hover(canvas(), { position: { x: 202, y: 102 } });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await expect.element(page.getByText(/^≈/).first()).toBeVisible();
    expect(context.errors.filter(Boolean)).toEqual([]);
    expect(context.asks.filter((ask) => ask.what === "attention.exact")).toHaveLength(1);
  });

  it("NaN in a look of its own, and as a word", async () => {
    open({ answer: fakeModel({ ...four, weight: (_l, _h, query) => (query === 0 ? Number.NaN : 0.5) }).answer });
    await expect.poll(() => find("rgb(200 120 120)").count).toBeGreaterThan(50);
    await userEvent.hover(canvas(), { position: { x: 200, y: 20 } });
    await expect.element(page.getByText("NaN").first()).toBeVisible();
  });

  it("other colours, a logarithmic scale, the mean over heads, the dark", async () => {
    open();
    await label().toMatch(/head 0/);
    const picture = () => canvas().toDataURL();
    let last = picture();
    const differs = async () => {
      await expect.poll(picture).not.toBe(last);
      last = picture();
    };
    await page.getByRole("combobox", { name: "Colours" }).selectOptions("magma");
    await differs();
    await page.getByRole("checkbox", { name: "log scale" }).click();
    expect(context.traits.scale).toBe("log");
    await differs();
    await page.getByRole("checkbox", { name: "mean over heads" }).click();
    await label().toMatch(/mean of 12 heads/);
    await differs();
    context.setTheme(DARK);
    await differs();
    await page.getByRole("option", { name: "Head 3", exact: true }).click();
    await label().toMatch(/head 3:/);
    expect(context.traits.mean).toBe(false);
  });

  it("a title that says whose weights these are", async () => {
    open({ selection: { attention: 3, heads: [2, 5], head: 5 } });
    await expect.element(page.getByText("Layer 3 · head 5")).toBeVisible();
    await expect
      .element(page.getByRole("option", { name: "Head 5", exact: true }))
      .toHaveAttribute("aria-current", "true");
    context.options.set("mean", true);
    await expect.element(page.getByText("Layer 3 · mean of 12 heads")).toBeVisible();
  });

  it("no controls before there is something to control, nor after an error", async () => {
    const model = fakeModel();
    let broken = true;
    open({
      answer: (what, args) => {
        if (broken) throw new Error("the model raised");
        return model.answer(what, args);
      },
    });
    const visible = () =>
      [...document.querySelectorAll<HTMLElement>(".nnw-frame > *")].filter((part) => part.offsetHeight);
    await expect.poll(() => context.errors.map(String)).toContain("Error: the model raised");
    expect(visible()).toEqual([]);
    broken = false;
    context.rise();
    await label().toMatch(/head 0/);
    broken = true;
    context.rise();
    await expect.poll(() => context.errors.filter(Boolean)).toHaveLength(2);
    await expect.element(canvas()).toBeVisible();
  });

  it("an error until the reader is back at what is here", async () => {
    const model = fakeModel();
    open({
      answer: (what, args) => {
        if (args.attention === 2) throw new Error("not in this page");
        return model.answer(what, args);
      },
    });
    await label().toMatch(/head 0/);
    context.selection.set({ attention: 2 });
    await expect.poll(() => String(context.errors.at(-1))).toBe("Error: not in this page");
    context.options.set("color_map", "magma");
    expect(String(context.errors.at(-1))).toBe("Error: not in this page");
    context.selection.set({ attention: 0 });
    expect(context.errors.at(-1)).toBeNull();
  });

  it("the way to the log scale where all else is dark, not where most is zero", async () => {
    const weight = (_l: number, head: number, _q: number, key: number) => (key === 0 ? 0.98 : head ? 0.001 : 0);
    open({ answer: fakeModel({ tokens: words(20), special: [], weight }).answer });
    await label().toMatch(/head 0/);
    const advice = page.getByRole("button", { name: /use the log scale/ });
    expect(advice.query()).toBeNull();
    context.selection.set({ heads: [1], head: 1 });
    await advice.click();
    expect(context.traits.scale).toBe("log");
    expect(advice.query()).toBeNull();
  });

  it("positions without names once", async () => {
    open({ answer: fakeModel({ tokens: Array.from({ length: 4 }, (_, i) => String(i)), special: [] }).answer });
    await label().toMatch(/head 0/);
    await userEvent.hover(canvas(), { position: { x: 200, y: 100 } });
    await expect.poll(() => document.querySelector(".nnw-tip")?.textContent).toMatch(/query \d key \d $/);
  });

  it("a cached head in the same frame", async () => {
    open();
    await label().toMatch(/head 0/);
    context.selection.set({ heads: [5], head: 5 });
    await label().toMatch(/head 5/);
    context.selection.set({ heads: [0], head: 0 });
    expect(canvas().getAttribute("aria-label")).toMatch(/head 0/);
  });

  it("words where nothing is left to show, and the way back", async () => {
    open({ answer: fakeModel({ tokens: ["[CLS]", "[SEP]"] }).answer });
    await label().toMatch(/2 queries/);
    await page.getByRole("combobox", { name: "Special tokens" }).selectOptions("hide");
    await expect.element(page.getByText(/Every token is special/)).toBeVisible();
    await page.getByRole("combobox", { name: "Special tokens" }).selectOptions("show");
    await expect.element(canvas()).toBeVisible();
  });

  it("one hidden column less, with colours that use the room", async () => {
    const weight = (_l: number, _h: number, _q: number, key: number) => (key === 0 ? 0.9 : key === 1 ? 0.1 : 0);
    open({ answer: fakeModel({ ...four, special: [0], weight }).answer, options: { special_tokens: "hide" } });
    await label().toMatch(/3 queries \(rows\) × 3 keys/);
    await shown().toBeGreaterThan(500);
  });

  it("dimmed tokens veiled once, and colours that end where they do without them", async () => {
    const weight = (_l: number, _h: number, query: number, key: number) => (query * key === 0 ? 0.9 : 0.1);
    open({ answer: fakeModel({ ...four, special: [0], weight }).answer, options: { special_tokens: "dim" } });
    await shown().toBeGreaterThan(9 * 400);
    const { x, y } = find(BRIGHT);
    const side = Math.sqrt(find(BRIGHT).count / 9) / devicePixelRatio;
    const color = (right: number, down: number) => {
      const context2d = canvas().getContext("2d") as CanvasRenderingContext2D;
      const [left, top] = [x + (right - 2) * side, y + (down - 2.3) * side];
      return [...context2d.getImageData(left * devicePixelRatio, top * devicePixelRatio, 1, 1).data.slice(0, 3)];
    };
    expect(toCss(colorTable("viridis")[255] as number)).toBe(`rgb(${color(1, 1).join(" ")})`);
    const veiled = [253, 231, 37].map((part) => Math.round(part + 0.65 * (255 - part)));
    for (const at of [color(0, 0), color(0, 2), color(2, 0)]) {
      for (const [i, part] of at.entries()) expect(Math.abs(part - (veiled[i] as number))).toBeLessThanOrEqual(2);
    }
  });
});

describe("what a hand does", () => {
  it("a click picks query and key for all widgets, again lets them go", async () => {
    open({ answer: fakeModel({ ...four, weight: only(3, 0) }).answer });
    await shown().toBeGreaterThan(100);
    const { x, y } = find(BRIGHT);
    await userEvent.click(canvas(), { position: { x, y } });
    expect(context.selected).toMatchObject({ query: 3, key: 0 });
    await userEvent.click(canvas(), { position: { x, y } });
    expect(context.selected).toMatchObject({ query: null, key: null });
  });

  it("shows the crosshair of what another widget picked", async () => {
    open({ answer: fakeModel(four).answer });
    await label().toMatch(/head 0/);
    const overlay = document.querySelector(".nnw-map-overlay") as HTMLCanvasElement;
    expect(find("rgb(21 101 192)", overlay).count).toBe(0);
    context.selection.set({ query: 1, key: 2 });
    expect(find("rgb(21 101 192)", overlay).count).toBeGreaterThan(100);
  });

  it("zooms by wheel once it has the focus, by keys and buttons, and back", async () => {
    open({ answer: fakeModel({ ...four, tokens: words(40), weight: only(20, 20) }).answer });
    await shown().toBeGreaterThan(10);
    const small = find(BRIGHT);
    canvas().focus();
    canvas().dispatchEvent(wheel(small, -200));
    await expect.poll(() => find(BRIGHT).count).toBeGreaterThan(1.5 * small.count);
    await userEvent.keyboard("0");
    await expect.poll(() => find(BRIGHT).count).toBe(small.count);
    await userEvent.keyboard("+");
    await expect.poll(() => find(BRIGHT).count).toBeGreaterThan(1.5 * small.count);
    await page.getByRole("button", { name: "Show the whole matrix" }).click();
    await expect.poll(() => find(BRIGHT).count).toBe(small.count);
  });

  it("leaves the wheel to the page until then, and when there is nothing to zoom out", async () => {
    open();
    await label().toMatch(/head 0/);
    const away = wheel({ x: 200, y: 100 }, -200);
    canvas().dispatchEvent(away);
    expect(away.defaultPrevented).toBe(false);
    canvas().focus();
    const out = wheel({ x: 200, y: 100 }, 200);
    canvas().dispatchEvent(out);
    expect(out.defaultPrevented).toBe(false);
  });

  it("a drag zooms to its box", async () => {
    open({ answer: fakeModel({ ...four, tokens: words(40), weight: only(5, 5) }).answer });
    await shown().toBeGreaterThan(10);
    const { x, y, count } = find(BRIGHT);
    drag({ x: x - 25, y: y - 25 }, { x: x + 60, y: y + 60 });
    await expect.poll(() => find(BRIGHT).count).toBeGreaterThan(4 * count);
    expect(context.selected.query).toBeNull();
  });

  it("Escape lets go of what is kept", async () => {
    open({ answer: fakeModel(four).answer, selection: { query: 1, key: 2 } });
    await label().toMatch(/head 0/);
    canvas().focus();
    await userEvent.keyboard("{Escape}");
    expect(context.selected).toMatchObject({ query: null, key: null });
  });

  it("the keyboard's cursor says where it is, and picks", async () => {
    open({ answer: fakeModel({ ...four, weight: only(1, 2) }).answer });
    await shown().toBeGreaterThan(100);
    canvas().focus();
    await userEvent.keyboard("{ArrowRight}{ArrowRight}{ArrowDown}");
    await expect.element(page.getByText("b to c: 1.0000. Query 1, key 2.")).toBeInTheDocument();
    await userEvent.keyboard("{Enter}");
    expect(context.selected).toMatchObject({ query: 1, key: 2 });
    await userEvent.keyboard("{End}{PageDown}{Enter}");
    expect(context.selected).toMatchObject({ query: 3, key: 3 });
  });

  it("the table twin holds the weights in sight, as text", async () => {
    open({ answer: fakeModel({ tokens: ["<i>a</i>", "b"], special: [], weight: only(0, 1) }).answer });
    await shown().toBeGreaterThan(100);
    await page.getByRole("checkbox", { name: "as table" }).click();
    const cells = () => [...document.querySelectorAll(".nnw-table-twin tbody td")].map((cell) => cell.textContent);
    expect(cells()).toEqual(["0", "≈1.000", "0", "0"]);
    await expect.poll(cells).toEqual(["0", "1.0000", "0", "0"]);
    expect(context.asks.at(-1)?.args).toMatchObject({ queries: [0, 2], keys: [0, 2], head: 0 });
    expect(document.querySelector(".nnw-table-twin i")).toBeNull();
    await expect.element(page.getByRole("rowheader", { name: "<i>a</i>" })).toBeVisible();
  });

  it("the table stops at fifty", async () => {
    open({ answer: fakeModel({ tokens: words(80) }).answer });
    await label().toMatch(/80 queries/);
    await page.getByRole("checkbox", { name: "as table" }).click();
    expect(document.querySelectorAll(".nnw-table-twin tbody tr")).toHaveLength(50);
    await expect.element(page.getByText(/queries 0 to 49 \(rows\).*of 80 × 80/)).toBeVisible();
  });
});

describe("4,096 tokens", () => {
  const weight = only(3000, 1000);
  const tile = fakeModel({ tokens: words(4096), weight });
  /** The fake kernel would take a while over sixteen million weights: the coarse tiles are known. */
  const answer: FakePage["answer"] = (what, args) => {
    if (what !== "attention.tile" || args.level === 0) return tile.answer(what, args);
    const span = 2 ** (args.level as number);
    const size = Math.min(256, 4096 / span);
    const data = new Float32Array(size * size);
    const [row, column] = [
      Math.floor(3000 / span) - 256 * (args.row as number),
      Math.floor(1000 / span) - 256 * (args.column as number),
    ];
    if (row >= 0 && column >= 0 && row < size && column < size) data[row * size + column] = 1;
    return { value: {}, arrays: { tile: { shape: [size, size], data } } };
  };
  const tiles = () => context.asks.filter((ask) => ask.what === "attention.tile").map((ask) => ask.args);

  it("come as tiles: the coarse one first, finer ones where the reader looks, four at a time", async () => {
    let [flying, most] = [0, 0];
    open({
      answer: async (what, args) => {
        if (what !== "attention.tile") return answer(what, args);
        flying += 1;
        most = Math.max(most, flying);
        await new Promise((resolve) => setTimeout(resolve, 5));
        flying -= 1;
        return answer(what, args);
      },
    });
    await shown().toBeGreaterThan(0);
    expect(tiles()[0]).toMatchObject({ level: 4, row: 0, column: 0, reduce: "max" });
    expect(context.asks.some((ask) => ask.what === "attention.weights")).toBe(false);
    const spot = find(BRIGHT);
    canvas().focus();
    for (let i = 0; i < 6; i++) canvas().dispatchEvent(wheel(spot, -200));
    await expect.poll(() => tiles().at(-1)?.level).toBe(0);
    expect(tiles().filter((args) => args.level === 0)).toContainEqual(expect.objectContaining({ row: 11, column: 3 }));
    await shown().toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(4);
  });

  it("show coarse cells until the fine ones come", async () => {
    open({
      answer: (what, args) =>
        what === "attention.tile" && args.level !== 4 ? new Promise(() => {}) : answer(what, args),
    });
    await shown().toBeGreaterThan(0);
    const spot = find(BRIGHT);
    canvas().focus();
    for (let i = 0; i < 4; i++) canvas().dispatchEvent(wheel(spot, -200));
    await shown().toBeGreaterThan(20);
  });

  it("say when a tile failed, and do not ask for it for ever", async () => {
    open({
      answer: (what, args) => {
        if (what === "attention.tile") throw new Error("no tile today");
        return answer(what, args);
      },
    });
    await expect.poll(() => context.errors.map(String)).toContain("Error: no tile today");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(tiles().length).toBeLessThan(60);
  });

  it("let the reader choose what a pixel of several weights shows", async () => {
    open({ answer });
    await shown().toBeGreaterThan(0);
    await page.getByRole("combobox", { name: "Several a pixel" }).selectOptions("mean");
    await expect.poll(() => tiles().at(-1)?.reduce).toBe("mean");
  });
});

function wheel({ x, y }: { x: number; y: number }, deltaY: number): WheelEvent {
  const { left, top } = canvas().getBoundingClientRect();
  return new WheelEvent("wheel", { deltaY, clientX: left + x, clientY: top + y, bubbles: true, cancelable: true });
}

/** A drag in steps: the browser's own drag-and-drop helper moves elements, not boxes. */
function drag(from: { x: number; y: number }, to: { x: number; y: number }): void {
  const { left, top } = canvas().getBoundingClientRect();
  const at = (type: string, share: number) =>
    new PointerEvent(type, {
      pointerId: 1,
      isPrimary: true,
      bubbles: true,
      clientX: left + from.x + share * (to.x - from.x),
      clientY: top + from.y + share * (to.y - from.y),
    });
  canvas().setPointerCapture = () => {};
  canvas().dispatchEvent(at("pointerdown", 0));
  for (const share of [0.3, 0.6, 1]) canvas().dispatchEvent(at("pointermove", share));
  canvas().dispatchEvent(at("pointerup", 1));
}

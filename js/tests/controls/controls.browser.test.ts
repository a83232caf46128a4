/** Controls under real keys and pointers. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { createHeadPicker, pickHeads } from "../../src/controls/head_picker.ts";
import { createLayerPicker } from "../../src/controls/layer_picker.ts";
import { createNumber } from "../../src/controls/number.ts";
import { createSelect } from "../../src/controls/select.ts";
import { createSlider } from "../../src/controls/slider.ts";
import { createToggle } from "../../src/controls/toggle.ts";
import { createTokenColumn, type TokenWindow } from "../../src/controls/token_column.ts";

let life = new AbortController();
beforeEach(() => {
  life = new AbortController();
});
afterEach(() => {
  life.abort();
  document.body.replaceChildren();
});

describe("the head picker", () => {
  function build(heads: number[]) {
    let picked = heads;
    const picker = createHeadPicker((next, head) => {
      picked = next;
      picker.show(12, next, head);
    }, life.signal);
    document.body.append(picker.element);
    picker.show(12, heads, heads.at(-1) as number);
    return () => picked;
  }
  const head = (index: number) => page.getByRole("option", { name: `Head ${index}`, exact: true });

  it("picks one by a click, several with Shift, all with the button", async () => {
    const picked = build([0]);
    await head(2).click();
    expect(picked()).toEqual([2]);
    await head(5).click({ modifiers: ["Shift"] });
    expect(picked()).toEqual([2, 5]);
    await expect.element(head(5)).toHaveAttribute("aria-selected", "true");
    await page.getByRole("button", { name: "Show all heads" }).click();
    expect(picked()).toHaveLength(12);
    expect(picked().at(-1)).toBe(5);
  });

  it("moves and picks with arrows, toggles with Space and Shift+arrow, jumps with Home and End", async () => {
    const picked = build([3]);
    await userEvent.tab();
    await expect.element(head(3)).toHaveFocus();
    await userEvent.keyboard("{ArrowRight}");
    expect(picked()).toEqual([4]);
    await expect.element(head(4)).toHaveFocus();
    await userEvent.keyboard("{Shift>}{ArrowRight}{/Shift}");
    expect(picked()).toEqual([4, 5]);
    await userEvent.keyboard(" ");
    expect(picked()).toEqual([4]);
    await userEvent.keyboard("{End}");
    expect(picked()).toEqual([11]);
    await userEvent.keyboard("{ArrowRight}{Home}{ArrowLeft}");
    expect(picked()).toEqual([0]);
    await userEvent.keyboard("{Control>}a{/Control}");
    expect(picked()).toHaveLength(12);
  });

  it("has one tab stop and says what is selected", () => {
    build([1, 7]);
    expect([...document.querySelectorAll("[tabindex='0']")].map((chip) => chip.textContent)).toEqual(["7"]);
    const selected = document.querySelectorAll("[aria-selected=true]");
    expect([...selected].map((chip) => chip.getAttribute("aria-label"))).toEqual(["Head 1", "Head 7"]);
  });
});

it("never picks no head, and the focused one is the last", () => {
  expect(pickHeads([4], 4, "toggle", 8)).toEqual([4]);
  expect(pickHeads([4, 2], 4, "toggle", 8)).toEqual([2]);
  expect(pickHeads([4], 1, "toggle", 8)).toEqual([4, 1]);
  expect(pickHeads([4, 2], 1, "only", 8)).toEqual([1]);
  expect(pickHeads([], 2, "all", 4)).toEqual([0, 1, 3, 2]);
});

it("the layer picker shows the path as text and groups kinds", async () => {
  const pick = vi.fn();
  const picker = createLayerPicker(pick, life.signal);
  document.body.append(picker.element);
  const layers = [
    { path: "encoder.<b>0</b>", group: "encoder" },
    { path: "decoder.0", group: "cross" },
  ];
  picker.show(layers, 0);
  expect(picker.element.querySelector("b")).toBeNull();
  await expect.element(page.getByText("encoder.<b>0</b>")).toBeVisible();
  await expect.element(page.getByRole("group", { name: "cross" })).toBeVisible();
  await page.getByRole("option", { name: "Layer 1: decoder.0" }).click();
  expect(pick).toHaveBeenCalledWith(1, "only");
});

it("keeps the focus when the number of layers changes", async () => {
  const picker = createLayerPicker(() => {}, life.signal);
  document.body.append(picker.element);
  const layers = (count: number) => Array.from({ length: count }, (_, i) => ({ path: `l${i}`, group: "" }));
  picker.show(layers(3), 1);
  (page.getByRole("option", { name: "Layer 1: l1" }).element() as HTMLElement).focus();
  picker.show(layers(5), 2);
  await expect.element(page.getByRole("option", { name: "Layer 2: l2" })).toHaveFocus();
});

it("native controls report what a hand does", async () => {
  const [number, select, slide, toggle] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()];
  const step = createNumber("Step", number, life.signal);
  const colours = createSelect("Colours", [["a", "A"] as const, ["b", "B"] as const], select, life.signal);
  const slider = createSlider("Hide below", { low: 0, high: 1, step: 0.1, text: (v) => `${v}!` }, slide, life.signal);
  const log = createToggle("log scale", toggle, life.signal);
  document.body.append(step.element, colours.element, slider.element, log.element);
  step.show(2, 0, 9);
  colours.show("a");
  slider.show(0.5);
  log.show(false);

  await page.getByRole("spinbutton", { name: /Step/ }).fill("7");
  expect(number).toHaveBeenLastCalledWith(7);
  await page.getByRole("spinbutton", { name: /Step/ }).fill("70");
  expect(number).toHaveBeenCalledTimes(1);
  await page.getByRole("combobox", { name: "Colours" }).selectOptions("b");
  expect(select).toHaveBeenLastCalledWith("b");
  (page.getByRole("slider").element() as HTMLElement).focus();
  await userEvent.keyboard("{ArrowRight}");
  expect(slide).toHaveBeenLastCalledWith(0.6);
  await expect.element(page.getByRole("slider")).toHaveAttribute("aria-valuetext", "0.6!");
  await page.getByRole("checkbox", { name: "log scale" }).click();
  expect(toggle).toHaveBeenLastCalledWith(true);
  step.show(0, 0, 0);
  expect(step.element.hidden).toBe(true);
});

describe("a column of tokens", () => {
  function build(texts: string[], more: Partial<TokenWindow> = {}) {
    const events = { hover: vi.fn(), move: vi.fn(), pick: vi.fn(), leave: vi.fn(), letGo: vi.fn(), cross: vi.fn() };
    const column = createTokenColumn("Query tokens", "left", events, life.signal);
    document.body.append(column.element);
    column.element.style.cssText = "position: relative; width: 120px";
    const window: TokenWindow = {
      count: texts.length,
      row: (at) => ({ index: at, text: texts[at] as string, faint: false }),
      rowHeight: 20,
      offset: 0,
      height: 200,
      picked: null,
      focused: null,
      ...more,
    };
    column.show(window);
    for (const row of column.element.children) (row as HTMLElement).style.position = "absolute";
    return { events, column, window };
  }

  it("keeps hostile tokens text", () => {
    const hostile = ["<script>x</script>", '"><img src=x onerror=alert(1)>', "שלום", "👩‍👩‍👧‍👦", "y".repeat(10_000)];
    const { column } = build(hostile);
    expect(column.element.querySelectorAll("script, img")).toHaveLength(0);
    const texts = [...column.element.querySelectorAll("bdi")].map((token) => token.textContent);
    expect(texts.slice(0, 4)).toEqual(hostile.slice(0, 4));
    expect(texts[4]).toHaveLength(201);
  });

  it("holds only the rows in sight, and says where they are", () => {
    const { column } = build(
      Array.from({ length: 4096 }, (_, i) => `t${i}`),
      { offset: 30_000 },
    );
    const rows = [...column.element.children];
    expect(rows.length).toBeLessThan(14);
    expect(rows[0]?.textContent).toBe("t1500");
    expect(rows[0]?.getAttribute("aria-posinset")).toBe("1501");
    expect(rows[0]?.getAttribute("aria-setsize")).toBe("4096");
  });

  it("hovers, clicks, and moves by keys", async () => {
    const { events, column, window } = build(["a", "b", "c"]);
    await userEvent.hover(page.getByText("b"));
    expect(events.hover).toHaveBeenLastCalledWith(1);
    await userEvent.click(page.getByText("c"));
    expect(events.pick).toHaveBeenLastCalledWith(2);
    column.element.focus();
    column.show({ ...window, focused: 0 });
    await userEvent.keyboard("{ArrowDown}");
    expect(events.move).toHaveBeenLastCalledWith(1);
    await userEvent.keyboard("{End}");
    expect(events.move).toHaveBeenLastCalledWith(2);
    await userEvent.keyboard("{Enter}");
    expect(events.pick).toHaveBeenLastCalledWith(0);
    await userEvent.keyboard("{ArrowRight}");
    expect(events.cross).toHaveBeenCalled();
    await userEvent.keyboard("{Escape}");
    expect(events.letGo).toHaveBeenCalled();
    expect(column.element.getAttribute("aria-activedescendant")).toBe(column.element.children[0]?.id);
  });
});

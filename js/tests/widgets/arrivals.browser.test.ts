/** A new input under open views: whatever order version, overview, weights and selection arrive in, no two inputs mix. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import css from "../../src/controls/style.css";
import type { Answer, Arguments, View } from "../../src/runtime/context.ts";
import { view as headsView } from "../../src/widgets/attention_heads.ts";
import { view as mapView } from "../../src/widgets/attention_map.ts";
import { type FakeContext, mount } from "./fake_context.ts";
import { type FakeModel, fakeModel } from "./fake_model.ts";

const LONG = Array.from({ length: 16 }, (_, i) => `old${i}`);
const SHORT = Array.from({ length: 12 }, (_, i) => `new${i}`);
/** Of the same size, so that no shape tells the two inputs apart. */
const SAME = Array.from({ length: 16 }, (_, i) => `new${i}`);
const model = (tokens: readonly string[], weight: number) =>
  fakeModel({ tokens, special: [], weight: (_l, head) => weight + head / 100 });

interface Held {
  readonly what: string;
  readonly args: Arguments;
  /** Answer as this model does. */
  give(from: FakeModel): Promise<void>;
}

let context: FakeContext;
let held: Held[] = [];
let holding = false;
let present: FakeModel;
beforeEach(() => {
  const style = document.createElement("style");
  style.textContent = css;
  document.body.append(style);
  held = [];
  holding = false;
});
afterEach(() => {
  context.end();
  document.body.replaceChildren();
});

/** Opens a view on the old input, drawn; from then on nothing is answered before a test does it. */
async function open(view: View): Promise<void> {
  present = model(LONG, 0.1);
  const answer = (what: string, args: Arguments): Answer | Promise<Answer> => {
    if (!holding) return present.answer(what, args);
    return new Promise((resolve, reject) => {
      const give = async (from: FakeModel) => {
        try {
          resolve(from.answer(what, args));
        } catch (error) {
          reject(error);
        }
        await settled();
      };
      held.push({ what, args, give });
    });
  };
  context = mount(view, { answer }, 900);
  await expect.poll(drawn).toEqual({ tokens: "old", weight: "0.100" });
  holding = true;
}

/** Longer than what is out of date looks as if it were not. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 200));
const stale = () => document.querySelector(".nnw-picture")?.classList.contains("nnw-stale");

/** Answers the newest question of this kind. */
async function give(what: string, from: FakeModel): Promise<void> {
  const at = held.findLastIndex((ask) => ask.what === `attention.${what}`);
  expect(at, `a question about attention.${what} is open`).toBeGreaterThanOrEqual(0);
  await held.splice(at, 1)[0]?.give(from);
}
const pending = (what: string) => held.filter((ask) => ask.what === `attention.${what}`).length;

/** What is on the screen: whose tokens, and what weight stands for a pair of them. */
let drawn: () => { tokens: string | undefined; weight: string | undefined };

const heads = () => {
  const names = [...document.querySelectorAll(".nnw-left .nnw-token")].map((token) => token.textContent ?? "");
  const listed = document.querySelector(".nnw-strongest tbody tr");
  const tokens = new Set([...names, ...[...(listed?.querySelectorAll("bdi") ?? [])].map((name) => name.textContent)]);
  const kinds = new Set([...tokens].map((name) => name?.replace(/\d+/, "")));
  expect(kinds.size).toBeLessThanOrEqual(1);
  const weight = listed?.querySelector("td")?.textContent?.replace("≈", "0");
  return { tokens: [...kinds][0], weight: weight && Number(weight).toFixed(3) };
};
const map = () => {
  const toggle = document.querySelector<HTMLInputElement>(".nnw-toggles label:nth-child(3) input");
  if (toggle && !toggle.checked) toggle.click();
  const name = document.querySelector(".nnw-table-twin tbody th")?.textContent ?? undefined;
  const rows = document.querySelectorAll(".nnw-table-twin tbody tr").length;
  const weights = new Set([...document.querySelectorAll(".nnw-table-twin td")].map((cell) => cell.textContent));
  weights.delete("query \\ key");
  if (name) expect(rows).toBe((name.startsWith("old") ? LONG : shown).length);
  expect(weights.size).toBeLessThanOrEqual(1);
  const weight = [...weights][0]?.replace("≈", "");
  return { tokens: name?.replace(/\d+/, ""), weight: weight && Number(weight).toFixed(3) };
};
let shown: readonly string[] = SHORT;

describe.each([
  ["AttentionHeads", headsView, heads],
  ["AttentionMap", mapView, map],
] as const)("%s", (_name, view, look) => {
  beforeEach(() => {
    drawn = look;
  });
  const OLD = { tokens: "old", weight: "0.100" };
  const NEW = { tokens: "new", weight: "0.500" };

  describe.each([
    ["a shorter sentence", SHORT],
    ["one of the same length", SAME],
  ])("then %s", (_words, tokens) => {
    const next = model(tokens, 0.5);
    beforeEach(async () => {
      shown = tokens;
      await open(view);
    });

    it("version, overview, weights", async () => {
      context.rise();
      await settled();
      expect([drawn(), stale(), pending("weights")]).toEqual([OLD, true, 0]);
      await give("overview", next);
      expect([drawn(), stale()]).toEqual([OLD, true]);
      await give("weights", next);
      expect([drawn(), stale()]).toEqual([NEW, false]);
    });

    it("the selection changes between version and overview: nothing is asked with the old overview", async () => {
      context.rise();
      context.selection.set({ heads: [3], head: 3 });
      context.selection.set({ attention: 2, query: 1 });
      await settled();
      expect([drawn().tokens, stale(), pending("weights")]).toEqual(["old", true, 0]);
      context.selection.set({ heads: [0], head: 0, attention: 0, query: null });
      await give("overview", next);
      await give("weights", next);
      expect([drawn(), stale()]).toEqual([NEW, false]);
    });

    it("what was asked before the version rose is answered late, with the old weights", async () => {
      context.selection.set({ heads: [1], head: 1 });
      await settled();
      expect(pending("weights")).toBe(1);
      context.rise();
      await settled();
      await give("weights", model(LONG, 0.1));
      expect([drawn(), stale()]).toEqual([OLD, true]);
      context.selection.set({ heads: [0], head: 0 });
      await give("overview", next);
      expect([drawn(), stale()]).toEqual([OLD, true]);
      await give("weights", next);
      expect([drawn(), stale()]).toEqual([NEW, false]);
    });

    it("the same, and the old answer comes after the new overview", async () => {
      context.selection.set({ heads: [1], head: 1 });
      await settled();
      context.rise();
      await give("overview", next);
      expect(pending("weights")).toBe(2);
      const [before] = held.splice(0, 1);
      await before?.give(model(LONG, 0.1));
      expect([drawn(), stale()]).toEqual([OLD, true]);
      await give("weights", next);
      expect([drawn(), stale()]).toEqual([{ ...NEW, weight: "0.510" }, false]);
    });

    it("two versions in a row: the first overview comes last", async () => {
      context.rise();
      context.rise();
      await settled();
      const [first, second] = held.splice(0, 2);
      await second?.give(next);
      await first?.give(model(LONG, 0.9));
      await give("weights", next);
      expect([drawn(), stale(), pending("weights")]).toEqual([NEW, false, 0]);
    });

    it("another sample is another overview", async () => {
      context.selection.set({ sample: 1 });
      await settled();
      expect([drawn(), stale(), pending("weights")]).toEqual([OLD, true, 0]);
      await give("overview", fakeModel({ tokens, special: [], samples: 2, weight: () => 0.5 }));
      expect(held.at(-1)?.args.sample).toBe(1);
      await give("weights", next);
      expect([drawn(), stale()]).toEqual([NEW, false]);
    });

    it("an error keeps the last picture, marked", async () => {
      context.rise();
      await settled();
      holding = false;
      present = { ...model(LONG, 0.1), answer: () => Promise.reject(new Error("no model")) as never };
      context.rise();
      await expect.poll(() => context.errors.map(String)).toContain("Error: no model");
      expect([drawn(), stale()]).toEqual([OLD, true]);
      present = next;
      context.rise();
      await expect.poll(drawn).toEqual(NEW);
      expect(stale()).toBe(false);
    });
  });

  describe("weights that do not fit the overview", () => {
    const next = model(SHORT, 0.5);
    beforeEach(async () => {
      shown = SHORT;
      await open(view);
    });

    it("weights before the version: the overview is asked for again", async () => {
      context.selection.set({ heads: [1], head: 1 });
      await settled();
      await give("weights", next);
      expect([drawn(), stale()]).toEqual([OLD, true]);
      context.rise();
      await give("overview", next);
      await give("weights", next);
      expect([drawn(), stale()]).toEqual([{ ...NEW, weight: "0.510" }, false]);
      expect(context.errors.filter(Boolean)).toEqual([]);
    });

    it("the version never comes: it asks once more, then says so", async () => {
      holding = false;
      const mixed: FakeModel = {
        ...next,
        answer: (what, args) => (what === "attention.overview" ? model(LONG, 0) : next).answer(what, args),
      };
      present = mixed;
      context.selection.set({ heads: [1], head: 1 });
      await expect
        .poll(() => context.errors.map(String), { timeout: 3000 })
        .toContainEqual(expect.stringMatching(/12 × 12, but 16 × 16 fit the tokens/));
      const asked = context.asks.length;
      await settled();
      expect([drawn(), stale(), context.asks.length]).toEqual([OLD, true, asked]);
      present = next;
      context.rise();
      await expect.poll(drawn).toEqual({ ...NEW, weight: "0.510" });
    });
  });
});

it("tiles of the old input are not drawn with the new one", async () => {
  const long = Array.from({ length: 1200 }, (_, i) => `old${i}`);
  let now = fakeModel({ tokens: long, special: [], layers: 1, heads: 1, weight: () => 0.25 });
  let hold = false;
  const waiting: (() => void)[] = [];
  context = mount(
    mapView,
    {
      answer: async (what, args) => {
        const from = now;
        if (hold) await new Promise<void>((resolve) => waiting.push(resolve));
        return from.answer(what, args);
      },
    },
    900,
  );
  const label = () => document.querySelector("canvas[role=application]")?.getAttribute("aria-label") ?? "";
  await expect.poll(label).toMatch(/1200 queries/);
  hold = true;
  (document.querySelector("canvas[role=application]") as HTMLElement).focus();
  document.querySelector<HTMLButtonElement>("button[aria-label='Zoom in']")?.click();
  now = fakeModel({ tokens: long.slice(0, 1100), special: [], layers: 1, heads: 1, weight: () => 0.25 });
  context.rise();
  await settled();
  expect(stale()).toBe(true);
  const asked = context.asks.filter((ask) => ask.what === "attention.tile").length;
  hold = false;
  for (const go of waiting.splice(0)) go();
  await expect.poll(label).toMatch(/1100 queries/);
  expect(stale()).toBe(false);
  expect(context.asks.filter((ask) => ask.what === "attention.tile").length).toBeGreaterThan(asked);
  expect(context.errors.filter(Boolean)).toEqual([]);
});

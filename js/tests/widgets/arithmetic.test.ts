/** The arithmetic of the attention widgets, without a page: zoom, tiles, blocks, rows in sight, places, shown tokens. */
import { describe, expect, it } from "vitest";
import type { SelectionClient, SelectionState } from "../../src/runtime/context.ts";
import type { Exact, Span } from "../../src/widgets/attention/exact.ts";
import { ranges } from "../../src/widgets/attention/frame.ts";
import {
  columnOffset,
  type HeadsScene,
  isExact,
  linksInSight,
  peak,
  received,
  rowsInSight,
  strongest,
  weightAt,
} from "../../src/widgets/attention/heads_scene.ts";
import { most, wholeMatrix } from "../../src/widgets/attention/matrix.ts";
import { memo } from "../../src/widgets/attention/memo.ts";
import type { Overview } from "../../src/widgets/attention/overview.ts";
import { placeOf } from "../../src/widgets/attention/place.ts";
import { levelFor, tilesInView, topLevel } from "../../src/widgets/attention/tiled.ts";
import { shownTokens } from "../../src/widgets/attention/tokens.ts";
import { gathered } from "../../src/widgets/attention/unseen.ts";
import { including, inside, isAll, panned, whole, zoomed } from "../../src/widgets/attention/viewport.ts";
import { blocksBetween, type HeadRows } from "../../src/widgets/attention/weights.ts";
import { fakeModel } from "./fake_model.ts";

describe("the viewport", () => {
  const extent = { rows: 100, columns: 200 };
  it("keeps the point under the hand when it zooms", () => {
    const view = zoomed(whole(extent), extent, 2, 50, 25);
    expect(view).toEqual({ left: 25, right: 125, top: 12.5, bottom: 62.5 });
    expect(zoomed(view, extent, 0.5, 50, 25)).toEqual(whole(extent));
  });
  it("stays inside, keeps its proportions, and stops at three cells", () => {
    expect(isAll(inside({ left: -50, right: 500, top: 0, bottom: 10 }, extent), extent)).toBe(true);
    const box = inside({ left: 10, right: 30, top: 90, bottom: 95 }, extent);
    expect(box.right - box.left).toBeCloseTo(2 * (box.bottom - box.top));
    let view = whole(extent);
    for (let i = 0; i < 40; i++) view = zoomed(view, extent, 2, 150, 50);
    expect(view.bottom - view.top).toBeCloseTo(3);
    expect(view.left).toBeLessThan(150);
    expect(view.right).toBeGreaterThan(150);
  });
  it("pans to the edge and no further, and follows the cursor", () => {
    const view = zoomed(whole(extent), extent, 4, 0, 0);
    expect(panned(view, extent, 1000, 1000)).toEqual({ left: 150, right: 200, top: 75, bottom: 100 });
    const followed = including(view, extent, 60, 10);
    expect([followed.top, followed.bottom, followed.left]).toEqual([36, 61, 0]);
  });
});

describe("the pyramid", () => {
  const extent = { rows: 4096, columns: 4096 };
  it("has as many levels as the kernel's", () => {
    expect([256, 257, 4096, 4097].map((size) => topLevel({ rows: size, columns: 10 }))).toEqual([0, 1, 4, 5]);
  });
  it("takes cells no larger than a pixel", () => {
    expect([4, 1, 0.5, 0.3, 0.125, 0.001].map((cell) => levelFor(cell, 4))).toEqual([0, 0, 1, 1, 3, 4]);
  });
  it("asks for the tiles in sight, the middle first", () => {
    const tiles = tilesInView({ left: 250, right: 800, top: 0, bottom: 200 }, 0, extent);
    expect(tiles).toHaveLength(4);
    expect(tiles[0]).toEqual({ level: 0, row: 0, column: 2 });
    expect(tilesInView(whole(extent), 4, extent)).toEqual([{ level: 4, row: 0, column: 0 }]);
  });
});

it("aligns blocks of rows to 64", () => {
  expect(blocksBetween(100, 130, 4096)).toEqual([
    [64, 128],
    [128, 192],
  ]);
  expect(blocksBetween(4000, 9999, 4090)).toEqual([
    [3968, 4032],
    [4032, 4090],
  ]);
});

describe("shown tokens", () => {
  const tokens = { texts: ["[CLS]", "a", "b", "[PAD]"], special: [0], padding: [3] };
  it("hides special tokens and padding, and finds the rest", () => {
    const shown = shownTokens(tokens, 4, "hide");
    expect([...shown.indices]).toEqual([1, 2]);
    expect([shown.rowOf(0), shown.rowOf(2), shown.rowOf(null), shown.rowOf(99)]).toEqual([null, 1, null, null]);
    expect(shown.text(1)).toBe("b");
  });
  it("dims them, and numbers tokens without a name", () => {
    const shown = shownTokens(tokens, 5, "dim");
    expect([0, 1, 3].map(shown.faint)).toEqual([true, false, true]);
    expect(shown.text(4)).toBe("4");
  });
});

describe("where colours end", () => {
  const weights = { shape: [2, 3], data: Float32Array.of(0.9, 0.1, Number.NaN, 0.8, 0.3, 0.2) };
  const names = { texts: [], special: [0], padding: [] };
  const ends = (query: "show" | "dim" | "hide", key: "show" | "dim" | "hide") =>
    wholeMatrix(weights, 0.9, shownTokens({ ...names, special: [] }, 2, query), shownTokens(names, 3, key)).maximum();
  it("is the largest weight, of those that do not stand back where some do", () => {
    expect(ends("show", "show")).toBe(0.9);
    expect(ends("show", "dim")).toBeCloseTo(0.3);
    expect(ends("show", "hide")).toBeCloseTo(0.3);
  });
  it("is told when larger weights stand back", () => {
    const clipped = (special: "show" | "dim" | "hide") =>
      wholeMatrix(
        weights,
        0.9,
        shownTokens({ ...names, special: [] }, 2, "show"),
        shownTokens(names, 3, special),
      ).clipped();
    expect([clipped("show"), clipped("dim"), clipped("hide")]).toEqual([false, true, false]);
  });
  it("is the largest of all where all stand back", () => {
    expect(
      most(
        weights,
        () => true,
        () => false,
      ),
    ).toEqual({ plain: 0, all: expect.closeTo(0.9) });
    const all = shownTokens({ ...names, special: [0, 1] }, 2, "dim");
    expect(wholeMatrix(weights, 0.9, all, shownTokens(names, 3, "show")).maximum()).toBeCloseTo(0.9);
  });
});

function scene(matrix: number[][], more: Partial<HeadsScene> = {}): HeadsScene {
  const names = { texts: [], special: [], padding: [] };
  const head: HeadRows = {
    row: (query) => Float32Array.from(matrix[query] as number[]),
    maximum: Math.max(...matrix.flat()),
  };
  return {
    heads: [0],
    weights: [head],
    whole: true,
    query: shownTokens(names, matrix.length, "show"),
    key: shownTokens(names, (matrix[0] as number[]).length, "show"),
    threshold: 0.1,
    full: 1,
    focus: null,
    exact: [],
    picked: { query: null, key: null },
    beside: () => null,
    rowHeight: 20,
    height: 60,
    scroll: 0,
    ...more,
  };
}

function exact(queries: Span, keys: Span, ...weights: number[]): Exact {
  return { head: 0, queries, keys, weights: weights as unknown as Float32Array };
}

describe("padding", () => {
  const padded = shownTokens({ texts: [], special: [], padding: [1, 2] }, 3, "show");
  const three = scene(
    [
      [0.6, 0.4, 0],
      [0.1, 0.9, 0],
      [0.1, 0.9, 0],
    ],
    { query: padded, key: padded },
  );
  it("has no say in what a key receives", () => {
    const means = received(three.weights[0] as HeadRows, padded, padded);
    expect([...means]).toEqual([expect.closeTo(0.6), expect.closeTo(0.4), 0]);
  });
  it("is not among the strongest queries unless it is looked at", () => {
    expect(strongest(three, 9).map((pair) => pair.query)).toEqual([0, 0]);
    const focus = { side: "query", row: 1 } as const;
    expect(strongest({ ...three, focus }, 1)).toMatchObject([{ query: 1, key: 1 }]);
    expect(strongest({ ...three, focus: { side: "key", row: 1 } }, 9)).toMatchObject([{ query: 0 }]);
  });
});

it("modules that share a reason share a line", () => {
  const unseen = (...paths: string[]) => paths.map((path) => ({ path, reason: "compiled" }));
  expect(gathered([...unseen("a.9.self", "a.10.self"), { path: "b", reason: "traced" }])).toEqual([
    "a.9…10.self (2 modules): compiled",
    "b: traced",
  ]);
  expect(gathered(unseen("a.0", "a.2", "b"))).toEqual(["a.0, a.2, b (3 modules): compiled"]);
  expect(gathered(unseen("a", "b", "c", "d", "e"))).toEqual(["a … e (5 modules): compiled"]);
});

it("says heads in runs", () => {
  expect([ranges([5, 2]), ranges([3, 0, 1, 2, 7])]).toEqual(["2, 5", "0–3, 7"]);
});

describe("the scene of the heads", () => {
  it("draws no line below the threshold, and none for NaN", () => {
    expect(linksInSight(scene([[0.05, 0.5, Number.NaN]]), 0, false)).toEqual({
      links: [{ from: 10, to: 30, strength: 0.5 }],
      missing: true,
    });
  });
  it("draws the focused key's lines alone", () => {
    const { links } = linksInSight(
      scene(
        [
          [0.2, 0.8],
          [0.7, 0.3],
        ],
        { focus: { side: "key", row: 0 } },
      ),
      0,
      true,
    );
    expect(links.map((link) => [link.from, link.to])).toEqual([
      [10, 10],
      [30, 10],
    ]);
  });
  it("scrolls the shorter column in proportion", () => {
    const long = scene(
      Array.from({ length: 103 }, () => [1, 1, 1, 1, 1]),
      { scroll: 1000 },
    );
    expect([columnOffset(long, "query"), columnOffset(long, "key")]).toEqual([1000, 20]);
    expect(rowsInSight(long, "query")).toEqual([50, 53]);
  });
  it("finds the strongest pairs of all heads, once each", () => {
    const [first, second] = [scene([[0.9, 0.1]]), scene([[0.2, 0.6]])];
    const both = { ...first, heads: [3, 4], weights: [...first.weights, ...second.weights] };
    expect(strongest(both, 2)).toEqual([
      { query: 0, key: 0, weight: expect.closeTo(0.9), slot: 0 },
      { query: 0, key: 1, weight: expect.closeTo(0.6), slot: 1 },
    ]);
  });
  it("takes the focused token's exact weights where they have come", () => {
    const rough = scene([[0.5, 0.5]], { focus: { side: "query", row: 0 }, exact: [exact([0, 1], [0, 2], 0.49, 0.51)] });
    expect([weightAt(rough, 0, 0, 0), weightAt(rough, 0, 0, 1)]).toEqual([0.49, 0.51]);
    expect(strongest(rough, 2).map((pair) => pair.key)).toEqual([1, 0]);
    expect([isExact(rough, 0, 0, 0), isExact(rough, 1, 0, 0)]).toEqual([true, false]);
    const column = scene([[0.5], [0.5]], { focus: { side: "key", row: 0 }, exact: [exact([0, 2], [0, 1], 0.1, 0.9)] });
    expect(weightAt(column, 0, 1, 0)).toBe(0.9);
  });
  it("measures full strength, past NaN", () => {
    const odd = scene([[0.4, Number.NaN]]);
    expect(peak(true, odd.query, odd.key, ...odd.weights)).toBeCloseTo(0.4);
  });
});

describe("the place", () => {
  const overview = fakeModel({ heads: 4, layers: 2 }).answer("attention.overview", {}).value as unknown as Overview;
  const at = (state: Partial<SelectionState>) => {
    const full = { attention: null, heads: [], head: null, sample: null, step: null, query: null, key: null, ...state };
    return placeOf(overview, { get: (field: keyof typeof full) => full[field] } as unknown as SelectionClient);
  };
  it("is the first entry and head until something is selected", () => {
    expect(at({})).toMatchObject({ entry: { index: 0 }, head: 0, heads: [0], sample: 0, step: null });
  });
  it("leaves out what this layer does not have", () => {
    expect(at({ attention: 9, heads: [2, 11], head: 11, query: 99 })).toMatchObject({
      entry: { index: 0 },
      head: 2,
      heads: [2],
      query: null,
    });
  });
  it("is nowhere in a model without attention", () => {
    expect(placeOf({ ...overview, entries: [] }, { get: () => null } as unknown as SelectionClient)).toBeNull();
  });
});

it("memo computes again only when something changed", () => {
  let count = 0;
  const sum = memo((a: number, b: number) => {
    count += 1;
    return a + b;
  });
  expect([sum(1, 2), sum(1, 2), sum(2, 2), sum(2, 2)]).toEqual([3, 3, 4, 4]);
  expect(count).toBe(2);
});

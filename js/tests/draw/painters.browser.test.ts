/** What painters leave on a canvas, pixel by pixel. */
import { afterEach, describe, expect, it } from "vitest";
import { paintColumnLabels, paintRowLabels } from "../../src/draw/axis.ts";
import { type Context2D, fitCanvas } from "../../src/draw/canvas.ts";
import { paintColorBar } from "../../src/draw/colorbar.ts";
import { type HeatmapLook, paintHeatmap } from "../../src/draw/heatmap.ts";
import { paintLinks } from "../../src/draw/links.ts";
import { colorTable, css, pixel } from "../../src/draw/palette.ts";
import { magnitudeScale } from "../../src/draw/scale.ts";
import { fitText } from "../../src/draw/text.ts";
import { paintWeightCells } from "../../src/draw/weight_cells.ts";

afterEach(() => document.body.replaceChildren());

function board(width = 80, height = 80): Context2D {
  const canvas = document.createElement("canvas");
  document.body.append(canvas);
  return fitCanvas(canvas, width, height);
}
function at(context: Context2D, x: number, y: number): string {
  const ratio = context.getTransform().a;
  const [red, green, blue, alpha] = context.getImageData(Math.floor(x * ratio), Math.floor(y * ratio), 1, 1).data;
  return alpha ? `rgb(${red} ${green} ${blue})` : "nothing";
}
function inked(context: Context2D, x: number, y: number, width: number, height: number): number {
  const { data } = context.getImageData(x, y, width, height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
}
const color = (value: number) => css(colorTable("viridis")[Math.round(255 * value)] as number);
const look = (reduce: "max" | "mean" = "max"): HeatmapLook => ({
  scale: magnitudeScale("linear", 1),
  table: colorTable("viridis"),
  missing: [pixel(1, 2, 3), pixel(4, 5, 6)],
  reduce,
});
const piece = (values: number[], columns: number) => ({
  values: Float32Array.from(values),
  rows: values.length / columns,
  columns,
  top: 0,
  left: 0,
  span: 1,
});
const RECT = { x: 10, y: 20, width: 40, height: 40 };

describe("a heatmap", () => {
  it("fills each cell with its colour, and nothing beside the plot", () => {
    const context = board();
    paintHeatmap(context, piece([0, 0.25, 0.5, 1], 2), { left: 0, right: 2, top: 0, bottom: 2 }, RECT, look());
    expect([at(context, 11, 21), at(context, 31, 21), at(context, 29, 59), at(context, 49, 59)]).toEqual(
      [0, 0.25, 0.5, 1].map(color),
    );
    expect([at(context, 9, 30), at(context, 51, 30), at(context, 30, 19), at(context, 30, 61)]).toEqual(
      Array(4).fill("nothing"),
    );
  });
  it("hatches NaN in two colours of its own", () => {
    const context = board();
    paintHeatmap(context, piece([Number.NaN, 1], 2), { left: 0, right: 2, top: 0, bottom: 1 }, RECT, look());
    const seen = new Set(Array.from({ length: 12 }, (_, i) => at(context, 12 + i, 30)));
    expect([...seen].sort()).toEqual(["rgb(1 2 3)", "rgb(4 5 6)"]);
    expect(at(context, 40, 30)).toBe(color(1));
  });
  it("shows the largest or the mean where cells share a pixel, and never hides NaN", () => {
    const values = Array.from({ length: 400 }, () => 0);
    values[0] = 1;
    const view = { left: 0, right: 400, top: 0, bottom: 1 };
    const [most, mean, missing] = [board(), board(), board()];
    paintHeatmap(most, piece(values, 400), view, RECT, look("max"));
    paintHeatmap(mean, piece(values, 400), view, RECT, look("mean"));
    expect(at(most, 10, 30)).toBe(color(1));
    const ratio = devicePixelRatio;
    expect(at(mean, 10, 30)).toBe(color(Math.round(25.5 * ratio) / 255));
    values[1] = Number.NaN;
    paintHeatmap(missing, piece(values, 400), view, RECT, look("max"));
    expect(["rgb(1 2 3)", "rgb(4 5 6)"]).toContain(at(missing, 10, 30));
  });
  it("looks the same from codes as from the values that they stand for", () => {
    const side = 50;
    const codes = Uint8Array.from({ length: side * side }, (_, i) => (i * i * 37 + 11 * i) % 256);
    const tables = {
      plain: Float32Array.from({ length: 256 }, (_, code) => (code / 255) ** 2),
      special: Float32Array.from({ length: 256 }, (_, code) =>
        code < 253 ? (code / 252) ** 2 : ([-Infinity, Infinity, NaN][code - 253] as number),
      ),
    };
    const views = [
      [0, side, 0, side],
      [0, side, 10, 20],
      [12.3, 30.8, 0, side],
      [3, 9, 4, 11],
    ] as const;
    for (const values of Object.values(tables)) {
      const plain = piece(
        [...codes].map((code) => values[code] as number),
        side,
      );
      for (const [left, right, top, bottom] of views) {
        for (const reduce of ["max", "mean"] as const) {
          const [one, other] = [board(), board()];
          paintHeatmap(one, plain, { left, right, top, bottom }, RECT, look(reduce));
          paintHeatmap(other, { ...plain, coded: { codes, values } }, { left, right, top, bottom }, RECT, look(reduce));
          const pixels = (context: Context2D) => context.getImageData(0, 0, 80, 80).data.join();
          expect(pixels(other) === pixels(one)).toBe(true);
        }
      }
    }
  });
  it("draws only the part in sight of a piece that lies elsewhere", () => {
    const context = board();
    const tile = { ...piece([1], 1), top: 0, left: 8, span: 4 };
    paintHeatmap(context, tile, { left: 4, right: 12, top: 0, bottom: 8 }, RECT, look());
    expect([at(context, 29, 30), at(context, 31, 30), at(context, 31, 41)]).toEqual(["nothing", color(1), "nothing"]);
  });
});

it("a colour bar runs from low at the bottom to high at the top, with numbers", () => {
  const context = board(80, 80);
  const bar = { table: colorTable("viridis"), text: "#000", border: "#888", font: "11px sans-serif", clipped: false };
  paintColorBar(context, magnitudeScale("linear", 1), "weight", { x: 0, y: 5, width: 64, height: 70 }, bar);
  expect(at(context, 6, 7)).toMatch(/rgb\(2[345]\d 2[23]\d/);
  expect(at(context, 6, 73)).toMatch(/rgb\([67]\d \d+ [89]\d/);
  expect(inked(context, 17, 0, 20, 80)).toBeGreaterThan(20);
});

it("links join their ends, strong ones more opaque than weak ones", () => {
  const context = board();
  paintLinks(context, [{ from: 10, to: 10, strength: 1 }], {
    left: 0,
    right: 80,
    color: "rgb(200, 0, 0)",
    dark: false,
  });
  paintLinks(context, [{ from: 40, to: 60, strength: 0.05 }], {
    left: 0,
    right: 80,
    color: "rgb(200, 0, 0)",
    dark: false,
  });
  const alpha = (x: number, y: number) => context.getImageData(x, y, 1, 1).data[3] as number;
  expect(alpha(40, 10)).toBeGreaterThan(200);
  const column = Math.max(...Array.from({ length: 30 }, (_, i) => alpha(40, 35 + i)));
  expect(column).toBeGreaterThan(5);
  expect(column).toBeLessThan(100);
  expect(alpha(40, 75)).toBe(0);
});

it("weight cells grow with the weight, a column for each head", () => {
  const context = board();
  const cells = { text: "#000", faint: "#888", font: "10px sans-serif" };
  const rows = { first: 0, last: 1, top: () => 0, height: 20 };
  const blue = { color: "rgb(0, 0, 200)", value: () => 0.5 };
  paintWeightCells(context, [blue], rows, 60, 1, cells);
  expect(at(context, 25, 5)).not.toBe("nothing");
  expect(at(context, 45, 5)).toBe("nothing");
  const narrow = board();
  paintWeightCells(narrow, [blue, { ...blue, value: () => 0 }], rows, 60, 1, cells);
  expect([at(narrow, 25, 5), at(narrow, 55, 5)]).toEqual([expect.stringMatching(/rgb\(0 0 (199|200)\)/), "nothing"]);
});

it("text is cut to its width with an ellipsis, between graphemes", () => {
  const context = board();
  context.font = "12px sans-serif";
  expect(fitText(context, "short", 100)).toBe("short");
  const cut = fitText(context, "a".repeat(500), 50);
  expect(cut).toMatch(/^a+…$/);
  expect(context.measureText(cut).width).toBeLessThanOrEqual(50);
  expect(fitText(context, "anything", 0)).toBe("");
});

it("axis labels stand left of and under the plot, thinned out where dense", () => {
  const context = board(200, 200);
  const axis = { text: "#000", faint: "#999", accent: "#00f", border: "#888", font: "10px sans-serif", fontSize: 10 };
  const labels = { count: 100, text: (i: number) => `t${i}`, faint: () => false };
  const rect = { x: 60, y: 10, width: 100, height: 100 };
  paintRowLabels(context, { low: 0, high: 100, labels, marked: [] }, rect, 50, axis);
  paintColumnLabels(context, { low: 0, high: 100, labels, marked: [] }, rect, 60, "slanted", axis);
  expect(inked(context, 0, 0, 58, 112)).toBeGreaterThan(50);
  expect(inked(context, 40, 114, 120, 60)).toBeGreaterThan(50);
  expect(inked(context, 61, 11, 98, 98)).toBe(0);
});

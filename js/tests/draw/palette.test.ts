/** Colours: known points of the maps, and head colours that differ and can be written on. */
import { expect, it } from "vitest";
import { COLOR_MAPS, colorTable, css, headColor, inkOn, pixel } from "../../src/draw/palette.ts";

it("holds matplotlib's colours", () => {
  const viridis = colorTable("viridis");
  expect([0, 100, 255].map((i) => css(viridis[i] as number))).toEqual([
    "rgb(68 1 84)",
    "rgb(42 118 142)",
    "rgb(253 231 37)",
  ]);
  expect(css(colorTable("magma")[255] as number)).toBe("rgb(252 253 191)");
  expect(css(colorTable("gray")[128] as number)).toBe("rgb(128 128 128)");
  for (const map of COLOR_MAPS) expect(colorTable(map)).toHaveLength(256);
});

it("keeps an opaque pixel positive", () => expect(pixel(255, 0, 1)).toBe(0xff0100ff));

it("gives 24 heads 24 colours, and the same head the same colour", () => {
  expect(new Set(Array.from({ length: 24 }, (_, head) => headColor(head))).size).toBe(24);
  expect(headColor(5)).toBe(headColor(5));
});

it("writes black on yellow and white on blue", () => {
  expect([inkOn("rgb(240 228 66)"), inkOn("rgb(0 114 178)")]).toEqual(["#000", "#fff"]);
});

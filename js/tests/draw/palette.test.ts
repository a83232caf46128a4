/** Colours: those of the figures, and head colours that differ and can be written on. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { COLOR_MAPS, type ColorMap, colorTable, css, headColor, inkOn, pixel } from "../../src/draw/palette.ts";

const PYTHON = readFileSync(new URL("../../../nnwidgets/figures/palettes.py", import.meta.url), "utf8");
const BASE85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/** The figures' colours out of the source of the Python half: 256 of 3 bytes, base85, on lines of quoted text. */
function figureColors(map: ColorMap): number[] {
  const source = PYTHON.slice(PYTHON.indexOf(`    "${map}": (`));
  const text = source
    .slice(0, source.indexOf("\n    ),"))
    .split("\n")
    .slice(1)
    .map((line) => line.trim().slice(1, -1))
    .join("");
  return (text.match(/.{5}/g) ?? []).flatMap((five) => {
    const word = [...five].reduce((sum, character) => sum * 85 + BASE85.indexOf(character), 0);
    return [24, 16, 8, 0].map((shift) => Math.floor(word / 2 ** shift) % 256);
  });
}

it.each(["viridis", "magma", "cividis"] as const)("%s is the figures' within 1 of 255", (map) => {
  const expected = figureColors(map);
  expect(expected).toHaveLength(768);
  const shown = [...colorTable(map)].flatMap((color) => [color & 255, (color >> 8) & 255, (color >> 16) & 255]);
  const apart = shown.map((part, i) => Math.abs(part - (expected[i] as number)));
  expect(Math.max(...apart)).toBeLessThanOrEqual(1);
});

it("has 256 opaque colours in every map, and begins and ends with matplotlib's", () => {
  const ends = (map: ColorMap) => [0, 255].map((i) => css(colorTable(map)[i] as number));
  expect(ends("viridis")).toEqual(["rgb(68 1 84)", "rgb(253 231 37)"]);
  expect(ends("gray")).toEqual(["rgb(0 0 0)", "rgb(255 255 255)"]);
  for (const map of COLOR_MAPS) expect([...colorTable(map)].filter((color) => color >>> 24 === 255)).toHaveLength(256);
  expect(css(colorTable("gray")[128] as number)).toBe("rgb(128 128 128)");
});

it("keeps an opaque pixel positive", () => expect(pixel(255, 0, 1)).toBe(0xff0100ff));

it("gives 24 heads 24 colours, and the same head the same colour", () => {
  expect(new Set(Array.from({ length: 24 }, (_, head) => headColor(head))).size).toBe(24);
  expect(headColor(5)).toBe(headColor(5));
});

it("writes black on yellow and white on blue", () => {
  expect([inkOn("rgb(240 228 66)"), inkOn("rgb(0 114 178)")]).toEqual(["#000", "#fff"]);
});

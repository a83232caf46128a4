/** Values to places and words: linear and logarithmic scales, ticks, weights as text, thinned labels. */
import { describe, expect, it } from "vitest";
import { thinned } from "../../src/draw/axis.ts";
import { colorIndex, formatRounded, formatWeight, magnitudeScale, shortWeight } from "../../src/draw/scale.ts";

describe("a linear scale", () => {
  const scale = magnitudeScale("linear", 0.5);
  it("runs from zero to the maximum and holds at its ends", () => {
    expect([0, 0.25, 0.5, 9, -1].map((value) => scale.at(value))).toEqual([0, 0.5, 1, 1, 0]);
  });
  it("has round ticks", () => {
    expect(scale.ticks(5)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(magnitudeScale("linear", 0.037).ticks(4)).toEqual([0, 0.01, 0.02, 0.03]);
  });
  it("gives NaN no colour", () => {
    expect(colorIndex(scale, Number.NaN)).toBe(-1);
    expect(colorIndex(scale, Number.POSITIVE_INFINITY)).toBe(255);
  });
  it("survives a matrix of zeros or NaN", () => {
    expect(magnitudeScale("linear", 0).at(0)).toBe(0);
    expect(magnitudeScale("log", Number.NaN).at(0)).toBe(0);
  });
});

describe("a logarithmic scale", () => {
  const scale = magnitudeScale("log", 1);
  it("spends as much on each decade", () => {
    expect([1e-4, 1e-3, 1e-2, 1e-1, 1].map((value) => Number(scale.at(value).toFixed(6)))).toEqual([
      0, 0.25, 0.5, 0.75, 1,
    ]);
  });
  it("puts zero at its low end", () => expect(scale.at(0)).toBe(0));
  it("has a tick a decade", () => expect(scale.ticks(9)).toEqual([1e-4, 1e-3, 1e-2, 1e-1, 1]));
});

it("says a weight without pretending", () => {
  expect([0.41321, 0, 1, 0.000749, 3.21e-6, Number.NaN].map((value) => formatWeight(value))).toEqual([
    "0.4132",
    "0",
    "1.0000",
    "0.000749",
    "3.21e−6",
    "NaN",
  ]);
  expect([0.41321, 0.00749, 0, 1.4e-5, Number.NaN].map(formatRounded)).toEqual([
    "≈0.413",
    "≈0.0075",
    "0",
    "≈1.4e−5",
    "NaN",
  ]);
  expect([0.41321, 0, 1, 3.2e-6, Number.NaN].map(shortWeight)).toEqual([".41", "0", "1.00", "<.01", "NaN"]);
});

it("names every row where there is room, else every second, fifth, tenth", () => {
  expect(thinned(0, 5, 20, 12)).toEqual([0, 1, 2, 3, 4]);
  expect(thinned(0, 10, 7, 12)).toEqual([0, 2, 4, 6, 8]);
  expect(thinned(0, 20, 3, 12)).toEqual([0, 5, 10, 15]);
  expect(thinned(90, 130, 1.3, 12)).toEqual([90, 100, 110, 120]);
});

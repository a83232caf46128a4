/** What of a long line is drawn: against the plain way over all its points. */

import { describe, expect, it } from "vitest";
import { linearTicks, logTicks, reach, timeTicks } from "../../src/draw/curve_axes.ts";
import { decimate, valueAt } from "../../src/draw/decimate.ts";
import { formatSeconds, formatStep, formatTickValue, formatValue } from "../../src/draw/number.ts";
import { Smoothed, spacing } from "../../src/draw/smooth.ts";
import { Track } from "../../src/draw/track.ts";
import { seeded } from "../widgets/fake_run.ts";

function track(points: Iterable<readonly [x: number, y: number]>): Track {
  const made = new Track();
  for (const [x, y] of points) made.push(x, y);
  made.settle();
  return made;
}

function points({ x, y, length }: Track): [number, number][] {
  return Array.from({ length }, (_, at) => [x[at] as number, y[at] as number]);
}

function noisy(count: number, seed = 3): [number, number][] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, at) => [at, random() < 0.001 ? 50 * random() : random()]);
}

describe("a track", () => {
  it("sorts what comes out of order, stably, and keeps duplicates", () => {
    const random = seeded(11);
    const given = Array.from({ length: 500 }, (_, at) => [Math.floor(random() * 100), at] as [number, number]);
    const made = new Track();
    for (const [at, [x, y]] of given.entries()) {
      made.push(x, y);
      if (at % 37 === 0) made.settle();
    }
    made.settle();
    expect(points(made)).toEqual(
      given
        .map((p, at) => ({ p, at }))
        .sort((a, b) => a.p[0] - b.p[0] || a.at - b.at)
        .map(({ p }) => p),
    );
  });

  it("says that points have moved, not that some were added", () => {
    const made = track([
      [1, 1],
      [3, 3],
    ]);
    const { generation } = made;
    made.push(4, 4);
    made.settle();
    expect(made.generation).toBe(generation);
    made.push(2, 2);
    made.settle();
    expect(made.generation).toBeGreaterThan(generation);
  });

  it.each([1, 4, 5, 63, 64, 65, 4096, 5000])("summarises any stretch of %d points as the plain way does", (count) => {
    const given = noisy(count);
    if (count > 60) given[17] = [17, Number.NaN];
    const made = track(given);
    for (const most of [1, 4, 16, 64, 1024]) {
      let [sum, seen, low, high] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      made.stretches(0, count, most, (lowest, highest, total, finite) => {
        [sum, seen] = [sum + total, seen + finite];
        low = Math.min(low, made.y[lowest] as number);
        high = Math.max(high, made.y[highest] as number);
      });
      const finite = given.map(([, y]) => y).filter(Number.isFinite);
      expect(seen).toBe(finite.length);
      expect(sum).toBeCloseTo(
        finite.reduce((a, b) => a + b, 0),
        6,
      );
      expect([low, high]).toEqual([Math.min(...finite), Math.max(...finite)]);
    }
  });

  it("finds the nearest point, the newest of several at one place", () => {
    const made = track([
      [0, 1],
      [10, 2],
      [10, 3],
      [30, 4],
    ]);
    expect([-5, 4, 6, 10, 21, 99].map((x) => made.y[made.nearest(x)])).toEqual([1, 1, 3, 3, 4, 4]);
    expect(new Track().nearest(1)).toBe(-1);
  });
});

describe("decimation", () => {
  it("draws few points as they are, with one neighbour on each side", () => {
    const { line, band } = decimate(track(noisy(100)), 20, 30, 400);
    expect(band).toBeNull();
    expect(line.x).toEqual(Array.from({ length: 13 }, (_, at) => 19 + at));
  });

  it("keeps every spike of 100,000 points in two values a column", () => {
    const given = noisy(100_000);
    const made = track(given);
    for (const [from, to] of [
      [0, 99_999],
      [40_000, 60_000],
      [77_000.5, 79_123.25],
    ] as const) {
      const columns = 500;
      const { band, line, low, high } = decimate(made, from, to, columns);
      expect(band?.x.length).toBeLessThanOrEqual(columns);
      expect(line.x.length).toBeLessThanOrEqual(columns + 2);
      const inside = given.filter(([x]) => x >= from && x < to).map(([, y]) => y);
      expect(low).toBe(Math.min(...inside));
      expect(high).toBe(Math.max(...inside));
      for (const [x, y] of given.filter(([x, y]) => y > 1 && x >= from && x < to)) {
        const column = Math.floor(((x - from) / (to - from)) * columns);
        const at = band?.x.findIndex((place) => Math.floor(((place - from) / (to - from)) * columns) === column) ?? -1;
        expect(band?.high[at]).toBeGreaterThanOrEqual(y);
      }
    }
  });

  it("draws the mean of a column close to the true one", () => {
    const given = noisy(50_000);
    const { line } = decimate(track(given), 0, 49_999, 100);
    const column = 42;
    const inside = given.slice(column * 500, (column + 1) * 500).map(([, y]) => y);
    const mean = inside.reduce((a, b) => a + b, 0) / inside.length;
    expect(line.y[column]).toBeCloseTo(mean, 1);
  });

  it("breaks at NaN and says where; infinities by their direction; one of many in a column breaks nothing", () => {
    const few = decimate(
      track([
        [0, 1],
        [1, Number.NaN],
        [2, 3],
        [3, Number.POSITIVE_INFINITY],
        [4, Number.NEGATIVE_INFINITY],
      ]),
      0,
      4,
      400,
    );
    expect(few.line.y).toEqual([1, null, 3, null, null]);
    expect(few.odd).toEqual([
      { x: 1, kind: "nan" },
      { x: 3, kind: "+inf" },
      { x: 4, kind: "-inf" },
    ]);
    const given = noisy(10_000);
    given[5000] = [5000, Number.NaN];
    expect(decimate(track(given), 0, 9_999, 100).line.y).not.toContain(null);
    for (let at = 5000; at < 6000; at++) given[at] = [at, Number.NaN];
    const many = decimate(track(given), 0, 9_999, 100);
    expect(many.line.y.filter((y) => y === null).length).toBeGreaterThan(7);
    expect(many.odd.length).toBeGreaterThan(0);
  });

  it("leaves out what a logarithmic axis cannot show, and counts it", () => {
    const few = decimate(
      track([
        [0, 1],
        [1, 0],
        [2, -1],
        [3, 2],
      ]),
      0,
      3,
      400,
      true,
    );
    expect(few).toMatchObject({ dropped: 2, low: 1, high: 2 });
    expect(few.line.y).toEqual([1, null, null, 2]);
  });

  it("draws buckets from their lowest to their highest value", () => {
    const made = new Track();
    made.push(0, 1, 0.5, 9);
    made.push(10, 2, 1.5, 2.5);
    const { line, band, low, high } = decimate(made, 0, 10, 400);
    expect(line.y).toEqual([1, 2]);
    expect(band).toMatchObject({ low: [0.5, 1.5], high: [9, 2.5] });
    expect([low, high]).toEqual([0.5, 9]);
  });

  it("interpolates on a line, not over its breaks nor beside it", () => {
    const line = { x: [0, 10, 20, 30], y: [0, 1, null, 3] };
    expect([5, 10, 15, 25, -1, 31].map((x) => valueAt(line, x))).toEqual([
      0.5,
      1,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("smoothing", () => {
  it("is a debiased exponential mean of all points", () => {
    const given = noisy(200);
    const smooth = new Smoothed(track(given), 0.9, 1).follow();
    let [sum, weight] = [0, 0];
    for (const [at, [, y]] of given.entries()) {
      [sum, weight] = [0.9 * sum + y, 0.9 * weight + 1];
      expect(smooth.y[at]).toBeCloseTo(sum / weight, 10);
    }
    expect(smooth.y[0]).toBe(given[0]?.[1]);
  });

  it("goes on with what is added, and starts again when points moved", () => {
    const given = noisy(300);
    const source = track(given.slice(0, 100));
    const smoothed = new Smoothed(source, 0.8, 1);
    smoothed.follow();
    for (const [x, y] of given.slice(100)) source.push(x, y);
    expect(points(smoothed.follow())).toEqual(points(new Smoothed(track(given), 0.8, 1).follow()));
    source.push(50.5, 7);
    expect(points(smoothed.follow())).toEqual(points(new Smoothed(track([...given, [50.5, 7]]), 0.8, 1).follow()));
  });

  it("forgets by distance: a rare series is not smoothed away, and NaN spoils nothing", () => {
    const rare = track([
      [0, 1],
      [100, 5],
      [200, Number.NaN],
      [300, 9],
    ]);
    const { y } = new Smoothed(rare, 0.9, 1).follow();
    expect(y[1]).toBeCloseTo(5, 3);
    expect(y[2]).toBeNaN();
    expect(y[3]).toBeCloseTo(9, 3);
    expect(spacing([rare, track(noisy(301))])).toBe(1);
  });
});

describe("axes", () => {
  it("has round ticks, one decade or many, seconds to hours", () => {
    expect(linearTicks(0, 1, 5).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearTicks(-3, 3, 3).ticks).toEqual([-2, 0, 2]);
    expect(logTicks(0.001, 100, 6)).toEqual([0.001, 0.01, 0.1, 1, 10, 100]);
    expect(logTicks(0.9, 12, 8)).toEqual([1, 2, 5, 10]);
    expect(logTicks(1.1, 1.2, 4).length).toBeGreaterThan(1);
    expect(timeTicks(0, 3600, 6).ticks).toEqual([0, 600, 1200, 1800, 2400, 3000, 3600]);
  });

  it("gives a constant line room, and what is never below zero no room there", () => {
    const flat = reach(3, 3, false);
    expect(flat.low).toBeLessThan(3);
    expect(flat.high).toBeGreaterThan(3);
    expect(reach(0, 10, false).low).toBe(0);
    expect(reach(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true)).toEqual({ low: 0.1, high: 1 });
  });

  it("writes numbers as people read them", () => {
    expect(
      [0.03125, 1234.5678, 0, 3.2e-7, 1e9, -0.5, Number.NaN, Number.NEGATIVE_INFINITY].map((v) => formatValue(v)),
    ).toEqual(["0.03125", "1,235", "0", "3.2e−7", "1e9", "−0.5000", "NaN", "−∞"]);
    expect([0, 1234567, 2.5].map(formatStep)).toEqual(["0", "1,234,567", "2.50000"]);
    expect([0.04, 3.25, 59, 200, 7500, 3600, 200_000].map(formatSeconds)).toEqual([
      "0.04 s",
      "3.3 s",
      "59 s",
      "3 min 20 s",
      "2 h 5 min",
      "1 h",
      "2 d 7 h",
    ]);
    expect([formatTickValue(0.15, 0.05), formatTickValue(20_000, 20_000), formatTickValue(2_500_000, 500_000)]).toEqual(
      ["0.15", "20k", "2.5M"],
    );
  });
});

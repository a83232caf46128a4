/**
 * What of a line is drawn: about two points for each column of pixels, and none of them made up. The lowest and the highest
 * point of a column are kept at their own x, so no spike is ever lost; where columns hold many points their mean is drawn over it.
 */

import type { Track } from "./track.ts";

/** A line as it is handed to the painter; null where it breaks. */
export interface Polyline {
  readonly x: number[];
  readonly y: (number | null)[];
}

/** Points that are not finite: where, and which way they went. */
export interface OddPoint {
  readonly x: number;
  readonly kind: "nan" | "+inf" | "-inf";
}

export interface Drawn {
  /** The points themselves, or the lowest and highest of each column. */
  readonly points: Polyline;
  /** The mean of each column; null where every point is drawn. */
  readonly mean: Polyline | null;
  readonly odd: readonly OddPoint[];
  /** Of what is drawn, and on a logarithmic axis of what is above 0. */
  readonly low: number;
  readonly high: number;
  /** Points in sight that a logarithmic axis cannot show. */
  readonly dropped: number;
}

export const EMPTY: Polyline = { x: [], y: [] };

/** With no more points than this a column, all of them are drawn. */
const EACH = 2;
/** Marks of points that are not finite are at least so many columns apart. */
const MARKS_APART = 7;

/** The part of the track from `from` to `to`, for so many columns. Its neighbours are included, so that lines reach the edges. */
export function decimate(track: Track, from: number, to: number, columns: number, positive = false): Drawn {
  track.settle();
  const start = Math.max(0, track.first(from) - 1);
  const end = Math.min(track.length, Math.max(track.first(to), track.nearest(to) + 1) + 1);
  const odd = oddPoints(track, start, end, (to - from) / Math.max(1, columns));
  const many = end - start > EACH * columns + 4 && to > from;
  const drawn = many
    ? columnsOf(track, start, end, from, to, columns, positive)
    : { ...eachOf(track, start, end, positive), mean: null };
  return { ...drawn, odd };
}

function eachOf(track: Track, start: number, end: number, positive: boolean) {
  const [x, y]: [number[], (number | null)[]] = [[], []];
  let [low, high, dropped] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  // Points that stand for several are drawn from their lowest to their highest value.
  const spread = track.low !== null;
  for (let at = start; at < end; at++) {
    const value = track.y[at] as number;
    const place = track.x[at] as number;
    if (!Number.isFinite(value)) {
      if (y.length) put(x, y, place, null);
      continue;
    }
    const [least, most] = spread ? [track.lowAt(at), track.highAt(at)] : [value, value];
    if (positive && most <= 0) {
      dropped += 1;
      put(x, y, place, null);
      continue;
    }
    const bottom = positive && least <= 0 ? value : least;
    if (spread && bottom < most) put(x, y, place, bottom);
    put(x, y, place, most);
    if (bottom > 0 || !positive) low = Math.min(low, bottom);
    high = Math.max(high, most);
  }
  return { points: { x, y }, low, high, dropped };
}

function columnsOf(
  track: Track,
  start: number,
  end: number,
  from: number,
  to: number,
  columns: number,
  positive: boolean,
) {
  const scale = columns / (to - from);
  // The columns in sight, and one on each side for the neighbours.
  const size = columns + 2;
  const lowest = new Int32Array(size).fill(-1);
  const highest = new Int32Array(size).fill(-1);
  const sums = new Float64Array(size);
  const counts = new Uint32Array(size);
  const columnOf = (at: number) =>
    Math.min(size - 1, Math.max(0, 1 + Math.floor(((track.x[at] as number) - from) * scale)));
  let dropped = 0;
  track.stretches(start, end, Math.max(1, (end - start) / columns / 2), (least, most, sum, count, first) => {
    if (positive && track.highAt(most) <= 0) {
      dropped += count;
      return;
    }
    const [a, b, c] = [columnOf(least), columnOf(most), columnOf(first)];
    const bottom = positive && track.lowAt(least) <= 0 ? most : least;
    const [under, over] = [lowest[a] as number, highest[b] as number];
    if (under < 0 || track.lowAt(bottom) < track.lowAt(under)) lowest[a] = bottom;
    if (over < 0 || track.highAt(most) > track.highAt(over)) highest[b] = most;
    sums[c] = (sums[c] as number) + sum;
    counts[c] = (counts[c] as number) + count;
  });
  const broken = brokenColumns(track, start, end, columnOf, lowest, highest);
  const points: Polyline = { x: [], y: [] };
  const mean: Polyline = { x: [], y: [] };
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let column = 0; column < size; column++) {
    if (broken.has(column)) {
      const place = from + (column - 0.5) / scale;
      put(points.x, points.y, place, null);
      put(mean.x, mean.y, place, null);
      continue;
    }
    const [least, most] = [lowest[column] as number, highest[column] as number];
    const inSight = column > 0 && column < size - 1;
    for (const at of least >= 0 && most >= 0 && most < least ? [most, least] : [least, most]) {
      if (at < 0) continue;
      const value = at === most && at !== least ? track.highAt(at) : track.lowAt(at);
      put(points.x, points.y, track.x[at] as number, value);
      if (at === most && at === least && track.highAt(at) > value) put(points.x, points.y, track.x[at] as number, track.highAt(at));
      if (inSight && !(positive && value <= 0)) {
        low = Math.min(low, value);
        high = Math.max(high, track.highAt(at));
      }
    }
    const average = (sums[column] as number) / (counts[column] as number);
    if (counts[column] && !(positive && average <= 0)) {
      const place = inSight ? from + (column - 0.5) / scale : (track.x[column === 0 ? start : end - 1] as number);
      put(mean.x, mean.y, Math.min(place, track.x[end - 1] as number), average);
    }
  }
  return { points, mean, low, high, dropped };
}

/** Columns that hold points, but none that is finite: the line breaks there, and not where one of many is missing. */
function brokenColumns(
  track: Track,
  start: number,
  end: number,
  columnOf: (at: number) => number,
  lowest: Int32Array,
  highest: Int32Array,
): Set<number> {
  const broken = new Set<number>();
  for (const at of track.odd(start, end)) {
    const column = columnOf(at);
    if ((lowest[column] as number) < 0 && (highest[column] as number) < 0) broken.add(column);
  }
  return broken;
}

function oddPoints(track: Track, start: number, end: number, column: number): OddPoint[] {
  const found: OddPoint[] = [];
  const last: Partial<Record<OddPoint["kind"], number>> = {};
  for (const at of track.odd(start, end)) {
    const [x, value] = [track.x[at] as number, track.y[at] as number];
    const kind = Number.isNaN(value) ? "nan" : value > 0 ? "+inf" : "-inf";
    if (x - (last[kind] ?? Number.NEGATIVE_INFINITY) < MARKS_APART * column) continue;
    last[kind] = x;
    found.push({ x, kind });
  }
  return found;
}

function put(x: number[], y: (number | null)[], place: number, value: number | null): void {
  x.push(place);
  y.push(value);
}

/** The value of a polyline at x, on the straight line between its points; undefined beside it and where it breaks. */
export function valueAt({ x, y }: Polyline, place: number): number | undefined {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] as number) < place) low = middle + 1;
    else high = middle;
  }
  const [after, before] = [y[low], y[low - 1]];
  if (x[low] === place) return after ?? undefined;
  if (after === undefined || before === undefined || after === null || before === null) return undefined;
  const [left, right] = [x[low - 1] as number, x[low] as number];
  return before + ((after - before) * (place - left)) / (right - left);
}

/**
 * What of a line is drawn, so that it costs what its pixels cost. Few points are drawn as they are. Where columns of pixels hold
 * several, a bar stands in each, from its lowest to its highest value, so no spike is ever lost, and a line goes through their means.
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

/** From the lowest to the highest value at each x. */
export interface Band {
  readonly x: number[];
  readonly low: number[];
  readonly high: number[];
  /** Whether each x is a column of pixels: then a spike is drawn as a bar, which no slant makes fainter. */
  readonly columns: boolean;
}

export interface Drawn {
  /** The points; where they stand for several, or columns hold several, their means. */
  readonly line: Polyline;
  /** What the means leave out; null where every point is drawn. */
  readonly band: Band | null;
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
  const drawn = many ? columnsOf(track, start, end, from, to, columns, positive) : eachOf(track, start, end, positive);
  return { ...drawn, odd };
}

function eachOf(track: Track, start: number, end: number, positive: boolean) {
  const line: Polyline = { x: [], y: [] };
  const band: Band | null = track.low ? { x: [], low: [], high: [], columns: false } : null;
  let [low, high, dropped] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let at = start; at < end; at++) {
    const [place, value] = [track.x[at] as number, track.y[at] as number];
    const shows = Number.isFinite(value) && !(positive && value <= 0);
    if (Number.isFinite(value) && !shows) dropped += 1;
    line.x.push(place);
    line.y.push(shows ? value : null);
    if (!shows) continue;
    const [least, most] = [track.lowAt(at), track.highAt(at)];
    const bottom = positive && least <= 0 ? value : least;
    if (band) add(band, place, bottom, most);
    low = Math.min(low, bottom);
    high = Math.max(high, most);
  }
  return { line, band, low, high, dropped };
}

function add(band: Band, x: number, low: number, high: number): void {
  band.x.push(x);
  band.low.push(low);
  band.high.push(high);
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
  const line: Polyline = { x: [], y: [] };
  const band: Band = { x: [], low: [], high: [], columns: true };
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let column = 0; column < size; column++) {
    const inSight = column > 0 && column < size - 1;
    const place = inSight ? from + (column - 0.5) / scale : (track.x[column === 0 ? start : end - 1] as number);
    if (broken.has(column)) {
      line.x.push(place);
      line.y.push(null);
      continue;
    }
    const [under, over] = [lowest[column] as number, highest[column] as number];
    // A stretch may reach over the border: its highest point is then in one column, its lowest in the next.
    const [least, most] = [under < 0 ? over : under, over < 0 ? under : over];
    if (least >= 0 && inSight) {
      const value = track.lowAt(least);
      const bottom = positive && value <= 0 ? track.highAt(most) : value;
      add(band, place, bottom, track.highAt(most));
      low = Math.min(low, bottom);
      high = Math.max(high, track.highAt(most));
    }
    const average = (sums[column] as number) / (counts[column] as number);
    if (counts[column] && !(positive && average <= 0)) {
      line.x.push(Math.min(place, track.x[end - 1] as number));
      line.y.push(average);
    }
  }
  return { line, band, low, high, dropped };
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

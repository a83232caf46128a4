/** Paints a matrix as coloured cells, pixel by pixel: crisp when enlarged, honest when there are more cells than pixels. */

import type { Codes, NdArray } from "../runtime/context.ts";
import { type Context2D, pixelRatio, type Rect } from "./canvas.ts";
import { colorIndex, type Scale } from "./scale.ts";

/** A piece of a larger picture: its cells, and where they lie in the coordinates of the view. */
export interface HeatmapPiece {
  readonly values: NdArray["data"];
  /** The same cells as they came: what is painted from them need not be decoded. */
  readonly coded?: Codes | undefined;
  readonly rows: number;
  readonly columns: number;
  /** View coordinates of the first cell, and how many of them a cell covers. */
  readonly top: number;
  readonly left: number;
  readonly span: number;
}

export interface View {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface HeatmapLook {
  readonly scale: Scale;
  readonly table: Uint32Array;
  /** The two colours of the hatching that stands for NaN, as pixels of `colorTable`. */
  readonly missing: readonly [number, number];
  /** What a pixel shows where several cells share it. */
  readonly reduce: "max" | "mean";
}

/** Draws the part of `piece` that `view` shows into `rect` (CSS pixels), where the whole view fills `rect`. */
export function paintHeatmap(context: Context2D, piece: HeatmapPiece, view: View, rect: Rect, look: HeatmapLook): void {
  const ratio = pixelRatio(context);
  const across = cellsOfPixels(
    rect.x * ratio,
    rect.width * ratio,
    view.left,
    view.right,
    piece.left,
    piece.span,
    piece.columns,
  );
  const down = cellsOfPixels(
    rect.y * ratio,
    rect.height * ratio,
    view.top,
    view.bottom,
    piece.top,
    piece.span,
    piece.rows,
  );
  if (!across || !down) return;
  const image = context.createImageData(across.length, down.length);
  const pixels = new Uint32Array(image.data.buffer);
  const single = across.single && down.single;
  const { coded, columns } = piece;
  const colorOf = pixelsOf(look);
  if (coded && (single || (look.reduce === "max" && !Number.isNaN(coded.values.at(-1))))) {
    fillFromCodes(pixels, coded, columns, across, down, colorOf);
  } else fillFromValues(pixels, piece, across, down, look.reduce, colorOf);
  hatch(pixels, across, down, look.missing, ratio);
  context.putImageData(image, across.start, down.start);
}

/** The pixel of each code is worked out once, and the largest code stands for the largest value. */
function fillFromCodes(
  pixels: Uint32Array,
  { codes, values }: Codes,
  columns: number,
  across: Pixels,
  down: Pixels,
  colorOf: (value: number) => number,
): void {
  const pixelOf = Uint32Array.from(values, colorOf);
  const largest = codes.slice(0, columns);
  const end = across.stop[across.length - 1] as number;
  for (let y = 0; y < down.length; y++) {
    const [row, stop, start] = [down.first[y] as number, down.stop[y] as number, y * across.length];
    if (y > 0 && row === down.first[y - 1] && stop === down.stop[y - 1]) {
      pixels.copyWithin(start, start - across.length, start);
      continue;
    }
    largest.set(codes.subarray(row * columns, (row + 1) * columns));
    for (let other = row + 1; other < stop; other++) {
      const first = other * columns;
      for (let column = across.first[0] as number; column < end; column++) {
        const code = codes[first + column] as number;
        if (code > (largest[column] as number)) largest[column] = code;
      }
    }
    for (let x = 0; x < across.length; x++) {
      const last = across.stop[x] as number;
      let column = across.first[x] as number;
      let most = largest[column] as number;
      while (++column < last) if ((largest[column] as number) > most) most = largest[column] as number;
      pixels[start + x] = pixelOf[most] as number;
    }
  }
}

function fillFromValues(
  pixels: Uint32Array,
  piece: HeatmapPiece,
  across: Pixels,
  down: Pixels,
  reduce: "max" | "mean",
  colorOf: (value: number) => number,
): void {
  const { values, columns } = piece;
  const single = across.single && down.single;
  for (let y = 0; y < down.length; y++) {
    const row = down.first[y] as number;
    const start = y * across.length;
    if (single && y > 0 && row === down.first[y - 1]) {
      pixels.copyWithin(start, start - across.length, start);
      continue;
    }
    for (let x = 0; x < across.length; x++) {
      const column = across.first[x] as number;
      const value = single
        ? (values[row * columns + column] as number)
        : reduced(piece, row, down.stop[y] as number, column, across.stop[x] as number, reduce);
      pixels[start + x] = colorOf(value);
    }
  }
}

/** The pixel for a value; 0 for NaN. A linear scale is worked out in place: this runs for every pixel. */
function pixelsOf({ scale, table }: HeatmapLook): (value: number) => number {
  if (scale.kind === "linear" && scale.low === 0) {
    const { high } = scale;
    const last = table[255] as number;
    const first = table[0] as number;
    return (value) => {
      const place = (255 * value) / high;
      if (place < 255) return place > 0 ? (table[(place + 0.5) | 0] as number) : first;
      return place >= 255 ? last : 0;
    };
  }
  return (value) => {
    const index = colorIndex(scale, value);
    return index < 0 ? 0 : (table[index] as number);
  };
}

interface Pixels {
  /** The first device pixel, and how many follow. */
  readonly start: number;
  readonly length: number;
  /** The cells of each pixel: from `first` up to, not including, `stop`. */
  readonly first: Int32Array;
  readonly stop: Int32Array;
  /** Whether no pixel shows more than one cell. */
  readonly single: boolean;
}

function cellsOfPixels(
  origin: number,
  size: number,
  low: number,
  high: number,
  begin: number,
  span: number,
  cells: number,
): Pixels | null {
  const perPixel = (high - low) / size;
  const place = (coordinate: number) => origin + (coordinate - low) / perPixel;
  const start = Math.max(Math.round(origin), Math.round(place(begin)));
  const end = Math.min(Math.round(origin + size), Math.round(place(begin + span * cells)));
  const length = end - start;
  if (!(length > 0)) return null;
  const single = perPixel <= span * 1.001;
  const first = new Int32Array(length);
  const stop = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const cell = (pixel: number) => (low + (pixel - origin) * perPixel - begin) / span;
    if (single) {
      first[i] = Math.min(cells - 1, Math.max(0, Math.floor(cell(start + i + 0.5))));
      stop[i] = (first[i] as number) + 1;
    } else {
      first[i] = Math.min(cells - 1, Math.max(0, Math.floor(cell(start + i) + 1e-6)));
      stop[i] = Math.min(cells, Math.max((first[i] as number) + 1, Math.floor(cell(start + i + 1) + 1e-6)));
    }
  }
  return { start, length, first, stop, single };
}

function reduced(
  piece: HeatmapPiece,
  top: number,
  bottom: number,
  left: number,
  right: number,
  reduce: "max" | "mean",
): number {
  const { values, columns } = piece;
  if (reduce === "max") {
    let most = Number.NEGATIVE_INFINITY;
    for (let row = top; row < bottom; row++) {
      for (let at = row * columns + left, end = row * columns + right; at < end; at++) {
        const value = values[at] as number;
        if (value > most) most = value;
        // It must not hide behind a larger neighbour.
        else if (Number.isNaN(value)) return value;
      }
    }
    return most;
  }
  let sum = 0;
  for (let row = top; row < bottom; row++) {
    for (let at = row * columns + left, end = row * columns + right; at < end; at++) sum += values[at] as number;
  }
  return sum / ((bottom - top) * (right - left));
}

/** NaN was left transparent: fill it with diagonal stripes. */
function hatch(
  pixels: Uint32Array,
  across: Pixels,
  down: Pixels,
  [dark, light]: readonly [number, number],
  ratio: number,
): void {
  const width = Math.max(2, Math.round(3 * ratio));
  for (let at = pixels.indexOf(0); at >= 0; at = pixels.indexOf(0, at + 1)) {
    const x = across.start + (at % across.length);
    const y = down.start + Math.floor(at / across.length);
    pixels[at] = Math.floor((x + y) / width) % 2 ? dark : light;
  }
}

/** Paints pictures of uint8 pixels: crisp where they are enlarged, smooth where they are made smaller. */

import { type Context2D, pixelRatio, type Rect } from "./canvas.ts";

/** Height, width and channels: 1 is grey, 3 is red, green, blue. */
export type PictureShape = readonly [height: number, width: number, channels: number];

export interface PictureLook {
  /** Blends pixels where the picture is enlarged too; without it they are seen as they are. */
  readonly smooth?: boolean;
}

/** Draws one picture into a place of CSS pixels. */
export function paintPicture(
  context: Context2D,
  data: Uint8Array,
  shape: PictureShape,
  x: number,
  y: number,
  width: number,
  height: number,
  { smooth = false }: PictureLook = {},
): void {
  const [rows, columns] = shape;
  const ratio = pixelRatio(context);
  context.save();
  context.imageSmoothingEnabled = smooth || width * ratio < columns || height * ratio < rows;
  context.imageSmoothingQuality = "high";
  context.drawImage(workshop(data, shape), 0, 0, columns, rows, x, y, width, height);
  context.restore();
}

/** Where the pictures of a grid lie: in rows of `columns`, each of `width` × `height`, `gap` apart. */
export interface PictureGrid {
  readonly columns: number;
  readonly width: number;
  readonly height: number;
  readonly gap: number;
  /** Between rows, where there is text under the pictures; else as `gap`. */
  readonly rowGap?: number;
}

/** The place of a picture of the grid, from its corner. */
export function gridPlace(index: number, { columns, width, height, gap, rowGap = gap }: PictureGrid): Rect {
  const [row, column] = [Math.floor(index / columns), index % columns];
  return { x: column * (width + gap), y: row * (height + rowGap), width, height };
}

/** The size of the whole grid. */
export function gridSize(
  count: number,
  { columns, width, height, gap, rowGap = gap }: PictureGrid,
): readonly [width: number, height: number] {
  const [across, down] = [Math.min(count, columns), Math.ceil(count / columns)];
  return [Math.max(0, across * (width + gap) - gap), Math.max(0, down * (height + rowGap) - rowGap)];
}

/** Draws pictures that lie one after the other in `data`, as a grid with its corner at `x`, `y`. */
export function paintPictures(
  context: Context2D,
  data: Uint8Array,
  count: number,
  shape: PictureShape,
  grid: PictureGrid,
  x: number,
  y: number,
  look: PictureLook = {},
): void {
  const size = shape[0] * shape[1] * shape[2];
  for (let index = 0; index < count; index++) {
    const place = gridPlace(index, grid);
    const picture = data.subarray(index * size, (index + 1) * size);
    paintPicture(context, picture, shape, x + place.x, y + place.y, grid.width, grid.height, look);
  }
}

/**
 * The widest grid of `count` pictures in a room of that width: one row where they fit at `most` px each, else the fewest
 * rows of at most `columns` in which they are at least `least` px wide. Where pictures are enlarged, by a whole number of device pixels.
 */
export function fitGrid(
  count: number,
  [rows, columns]: PictureShape,
  room: number,
  { gap = 6, least = 64, most = 192, columns: wanted = count } = {},
): PictureGrid {
  const across = Math.max(1, Math.min(count, wanted, Math.floor((room + gap) / (least + gap))));
  const wide = Math.max(1, Math.min(most, Math.floor((room + gap) / across) - gap));
  const ratio = globalThis.devicePixelRatio || 1;
  const times = Math.floor((wide * ratio) / columns);
  const width = times >= 1 ? (times * columns) / ratio : wide;
  return { columns: across, width, height: (width * rows) / columns, gap };
}

let made: { readonly canvas: HTMLCanvasElement; readonly context: Context2D; readonly image: ImageData } | null = null;

/** A canvas of one picture's pixels, kept for the next picture of its size: frames are drawn many times a second. */
function workshop(data: Uint8Array, [rows, columns, channels]: PictureShape): HTMLCanvasElement {
  if (made?.image.width !== columns || made.image.height !== rows) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [columns, rows];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("This browser gives no 2D canvas, which the picture needs.");
    made = { canvas, context, image: context.createImageData(columns, rows) };
  }
  const pixels = made.image.data;
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let at = 0, to = 0; to < pixels.length; at += channels, to += 4) {
    pixels[to] = data[at] as number;
    pixels[to + 1] = data[at + green] as number;
    pixels[to + 2] = data[at + blue] as number;
    pixels[to + 3] = 255;
  }
  made.context.putImageData(made.image, 0, 0);
  return made.canvas;
}

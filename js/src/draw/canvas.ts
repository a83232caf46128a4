/** A canvas as sharp as the screen: sized in CSS pixels, backed by device pixels. */

export type Context2D = CanvasRenderingContext2D;

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Sizes the canvas, clears it or only these parts of it, and returns a context whose unit is the CSS pixel. */
export function fitCanvas(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  parts: readonly Rect[] = [{ x: 0, y: 0, width, height }],
): Context2D {
  const ratio = globalThis.devicePixelRatio || 1;
  const [deviceWidth, deviceHeight] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  // Setting a size, even the same one, throws the backing store away.
  if (canvas.width !== deviceWidth) canvas.width = deviceWidth;
  if (canvas.height !== deviceHeight) canvas.height = deviceHeight;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser gives no 2D canvas, which the picture needs.");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const part of parts) context.clearRect(part.x, part.y, part.width, part.height);
  return context;
}

/** Device pixels for one CSS pixel, as `fitCanvas` set it. */
export function pixelRatio(context: Context2D): number {
  return context.getTransform().a || 1;
}

/** Paints the key to a heatmap's colours: a bar with ticks, numbers and the name of what is measured. */

import { type Context2D, pixelRatio, type Rect } from "./canvas.ts";
import { formatTick, type Scale } from "./scale.ts";

export interface ColorBarLook {
  readonly table: Uint32Array;
  readonly text: string;
  readonly border: string;
  readonly font: string;
  /** Whether values beyond the scale have its last colour: its end is a tick that says so. */
  readonly clipped: boolean;
}

/** What a number beside the bar takes, in pixels. */
const LINE = 13;

const BAR = 12;

/** Room beside the heatmap: bar, tick, number and the rotated title. */
export const COLOR_BAR_WIDTH = 82;

/** A standing bar at the left of `rect`, its numbers and its `title` to the right of it. */
export function paintColorBar(context: Context2D, scale: Scale, title: string, rect: Rect, look: ColorBarLook): void {
  const ratio = pixelRatio(context);
  const [width, height] = [Math.round(BAR * ratio), Math.max(1, Math.round(rect.height * ratio))];
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let y = 0; y < height; y++) {
    const index = height > 1 ? Math.round(255 * (1 - y / (height - 1))) : 255;
    pixels.fill(look.table[index] as number, y * width, (y + 1) * width);
  }
  context.putImageData(image, Math.round(rect.x * ratio), Math.round(rect.y * ratio));
  context.save();
  context.font = look.font;
  context.fillStyle = look.text;
  context.strokeStyle = look.border;
  context.lineWidth = 1;
  context.strokeRect(rect.x + 0.5, rect.y + 0.5, BAR - 1, rect.height - 1);
  context.textBaseline = "middle";
  context.textAlign = "left";
  const place = (value: number) => rect.y + rect.height * (1 - scale.at(value));
  let widest = 0;
  const round = scale.ticks(Math.max(2, rect.height / 60));
  const ticks = look.clipped ? [...round.filter((tick) => place(tick) > rect.y + LINE), scale.high] : round;
  for (const tick of ticks) {
    const y = Math.min(rect.y + rect.height - 0.5, Math.max(rect.y + 0.5, Math.round(place(tick)) + 0.5));
    context.beginPath();
    context.moveTo(rect.x + BAR, y);
    context.lineTo(rect.x + BAR + 4, y);
    context.stroke();
    const ends = look.clipped && tick === scale.high;
    const beyond = ends ? "≥ " : scale.kind === "log" && tick <= scale.low ? "≤ " : "";
    const label = `${beyond}${formatTick(ends ? Number(tick.toPrecision(2)) : tick)}`;
    context.fillText(label, rect.x + BAR + 6, ends ? Math.max(y, LINE / 2) : y);
    widest = Math.max(widest, context.measureText(label).width);
  }
  context.translate(rect.x + BAR + 6 + widest + 11, rect.y + rect.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(title, 0, 0);
  context.restore();
}

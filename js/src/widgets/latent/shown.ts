/** What is decoded, as it is looked at: pictures, curves or texts, and how one of them is painted. */

import type { Context2D, Rect } from "../../draw/canvas.ts";
import { type PictureShape, paintPicture } from "../../draw/pictures.ts";
import { displayText } from "../../draw/text.ts";
import type { Answer, Theme } from "../../runtime/context.ts";

export interface Shown {
  readonly count: number;
  /** Width by height of one. */
  readonly aspect: number;
  /** How many have values that are not numbers. */
  readonly broken: number;
  paint(context: Context2D, index: number, place: Rect, theme: Theme): void;
  /** What a screen reader hears of one, where it is a text. */
  words(index: number): string;
}

/** Lines of a text in one place. */
const LINE = 14;

/** What an answer holds; `name` stands before its parts where there are several. Null where there is nothing to see. */
export function readShown({ value, arrays }: Answer, name = ""): Shown | null {
  const kind = value[`${name}kind`];
  const broken = Number(value[`${name}broken`] ?? 0);
  const pictures = arrays[`${name}pictures`];
  if (kind === "images" && pictures) {
    const [height, width, channels] = pictures.shape.slice(-3) as [number, number, number];
    return images(pictures.data as Uint8Array, [height, width, channels], broken);
  }
  const curves = arrays[`${name}curves`];
  if (kind === "curves" && curves) return lines(curves.data as Float32Array, curves.shape.at(-1) ?? 1, broken);
  if (kind === "texts") return texts((value[`${name}texts`] as string[] | undefined) ?? []);
  return null;
}

function images(data: Uint8Array, shape: PictureShape, broken: number): Shown {
  const [height, width, channels] = shape;
  const size = height * width * channels;
  return {
    count: size ? data.length / size : 0,
    aspect: width / height,
    broken,
    paint(context, index, place) {
      // A pixel more or less is no other aspect: cells of a grid are not all of one size, and leave no gaps.
      const fitting = inside(place, width / height);
      const whole = place.width - fitting.width <= 1.5 && place.height - fitting.height <= 1.5;
      const { x, y, width: wide, height: high } = whole ? place : fitting;
      paintPicture(context, data.subarray(index * size, (index + 1) * size), shape, x, y, wide, high);
    },
    words: () => "",
  };
}

function lines(data: Float32Array, points: number, broken: number): Shown {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  const span = high > low ? high - low : 1;
  return {
    count: data.length / Math.max(1, points),
    aspect: 1.5,
    broken,
    paint(context, index, place, theme) {
      const pad = Math.min(4, place.height / 8);
      context.save();
      context.strokeStyle = theme.accent;
      context.lineWidth = place.width > 60 ? 1.75 : 1;
      context.beginPath();
      let pen = false;
      for (let at = 0; at < points; at++) {
        const value = data[index * points + at] as number;
        const x = place.x + pad + ((place.width - 2 * pad) * (points > 1 ? at : 0.5)) / Math.max(1, points - 1);
        const y = place.y + place.height - pad - ((place.height - 2 * pad) * (value - low)) / span;
        if (!Number.isFinite(value)) pen = false;
        else if (pen) context.lineTo(x, y);
        else context.moveTo(x, y);
        if (Number.isFinite(value)) pen = true;
      }
      context.stroke();
      context.restore();
    },
    words: () => "",
  };
}

function texts(all: readonly string[]): Shown {
  return {
    count: all.length,
    aspect: 1.5,
    broken: 0,
    paint(context, index, place, theme) {
      const size = place.width > 120 ? 12 : 9;
      context.save();
      context.beginPath();
      context.rect(place.x, place.y, place.width, place.height);
      context.clip();
      context.font = `${size}px ${theme.font}`;
      context.fillStyle = theme.text;
      context.textBaseline = "top";
      const most = Math.max(1, Math.floor(place.height / LINE));
      for (const [at, line] of wrapped(context, all[index] ?? "", place.width - 4, most).entries()) {
        context.fillText(line, place.x + 2, place.y + 2 + at * LINE);
      }
      context.restore();
    },
    words: (index) => displayText(all[index] ?? ""),
  };
}

/** A text in at most `most` lines that fit. */
function wrapped(context: Context2D, text: string, width: number, most: number): string[] {
  const found: string[] = [];
  let line = "";
  for (const word of displayText(text.slice(0, 2000)).split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (line && context.measureText(longer).width > width) {
      found.push(line);
      if (found.length === most) return found;
      line = word;
    } else line = longer;
  }
  return [...found, line];
}

/** The largest place of that aspect in the middle of another. */
export function inside(place: Rect, aspect: number): Rect {
  const width = Math.min(place.width, place.height * aspect);
  const height = width / aspect;
  return { x: place.x + (place.width - width) / 2, y: place.y + (place.height - height) / 2, width, height };
}

/** The landscape as a map: colours and lines of equal energy, the paths on it, the memories by name. */

import { type Context2D, fitCanvas, type Rect } from "../../draw/canvas.ts";
import { paintColorBar } from "../../draw/colorbar.ts";
import { paintContours } from "../../draw/contours.ts";
import { linearTicks, linearTickWords } from "../../draw/curve_axes.ts";
import { formatValue } from "../../draw/number.ts";
import { colorTable, headColor } from "../../draw/palette.ts";
import type { Scale } from "../../draw/scale.ts";
import { displayText } from "../../draw/text.ts";
import type { Answer, Theme } from "../../runtime/context.ts";

export interface LandscapePath {
  readonly branch: number;
  readonly name: string;
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Energy at each step. */
  readonly z: Float32Array;
}

export interface Landscape {
  readonly label: string;
  readonly words: string;
  readonly axes: readonly [x: string, y: string];
  readonly steps: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Row by row, [y, x]. */
  readonly energies: Float32Array;
  readonly paths: readonly LandscapePath[];
  readonly memories: readonly {
    readonly label: string;
    readonly x: number;
    readonly y: number;
    readonly energy: number;
  }[];
}

const [LEFT, TOP, FOOT, BAR] = [64, 10, 46, 96];
const LEVELS = 14;

export function readLandscape({ value, arrays }: Answer): Landscape {
  const array = (name: string) => Float32Array.from(arrays[name]?.data ?? []);
  const rows = (name: string, width: number) => {
    const data = array(name);
    return Array.from({ length: data.length / width }, (_, row) => data.subarray(row * width, (row + 1) * width));
  };
  const labels = value.memories as readonly string[];
  const memories = rows("memories", 3).map(([x = 0, y = 0, energy = 0], at) => ({
    label: labels[at] ?? "",
    x,
    y,
    energy,
  }));
  const branches = value.branches as readonly { readonly index: number; readonly label: string }[];
  const paths = branches.map(({ index, label }) => {
    const points = rows(`path.${index}`, 3);
    const column = (at: number) => Float32Array.from(points, (point) => point[at] as number);
    return {
      branch: index,
      name: label || (index ? `branch ${index}` : "original"),
      x: column(0),
      y: column(1),
      z: column(2),
    };
  });
  return {
    label: String(value.label),
    words: String(value.words),
    axes: value.axes as [string, string],
    steps: Number(value.steps),
    x: array("x"),
    y: array("y"),
    energies: array("energies"),
    paths,
    memories,
  };
}

export function paintLandscape(
  canvas: HTMLCanvasElement,
  landscape: Landscape,
  step: number,
  hovered: readonly [x: number, y: number] | null,
  width: number,
  height: number,
  theme: Theme,
): void {
  const context = fitCanvas(canvas, width, height);
  const rect = {
    x: LEFT,
    y: TOP,
    width: Math.max(80, Math.min(width - LEFT - BAR, 1.4 * height)),
    height: height - TOP - FOOT,
  };
  const { x, y, energies } = landscape;
  const [columns, rows] = [x.length, y.length];
  const [west, east] = [x[0] as number, x[columns - 1] as number];
  const [south, north] = [y[0] as number, y[rows - 1] as number];
  const xOf = (value: number) => rect.x + ((value - west) / (east - west)) * rect.width;
  const yOf = (value: number) => rect.y + rect.height - ((value - south) / (north - south)) * rect.height;
  const finite = energies.filter(Number.isFinite);
  const [low, high] = finite.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  const span = high - low || 1;
  const scale: Scale = {
    kind: "linear",
    low,
    high,
    at: (value) => Math.min(1, Math.max(0, (value - low) / span)),
    ticks: (count) => [...linearTicks(low, high, count).ticks],
  };
  paintGround(context, landscape, rect, scale);
  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  context.strokeStyle = "rgb(255 255 255 / 0.4)";
  context.lineWidth = 0.8;
  const levels = Array.from({ length: LEVELS }, (_, at) => low + ((at + 0.5) / LEVELS) * span);
  const place = (column: number, row: number): [number, number] => [
    rect.x + (column / (columns - 1)) * rect.width,
    rect.y + rect.height - (row / (rows - 1)) * rect.height,
  ];
  paintContours(context, { values: energies, rows, columns }, levels, place);
  for (const path of landscape.paths) paintPath(context, path, step, xOf, yOf);
  context.font = `600 ${theme.fontSize - 1}px ${theme.font}`;
  context.textAlign = "center";
  for (const { label, x: at, y: up } of landscape.memories) named(context, displayText(label), xOf(at), yOf(up));
  context.restore();
  paintFrame(context, landscape, rect, theme, [west, east, south, north], xOf, yOf);
  paintColorBar(
    context,
    scale,
    "energy",
    { x: rect.x + rect.width + 14, y: rect.y, width: 12, height: rect.height },
    {
      table: colorTable("viridis"),
      text: theme.text,
      border: theme.border,
      font: `${theme.fontSize - 2}px ${theme.font}`,
      clipped: false,
    },
  );
  if (hovered) say(context, landscape, hovered, rect, theme);
}

/** The grid's energies as colours, blended between its points. */
function paintGround(context: Context2D, { x, y, energies }: Landscape, rect: Rect, scale: Scale): void {
  const [columns, rows] = [x.length, y.length];
  const table = colorTable("viridis");
  const image = context.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = energies[row * columns + column] as number;
      const color = Number.isFinite(value) ? (table[Math.round(255 * scale.at(value))] as number) : 0;
      pixels[(rows - 1 - row) * columns + column] = color;
    }
  }
  const small = document.createElement("canvas");
  [small.width, small.height] = [columns, rows];
  small.getContext("2d")?.putImageData(image, 0, 0);
  // A point of the grid is the middle of its pixel.
  const [wide, high] = [rect.width / (columns - 1), rect.height / (rows - 1)];
  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, rect.x - wide / 2, rect.y - high / 2, rect.width + wide, rect.height + high);
  context.restore();
}

function paintPath(
  context: Context2D,
  { branch, x, y }: LandscapePath,
  step: number,
  xOf: (value: number) => number,
  yOf: (value: number) => number,
): void {
  const points = Array.from(x, (value, at) => [xOf(value), yOf(y[at] as number)] as const);
  for (const [color, width] of [
    ["rgb(0 0 0 / 0.55)", 4.5],
    [headColor(branch), 2.5],
  ] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.beginPath();
    for (const point of points) context.lineTo(...point);
    context.stroke();
  }
  const now = points[Math.min(step, points.length - 1)];
  if (!now) return;
  context.beginPath();
  context.arc(...now, 6, 0, 2 * Math.PI);
  context.fillStyle = headColor(branch);
  context.fill();
  context.strokeStyle = "#fff";
  context.lineWidth = 2;
  context.stroke();
}

/** A name on the picture, whatever lies under it. */
function named(context: Context2D, text: string, x: number, y: number): void {
  context.fillStyle = "#fff";
  context.strokeStyle = "rgb(0 0 0 / 0.75)";
  context.lineWidth = 3;
  context.beginPath();
  context.arc(x, y, 3, 0, 2 * Math.PI);
  context.stroke();
  context.fill();
  context.lineJoin = "round";
  context.strokeText(text, x, y - 8);
  context.fillText(text, x, y - 8);
}

function paintFrame(
  context: Context2D,
  { axes }: Landscape,
  rect: Rect,
  theme: Theme,
  [west, east, south, north]: readonly [number, number, number, number],
  xOf: (value: number) => number,
  yOf: (value: number) => number,
): void {
  context.strokeStyle = theme.border;
  context.lineWidth = 1;
  context.strokeRect(rect.x + 0.5, rect.y + 0.5, rect.width - 1, rect.height - 1);
  context.fillStyle = theme.text;
  context.font = `${theme.fontSize - 2}px ${theme.font}`;
  const bottom = rect.y + rect.height;
  context.textAlign = "center";
  context.textBaseline = "top";
  const across = linearTicks(west, east, Math.max(2, rect.width / 90)).ticks;
  const words = linearTickWords(across);
  for (const [at, tick] of across.entries()) context.fillText(words[at] ?? "", xOf(tick), bottom + 6);
  context.font = `${theme.fontSize - 1}px ${theme.font}`;
  context.fillText(displayText(axes[0]), rect.x + rect.width / 2, bottom + 24);
  context.font = `${theme.fontSize - 2}px ${theme.font}`;
  context.textAlign = "right";
  context.textBaseline = "middle";
  const up = linearTicks(south, north, Math.max(2, rect.height / 60)).ticks;
  const upWords = linearTickWords(up);
  for (const [at, tick] of up.entries()) context.fillText(upWords[at] ?? "", rect.x - 6, yOf(tick));
  context.save();
  context.font = `${theme.fontSize - 1}px ${theme.font}`;
  context.translate(14, rect.y + rect.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(displayText(axes[1]), 0, 0);
  context.restore();
}

/** The energy under the pointer. */
function say(
  context: Context2D,
  { x, y, energies }: Landscape,
  [left, top]: readonly [number, number],
  rect: Rect,
  theme: Theme,
): void {
  const [across, up] = [(left - rect.x) / rect.width, (rect.y + rect.height - top) / rect.height];
  if (across < 0 || across > 1 || up < 0 || up > 1) return;
  const [column, row] = [Math.round(across * (x.length - 1)), Math.round(up * (y.length - 1))];
  const text = `energy ${formatValue(energies[row * x.length + column] as number)}`;
  context.font = `${theme.fontSize - 1}px ${theme.font}`;
  const wide = context.measureText(text).width + 12;
  const at = Math.min(left + 12, rect.x + rect.width - wide);
  context.fillStyle = theme.background;
  context.fillRect(at, top - 26, wide, 20);
  context.strokeStyle = theme.border;
  context.strokeRect(at + 0.5, top - 25.5, wide - 1, 19);
  context.fillStyle = theme.text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(text, at + 6, top - 16);
}

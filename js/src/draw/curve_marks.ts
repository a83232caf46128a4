/** What a chart of curves shows that uPlot does not draw: gaps, stretches, thresholds, marks, odd points, last values. */

import type { Theme } from "../runtime/context.ts";
import type { Context2D, Rect } from "./canvas.ts";
import { type Curve, type CurveLook, type CurveScene, FAINT, type Gap, LINE_WIDTH, type Side } from "./curves.ts";
import { type Drawn, type Polyline, valueAt } from "./decimate.ts";
import { formatValue } from "./number.ts";
import { fitText } from "./text.ts";

/** A drawn scene with the way from values to pixels. */
export interface Frame {
  readonly scene: CurveScene;
  readonly theme: Theme;
  readonly plot: Rect;
  readonly drawn: readonly Drawn[];
  readonly mains: readonly Polyline[];
  xOf(x: number): number;
  yOf(y: number, side: Side): number;
}

/** Labels under each other are at least so far apart. */
const LINE = 13;

/** Under the lines: stretches, gaps, thresholds. */
export function paintBelow(context: Context2D, frame: Frame): void {
  const { scene, plot } = frame;
  clip(context, plot, () => {
    for (const { from, to, color, active } of scene.stretches) {
      const [left, right] = [frame.xOf(from), Math.max(frame.xOf(to), frame.xOf(from) + 2)];
      context.globalAlpha = active ? 0.24 : 0.09;
      context.fillStyle = color;
      context.fillRect(left, plot.y, right - left, plot.height);
      context.globalAlpha = active ? 1 : 0.55;
      context.fillRect(left, plot.y, right - left, 2);
      context.globalAlpha = 1;
    }
    for (const gap of scene.gaps) paintGap(context, frame, gap);
    for (const [at, curve] of scene.curves.entries()) paintBand(context, frame, curve, frame.drawn[at] as Drawn);
    for (const { y } of scene.thresholds) {
      const top = Math.round(frame.yOf(y, "left")) + 0.5;
      context.strokeStyle = frame.theme.error;
      context.setLineDash([2, 3]);
      line(context, plot.x, top, plot.x + plot.width, top);
      context.setLineDash([]);
    }
  });
}

/** Over the lines. */
export function paintAbove(context: Context2D, frame: Frame): void {
  const { scene, theme, plot } = frame;
  context.font = small(theme);
  clip(context, plot, () => {
    for (const [at, curve] of scene.curves.entries()) {
      if (curve.shape === "scatter") paintPoints(context, frame, curve, frame.drawn[at] as Drawn);
      else paintLonely(context, frame, curve, frame.mains[at] as Polyline);
      paintOdd(context, frame, curve, frame.drawn[at] as Drawn);
    }
    paintStretchLabels(context, frame);
    for (const { y, label } of scene.thresholds) {
      const top = frame.yOf(y, "left");
      if (top < plot.y + 4 || top > plot.y + plot.height) continue;
      context.textAlign = "right";
      context.textBaseline = top < plot.y + 18 ? "top" : "bottom";
      haloed(context, theme, label, plot.x + plot.width - 4, top + (top < plot.y + 18 ? 2 : -2), theme.error);
    }
  });
  for (const mark of scene.marks) {
    const [x, y] = [frame.xOf(mark.x), frame.yOf(mark.y, "left")];
    if (x < plot.x - 1 || x > plot.x + plot.width + 1 || !Number.isFinite(y)) continue;
    const top = Math.min(plot.y + plot.height, Math.max(plot.y, y));
    context.strokeStyle = mark.color;
    context.globalAlpha = 0.45;
    context.setLineDash([3, 3]);
    line(context, x, top, x, plot.y + plot.height);
    context.setLineDash([]);
    context.globalAlpha = 1;
    star(context, x, top, 5.5, mark.color, theme.background);
    const right = x > plot.x + plot.width * 0.62;
    context.textAlign = right ? "right" : "left";
    context.textBaseline = "middle";
    // Low points lie under the lines' flanks, high ones over them: there is room on the other side.
    const below = top < plot.y + plot.height / 2;
    haloed(context, theme, mark.label, x + (right ? -4 : 4), top + (below ? 16 : -16), theme.text);
  }
  paintLast(context, frame);
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.fillStyle = theme.faint;
  context.fillText(scene.xName, plot.x + plot.width + 16, plot.y + plot.height + 16);
}

/** The hand: the line of the cursor with a dot on every curve, the picked step, the box that is drawn. */
export function paintLook(context: Context2D, frame: Frame, { cursor, picked, box }: CurveLook): void {
  const { scene, theme, plot } = frame;
  const inside = (x: number | null): x is number => x !== null && x >= scene.from && x <= scene.to;
  if (inside(picked)) {
    const x = Math.round(frame.xOf(picked)) + 0.5;
    context.strokeStyle = theme.accent;
    context.lineWidth = 1.5;
    line(context, x, plot.y, x, plot.y + plot.height);
    context.fillStyle = theme.accent;
    context.beginPath();
    context.moveTo(x - 5, plot.y - 6);
    context.lineTo(x + 5, plot.y - 6);
    context.lineTo(x, plot.y + 2);
    context.fill();
  }
  if (inside(cursor)) {
    const x = Math.round(frame.xOf(cursor)) + 0.5;
    context.strokeStyle = theme.text;
    context.globalAlpha = 0.5;
    context.lineWidth = 1;
    line(context, x, plot.y, x, plot.y + plot.height);
    context.globalAlpha = 1;
    for (const [at, curve] of scene.curves.entries()) {
      const value = valueAt(frame.mains[at] as Polyline, cursor);
      if (value === undefined) continue;
      const y = frame.yOf(value, curve.side);
      if (y >= plot.y - 1 && y <= plot.y + plot.height + 1)
        dot(context, frame.xOf(cursor), y, 3.5, curve.color, theme.background);
    }
  }
  if (box) {
    context.fillStyle = theme.accent;
    context.globalAlpha = 0.14;
    context.fillRect(box.x, box.y, box.width, box.height);
    context.globalAlpha = 0.8;
    context.strokeStyle = theme.accent;
    context.lineWidth = 1;
    context.strokeRect(box.x + 0.5, box.y + 0.5, box.width, box.height);
    context.globalAlpha = 1;
  }
}

function paintGap(context: Context2D, frame: Frame, { one, other, color }: Gap): void {
  const [a, b] = [frame.mains[one], frame.mains[other]];
  const side = frame.scene.curves[one]?.side ?? "left";
  if (!a || !b) return;
  const places = [...new Set([...a.x, ...b.x])].sort((left, right) => left - right);
  context.fillStyle = color;
  context.globalAlpha = 0.13;
  let open: [x: number, above: number, below: number][] = [];
  const close = () => {
    if (open.length > 1) {
      context.beginPath();
      for (const [x, above] of open) context.lineTo(x, above);
      for (const [x, , below] of open.reverse()) context.lineTo(x, below);
      context.fill();
    }
    open = [];
  };
  for (const place of places) {
    const [above, below] = [valueAt(a, place), valueAt(b, place)];
    if (above === undefined || below === undefined) close();
    else open.push([frame.xOf(place), frame.yOf(above, side), frame.yOf(below, side)]);
  }
  close();
  context.globalAlpha = 1;
}

/** From the lowest to the highest value: bars where columns of pixels hold several points, else an area. */
function paintBand(context: Context2D, frame: Frame, { color, side, shape }: Curve, { band }: Drawn): void {
  if (!band || shape === "scatter") return;
  const { x, low, high } = band;
  context.fillStyle = color;
  context.globalAlpha = frame.theme.dark ? FAINT.dark : FAINT.light;
  if (band.columns) {
    let [above, below] = [Number.NaN, Number.NaN];
    for (const [at, place] of x.entries()) {
      const [top, bottom] = [frame.yOf(high[at] as number, side), frame.yOf(low[at] as number, side)];
      // Neighbours meet: a bar reaches to the one before it, where there is a step between them.
      const [from, to] = [Math.min(top, below > -1e9 ? below : top), Math.max(bottom, above > -1e9 ? above : bottom)];
      context.fillRect(Math.round(frame.xOf(place) - 0.75), from, 1, Math.max(1, to - from));
      [above, below] = [top, bottom];
    }
  } else {
    context.beginPath();
    for (const [at, place] of x.entries()) context.lineTo(frame.xOf(place), frame.yOf(high[at] as number, side));
    for (let at = x.length - 1; at >= 0; at--)
      context.lineTo(frame.xOf(x[at] as number), frame.yOf(low[at] as number, side));
    context.fill();
  }
  context.globalAlpha = 1;
}

/** Where columns hold several points, the lowest and the highest of each. */
function paintPoints(
  context: Context2D,
  frame: Frame,
  { color, side, width = LINE_WIDTH }: Curve,
  { line, band }: Drawn,
): void {
  const radius = 1.5 + 0.6 * width;
  context.fillStyle = color;
  context.globalAlpha = line.x.length > 500 ? 0.5 : 0.8;
  const point = (x: number, y: number | null | undefined) => {
    if (y === null || y === undefined) return;
    context.beginPath();
    context.arc(frame.xOf(x), frame.yOf(y, side), radius, 0, 2 * Math.PI);
    context.fill();
  };
  const { x } = band ?? line;
  for (const [at, place] of x.entries()) {
    for (const y of band ? [band.low[at], band.high[at]] : [line.y[at]]) point(place, y);
  }
  context.globalAlpha = 1;
}

/** A point between two breaks has no line: it gets a dot; so do all points where there is room to tell them apart. */
function paintLonely(context: Context2D, frame: Frame, { color, side }: Curve, { x, y }: Polyline): void {
  const few = x.length * 24 <= frame.plot.width;
  for (const [at, value] of y.entries()) {
    if (value === null || !(few || (isBreak(y[at - 1]) && isBreak(y[at + 1])))) continue;
    const [left, top] = [frame.xOf(x[at] as number), frame.yOf(value, side)];
    context.fillStyle = color;
    context.beginPath();
    context.arc(left, top, few ? 2.4 : 2, 0, 2 * Math.PI);
    context.fill();
  }
}

function isBreak(value: number | null | undefined): boolean {
  return value === null || value === undefined;
}

/** NaN: a small cross at the foot of the plot. Infinities: an arrow out of it, with ∞. */
function paintOdd(context: Context2D, frame: Frame, { color }: Curve, { odd }: Drawn): void {
  const { plot, theme } = frame;
  context.textAlign = "center";
  for (const { x, kind } of odd) {
    const left = frame.xOf(x);
    context.strokeStyle = context.fillStyle = color;
    context.lineWidth = 1.5;
    if (kind === "nan") {
      const y = plot.y + plot.height - 6;
      line(context, left - 3, y - 3, left + 3, y + 3);
      line(context, left - 3, y + 3, left + 3, y - 3);
      continue;
    }
    const up = kind === "+inf";
    const [tip, foot] = up ? [plot.y + 1, plot.y + 8] : [plot.y + plot.height - 1, plot.y + plot.height - 8];
    context.beginPath();
    context.moveTo(left, tip);
    context.lineTo(left - 4, foot);
    context.lineTo(left + 4, foot);
    context.fill();
    context.textBaseline = up ? "top" : "bottom";
    haloed(context, theme, up ? "∞" : "−∞", left, up ? foot : foot - 1, theme.text);
  }
  context.lineWidth = 1;
}

function paintStretchLabels(context: Context2D, frame: Frame): void {
  const { scene, plot, theme } = frame;
  // Those that begin near one another stand under one another.
  const rows: number[] = [];
  for (const { from, to, label, active } of [...scene.stretches].sort((a, b) => a.from - b.from)) {
    const [left, right] = [Math.max(plot.x, frame.xOf(from)), Math.min(plot.x + plot.width, frame.xOf(to))];
    if (right < plot.x || left > plot.x + plot.width) continue;
    const room = Math.max(right - left - 8, active ? plot.x + plot.width - left - 8 : 0);
    const text = fitText(context, label, room);
    if (text.length < Math.min(label.length, 5)) continue;
    let row = rows.findIndex((end) => end < left);
    if (row < 0) row = rows.length;
    if (row > 2) continue;
    rows[row] = left + context.measureText(text).width + 10;
    context.textAlign = "left";
    context.textBaseline = "top";
    haloed(context, theme, text, left + 4, plot.y + 5 + row * LINE, active ? theme.text : theme.faint);
  }
}

/** Each line ends in a dot, and behind the plot stands its last value. */
function paintLast(context: Context2D, frame: Frame): void {
  const { scene, theme, plot } = frame;
  const labels: { y: number; text: string; color: string }[] = [];
  for (const curve of scene.curves) {
    const track = curve.smooth ?? curve.track;
    let at = track.length - 1;
    while (at >= 0 && track.length - at < 1000 && !Number.isFinite(track.y[at])) at -= 1;
    const [x, value] = [track.x[at], track.y[at]];
    if (x === undefined || value === undefined || !Number.isFinite(value) || curve.shape === "scatter") continue;
    if (x < scene.from || x > scene.to + (scene.to - scene.from) * 1e-9 || (scene.log[curve.side] && value <= 0))
      continue;
    const y = frame.yOf(value, curve.side);
    if (y < plot.y - 1 || y > plot.y + plot.height + 1) continue;
    dot(context, frame.xOf(x), y, 3, curve.color, theme.background);
    if (curve.side === "left") labels.push({ y, text: formatValue(value, 4), color: curve.color });
  }
  labels.sort((a, b) => a.y - b.y);
  for (const [at, label] of labels.entries()) label.y = Math.max(label.y, (labels[at - 1]?.y ?? 0) + LINE);
  const over = (labels.at(-1)?.y ?? 0) - (plot.y + plot.height);
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { y, text, color } of labels) {
    const top = over > 0 ? y - over : y;
    context.fillStyle = color;
    context.fillRect(plot.x + plot.width + 5, top - 5, 2, 10);
    context.fillStyle = theme.text;
    context.fillText(text, plot.x + plot.width + 10, top + 0.5);
  }
}

function small({ fontSize, font }: Theme): string {
  return `${fontSize - 1}px ${font}`;
}

function clip(context: Context2D, plot: Rect, paint: () => void): void {
  context.save();
  context.beginPath();
  context.rect(plot.x, plot.y, plot.width, plot.height);
  context.clip();
  paint();
  context.restore();
}

function line(context: Context2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** Text that stays readable over lines. */
function haloed(context: Context2D, theme: Theme, text: string, x: number, y: number, color: string): void {
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = theme.background;
  context.strokeText(text, x, y);
  context.lineWidth = 1;
  context.fillStyle = color;
  context.fillText(text, x, y);
}

function dot(context: Context2D, x: number, y: number, radius: number, color: string, ring: string): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = ring;
  context.stroke();
  context.lineWidth = 1;
}

function star(context: Context2D, x: number, y: number, radius: number, color: string, ring: string): void {
  context.beginPath();
  for (let corner = 0; corner < 10; corner++) {
    const angle = (corner * Math.PI) / 5 - Math.PI / 2;
    const reach = corner % 2 ? radius * 0.45 : radius;
    context.lineTo(x + reach * Math.cos(angle), y + reach * Math.sin(angle));
  }
  context.closePath();
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  context.strokeStyle = ring;
  context.stroke();
  context.fillStyle = color;
  context.fill();
  context.lineWidth = 1;
}

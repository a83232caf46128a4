/**
 * Paints a chart of curves. uPlot has the canvas, the scales and the axes and strokes the lines; what it has not is drawn
 * here and in curve_marks.ts: shaded gaps and ranges, marks, thresholds, points that are not finite, the last values.
 * However long a line is, only what its pixels need is handed over (decimate.ts).
 */

import type UPlotClass from "uplot";
import type { Theme } from "../runtime/context.ts";
import { type Context2D, fitCanvas, type Rect } from "./canvas.ts";
import { type Bounds, linearTicks, linearTickWords, logTicks, logTickWords, reach } from "./curve_axes.ts";
import { type Frame, paintAbove, paintBelow, paintLook } from "./curve_marks.ts";
import { type Drawn, decimate, EMPTY, type Polyline } from "./decimate.ts";
import type { Track } from "./track.ts";

export type UPlot = typeof UPlotClass;
/** What the library chunk of uPlot exports (libraries/uplot.ts). */
export interface UPlotLibrary {
  readonly UPlot: UPlot;
  readonly style: string;
}

export type CurveShape = "line" | "scatter";
export type Side = "left" | "right";

export interface Curve {
  readonly key: string;
  readonly color: string;
  /** Pixels on and off; none for a solid line. */
  readonly dash: readonly number[];
  readonly track: Track;
  /** Drawn over the track's own points, which stand back then. */
  readonly smooth: Track | null;
  readonly shape: CurveShape;
  readonly side: Side;
  /** Of the line, px, and of points with it; left out, as it suits the line. */
  readonly width?: number | undefined;
}

/** The area between two curves, by their places in the list. */
export interface Gap {
  readonly one: number;
  readonly other: number;
  readonly color: string;
}

/** A stretch of the x axis that something was found about. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly color: string;
  readonly label: string;
  /** Whether a hand is on its words now. */
  readonly active: boolean;
}

/** A place that is worth a mark: a best value. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly color: string;
  readonly label: string;
}

export interface Threshold {
  readonly y: number;
  readonly label: string;
}

export interface CurveScene {
  readonly curves: readonly Curve[];
  readonly gaps: readonly Gap[];
  readonly stretches: readonly Stretch[];
  readonly marks: readonly Mark[];
  readonly thresholds: readonly Threshold[];
  /** The part of the x axis in sight. */
  readonly from: number;
  readonly to: number;
  /** The part of the y axes in sight; null for all that is drawn. Only the left one is set by hand. */
  readonly y: Bounds | null;
  readonly log: { readonly left: boolean; readonly right: boolean };
  /** Ticks of the x axis: about so many. */
  xTicks(from: number, to: number, count: number): { readonly ticks: number[]; readonly words: string[] };
  readonly xName: string;
}

/** What lies on top and changes with every move of a hand. */
export interface CurveLook {
  readonly cursor: number | null;
  /** The step that every widget of the run shows. */
  readonly picked: number | null;
  readonly box: Rect | null;
}

const LEFT = 56;
const BOTTOM = 22;
const TOP = 8;
/** Room for the last values, which stand behind the lines. */
export const RIGHT = 64;

export const LINE_WIDTH = 1.75;
/** A line that zigzags more than this is one pixel wide: it is read better so, and rasterises several times as fast. */
const ROUGH = 2;

/** Columns of points are so much narrower than those of lines. */
const POINTS_A_COLUMN = 16;
/** A line over its own faint points. */
export const FAINT = { light: 0.3, dark: 0.36 };

export class Curves {
  readonly element: HTMLElement;
  readonly #overlay: HTMLCanvasElement;
  #plot: UPlotClass | null = null;
  #shape = "";
  #scene: CurveScene | null = null;
  #drawn: Drawn[] = [];
  #mains: Polyline[] = [];
  #bounds: Record<Side, Bounds> = { left: { low: 0, high: 1 }, right: { low: 0, high: 1 } };
  #theme: Theme | null = null;
  #size = { width: 0, height: 0 };

  constructor(private readonly library: UPlot) {
    this.element = document.createElement("div");
    this.element.className = "nnw-curves";
    this.#overlay = document.createElement("canvas");
    this.#overlay.className = "nnw-curves-overlay";
    this.element.append(this.#overlay);
  }

  /** Draws the scene; returns how many points in sight a logarithmic axis cannot show. */
  draw(scene: CurveScene, width: number, height: number, theme: Theme): { dropped: number } {
    [this.#scene, this.#theme, this.#size] = [scene, theme, { width, height }];
    const columns = Math.max(1, width - LEFT - this.#right());
    const inside = (side: Side) =>
      scene.curves.map((curve, at) => ({ curve, at })).filter(({ curve }) => curve.side === side);
    this.#drawn = scene.curves.map((curve) => {
      // The lowest and the highest of a column are a line; of points they are its edges alone.
      const fine = curve.shape === "scatter" ? POINTS_A_COLUMN * columns : columns;
      return decimate(curve.track, scene.from, scene.to, fine, scene.log[curve.side]);
    });
    this.#mains = scene.curves.map((curve, at) => this.#main(curve, this.#drawn[at] as Drawn, columns));
    for (const side of ["left", "right"] as const) {
      const lows = inside(side).map(({ at }) => (this.#drawn[at] as Drawn).low);
      const highs = inside(side).map(({ at }) => (this.#drawn[at] as Drawn).high);
      const high = side === "left" ? withThresholds(Math.max(...highs), scene) : Math.max(...highs);
      const own = reach(Math.min(...lows), high, scene.log[side]);
      this.#bounds[side] = (side === "left" && scene.y) || own;
    }
    const shape = JSON.stringify([
      scene.curves.map(({ color, dash, shape, side, width }) => [color, dash, shape, side, width]),
      scene.log,
      [theme.text, theme.border, theme.background, theme.font, theme.fontSize],
    ]);
    if (shape !== this.#shape || !this.#plot) this.#build(shape, width, height);
    const plot = this.#plot as unknown as UPlotClass;
    plot.batch(() => {
      if (plot.width !== width || plot.height !== height) plot.setSize({ width, height });
      plot.setData(this.#data() as unknown as UPlotClass.AlignedData, false);
      for (const side of ["left", "right"] as const) {
        const { low, high } = this.#bounds[side];
        plot.setScale(side === "left" ? "y" : "right", { min: low, max: high });
      }
      plot.setScale("x", { min: scene.from, max: scene.to });
      for (const [at, main] of this.#mains.entries()) {
        const series = plot.series[2 * at + 2];
        const { side, width } = scene.curves[at] as Curve;
        if (series) series.width = width ?? (this.#roughness(main, side) > ROUGH ? 1 : LINE_WIDTH);
      }
      // Axes too, also where no scale moved; asked to rebuild the lines it would take the x scale back.
      plot.redraw(false, true);
    });
    return { dropped: this.#drawn.reduce((sum, { dropped }) => sum + dropped, 0) };
  }

  /** Draws what lies on top; cheap, for every move of a hand. */
  look({ cursor, picked, box }: CurveLook): void {
    const { width, height } = this.#size;
    if (!this.#plot || !this.#scene || !this.#theme || width === 0) return;
    paintLook(fitCanvas(this.#overlay, width, height), this.#frame(), { cursor, picked, box });
  }

  /** The place of the plot in the element, in CSS pixels. */
  get plot(): Rect {
    const { width, height } = this.#size;
    return {
      x: LEFT,
      y: TOP,
      width: Math.max(1, width - LEFT - this.#right()),
      height: Math.max(1, height - TOP - BOTTOM),
    };
  }

  /** The x at a pixel of the element. */
  xAt(pixel: number): number {
    const { plot } = this;
    const { from, to } = this.#scene ?? { from: 0, to: 1 };
    return from + ((pixel - plot.x) / plot.width) * (to - from);
  }

  /** The value of the left axis at a pixel of the element. */
  yAt(pixel: number): number {
    const { plot } = this;
    const share = 1 - (pixel - plot.y) / plot.height;
    const { low, high } = this.#bounds.left;
    return this.#scene?.log.left ? low * (high / low) ** share : low + share * (high - low);
  }

  get bounds(): Bounds {
    return this.#bounds.left;
  }

  destroy(): void {
    this.#plot?.destroy();
    this.#plot = null;
  }

  #right(): number {
    return this.#scene?.curves.some(({ side }) => side === "right") ? RIGHT + LEFT : RIGHT;
  }

  /** What stands for the curve: its smoothed line, its means where columns hold many points, or its points. */
  #main(curve: Curve, drawn: Drawn, columns: number): Polyline {
    const scene = this.#scene as CurveScene;
    if (!curve.smooth) return drawn.line;
    return decimate(curve.smooth, scene.from, scene.to, columns, scene.log[curve.side]).line;
  }

  /** How far a line goes up and down for each pixel that it goes on. */
  #roughness({ y }: Polyline, side: Side): number {
    let travel = 0;
    let last: number | null = null;
    for (const value of y) {
      const now: number | null = value === null ? null : this.#yOf(value, side);
      if (now !== null && last !== null) travel += Math.abs(now - last);
      last = now;
    }
    return travel / this.plot.width;
  }

  /** Two series a curve: its points, faint where something is drawn over them, and its main line. */
  #data(): unknown[] {
    const series = (this.#scene as CurveScene).curves.flatMap((_, at) => {
      const [{ line, band }, main] = [this.#drawn[at] as Drawn, this.#mains[at] as Polyline];
      const faint = main === line || band?.columns ? EMPTY : line;
      return [
        [faint.x, faint.y],
        [main.x, main.y],
      ];
    });
    // uPlot draws nothing, not even its axes' lines over it, without a point; one in sight that is never stroked does.
    return [null, ...series, [[this.#scene?.from], [this.#bounds.left.low]]];
  }

  #frame(): Frame {
    return {
      scene: this.#scene as CurveScene,
      theme: this.#theme as Theme,
      plot: this.plot,
      drawn: this.#drawn,
      mains: this.#mains,
      xOf: (x) => this.#xOf(x),
      yOf: (y, side) => this.#yOf(y, side),
    };
  }

  #xOf(x: number): number {
    const { from, to } = this.#scene as CurveScene;
    return this.plot.x + ((x - from) / (to - from)) * this.plot.width;
  }

  #yOf(y: number, side: Side): number {
    const { low, high } = this.#bounds[side];
    const share = (this.#scene as CurveScene).log[side]
      ? Math.log(y / low) / Math.log(high / low)
      : (y - low) / (high - low);
    return this.plot.y + (1 - share) * this.plot.height;
  }

  #build(shape: string, width: number, height: number): void {
    const [scene, theme] = [this.#scene as CurveScene, this.#theme as Theme];
    this.#plot?.destroy();
    this.#shape = shape;
    const font = `${theme.fontSize - 1}px ${theme.font}`;
    const grid = { stroke: mixed(theme.text, 9), width: 1 };
    const hasRight = scene.curves.some(({ side }) => side === "right");
    const yAxis = (side: Side): UPlotClass.Axis => ({
      scale: side === "left" ? "y" : "right",
      side: side === "left" ? 3 : 1,
      size: LEFT,
      gap: 6,
      font,
      stroke: theme.faint,
      grid: side === "left" ? grid : { show: false },
      ticks: { show: false },
      splits: () => this.#ticks(side),
      filter: (_plot, splits) => splits,
      values: (_plot, splits) => (this.#scene?.log[side] ? splits.map(logTickWords) : linearTickWords(splits)),
    });
    const line = (curve: Curve | null, part: "points" | "main"): UPlotClass.Series => {
      const scatter = curve?.shape === "scatter";
      const color = curve?.color ?? "transparent";
      return {
        facets: [
          { scale: "x", auto: false },
          { scale: curve?.side === "right" ? "right" : "y", auto: false },
        ],
        stroke: part === "points" && !scatter ? mixed(color, 100 * (theme.dark ? FAINT.dark : FAINT.light)) : color,
        width: part === "points" ? 1 : (curve?.width ?? LINE_WIDTH),
        dash: part === "main" ? [...(curve?.dash ?? [])] : [],
        points: { show: false },
        spanGaps: false,
        ...(scatter ? { paths: () => null } : {}),
      };
    };
    this.#plot = new this.library(
      {
        mode: 2,
        width,
        height,
        padding: [TOP, RIGHT, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, auto: false },
          y: { auto: false, distr: scene.log.left ? 3 : 1 },
          right: { auto: false, distr: scene.log.right ? 3 : 1 },
        },
        series: [
          {},
          ...scene.curves.flatMap((curve) => [line(curve, "points"), line(curve, "main")]),
          line(null, "main"),
        ],
        axes: [
          {
            scale: "x",
            size: BOTTOM,
            gap: 5,
            font,
            stroke: theme.faint,
            grid: { show: false },
            ticks: { stroke: mixed(theme.text, 30), width: 1, size: 4 },
            border: { show: true, stroke: mixed(theme.text, 30), width: 1 },
            splits: (_plot, _axis, from, to) => this.#xTicks(from, to).ticks,
            values: () => this.#xTicks().words,
          },
          yAxis("left"),
          ...(hasRight ? [yAxis("right")] : []),
        ],
        hooks: {
          drawAxes: [(plot) => this.#own(plot, (context) => paintBelow(context, this.#frame()))],
          draw: [(plot) => this.#own(plot, (context) => paintAbove(context, this.#frame()))],
        },
      },
      this.#data() as unknown as UPlotClass.AlignedData,
      this.element,
    );
    // On top of what uPlot just put there.
    this.element.append(this.#overlay);
  }

  #xTicks(from = this.#scene?.from ?? 0, to = this.#scene?.to ?? 1): { ticks: number[]; words: string[] } {
    return (this.#scene as CurveScene).xTicks(from, to, Math.max(2, Math.floor(this.plot.width / 78)));
  }

  #ticks(side: Side): number[] {
    const { low, high } = this.#bounds[side];
    const count = Math.max(2, Math.floor(this.plot.height / 34));
    return this.#scene?.log[side] ? logTicks(low, high, count) : linearTicks(low, high, count).ticks;
  }

  /** Our own painting in CSS pixels; uPlot's context has device pixels. */
  #own(plot: UPlotClass, paint: (context: Context2D) => void): void {
    const { ctx } = plot;
    ctx.save();
    ctx.scale(this.library.pxRatio, this.library.pxRatio);
    paint(ctx);
    ctx.restore();
  }
}

/** A threshold that the lines come near to is in sight. */
function withThresholds(high: number, { thresholds, log }: CurveScene): number {
  const near = thresholds.map(({ y }) => y).filter((y) => y > high && y <= high * (log.left ? 12 : 1.5));
  return Math.max(high, ...near);
}

/** So many percent of a colour over whatever is below. */
export function mixed(color: string, percent: number): string {
  return `color-mix(in srgb, ${color} ${percent}%, transparent)`;
}

/** One chart of a group: its title, a legend that reads out the values at the cursor, the plot, and what cannot be shown. */

import { element, setAttribute, setText } from "../../controls/dom.ts";
import { listenToHands, type PictureGestures } from "../../controls/gestures.ts";
import type { Rect } from "../../draw/canvas.ts";
import type { Bounds } from "../../draw/curve_axes.ts";
import {
  type Curve,
  type CurveScene,
  type CurveShape,
  Curves,
  type Side,
  type Threshold,
  type UPlot,
} from "../../draw/curves.ts";
import { formatValue } from "../../draw/number.ts";
import { displayText } from "../../draw/text.ts";
import type { Track } from "../../draw/track.ts";
import type { Theme } from "../../runtime/context.ts";
import type { RunSeries } from "./run_data.ts";

export interface LineSpec {
  readonly series: RunSeries;
  /** What the legend calls it: "training", or a name. */
  readonly label: string;
  readonly color: string;
  readonly dash: readonly number[];
  readonly shape?: CurveShape;
  readonly side?: Side;
  /** Never smoothed. */
  readonly exact?: boolean;
}

export interface ChartSpec {
  readonly key: string;
  readonly title: string;
  readonly lines: readonly LineSpec[];
  /** Areas between two lines, by their places. */
  readonly gaps?: readonly (readonly [one: number, other: number])[];
  readonly log?: boolean;
  readonly logRight?: boolean;
  readonly thresholds?: readonly Threshold[];
  /** Names of series that it is about: what is found in one of them is marked here. */
  readonly names: readonly string[];
  readonly best?: Best | null;
}

/** What a panel itself must know of a chart. */
export type PanelSpec = Pick<ChartSpec, "title"> & {
  readonly lines: readonly Pick<LineSpec, "label" | "color" | "dash">[];
};

/** The best point of a line: its place in the list of lines, and in its series. */
export interface Best {
  readonly line: number;
  readonly at: number;
  readonly value: number;
}

export interface PanelEvents {
  hover(x: number | null): void;
  pick(x: number): void;
  zoom(from: number, to: number): void;
  /** By so many widths of what is in sight. */
  pan(share: number): void;
  /** Around x, or the cursor. False where there is nothing left to zoom. */
  zoomBy(factor: number, around: number | null): boolean;
  reset(): void;
  move(by: number, far: "point" | "page" | "end", tracks: readonly Track[]): void;
  pickCursor(): void;
  letGo(): void;
  /** The height by hand changed. */
  redraw(): void;
}

/** A box that is this high, as a share of the plot and in pixels, zooms the values too. */
const TALL = { share: 0.3, pixels: 36 };

export interface Panel {
  readonly element: HTMLElement;
  readonly plot: HTMLElement;
  readonly curves: Curves;
  /** The part of the values in sight, where a hand chose one. */
  y: Bounds | null;
  draw(spec: PanelSpec, scene: CurveScene, width: number, height: number, theme: Theme): void;
  look(cursor: number | null, picked: number | null): void;
  destroy(): void;
}

export function createPanel(library: UPlot, events: PanelEvents, signal: AbortSignal): Panel {
  const curves = new Curves(library);
  const title = element("b", { class: "nnw-chart-title" });
  const legend = element("span", { class: "nnw-chart-legend" });
  const note = element("small", { class: "nnw-chart-note", hidden: true });
  const plot = element(
    "div",
    { class: "nnw-plot", tabindex: 0, role: "application", "aria-roledescription": "line chart" },
    curves.element,
  );
  const figure = element("figure", { class: "nnw-chart" }, element("figcaption", {}, title, legend, note), plot);
  let shown: { spec: PanelSpec; scene: CurveScene } | null = null;
  let look = { cursor: null as number | null, picked: null as number | null };
  let box: Rect | null = null;
  let outputs: HTMLElement[] = [];
  let entries = "";

  const isTall = (rect: Rect) => rect.height >= Math.max(TALL.pixels, TALL.share * curves.plot.height);
  const inPlot = ({ x, width }: Rect): Rect => {
    const { plot } = curves;
    const [left, right] = [Math.max(plot.x, x), Math.min(plot.x + plot.width, x + width)];
    return { x: left, y: plot.y, width: Math.max(0, right - left), height: plot.height };
  };
  const tracks = () => shown?.scene.curves.map(({ track }) => track) ?? [];
  const gestures: PictureGestures = {
    hover: (point) => {
      const { x, width } = curves.plot;
      events.hover(point && point.x >= x - 4 && point.x <= x + width + 4 ? curves.xAt(point.x) : null);
    },
    pick: (point) => events.pick(curves.xAt(point.x)),
    box(rect) {
      box = rect && (isTall(rect) ? { ...inPlot(rect), y: rect.y, height: rect.height } : inPlot(rect));
      curves.look({ ...look, box });
    },
    zoomTo(rect) {
      if (isTall(rect)) panel.y = { low: curves.yAt(rect.y + rect.height), high: curves.yAt(rect.y) };
      const { x, width } = inPlot(rect);
      if (width >= 3) events.zoom(curves.xAt(x), curves.xAt(x + width));
      else events.redraw();
    },
    pan: (dx, dy) => {
      if (panel.y) {
        const { low, high } = panel.y;
        const by = (pixel: number) => curves.yAt(pixel - dy);
        const { y, height } = curves.plot;
        if (dy) panel.y = { low: by(y + height), high: by(y) };
        else panel.y = { low, high };
      }
      events.pan(-dx / curves.plot.width);
    },
    zoom: (factor, around) => events.zoomBy(factor, around && curves.xAt(around.x)),
    reset() {
      panel.y = null;
      events.reset();
    },
    move(rows, columns, by) {
      const far = by === "cell" ? "point" : by;
      // Up and down are of no use here; a page is a tenth of what is in sight.
      if (by === "page") events.move(rows, far, tracks());
      else if (columns) events.move(columns, far, tracks());
    },
    pickCursor: () => events.pickCursor(),
    leave: () => events.hover(null),
    letGo: () => events.letGo(),
  };
  listenToHands(plot, gestures, signal);

  function showLegend(spec: PanelSpec): void {
    const now = JSON.stringify([spec.title, spec.lines.map(({ label, color, dash }) => [label, color, dash])]);
    if (now === entries) return;
    entries = now;
    outputs = spec.lines.map(() => element("output", { class: "nnw-read" }));
    legend.replaceChildren(
      ...spec.lines.map(({ label, color, dash }, at) => {
        const swatch = element("i", { class: "nnw-line-swatch", "aria-hidden": "true" });
        swatch.style.borderTop = `2px ${dash.length === 0 ? "solid" : (dash[0] as number) > 3 ? "dashed" : "dotted"} ${color}`;
        const name = displayText(label);
        const words = element("bdi", { class: "nnw-series-name", title: name }, name);
        const named = spec.lines.length > 1 || label !== spec.title;
        return element("span", { class: "nnw-key" }, ...(named ? [swatch, words] : []), outputs[at] as HTMLElement);
      }),
    );
  }

  const panel: Panel = {
    element: figure,
    plot,
    curves,
    y: null,
    draw(spec, scene, width, height, theme) {
      shown = { spec, scene };
      const name = displayText(spec.title);
      setText(title, name);
      setAttribute(title, "title", name);
      showLegend(spec);
      const { dropped } = curves.draw(scene, width, height, theme);
      const points = dropped > 1 ? "points" : "point";
      setText(note, dropped ? `${dropped} ${points} of 0 or less left out: the axis is logarithmic` : "");
      note.hidden = dropped === 0;
      setAttribute(plot, "aria-label", describe(spec, scene));
      panel.look(look.cursor, look.picked);
    },
    look(cursor, picked) {
      look = { cursor, picked };
      curves.look({ ...look, box });
      if (!shown) return;
      for (const [at, curve] of shown.scene.curves.entries()) {
        const output = outputs[at];
        if (output) setText(output, readOut(curve, cursor ?? picked));
      }
    },
    destroy: () => {
      curves.destroy();
      figure.remove();
    },
  };
  return panel;
}

/** The value of the curve at x, or its newest. A smoothed line says what was logged too. */
export function readOut({ track, smooth }: Pick<Curve, "track" | "smooth">, x: number | null): string {
  const at = x === null ? track.length - 1 : track.nearest(x);
  if (at < 0) return "–";
  const logged = formatValue(track.y[at] as number);
  const drawn = smooth?.y[x === null ? smooth.length - 1 : smooth.nearest(x)];
  return drawn === undefined || !Number.isFinite(drawn) ? logged : `${formatValue(drawn)} (${logged})`;
}

function describe({ title, lines }: PanelSpec, scene: CurveScene): string {
  const words = lines.map(({ label }, at) => `${displayText(label)} ${readOut(scene.curves[at] as Curve, null)}`);
  return `${displayText(title)}: ${words.join(", ")}. Arrow keys move from point to point, plus and minus zoom, 0 shows all, Enter pins the step, Escape lets it go.`;
}

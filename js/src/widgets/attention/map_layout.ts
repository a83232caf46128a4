/** Where the parts of the map stand: axes, labels, plot and colour bar, within a width and a height. */

import { SLANT } from "../../draw/axis.ts";
import type { Rect } from "../../draw/canvas.ts";
import { COLOR_BAR_WIDTH } from "../../draw/colorbar.ts";
import type { View } from "../../draw/heatmap.ts";
import type { Extent } from "./viewport.ts";

export interface LabelSizes {
  /** Width of the widest label of each side, in pixels. */
  readonly rows: number;
  readonly columns: number;
  readonly fontSize: number;
}

export interface MapLayout {
  readonly width: number;
  readonly height: number;
  readonly plot: Rect;
  readonly bar: Rect;
  readonly rowLabels: number;
  readonly columnLabels: number;
  readonly slant: "flat" | "slanted";
  readonly fontSize: number;
}

const TITLE = 20;
const TOP = 4;
const BAR_GAP = 16;

/** Cells are square unless that would make a side thinner than this. */
const THINNEST = 140;

export function mapLayout(extent: Extent, labels: LabelSizes, width: number, height: number): MapLayout {
  const rowLabels = Math.min(labels.rows + 10, Math.max(48, width * 0.22), 150);
  const left = TITLE + rowLabels;
  const across = Math.max(80, width - left - BAR_GAP - COLOR_BAR_WIDTH);
  const flatHeight = labels.fontSize + 12;
  const slantedHeight = Math.min(labels.columns, 110) * Math.sin(SLANT) + 16;
  const sizes = (below: number) => {
    const down = Math.max(80, height - TOP - below - TITLE);
    const cell = Math.min(across / extent.columns, down / extent.rows);
    return {
      plotWidth: Math.min(across, Math.max(THINNEST, cell * extent.columns)),
      plotHeight: Math.min(down, Math.max(THINNEST, cell * extent.rows)),
    };
  };
  const flat = labels.columns + 8 < sizes(flatHeight).plotWidth / extent.columns;
  const columnLabels = flat ? flatHeight : slantedHeight;
  const { plotWidth, plotHeight } = sizes(columnLabels);
  const plot = { x: Math.round(left), y: TOP, width: Math.round(plotWidth), height: Math.round(plotHeight) };
  return {
    width: plot.x + plot.width + BAR_GAP + COLOR_BAR_WIDTH,
    height: Math.ceil(TOP + plot.height + columnLabels + TITLE),
    plot,
    bar: { x: plot.x + plot.width + BAR_GAP, y: TOP, width: COLOR_BAR_WIDTH, height: plot.height },
    rowLabels,
    columnLabels,
    slant: flat ? "flat" : "slanted",
    fontSize: labels.fontSize,
  };
}

export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** The place in the matrix under a point of the canvas, in fractions of cells. */
export function placeAt({ plot }: MapLayout, view: View, x: number, y: number): Cell {
  return {
    row: view.top + ((y - plot.y) / plot.height) * (view.bottom - view.top),
    column: view.left + ((x - plot.x) / plot.width) * (view.right - view.left),
  };
}

/** The cell under a point of the canvas; null beside the plot. */
export function cellAt(layout: MapLayout, view: View, extent: Extent, x: number, y: number): Cell | null {
  const { plot } = layout;
  if (x < plot.x || y < plot.y || x >= plot.x + plot.width || y >= plot.y + plot.height) return null;
  const place = placeAt(layout, view, x, y);
  const [row, column] = [Math.floor(place.row), Math.floor(place.column)];
  return row >= 0 && column >= 0 && row < extent.rows && column < extent.columns ? { row, column } : null;
}

/** Where a cell is drawn on the canvas. */
export function rectOf({ plot }: MapLayout, view: View, { row, column }: Cell): Rect {
  const width = plot.width / (view.right - view.left);
  const height = plot.height / (view.bottom - view.top);
  return { x: plot.x + (column - view.left) * width, y: plot.y + (row - view.top) * height, width, height };
}

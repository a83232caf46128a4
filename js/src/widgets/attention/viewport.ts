/** The arithmetic of zooming: which rows and columns of a matrix are in sight. */

import type { View } from "../../draw/heatmap.ts";

export interface Extent {
  readonly rows: number;
  readonly columns: number;
}

/** Nobody needs fewer cells in sight than this. */
const CLOSEST = 3;

export function whole({ rows, columns }: Extent): View {
  return { left: 0, right: columns, top: 0, bottom: rows };
}

export function isAll(view: View, { rows, columns }: Extent): boolean {
  return view.right - view.left >= columns - 1e-6 && view.bottom - view.top >= rows - 1e-6;
}

/** Moves a view inside the matrix, and shrinks it to the matrix where it is larger; its proportions stay the matrix's. */
export function inside(view: View, extent: Extent): View {
  const least = Math.min(1, CLOSEST / Math.max(1, Math.min(extent.rows, extent.columns)));
  const share = Math.min(
    1,
    Math.max(least, (view.right - view.left) / extent.columns, (view.bottom - view.top) / extent.rows),
  );
  const [width, height] = [share * extent.columns, share * extent.rows];
  const place = (low: number, high: number, size: number, all: number) =>
    Math.min(all - size, Math.max(0, (low + high - size) / 2));
  const left = place(view.left, view.right, width, extent.columns);
  const top = place(view.top, view.bottom, height, extent.rows);
  return { left, right: left + width, top, bottom: top + height };
}

/** Zooms in (`factor` > 1) or out around a point that stays where it is. */
export function zoomed(view: View, extent: Extent, factor: number, column: number, row: number): View {
  const scaled = {
    left: column - (column - view.left) / factor,
    right: column + (view.right - column) / factor,
    top: row - (row - view.top) / factor,
    bottom: row + (view.bottom - row) / factor,
  };
  // At the limit nothing moves: the point would otherwise drift to the middle.
  const fit = inside(scaled, extent);
  return Math.abs(fit.right - fit.left - (view.right - view.left)) < 1e-9 && factor > 1 ? view : fit;
}

export function panned(view: View, extent: Extent, columns: number, rows: number): View {
  return inside(
    { left: view.left + columns, right: view.right + columns, top: view.top + rows, bottom: view.bottom + rows },
    extent,
  );
}

/** The view, moved as little as possible so that a cell is in sight. */
export function including(view: View, extent: Extent, row: number, column: number): View {
  const shift = (low: number, high: number, cell: number) =>
    cell < low ? cell - low : cell + 1 > high ? cell + 1 - high : 0;
  return panned(view, extent, shift(view.left, view.right, column), shift(view.top, view.bottom, row));
}

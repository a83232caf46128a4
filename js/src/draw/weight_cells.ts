/** Paints a token's weights beside the other column: a cell for each head, filled by weight, with its number where it fits. */

import type { Context2D } from "./canvas.ts";
import { shortWeight } from "./scale.ts";

export interface WeightColumn {
  readonly color: string;
  /** The weight at a row of the window; undefined where it is not known. */
  value(row: number): number | undefined;
}

export interface WeightCellsLook {
  readonly text: string;
  readonly faint: string;
  readonly font: string;
}

/** Narrower cells show opacity alone. */
const NUMBER_WIDTH = 36;

/** Rows from `first` to `last` (not included), the row `i` at height `top(i)`; weights are relative to `full`. */
export function paintWeightCells(
  context: Context2D,
  columns: readonly WeightColumn[],
  rows: { first: number; last: number; top(row: number): number; height: number },
  width: number,
  full: number,
  look: WeightCellsLook,
): void {
  const cell = width / Math.max(1, columns.length);
  const numbers = cell >= NUMBER_WIDTH;
  context.save();
  context.font = look.font;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const [index, column] of columns.entries()) {
    const left = index * cell + 1;
    const room = cell - 2;
    for (let row = rows.first; row < rows.last; row++) {
      const value = column.value(row);
      if (value === undefined) continue;
      const y = rows.top(row);
      const part = Math.min(1, Math.max(0, value / full)) || 0;
      context.fillStyle = column.color;
      if (numbers) {
        context.globalAlpha = 0.42;
        context.fillRect(left, y + 2, part * room, rows.height - 4);
        context.globalAlpha = 1;
        context.fillStyle = part < 0.02 ? look.faint : look.text;
        const text = shortWeight(value);
        context.fillText(text, left + 3, y + rows.height / 2);
      } else {
        context.globalAlpha = Number.isNaN(value) ? 1 : part;
        if (Number.isNaN(value)) context.fillStyle = look.faint;
        context.fillRect(left, y + 1, Math.max(1, room), rows.height - 2);
      }
    }
  }
  context.restore();
}

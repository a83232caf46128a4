/** What the map draws: a matrix of shown rows and columns that is all here. Its large sibling is `tiled.ts`. */

import type { HeatmapPiece, View } from "../../draw/heatmap.ts";
import type { NdArray } from "../../runtime/context.ts";
import type { ShownTokens } from "./tokens.ts";
import type { Extent } from "./viewport.ts";

export interface Matrix extends Extent {
  /** What to paint for a view, coarsest first, when a cell takes `cell` device pixels; asks for what is missing. */
  pieces(view: View, cell: number): readonly HeatmapPiece[];
  /** The weight that the colours end at. */
  maximum(): number;
  /** The weight of a cell as it was sent; undefined where only coarser ones are here. */
  value(row: number, column: number): number | undefined;
  /** Whether `value` will come for every cell of a view once it is asked for. */
  need(view: View): void;
}

/** The rows and columns that are shown, taken out of the whole, whose largest weight was `sent` along. */
export function wholeMatrix(weights: NdArray, sent: number, query: ShownTokens, key: ShownTokens): Matrix {
  const [, keys = 0] = weights.shape;
  const [rows, columns] = [query.indices.length, key.indices.length];
  let values = weights.data;
  if (query.hidden || key.hidden) {
    values = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const from = (query.indices[row] as number) * keys;
      for (let column = 0; column < columns; column++) {
        values[row * columns + column] = weights.data[from + (key.indices[column] as number)] as number;
      }
    }
  }
  const piece = { values, rows, columns, top: 0, left: 0, span: 1 };
  const most = values === weights.data && sent > 0 && Number.isFinite(sent) ? sent : largest(values);
  return {
    rows,
    columns,
    pieces: () => [piece],
    maximum: () => most || 1,
    value: (row, column) => values[row * columns + column],
    need: () => undefined,
  };
}

/** The largest finite value; 0 where there is none. */
export function largest(values: NdArray["data"]): number {
  let most = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (value > most && value < Number.POSITIVE_INFINITY) most = value;
  }
  return most;
}

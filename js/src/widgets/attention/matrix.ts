/** What the map draws: a matrix of shown rows and columns that is all here. Its large sibling is `tiled.ts`. */

import type { HeatmapPiece, View } from "../../draw/heatmap.ts";
import type { NdArray } from "../../runtime/context.ts";
import type { ShownTokens } from "./tokens.ts";
import type { Extent } from "./viewport.ts";

export interface Matrix extends Extent {
  /** What to paint for a view, coarsest first, when a cell takes `cell` device pixels; asks for what is missing. */
  pieces(view: View, cell: number): readonly HeatmapPiece[];
  /** The weight that the colours end at: the largest of the cells that do not stand back. */
  maximum(): number;
  /** Whether cells that stand back hold larger ones. */
  clipped(): boolean;
  /** The weight of a cell as it was sent; undefined where only coarser ones are here. */
  value(row: number, column: number): number | undefined;
  /** Whether `value` will come for every cell of a view once it is asked for. */
  need(view: View): void;
}

/** The rows and columns that are shown, taken out of the whole, whose largest weight was `sent` along. */
export function wholeMatrix(weights: NdArray, sent: number, query: ShownTokens, key: ShownTokens): Matrix {
  const shown = query.hidden || key.hidden ? takenOut(weights, query, key) : weights;
  const [rows, columns] = [query.indices.length, key.indices.length];
  const piece = pieceOf(shown, { top: 0, left: 0, span: 1 });
  let [end, clipped] = [sent, false];
  if (!(query.plain && key.plain && sent > 0 && Number.isFinite(sent))) {
    const { plain, all } = most(shown, query.faint, key.faint);
    end = plain || all;
    clipped = all > end;
  }
  return {
    rows,
    columns,
    pieces: () => [piece],
    maximum: () => end || 1,
    clipped: () => clipped,
    value: (row, column) => shown.data[row * columns + column],
    need: () => undefined,
  };
}

function takenOut({ shape: [, keys = 0], data }: NdArray, query: ShownTokens, key: ShownTokens): NdArray {
  const [rows, columns] = [query.indices.length, key.indices.length];
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = (query.indices[row] as number) * keys;
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] = data[from + (key.indices[column] as number)] as number;
    }
  }
  return { shape: [rows, columns], data: values };
}

/** Cells that lie at a place of the view, decoded only if their numbers are wanted. */
export function pieceOf(cells: NdArray, at: Pick<HeatmapPiece, "top" | "left" | "span">): HeatmapPiece {
  const [rows = 0, columns = 0] = cells.shape;
  return {
    ...at,
    rows,
    columns,
    coded: cells.coded,
    get values() {
      return cells.data;
    },
  };
}

/** The largest finite values; 0 where there are none. */
export interface Most {
  /** Of the cells that do not stand back: colours end there, or a sink such as [CLS] would darken all else. */
  readonly plain: number;
  readonly all: number;
}

export function most({ data, shape }: NdArray, asideRow: Aside, asideColumn: Aside): Most {
  const [rows = 0, columns = 0] = shape;
  let [plain, all] = [0, 0];
  const asides = Uint8Array.from({ length: columns }, (_, column) => Number(asideColumn(column)));
  for (let row = 0; row < rows; row++) {
    const aside = asideRow(row);
    for (let column = 0, at = row * columns; column < columns; column++, at++) {
      const value = data[at] as number;
      if (!(value > plain && value < Number.POSITIVE_INFINITY)) continue;
      if (value > all) all = value;
      if (!aside && !asides[column]) plain = value;
    }
  }
  return { plain, all };
}
type Aside = (at: number) => boolean;

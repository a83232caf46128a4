/** Lines of equal height over a grid of values, by marching squares; cells with a value that is not finite have none. */

import type { Context2D } from "./canvas.ts";

export interface HeightGrid {
  /** Row by row, the first row at `top` of the picture's coordinates. */
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

/** Pieces of one line: x0, y0, x1, y1 in columns and rows of the grid, one after the other. */
export function contourPieces({ values, rows, columns }: HeightGrid, level: number): number[] {
  const pieces: number[] = [];
  const at = (row: number, column: number) => values[row * columns + column] as number;
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const corners = [at(row, column), at(row, column + 1), at(row + 1, column + 1), at(row + 1, column)] as const;
      if (!corners.every(Number.isFinite)) continue;
      const crossings: (readonly [number, number])[] = [];
      for (let side = 0; side < 4; side++) {
        const [from, to] = [corners[side] as number, corners[(side + 1) % 4] as number];
        if (from < level === to < level) continue;
        const share = (level - from) / (to - from);
        crossings.push(
          [
            [column + share, row],
            [column + 1, row + share],
            [column + 1 - share, row + 1],
            [column, row + 1 - share],
          ][side] as [number, number],
        );
      }
      // A saddle has four crossings: which two belong together is told by the middle.
      const middle = (corners[0] + corners[1] + corners[2] + corners[3]) / 4;
      const turned = crossings.length === 4 && middle < level === corners[0] < level ? 1 : 0;
      for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
        const [one, other] = [
          crossings[(pair + turned) % crossings.length],
          crossings[(pair + 1 + turned) % crossings.length],
        ];
        if (one && other) pieces.push(...one, ...other);
      }
    }
  }
  return pieces;
}

/** Draws the lines of these levels; `place` puts a column and row of the grid into the picture. */
export function paintContours(
  context: Context2D,
  grid: HeightGrid,
  levels: readonly number[],
  place: (column: number, row: number) => readonly [number, number],
): void {
  context.beginPath();
  for (const level of levels) {
    const pieces = contourPieces(grid, level);
    for (let at = 0; at < pieces.length; at += 4) {
      context.moveTo(...place(pieces[at] as number, pieces[at + 1] as number));
      context.lineTo(...place(pieces[at + 2] as number, pieces[at + 3] as number));
    }
  }
  context.stroke();
}

/** A matrix too large to send whole: tiles of a pyramid, finer ones asked for where the reader looks. */

import type { HeatmapPiece, View } from "../../draw/heatmap.ts";
import type { Answer, NdArray, ViewContext } from "../../runtime/context.ts";
import { largest, type Matrix } from "./matrix.ts";
import { isSuperseded, reportUnlessSuperseded } from "./overview.ts";
import { type Place, whereOf } from "./place.ts";
import type { Extent } from "./viewport.ts";

/** Cells along a side of a tile; a cell of level n covers 2ⁿ × 2ⁿ weights. The kernel's `analysis/pyramid.py` cuts the same. */
export const TILE = 256;

/** Requests in flight at once: enough to keep the kernel busy, few enough that a zoom is not stuck behind a pan. */
const SLOTS = 4;

export interface TileName {
  readonly level: number;
  readonly row: number;
  readonly column: number;
}

/** The level at which all fits into one tile. */
export function topLevel({ rows, columns }: Extent): number {
  return Math.max(0, Math.ceil(Math.log2(Math.max(rows, columns, 1) / TILE)));
}

/** The coarsest level whose cells are no larger than a device pixel, when a weight takes `cell` of them. */
export function levelFor(cell: number, top: number): number {
  return Math.min(top, Math.max(0, Math.floor(Math.log2(1 / cell) + 1e-6)));
}

/** The tiles of a level that a view touches, those nearest to its middle first. */
export function tilesInView(view: View, level: number, { rows, columns }: Extent): TileName[] {
  const size = TILE * 2 ** level;
  const range = (low: number, high: number, all: number) => {
    const first = Math.max(0, Math.floor(low / size));
    const last = Math.min(Math.ceil(all / size), Math.ceil(high / size));
    return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  };
  const middle = { row: (view.top + view.bottom) / 2 / size - 0.5, column: (view.left + view.right) / 2 / size - 0.5 };
  const far = (tile: TileName) => Math.hypot(tile.row - middle.row, tile.column - middle.column);
  return range(view.top, view.bottom, rows)
    .flatMap((row) => range(view.left, view.right, columns).map((column) => ({ level, row, column })))
    .sort((a, b) => far(a) - far(b));
}

export function tiledMatrix(
  context: ViewContext,
  place: Place,
  head: number | "mean",
  reduce: "max" | "mean",
  onArrival: () => void,
): Matrix & { stop(): void } {
  const extent = { rows: place.entry.queries, columns: place.entry.keys };
  const top = topLevel(extent);
  const tiles = new Map<string, { name: TileName; array: NdArray }>();
  const failed = new Set<string>();
  const flying = new Map<number, string>();
  let wanted: TileName[] = [];
  let drawnLevel = top;
  let stopped = false;

  const nameOf = ({ level, row, column }: TileName) => `${level}/${row}/${column}`;
  const argsOf = (name: TileName) => ({ ...whereOf(place), head, reduce, ...name });
  const keep = (name: TileName, { arrays }: Answer) => {
    if (!arrays.tile) throw new Error("The answer about a tile of attention weights came without the tile.");
    tiles.set(nameOf(name), { name, array: arrays.tile });
  };
  const find = (name: TileName): NdArray | undefined => {
    const known = tiles.get(nameOf(name));
    if (known) return known.array;
    const cached = context.cached("attention.tile", argsOf(name));
    if (cached) keep(name, cached);
    return tiles.get(nameOf(name))?.array;
  };
  const pump = () => {
    const busy = new Set(flying.values());
    for (let slot = 0; slot < SLOTS && !stopped; slot++) {
      if (flying.has(slot)) continue;
      const next = wanted.find((name) => !find(name) && !busy.has(nameOf(name)) && !failed.has(nameOf(name)));
      if (!next) return;
      busy.add(nameOf(next));
      flying.set(slot, nameOf(next));
      void load(next, slot);
    }
  };
  const load = async (name: TileName, slot: number) => {
    try {
      const answer = await context.ask("attention.tile", argsOf(name), { control: `tile-${slot}` });
      if (stopped) return;
      keep(name, answer);
      context.showError(null);
      onArrival();
    } catch (error) {
      if (!isSuperseded(error)) failed.add(nameOf(name));
      if (!stopped) reportUnlessSuperseded(context, error);
    } finally {
      flying.delete(slot);
      pump();
    }
  };
  const want = (names: TileName[]) => {
    // The coarsest tile comes first, for it alone covers everything.
    wanted = [{ level: top, row: 0, column: 0 }, ...names];
    pump();
  };

  return {
    ...extent,
    stop() {
      stopped = true;
    },
    pieces(view, cell) {
      drawnLevel = levelFor(cell, top);
      want(tilesInView(view, drawnLevel, extent));
      const pieces: HeatmapPiece[] = [];
      for (let level = top; level >= drawnLevel; level--) {
        for (const name of tilesInView(view, level, extent)) {
          const array = find(name);
          if (array) pieces.push(pieceOf(name, array));
        }
      }
      return pieces;
    },
    maximum() {
      // Maxima are the same on every level; means grow as cells shrink, so their colours follow the level.
      const level = reduce === "max" ? top : drawnLevel;
      let most = 0;
      for (const { name, array } of tiles.values()) {
        if (name.level === level || (most === 0 && name.level === top)) {
          most = Math.max(most, largest(array.data));
        }
      }
      return most || 1;
    },
    value(row, column) {
      const name = { level: 0, row: Math.floor(row / TILE), column: Math.floor(column / TILE) };
      const tile = tiles.get(nameOf(name))?.array;
      return tile?.data[(row % TILE) * (tile.shape[1] as number) + (column % TILE)];
    },
    need: (view) => want(tilesInView(view, 0, extent)),
  };
}

function pieceOf({ level, row, column }: TileName, { shape, data }: NdArray): HeatmapPiece {
  const span = 2 ** level;
  const [rows = 0, columns = 0] = shape;
  return { values: data, rows, columns, top: row * TILE * span, left: column * TILE * span, span };
}

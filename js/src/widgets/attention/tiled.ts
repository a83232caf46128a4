/** A matrix too large to send whole: tiles of a pyramid, finer ones asked for where the reader looks. */

import type { HeatmapPiece, View } from "../../draw/heatmap.ts";
import type { Answer, NdArray } from "../../runtime/context.ts";
import { type Matrix, type Most, most, pieceOf } from "./matrix.ts";
import { type Place, whereOf } from "./place.ts";
import { isSuperseded, type Source } from "./source.ts";
import type { Columns, ShownTokens } from "./tokens.ts";
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

export interface TiledMatrix extends Matrix {
  /** Whether the coarsest tile is here, which covers everything; asks for it where it is not. */
  ready(): boolean;
  /** Ask for no more tiles. */
  stop(): void;
}

interface Tile {
  readonly name: TileName;
  readonly array: NdArray;
  readonly most: Most;
}

export function tiledMatrix(
  source: Source,
  place: Place,
  head: number | "mean",
  reduce: "max" | "mean",
  { query, key }: Columns,
  onArrival: () => void,
): TiledMatrix {
  const extent = { rows: place.entry.queries, columns: place.entry.keys };
  const top = topLevel(extent);
  const coarsest = { level: top, row: 0, column: 0 };
  const tiles = new Map<string, Tile>();
  const failed = new Map<string, unknown>();
  const flying = new Map<number, string>();
  let wanted: TileName[] = [];
  let drawnLevel = top;
  let stopped = false;

  const nameOf = ({ level, row, column }: TileName) => `${level}/${row}/${column}`;
  const argsOf = (name: TileName) => ({ ...whereOf(place), head, reduce, ...name });
  const keep = (name: TileName, answer: Answer): Tile | undefined => {
    const span = 2 ** name.level;
    const size = (all: number, at: number) => Math.min(TILE, Math.ceil(all / span) - at * TILE);
    const shape = [size(extent.rows, name.row), size(extent.columns, name.column)];
    const array = source.array(answer, "tile", shape);
    // What does not fit would be asked for again and again.
    if (!array) failed.set(nameOf(name), null);
    else tiles.set(nameOf(name), { name, array, most: most(array, aside(query, name.row), aside(key, name.column)) });
    return tiles.get(nameOf(name));

    /** Of the cells along one side, those that cover a token that stands back. */
    function aside(tokens: ShownTokens, at: number): (cell: number) => boolean {
      return (cell) => {
        const first = (at * TILE + cell) * span;
        for (let i = first; i < Math.min(first + span, tokens.indices.length); i++) if (tokens.faint(i)) return true;
        return false;
      };
    }
  };
  const find = (name: TileName): Tile | undefined => {
    const known = tiles.get(nameOf(name));
    if (known || failed.has(nameOf(name))) return known;
    const cached = source.cached("attention.tile", argsOf(name));
    return cached && keep(name, cached);
  };
  const pump = () => {
    const busy = new Set(flying.values());
    for (let slot = 0; slot < SLOTS && !stopped && !source.ended; slot++) {
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
      const answer = await source.ask("attention.tile", argsOf(name), `tile-${slot}`);
      if (!stopped && keep(name, answer)) onArrival();
    } catch (error) {
      if (isSuperseded(error)) return;
      failed.set(nameOf(name), error);
      report();
    } finally {
      flying.delete(slot);
      pump();
    }
  };
  const want = (names: readonly TileName[]) => {
    wanted = [coarsest, ...names];
    pump();
    report();
  };
  /** What failed is an error for as long as it is wanted. */
  const report = () => {
    const missed = wanted.find((name) => failed.has(nameOf(name)));
    if (!stopped) source.report(missed ? failed.get(nameOf(missed)) : null);
  };
  /** Maxima are the same on every level; means grow as cells shrink, so their colours follow the level. */
  const ends = (): Most => {
    const on = (level: number) => mostOf([...tiles.values()].filter(({ name }) => name.level === level));
    const drawn = on(reduce === "max" ? top : drawnLevel);
    return drawn.all ? drawn : on(top);
  };

  return {
    ...extent,
    ready() {
      if (find(coarsest)) return true;
      want([]);
      return false;
    },
    stop() {
      stopped = true;
    },
    pieces(view, cell) {
      drawnLevel = levelFor(cell, top);
      want(tilesInView(view, drawnLevel, extent));
      const pieces: HeatmapPiece[] = [];
      for (let level = top; level >= drawnLevel; level--) {
        for (const name of tilesInView(view, level, extent)) {
          const tile = find(name);
          if (!tile) continue;
          const span = 2 ** level;
          pieces.push(pieceOf(tile.array, { top: name.row * TILE * span, left: name.column * TILE * span, span }));
        }
      }
      return pieces;
    },
    maximum: () => ends().plain || ends().all || 1,
    clipped: () => ends().plain > 0 && ends().all > ends().plain,
    value(row, column) {
      const name = { level: 0, row: Math.floor(row / TILE), column: Math.floor(column / TILE) };
      const array = tiles.get(nameOf(name))?.array;
      return array?.data[(row % TILE) * (array.shape[1] as number) + (column % TILE)];
    },
    need: (view) => want(tilesInView(view, 0, extent)),
  };
}

function mostOf(tiles: readonly Tile[]): Most {
  const largest = (of: keyof Most) => tiles.reduce((sum, { most }) => Math.max(sum, most[of]), 0);
  return { plain: largest("plain"), all: largest("all") };
}

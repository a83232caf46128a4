/** Finds the matrix that a place of the map shows: whole or in tiles, from the page's cache or from the kernel. */

import type { Answer } from "../../runtime/context.ts";
import { type Matrix, wholeMatrix } from "./matrix.ts";
import { matrixKey, type Place } from "./place.ts";
import { isSuperseded, type Source } from "./source.ts";
import { type TiledMatrix, tiledMatrix } from "./tiled.ts";
import { createColumns, type ShownTokens, type SpecialTokens } from "./tokens.ts";
import { isWhole, wholeHead } from "./weights.ts";

export interface MapSubject {
  readonly source: Source;
  readonly place: Place;
  readonly head: number | "mean";
  readonly matrix: Matrix;
  readonly query: ShownTokens;
  readonly key: ShownTokens;
  /** Rows and columns that stand back: by how much, 0 to 1. Tiles cannot leave rows out, so there hidden ones are covered. */
  readonly veil: number;
}

export interface MapOptions {
  readonly mean: boolean;
  readonly reduce: "max" | "mean";
  readonly special: SpecialTokens;
}

const VEIL = 0.65;

export interface MapSubjects {
  /** The subject of a place; undefined while it is on its way, after which `onArrival` is called. */
  find(place: Place, options: MapOptions): MapSubject | undefined;
}

export function createMapSubjects(source: Source, onArrival: () => void): MapSubjects {
  let current: { key: string; subject: MapSubject } | null = null;
  let arrived: { key: string; answer: Answer } | null = null;
  let tiles: TiledMatrix | null = null;
  let asked = "";
  let failed: { key: string; error: unknown } | null = null;
  const columnsOf = createColumns();

  const ask = async (place: Place, head: number | "mean", key: string) => {
    if (asked === key) return;
    asked = key;
    try {
      const answer = await source.ask("attention.weights", wholeHead(place, head), "map");
      if (asked === key) arrived = { key, answer };
    } catch (error) {
      if (asked === key && !isSuperseded(error)) failed = { key, error };
    }
    if (asked === key) onArrival();
  };

  const whole = (place: Place, head: number | "mean", special: SpecialTokens): MapSubject | undefined => {
    const key = matrixKey(place, head);
    const cached = source.cached("attention.weights", wholeHead(place, head));
    const answer = cached ?? (arrived?.key === key ? arrived.answer : undefined);
    if (!answer) {
      void ask(place, head, key);
      return undefined;
    }
    // What an earlier place asked for is not wanted any more.
    asked = key;
    const weights = source.array(answer, "weights", [place.entry.queries, place.entry.keys]);
    if (!weights) return undefined;
    const columns = columnsOf(source.overview, place.entry, special);
    const matrix = wholeMatrix(weights, Number(answer.value.maximum), columns.query, columns.key);
    return { source, place, head, matrix, ...columns, veil: VEIL };
  };

  const tiled = (place: Place, head: number | "mean", { special, reduce }: MapOptions): MapSubject => {
    asked = "";
    const columns = columnsOf(source.overview, place.entry, special === "hide" ? "dim" : special);
    tiles = tiledMatrix(source, place, head, reduce, columns, onArrival);
    return { source, place, head, matrix: tiles, ...columns, veil: special === "hide" ? 1 : VEIL };
  };

  return {
    find(place, options) {
      const head = options.mean ? "mean" : place.head;
      const key = [matrixKey(place, head), options.special, isWhole(place) ? "" : options.reduce].join(" ");
      if (current?.key !== key) {
        tiles?.stop();
        tiles = null;
        const subject = isWhole(place) ? whole(place, head, options.special) : tiled(place, head, options);
        current = subject ? { key, subject } : null;
      }
      // Tiles tell for themselves what failed.
      if (!tiles) source.report(failed?.key === asked ? failed.error : null);
      return current && (!tiles || tiles.ready()) ? { ...current.subject, place } : undefined;
    },
  };
}

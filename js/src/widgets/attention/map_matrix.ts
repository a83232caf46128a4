/** Finds the matrix that a place of the map shows: whole or in tiles, from the page's cache or from the kernel. */

import type { Answer, ViewContext } from "../../runtime/context.ts";
import { type Matrix, wholeMatrix } from "./matrix.ts";
import { type Overview, reportUnlessSuperseded } from "./overview.ts";
import { matrixKey, type Place, whereOf } from "./place.ts";
import { tiledMatrix } from "./tiled.ts";
import { createColumns, type ShownTokens, type SpecialTokens } from "./tokens.ts";
import { isWhole } from "./weights.ts";

export interface MapSubject {
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
  find(overview: Overview, place: Place, options: MapOptions): MapSubject | undefined;
  /** Forget everything: the model's weights or the input changed. */
  clear(): void;
}

export function createMapSubjects(context: ViewContext, onArrival: () => void): MapSubjects {
  let current: { key: string; overview: Overview; subject: MapSubject } | null = null;
  let arrived: { key: string; answer: Answer } | null = null;
  let asked = "";
  let generation = 0;
  let stop = () => {};
  const columnsOf = createColumns();

  const ask = (place: Place, head: number | "mean", key: string) => {
    if (asked === key) return;
    asked = key;
    const at = generation;
    const live = () => at === generation && asked === key && !context.signal.aborted;
    context
      .ask("attention.weights", { ...whereOf(place), head, rows: null }, { control: "map" })
      .then((answer) => {
        if (!live()) return;
        asked = "";
        arrived = { key, answer };
        context.showError(null);
        onArrival();
      })
      .catch((error) => {
        if (live() || asked === "") reportUnlessSuperseded(context, error);
      });
  };

  const build = (
    overview: Overview,
    place: Place,
    head: number | "mean",
    options: MapOptions,
    key: string,
  ): MapSubject | undefined => {
    if (!isWhole(place)) {
      const tiles = tiledMatrix(context, place, head, options.reduce, onArrival);
      stop = tiles.stop;
      const shown = columnsOf(overview, place.entry, options.special === "hide" ? "dim" : options.special);
      return { place, head, matrix: tiles, ...shown, veil: options.special === "hide" ? 1 : VEIL };
    }
    const cached = context.cached("attention.weights", { ...whereOf(place), head, rows: null });
    const answer = cached ?? (arrived?.key === key ? arrived.answer : undefined);
    if (!answer) {
      ask(place, head, key);
      return undefined;
    }
    // What an earlier place asked for is not wanted any more.
    asked = "";
    const { weights } = answer.arrays;
    if (!weights) throw new Error("The answer about attention weights came without the weights.");
    const shown = columnsOf(overview, place.entry, options.special);
    return {
      place,
      head,
      matrix: wholeMatrix(weights, Number(answer.value.maximum), shown.query, shown.key),
      ...shown,
      veil: VEIL,
    };
  };

  return {
    find(overview, place, options) {
      const head = options.mean ? "mean" : place.head;
      const key = matrixKey(place, head);
      const full = [key, options.special, isWhole(place) ? "" : options.reduce].join(" ");
      if (current?.key === full && current.overview === overview) return { ...current.subject, place };
      const subject = build(overview, place, head, options, key);
      if (!subject) return undefined;
      if (current && subject.matrix !== current.subject.matrix && isWhole(place)) stop();
      current = { key: full, overview, subject };
      return subject;
    },
    clear() {
      generation += 1;
      asked = "";
      arrived = null;
      current = null;
      stop();
    },
  };
}

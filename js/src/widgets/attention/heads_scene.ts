/** What the heads picture shows at a moment, and the arithmetic between rows, tokens and weights. No page in it. */

import type { Link } from "../../draw/links.ts";
import { type Exact, exactWeight } from "./exact.ts";
import type { ShownTokens } from "./tokens.ts";
import type { HeadRows } from "./weights.ts";

export type Side = "query" | "key";

export function other(side: Side): Side {
  return side === "query" ? "key" : "query";
}

export interface Focus {
  readonly side: Side;
  readonly row: number;
}

export interface Beside {
  readonly name: string;
  readonly title: string;
  /** The weight that fills a cell. */
  readonly full: number;
  value(slot: number, row: number): number | undefined;
}

/** How much of the columns is in sight. */
export interface Sight {
  readonly rowHeight: number;
  readonly height: number;
  /** How far the scroll bar, which is that of the longer column, stands. */
  readonly scroll: number;
}

export interface HeadsScene extends Sight {
  readonly heads: readonly number[];
  /** In the order of `heads`; undefined where a head's weights are on their way. */
  readonly weights: readonly (HeadRows | undefined)[];
  readonly whole: boolean;
  readonly query: ShownTokens;
  readonly key: ShownTokens;
  readonly threshold: number;
  /** The weight that is drawn at full strength. */
  readonly full: number;
  /** The token whose lines stand out: hovered, else on the keyboard, else picked. */
  readonly focus: Focus | null;
  /** By head: the focused token's exact weights, over all tokens of the other side; undefined where they have not come. */
  readonly exact: readonly (Exact | undefined)[];
  readonly picked: Readonly<Record<Side, number | null>>;
  beside(side: Side): Beside | null;
}

type Columns = Sight & Pick<HeadsScene, "query" | "key">;

/** How far a column is scrolled: the longer one by the scroll bar, the shorter one in proportion. */
export function columnOffset(scene: Columns, side: Side): number {
  const hidden = (count: number) => Math.max(0, count * scene.rowHeight - scene.height);
  const own = hidden(scene[side].indices.length);
  const longest = Math.max(own, hidden(scene[other(side)].indices.length));
  return longest > 0 ? Math.min(own, Math.round((scene.scroll / longest) * own)) : 0;
}

/** The rows of a column in sight, from the first up to, not including, the last. */
export function rowsInSight(scene: Columns, side: Side): [first: number, last: number] {
  const offset = columnOffset(scene, side);
  const count = scene[side].indices.length;
  const first = Math.max(0, Math.floor(offset / scene.rowHeight));
  return [Math.min(first, count), Math.min(count, Math.ceil((offset + scene.height) / scene.rowHeight))];
}

/** The weight of a head between two rows of the picture, exact where it is known; undefined where it has not come yet. */
export function weightAt(scene: HeadsScene, slot: number, queryRow: number, keyRow: number): number | undefined {
  const [query, key] = [scene.query.indices[queryRow] as number, scene.key.indices[keyRow] as number];
  const exact = scene.exact[slot];
  return (exact && exactWeight(exact, query, key)) ?? scene.weights[slot]?.row(query)?.[key];
}

/** Whether the weight between two rows is known as exactly as it was computed. */
export function isExact(scene: HeadsScene, slot: number, queryRow: number, keyRow: number): boolean {
  const exact = scene.exact[slot];
  const [query, key] = [scene.query.indices[queryRow] as number, scene.key.indices[keyRow] as number];
  return exact !== undefined && exactWeight(exact, query, key) !== undefined;
}

/** How much fainter lines of special tokens are when these are dimmed. */
const DIM = 0.25;

export interface LinksInSight {
  readonly links: readonly Link[];
  /** Whether some weights are NaN, and so have no lines. */
  readonly missing: boolean;
}

/**
 * The lines of one head that touch a row in sight, or those of the focused token alone.
 * Of a matrix in blocks only the queries in sight are drawn, for the rest has not come.
 */
export function linksInSight(scene: HeadsScene, slot: number, focused: boolean): LinksInSight {
  const { query, key, rowHeight } = scene;
  const focus = focused ? scene.focus : null;
  const weights = scene.weights[slot];
  if (!weights || (focused && !focus)) return { links: [], missing: false };
  const [queryTop, keyTop] = [columnOffset(scene, "query"), columnOffset(scene, "key")];
  const [firstQuery, lastQuery] = rowsInSight(scene, "query");
  const [firstKey, lastKey] = rowsInSight(scene, "key");
  // Heads lie beside each other, so that one does not hide another.
  const shift = (slot - (scene.heads.length - 1) / 2) * Math.min(3, (rowHeight - 6) / scene.heads.length);
  const middle = rowHeight / 2 + shift;
  const least = Math.max(scene.threshold, Number.MIN_VALUE);
  const links: Link[] = [];
  let missing = false;
  const [from, to] =
    focus?.side === "query"
      ? [focus.row, focus.row + 1]
      : scene.whole
        ? [0, query.indices.length]
        : [firstQuery, lastQuery];
  for (let q = from; q < to; q++) {
    const row = weights.row(query.indices[q] as number);
    if (!row) continue;
    const all = focus?.side === "query" || (q >= firstQuery && q < lastQuery);
    const [start, stop] =
      focus?.side === "key" ? [focus.row, focus.row + 1] : all ? [0, key.indices.length] : [firstKey, lastKey];
    for (let k = start; k < stop; k++) {
      const weight = row[key.indices[k] as number] as number;
      if (!(weight >= least)) {
        missing ||= Number.isNaN(weight);
        continue;
      }
      const dim = query.faint(q) || key.faint(k) ? DIM : 1;
      links.push({
        from: q * rowHeight - queryTop + middle,
        to: k * rowHeight - keyTop + middle,
        strength: Math.min(1, weight / scene.full) * dim,
      });
    }
  }
  return { links, missing };
}

/** The largest weight between shown tokens that are not dimmed, over all heads that have come. */
export function peak(
  whole: boolean,
  query: ShownTokens,
  key: ShownTokens,
  ...weights: readonly (HeadRows | undefined)[]
): number {
  let full = 0;
  const all = query.plain && key.plain;
  for (const head of weights) {
    if (!head) continue;
    if (!whole || (all && head.maximum > 0)) {
      full = Math.max(full, head.maximum || 0);
      continue;
    }
    for (let q = 0; q < query.indices.length; q++) {
      const row = query.faint(q) ? undefined : head.row(query.indices[q] as number);
      if (!row) continue;
      for (let k = 0; k < key.indices.length; k++) {
        const weight = row[key.indices[k] as number] as number;
        if (weight > full && !key.faint(k)) full = weight;
      }
    }
  }
  return full || 1;
}

/** The mean weight that each shown key receives from the shown queries: padding attends to nothing that matters. */
export function received(head: HeadRows, query: ShownTokens, key: ShownTokens): Float64Array {
  const sums = new Float64Array(key.indices.length);
  let count = 0;
  for (const [q, index] of query.indices.entries()) {
    if (query.padding(q)) continue;
    count += 1;
    const row = head.row(index);
    if (row)
      for (let k = 0; k < sums.length; k++) sums[k] = (sums[k] as number) + (row[key.indices[k] as number] as number);
  }
  return sums.map((sum) => sum / Math.max(1, count));
}

export interface Strongest {
  readonly query: number;
  readonly key: number;
  /** The largest weight of the pair over the heads, and whose it is. */
  readonly weight: number;
  readonly slot: number;
}

/**
 * The `count` strongest pairs of rows: of the focused token, or of all rows that have come, without those that stand back.
 * What padding attends to is left out unless it is focused.
 */
export function strongest(scene: HeadsScene, count: number): Strongest[] {
  const { focus, query, key } = scene;
  const [firstQuery, lastQuery] = scene.whole ? [0, query.indices.length] : rowsInSight(scene, "query");
  const [from, to] = focus?.side === "query" ? [focus.row, focus.row + 1] : [firstQuery, lastQuery];
  const [start, stop] = focus?.side === "key" ? [focus.row, focus.row + 1] : [0, key.indices.length];
  const best: Strongest[] = [];
  let least = 0;
  const take = (found: Strongest) => {
    const same = best.findIndex((other) => other.query === found.query && other.key === found.key);
    if (same >= 0) {
      if ((best[same] as Strongest).weight >= found.weight) return;
      best.splice(same, 1);
    }
    const at = best.findIndex((other) => other.weight < found.weight);
    best.splice(at < 0 ? best.length : at, 0, found);
    if (best.length > count) best.pop();
    least = best.length < count ? 0 : (best.at(-1) as Strongest).weight;
  };
  for (const [slot, weights] of scene.weights.entries()) {
    for (let q = from; q < to; q++) {
      const aside = focus?.side !== "query" && (query.padding(q) || (!focus && query.faint(q)));
      const row = aside ? undefined : weights?.row(query.indices[q] as number);
      if (!row) continue;
      for (let k = start; k < stop; k++) {
        // Of a focused token the exact weights, so that the order is that of the numbers shown.
        const weight = (focus ? weightAt(scene, slot, q, k) : row[key.indices[k] as number]) as number;
        if (weight > least && (focus || !key.faint(k))) take({ query: q, key: k, weight, slot });
      }
    }
  }
  return best;
}

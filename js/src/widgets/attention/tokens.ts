/** The tokens along one side of a picture: which are shown, which stand back, and where each one is. */

import { memo } from "./memo.ts";
import { type Entry, type Overview, type Side, type TokenList, tokensOf } from "./overview.ts";

export type SpecialTokens = "show" | "dim" | "hide";

export interface ShownTokens {
  /** Tokens shown, as indices of the sequence. */
  readonly indices: Int32Array;
  readonly hidden: number;
  /** Whether all tokens are shown, and none stands back. */
  readonly plain: boolean;
  text(row: number): string;
  /** Whether the token has a name, and not its position alone. */
  named(row: number): boolean;
  faint(row: number): boolean;
  padding(row: number): boolean;
  /** Where a token of the sequence is shown; null where it is hidden. */
  rowOf(index: number | null): number | null;
}

/** The picture's `count` tokens; special ones and padding are treated as `special` says. */
export function shownTokens(tokens: TokenList, count: number, special: SpecialTokens): ShownTokens {
  const apart = new Set(special === "show" ? [] : [...tokens.special, ...tokens.padding]);
  const indices = Int32Array.from(
    special === "hide" ? range(count).filter((index) => !apart.has(index)) : range(count),
  );
  const padding = new Set(tokens.padding);
  const rows = new Int32Array(count).fill(-1);
  indices.forEach((index, row) => {
    rows[index] = row;
  });
  const text = (row: number) => tokens.texts[indices[row] as number] ?? String(indices[row]);
  return {
    indices,
    hidden: count - indices.length,
    plain: apart.size === 0,
    text,
    named: (row) => text(row) !== String(indices[row]),
    faint: (row) => special === "dim" && apart.has(indices[row] as number),
    padding: (row) => padding.has(indices[row] as number),
    rowOf(index) {
      const row = index === null ? -1 : (rows[index] ?? -1);
      return row < 0 ? null : row;
    },
  };
}

export interface Columns {
  readonly query: ShownTokens;
  readonly key: ShownTokens;
}

/** Both sides of an entry; the same objects as long as nothing about them changed, also from layer to layer. */
export function createColumns(): (overview: Overview, entry: Entry, special: SpecialTokens) => Columns {
  const both = memo(
    (overview: Overview, from: Side, to: Side, queries: number, keys: number, special: SpecialTokens): Columns => ({
      query: shownTokens(tokensOf(overview, from), queries, special),
      key: shownTokens(tokensOf(overview, to), keys, special),
    }),
  );
  return (overview, entry, special) =>
    both(overview, entry.queryTokens, entry.keyTokens, entry.queries, entry.keys, special);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

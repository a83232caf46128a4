/** What the kernel says there is: the attention entries of a model and the tokens along their sides. */

export interface TokenList {
  readonly texts: readonly string[];
  readonly special: readonly number[];
  readonly padding: readonly number[];
}

export type Side = "source" | "target";

export interface Entry {
  readonly index: number;
  readonly path: string;
  readonly call: number;
  readonly kind: string;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly seen: string;
  readonly receipt: readonly (number | null)[] | null;
  readonly receiptNote: string | null;
  readonly queries: number;
  readonly keys: number;
  readonly steps: number | null;
  readonly queryTokens: Side;
  readonly keyTokens: Side;
}

export interface Overview {
  readonly entries: readonly Entry[];
  readonly unseen: readonly { readonly path: string; readonly reason: string }[];
  readonly tokens: { readonly source: TokenList; readonly target: TokenList | null };
  readonly samples: number;
  readonly notes: readonly string[];
  readonly label: string;
}

/** The tokens along one side of an entry; none where the source has no names for them. */
export function tokensOf(overview: Overview, side: Side): TokenList {
  return overview.tokens[side] ?? { texts: [], special: [], padding: [] };
}

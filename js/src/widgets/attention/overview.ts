/** What the kernel says there is: the attention entries of a model and the tokens along their sides. */

import type { Answer, ViewContext } from "../../runtime/context.ts";

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

/** Calls `onOverview` with the overview of the selected sample, at once where the page has it, and again when it changed. */
export function followOverview(context: ViewContext, onOverview: (overview: Overview) => void): void {
  let asked = 0;
  const give = (answer: Answer) => onOverview(answer.value as unknown as Overview);
  const load = () => {
    const ask = ++asked;
    const args = { sample: context.selection.get("sample") ?? 0 };
    const cached = context.cached("attention.overview", args);
    if (cached) {
      give(cached);
      return;
    }
    context
      .ask("attention.overview", args, { control: "overview" })
      .then((answer) => {
        if (ask !== asked || context.signal.aborted) return;
        context.showError(null);
        give(answer);
      })
      .catch((error) => reportUnlessSuperseded(context, error));
  };
  context.selection.onChange(["sample"], load);
  context.onVersion(load);
  load();
}

/** By name: this bundle and the runtime's each have a class `Superseded` of their own. */
export function isSuperseded(error: unknown): boolean {
  return error instanceof Error && error.name === "Superseded";
}

export function reportUnlessSuperseded(context: ViewContext, error: unknown): void {
  if (!isSuperseded(error) && !context.signal.aborted) context.showError(error);
}

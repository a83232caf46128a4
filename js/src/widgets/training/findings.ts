/** What the diagnosis found, a row each: how bad, what, from what one sees it, why, and what to try. */

import { element, setAttribute } from "../../controls/dom.ts";
import { displayText } from "../../draw/text.ts";
import type { Theme } from "../../runtime/context.ts";
import type { Remark } from "./chart_group.ts";

export interface Finding {
  readonly kind: string;
  readonly severity: "note" | "warning" | "serious";
  readonly sentence: string;
  readonly evidence: string;
  readonly steps: readonly [number, number] | null;
  readonly metrics: readonly string[];
  readonly layers: readonly string[];
  readonly cause: string;
  readonly remedy: string;
}

const SIGNS: Readonly<Record<Finding["severity"], string>> = { note: "ℹ", warning: "▲", serious: "⬣" };

export interface FindingsPanel {
  readonly element: HTMLElement;
  show(findings: readonly Finding[], going: boolean): void;
}

/** `onPoint` hears which finding a hand or the focus is on, `onPick` which one is to be looked at. */
export function createFindings(
  onPoint: (at: number | null) => void,
  onPick: (at: number) => void,
  signal: AbortSignal,
): FindingsPanel {
  const list = element("ul", { class: "nnw-findings" });
  let shown = "";
  return {
    element: list,
    show(findings, going) {
      // Built anew only when the words change: a hand may be on one of them.
      const words = JSON.stringify([findings, findings.length === 0 && going]);
      if (words === shown) return;
      shown = words;
      const focused = [...list.children].findIndex((row) => row.matches(":focus-within"));
      list.replaceChildren(
        ...findings.map((finding, at) => {
          const row = rowOf(finding);
          const on = (type: string, listener: () => void) => row.addEventListener(type, listener, { signal });
          on("pointerenter", () => onPoint(at));
          on("pointerleave", () => onPoint(null));
          on("focusin", () => onPoint(at));
          on("focusout", () => onPoint(null));
          on("click", () => onPick(at));
          return row;
        }),
      );
      if (!findings.length) {
        list.append(
          element("li", { class: "nnw-no-finding" }, going ? "Nothing to report so far." : "Nothing to report."),
        );
      }
      if (focused >= 0)
        (list.children[focused]?.querySelector("button") as HTMLElement | null)?.focus({ preventScroll: true });
    },
  };
}

function rowOf({ severity, sentence, evidence, cause, remedy, layers, steps }: Finding): HTMLElement {
  const line = (name: string, words: string) =>
    words ? element("span", { class: "nnw-finding-line" }, element("b", {}, name), ` ${displayText(words)}`) : null;
  const button = element(
    "button",
    { type: "button", class: "nnw-finding-sentence", title: steps ? "Show these steps" : null },
    element(
      "span",
      { class: "nnw-severity" },
      element("span", { "aria-hidden": "true" }, `${SIGNS[severity]} `),
      severity,
    ),
    element("span", {}, displayText(sentence)),
  );
  const row = element(
    "li",
    { class: "nnw-finding" },
    button,
    line("Seen:", evidence),
    layers.length ? line("Layers:", layers.join(", ")) : null,
    line("Cause:", cause),
    line("Try:", remedy),
  );
  setAttribute(row, "data-severity", severity);
  return row;
}

export function severityColor(severity: Finding["severity"], theme: Theme): string {
  if (severity === "serious") return theme.error;
  return severity === "warning" ? "rgb(230 159 0)" : theme.accent;
}

export function remarkOf({ kind, severity, steps, metrics, layers }: Finding, theme: Theme): Remark {
  return {
    steps,
    names: [...metrics, ...layers],
    label: kind.replaceAll("_", " "),
    color: severityColor(severity, theme),
    quiet: severity === "note",
  };
}

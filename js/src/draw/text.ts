/** Tokens as text: never markup, cut between graphemes, with their invisible characters made visible. */

import type { Context2D } from "./canvas.ts";

const VISIBLE: Record<string, string> = { "\n": "↵", "\r": "↵", "\t": "⇥" };

/** Longer tokens are cut before they reach a layout engine, which would stall on megabytes of text in a line. */
const LONGEST = 200;

/** What is shown for a token: on one line, white space visible, at most 200 characters. */
export function displayToken(text: string): string {
  if (text === "") return "∅";
  if (/^ +$/.test(text)) return "␣".repeat(Math.min(text.length, LONGEST));
  const cut =
    text.length > LONGEST
      ? `${graphemes(text.slice(0, 2 * LONGEST))
          .slice(0, LONGEST)
          .join("")}…`
      : text;
  return displayText(cut);
}

/**
 * Text from a model or a user, on one line: what is invisible and acts on its neighbours (controls, direction overrides
 * and isolates, lone surrogates) becomes `�`; joiners stay, for emoji and scripts need them. The figures' `display_token` does the same.
 */
export function displayText(text: string): string {
  return text.replace(HIDDEN, (mark) => VISIBLE[mark] ?? "�");
}
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?![\ufdd0-\ufdef])\p{Noncharacter_Code_Point}/gu;

/** What a person perceives as characters: a flag or a family of emoji is one, and a cut never falls inside. */
export function graphemes(text: string): string[] {
  return Array.from(segmenter.segment(text), (part) => part.segment);
}
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

const fitted = new Map<string, string>();

/** The text, or as much of its beginning as fits `width` with an ellipsis after it. */
export function fitText(context: Context2D, text: string, width: number): string {
  if (width <= 0) return "";
  const key = `${context.font}\u0000${Math.floor(width)}\u0000${text}`;
  let result = fitted.get(key);
  if (result === undefined) {
    result = cutToFit(context, text, width);
    if (fitted.size > 20000) fitted.clear();
    fitted.set(key, result);
  }
  return result;
}

function cutToFit(context: Context2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  const parts = graphemes(text);
  let [low, high] = [0, parts.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${parts.slice(0, middle).join("")}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low > 0 ? `${parts.slice(0, low).join("")}…` : "…";
}

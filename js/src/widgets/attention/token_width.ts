/** How much room the names of tokens need. */

import { displayToken } from "../../draw/text.ts";
import type { ShownTokens } from "./tokens.ts";

/** Tokens that are measured: all would take too long for thousands. */
const MEASURED = 400;

/** The width of the widest name, in pixels; measuring stops at `enough`. */
export function widestToken(tokens: ShownTokens, font: string, enough: number): number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return enough;
  context.font = font;
  const count = tokens.indices.length;
  const step = Math.max(1, Math.floor(count / MEASURED));
  let most = 0;
  for (let row = 0; row < count && most < enough; row += step) {
    most = Math.max(most, context.measureText(displayToken(tokens.text(row))).width);
  }
  return Math.min(enough, most);
}

/** The key to the lines: how strong a line means how much weight. */

import { element, setText } from "../../controls/dom.ts";
import { formatWeight } from "../../draw/scale.ts";

export interface LineKey {
  readonly element: HTMLElement;
  show(low: number, high: number): void;
}

export function createLineKey(): LineKey {
  const [low, high] = [element("span"), element("span")];
  const wedge = element("span", { class: "nnw-wedge", "aria-hidden": "true" });
  const name = element("span", { class: "nnw-name" }, "Weight");
  return {
    element: element(
      "div",
      { class: "nnw-field nnw-line-key", title: "Opacity and width of a line" },
      name,
      low,
      wedge,
      high,
    ),
    show(from, to) {
      setText(low, formatWeight(from, 2));
      setText(high, formatWeight(to, 2));
    },
  };
}

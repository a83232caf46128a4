/** The landscape in numbers: where each branch is at each step, and the energies of the memories. */

import { element } from "../../controls/dom.ts";
import { formatStep, formatValue } from "../../draw/number.ts";
import { displayText } from "../../draw/text.ts";
import type { Landscape } from "./contour_map.ts";

const MOST_ROWS = 200;

export function landscapeTable({ axes, steps, paths, memories }: Landscape, step: number): HTMLTableElement {
  const every = Math.max(1, Math.ceil((steps + 1) / MOST_ROWS));
  const shown = Array.from({ length: Math.floor(steps / every) + 1 }, (_, at) => at * every);
  const head = (...names: readonly string[]) =>
    element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, displayText(name))));
  const cells = (...numbers: readonly number[]) => numbers.map((number) => element("td", {}, formatValue(number)));
  return element(
    "table",
    {},
    element("caption", {}, "Where the energy is, step by step"),
    element("thead", {}, head("branch", "step", ...axes, "energy")),
    element(
      "tbody",
      {},
      ...memories.map(({ label, x, y, energy }) =>
        element(
          "tr",
          {},
          element("th", { scope: "row", dir: "auto" }, `memory ${displayText(label)}`),
          element("td", {}, "–"),
          ...cells(x, y, energy),
        ),
      ),
      ...paths.flatMap(({ name, x, y, z }) =>
        shown.map((at) =>
          element(
            "tr",
            { "aria-current": at === step ? "step" : null },
            element("th", { scope: "row", dir: "auto" }, displayText(name)),
            element("td", {}, formatStep(at)),
            ...cells(x[at] as number, y[at] as number, z[at] as number),
          ),
        ),
      ),
    ),
  );
}

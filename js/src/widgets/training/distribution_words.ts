/** What is said of a layer's values: beside its histogram, below the picture, and in the table. */

import { element } from "../../controls/dom.ts";
import { formatStep, formatValue } from "../../draw/number.ts";
import { displayText } from "../../draw/text.ts";
import type { AtStep, LayerWords } from "./distribution_data.ts";

/** A share in percent: "12 %", "0.4 %". */
export function percent(share: number): string {
  const value = 100 * share;
  return `${value > 0 && value < 1 ? formatValue(value, 1) : Math.round(value)} %`;
}

export function zerosWords([least, most]: readonly [number, number]): string {
  if (most < 0.005) return "";
  if (most - least < 0.005) return `zeros ${percent(most)}`;
  return least > 0 ? `zeros ${percent(least)} to ${percent(most)}` : `zeros at most ${percent(most)}`;
}

export function oddWords({ nan, infinite }: LayerWords): string {
  return [nan ? `${formatStep(nan)} NaN` : "", infinite ? `${formatStep(infinite)} infinite` : ""]
    .filter(Boolean)
    .join(", ");
}

/** The short lines under a histogram. */
export function captionOf(words: LayerWords | null): HTMLElement[] {
  if (!words) return [element("small", {}, "not logged at this step")];
  const odd = oddWords(words);
  // That a few values may be zeros is so in every bell, and no news.
  const zeros = words.zeros[0] > 0 ? zerosWords(words.zeros) : "";
  const dead = words.dead === null ? "" : `dead ${percent(words.dead)}`;
  const lines = [
    words.mean === null || words.std === null
      ? "no finite value"
      : `μ ${formatValue(words.mean, 2)}, σ ${formatValue(words.std, 2)}`,
    [zeros, dead].filter(Boolean).join(", "),
  ];
  return [
    ...lines.filter(Boolean).map((line) => element("small", {}, line)),
    ...(odd ? [element("small", { class: "nnw-warned" }, odd)] : []),
    ...(words.ternary ? [element("small", { class: "nnw-spiked" }, "ternary")] : []),
  ];
}

/** All that is known of a layer at a step, in sentences. */
export function sentenceOf(path: string, words: LayerWords | null): string {
  const name = displayText(path);
  if (!words) return `${name}: not logged at this step.`;
  const range =
    words.minimum === null || words.maximum === null
      ? "no finite value"
      : `${formatValue(words.minimum, 3)} to ${formatValue(words.maximum, 3)}, mean ${formatValue(words.mean ?? 0, 3)}, standard deviation ${formatValue(words.std ?? 0, 3)}`;
  const parts = [
    `${formatStep(words.values)} values, ${range}`,
    zerosWords(words.zeros),
    words.dead === null ? "" : `units that were never active: ${percent(words.dead)}`,
    oddWords(words),
  ].filter(Boolean);
  return `${name}: ${parts.join("; ")}.${words.spikes ? ` ${words.spikes}` : ""}`;
}

/** How many layers are ternary, in a sentence; "" where that is not told. */
export function ternaryWords({ layers, paths }: AtStep): string {
  const told = layers
    .map((words, at) => ({ words, path: paths[at] as string }))
    .filter(({ words }) => words?.ternary !== undefined);
  if (!told.length) return "";
  const some = told.filter(({ words }) => words?.ternary).map(({ path }) => displayText(path));
  const spikes = "ternary (three spikes at −s, 0 and +s, as BitNet b1.58's are)";
  if (!some.length) return `No layer is ${spikes}.`;
  const names = some.length > 6 ? `${some.slice(0, 6).join(", ")} and ${some.length - 6} more` : some.join(", ");
  return `${some.length} of ${told.length} layers ${some.length === 1 ? "is" : "are"} ${spikes}: ${names}.`;
}

/** Every layer's numbers, a row each. */
export function tableOf(at: AtStep, layer: string | null): HTMLTableElement {
  const number = (value: number | null | undefined) =>
    element("td", {}, value === null || value === undefined ? "–" : formatValue(value, 3));
  const heads = [
    "layer",
    "minimum",
    "5 %",
    "25 %",
    "median",
    "75 %",
    "95 %",
    "maximum",
    "mean",
    "σ",
    "zeros",
    "dead",
    "not finite",
  ];
  return element(
    "table",
    {},
    element("caption", {}, `${at.what} at step ${formatStep(at.step)}: quantiles of each layer's values.`),
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element(
      "tbody",
      {},
      ...at.paths.map((path, row) => {
        const words = at.layers[row] ?? null;
        const box = Array.from({ length: 7 }, (_, part) => at.boxes[7 * row + part] as number);
        return element(
          "tr",
          { class: path === layer ? "nnw-picked" : null },
          element("th", { scope: "row", title: displayText(path) }, element("bdi", {}, displayText(path))),
          ...box.map((value) => number(Number.isFinite(value) ? value : null)),
          number(words?.mean),
          number(words?.std),
          element("td", {}, words ? zerosWords(words.zeros).replace("zeros ", "") || "0 %" : "–"),
          element("td", {}, words?.dead === null || words?.dead === undefined ? "–" : percent(words.dead)),
          element("td", {}, words ? oddWords(words) || "0" : "–"),
        );
      }),
    ),
  );
}

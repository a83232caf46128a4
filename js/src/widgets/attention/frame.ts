/** The places of an attention widget: controls, picture, reading of what is looked at, and the small print. */

import { element, setText } from "../../controls/dom.ts";
import { displayText } from "../../draw/text.ts";
import type { Entry, Overview } from "./overview.ts";
import type { Place } from "./place.ts";
import { gathered } from "./unseen.ts";

export interface Frame {
  readonly controls: HTMLElement;
  readonly picture: HTMLElement;
  readonly reading: HTMLElement;
  /** There is nothing to say yet, and an error stands above: no words of waiting. The last picture stays. */
  fail(): void;
  /** Whether the picture is of something else than what is selected. Only where that lasts does it look so. */
  outdated(is: boolean): void;
  /** What is drawn, in the picture's own words. */
  entitle(words: string, place: Place, overview: Overview): void;
  /** Shows the picture, or, where there is none, the words that say why. */
  say(words: Node | null): void;
  /** Nothing is left to show, but the controls can bring it back. */
  sayAllHidden(): void;
  print(overview: Overview, place: Place | null): void;
  /** The room for the picture, in pixels. */
  width(): number;
  onResize(listener: () => void, signal: AbortSignal): void;
}

/** From this width on the controls stand beside the picture, in a panel; style.css says the same. */
const WIDE = 860;
const SIDE_PANEL = 304;
const MIN_WIDTH = 280;

/** A picture that is out of date for no longer than this does not flicker, in milliseconds. */
const PATIENCE = 150;

export function createFrame(root: HTMLElement, name: string): Frame {
  const controls = element("div", { class: "nnw-controls", role: "group", "aria-label": `${name}: what to show` });
  const picture = element("div", { class: "nnw-picture" });
  const reading = element("div", { class: "nnw-reading" });
  const empty = element("div", { class: "nnw-empty", hidden: true });
  const waiting = element("p", { class: "nnw-waiting" }, "Reading the attention…");
  const title = element("div", { class: "nnw-title", hidden: true }, element("b"), element("small"));
  picture.append(title);
  for (const part of [controls, picture, reading]) part.hidden = true;
  const print = element("div", { class: "nnw-print" });
  const frame = element(
    "section",
    { class: "nnw-frame", "aria-label": name },
    waiting,
    controls,
    picture,
    empty,
    reading,
    print,
  );
  let printed = "";
  let faded: ReturnType<typeof setTimeout> | undefined;
  // Kept: reading it back makes the browser lay out.
  let width = 0;
  const container = element("div", { class: "nnw-container" }, frame);
  root.append(container);
  const say = (words: Node | null) => {
    for (const part of [controls, picture, reading]) part.hidden = words !== null;
    waiting.hidden = true;
    empty.hidden = words === null;
    empty.replaceChildren(...(words ? [words] : []));
  };
  return {
    controls,
    picture,
    reading,
    say,
    fail() {
      waiting.hidden = true;
    },
    outdated(is) {
      if (!is) {
        clearTimeout(faded);
        faded = undefined;
        if (picture.classList.contains("nnw-stale")) picture.classList.remove("nnw-stale");
      } else faded ??= setTimeout(() => picture.classList.add("nnw-stale"), PATIENCE);
    },
    entitle(words, place, overview) {
      const [name, from] = title.children as unknown as [Element, Element];
      setText(name, `Layer ${place.entry.index} · ${words}`);
      setText(from, sourceOf(overview, place));
      title.hidden = false;
    },
    sayAllHidden() {
      say(element("p", {}, "Every token is special or padding, and these are hidden."));
      controls.hidden = false;
    },
    print(overview, place) {
      // Built anew only when its words change: a reader may have unfolded it.
      const words = JSON.stringify([overview.notes, overview.unseen, place?.entry, place?.heads]);
      if (words === printed) return;
      printed = words;
      print.replaceChildren(...(place ? [receipt(place)] : []), ...notes(overview, place !== null));
    },
    width() {
      width ||= container.clientWidth;
      return Math.max(MIN_WIDTH, width - (width >= WIDE ? SIDE_PANEL : 0));
    },
    onResize(listener, signal) {
      // A listener changes heights only; widths are what it must hear about.
      const observer = new ResizeObserver(() => {
        if (width === container.clientWidth) return;
        width = container.clientWidth;
        listener();
      });
      observer.observe(container);
      signal.addEventListener("abort", () => observer.disconnect());
    },
  };
}

function sourceOf({ label, samples }: Overview, { sample, step }: Place): string {
  const parts = [displayText(label), samples > 1 ? `sample ${sample}` : "", step === null ? "" : `step ${step}`];
  return parts.filter(Boolean).join(" · ");
}

/** Numbers in words, runs of them together: "0–3, 7". */
export function ranges(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && number === run[1] + 1) run[1] = number;
    else runs.push([number, number]);
  }
  const word = ([first, last]: [number, number]) =>
    first === last ? String(first) : `${first}${last > first + 1 ? "–" : ", "}${last}`;
  return runs.map(word).join(", ");
}

/** How this entry's weights were seen, and how well they explain the layer's output. */
function receipt({ entry, heads }: Place): HTMLElement {
  const checked = heads.map((head) => entry.receipt?.[head]).filter((error) => typeof error === "number");
  const worst = checked.length ? Math.max(...checked) : null;
  const shared =
    entry.keyValueHeads < entry.heads ? ` · ${entry.keyValueHeads} key-value heads for ${entry.heads}` : "";
  const proof =
    worst === null ? (entry.receiptNote ?? "no receipt") : `receipt ${worst.toExponential(0).replace("-", "−")}`;
  return element(
    "span",
    { title: "Receipt: max |weights @ V − output| / max |output| over sampled rows; small is right." },
    `${kindName(entry)} · weights ${entry.seen}; ${proof}${shared}`,
  );
}

export function kindName({ kind }: Entry): string {
  if (kind === "cross") return "cross-attention";
  return kind === "unknown" ? "attention" : `${kind} self-attention`;
}

/** Where nothing was seen, the picture's place lists the unseen already. */
function notes({ notes, unseen }: Overview, some: boolean): Node[] {
  const lines = [...notes, ...(some ? gathered(unseen).map((line) => `Not seen: ${line}`) : [])];
  if (!lines.length) return [];
  const summary = lines.length === 1 ? "1 note" : `${lines.length} notes`;
  return [element("details", { class: "nnw-notes" }, element("summary", {}, summary), list(lines))];
}

function list(lines: readonly string[]): HTMLElement {
  return element("ul", {}, ...lines.map((line) => element("li", {}, displayText(line))));
}

/** Why there is nothing to show, in words; null where there is something. */
export function emptiness(overview: Overview, place: Place | null): Node | null {
  if (!place) {
    const sentence = `No attention was seen in ${displayText(overview.label)}.`;
    if (!overview.unseen.length)
      return element("p", {}, `${sentence} It seems to have none: session.layers lists what can be looked at.`);
    return element(
      "div",
      {},
      element("p", {}, `${sentence} These were found, but could not be looked into:`),
      list(gathered(overview.unseen)),
    );
  }
  if (place.entry.queries > 0 && place.entry.keys > 0) return null;
  return element(
    "p",
    {},
    `The sequence is empty: ${place.entry.queries} queries and ${place.entry.keys} keys. Give the session an input with at least one token.`,
  );
}

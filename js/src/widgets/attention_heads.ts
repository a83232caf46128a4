/** AttentionHeads: two columns of tokens with a line for each weight of the selected heads. */

import { afterPaint } from "../controls/dom.ts";
import { createSlider } from "../controls/slider.ts";
import type { TokenColumnEvents } from "../controls/token_column.ts";
import type { View } from "../runtime/context.ts";
import { ExactLookup, type Part, type Span, single } from "./attention/exact.ts";
import { createFrame, emptiness, ranges } from "./attention/frame.ts";
import { createHeadsPicture } from "./attention/heads_picture.ts";
import {
  type Beside,
  type Focus,
  type HeadsScene,
  other,
  peak,
  received,
  rowsInSight,
  type Side,
  type Strongest,
  strongest,
  weightAt,
} from "./attention/heads_scene.ts";
import { createLineKey } from "./attention/line_key.ts";
import { memo } from "./attention/memo.ts";
import type { Entry } from "./attention/overview.ts";
import { createPickers } from "./attention/pickers.ts";
import { type Place, placeOf } from "./attention/place.ts";
import { followSource, type Source } from "./attention/source.ts";
import { strongestTable } from "./attention/strongest_table.ts";
import { createColumns } from "./attention/tokens.ts";
import { type HeadRows, isWhole, WeightRows } from "./attention/weights.ts";

/** Rows of the table. */
const RANKED = 6;

/** A source with what was asked about it. */
interface Asked {
  readonly source: Source;
  readonly rows: WeightRows;
  readonly exact: ExactLookup;
}

/** What is drawn, and where it comes from: not from the current source while a new picture is on its way. */
interface Picture extends HeadsScene {
  readonly asked: Asked;
  readonly place: Place;
}

export const view: View = (context) => {
  const { selection, options, signal } = context;
  const frame = createFrame(context.root, "Attention heads");
  const pickers = createPickers(context);
  const setThreshold = (root: number) => options.set("threshold", Number((root * root).toPrecision(3)));
  const text = (root: number) => String(Number((root * root).toPrecision(2)));
  const threshold = createSlider("Hide below", { low: 0, high: 1, step: 0.01, text }, setThreshold, signal);
  const lineKey = createLineKey();
  frame.controls.append(...pickers.elements, threshold.element, lineKey.element);

  let current: Asked | null = null;
  let scene: Picture | null = null;
  let hover: Focus | null = null;
  let cursor: Focus | null = null;
  /** The side that was clicked last: its token is the focus where both sides have a picked one. */
  let clicked: Side = "query";

  const events = (side: Side): TokenColumnEvents => ({
    hover(row) {
      if (row === (hover?.side === side ? hover.row : null)) return;
      hover = row === null ? null : { side, row };
      paint();
    },
    move(row) {
      cursor = { side, row };
      hover = null;
      picture.reveal(side, row);
      paint();
    },
    pick(row) {
      const index = scene?.[side].indices[row];
      if (index === undefined || scene?.asked.source.ended) return;
      clicked = side;
      selection.set({ [side]: selection.get(side) === index ? null : index });
    },
    leave() {
      cursor = null;
      paint();
    },
    letGo() {
      cursor = null;
      if (!scene?.asked.source.ended) selection.set({ query: null, key: null });
      paint();
    },
    cross: () => picture.focus(other(side)),
  });
  const onScroll = () => {
    hover = null;
    paint();
  };
  const picture = createHeadsPicture(frame.picture, { query: events("query"), key: events("key") }, onScroll, signal);

  const columnsOf = createColumns();
  const peakOf = memo(peak);
  const receivedOf = memo((query: HeadsScene["query"], key: HeadsScene["key"], ...weights: (HeadRows | undefined)[]) =>
    weights.map((head) => head && received(head, query, key)),
  );

  /** `again` redraws a picture that is out of date too: when it looks or lies otherwise now, not when it is replaced soon. */
  function paint(again = true): void {
    if (!current || signal.aborted) return;
    const { overview, ended } = current.source;
    const place = placeOf(overview, selection);
    const words = emptiness(overview, place);
    frame.say(words);
    if (words || !place) return;
    const columns = columnsOf(overview, place.entry, options.get("special_tokens"));
    if (!columns.query.indices.length || !columns.key.indices.length) {
      pickers.show(overview, place);
      frame.sayAllHidden();
      return;
    }
    const room = { width: frame.width(), height: options.get<number>("height"), font: context.theme().font };
    let sight = picture.fit(columns, place.heads.length, room);
    const [first, last] = rowsInSight({ ...columns, ...sight }, "query");
    const { indices } = columns.query;
    const weights = current.rows.heads(place, indices[first] ?? 0, (indices[last - 1] ?? -1) + 1);
    const waiting = weights.includes(undefined);
    pickers.show(overview, place);
    frame.outdated(waiting || ended);
    if (waiting && scene && !ended && !again) {
      picture.fit(scene, scene.heads.length, room);
      return;
    }
    const found = { asked: current, place, heads: place.heads, weights, whole: isWhole(place), ...columns };
    // While weights are on their way the last picture stays, marked as such, rather than flash empty.
    const shown = waiting && scene ? scene : found;
    if (shown === scene) sight = picture.fit(shown, shown.heads.length, room);
    const at = shown.asked === current ? place : shown.place;
    const picked = { query: shown.query.rowOf(at.query), key: shown.key.rowOf(at.key) };
    const focus = inRange(hover, shown) ?? inRange(cursor, shown) ?? pickedFocus(picked, clicked);
    const lines = focus ? exactLines(shown, focus, shown.place.entry) : [];
    const exact = lines.map((line) => shown.asked.exact.get(shown.place, line));
    const full = (shown.whole ? peakOf : peak)(shown.whole, shown.query, shown.key, ...shown.weights);
    const least = options.get<number>("threshold");
    const another = scene?.asked !== shown.asked;
    scene = { ...shown, ...sight, full, focus, exact, picked, threshold: least, beside };
    shown.asked.exact.want(shown.place, lines);
    threshold.show(Number(Math.sqrt(least).toFixed(2)));
    lineKey.show(least, full);
    picture.paint(scene, context.theme());
    frame.entitle(
      `${shown.heads.length > 1 ? "heads" : "head"} ${ranges(shown.heads)}`,
      shown.place,
      shown.asked.source.overview,
    );
    // A table of one input must not stand beside a picture of another, not for a moment.
    if (another) read();
    else readSoon();
  }

  function beside(side: Side): Beside | null {
    if (!scene) return null;
    const { focus, full, whole } = scene;
    if (focus && focus.side !== side) {
      const value = (slot: number, row: number) =>
        scene
          ? weightAt(scene, slot, ...(side === "key" ? ([focus.row, row] as const) : ([row, focus.row] as const)))
          : undefined;
      return { name: "weight", title: "Weight between the token looked at and each of these", full, value };
    }
    if (side === "query" || !whole) return null;
    const means = receivedOf(scene.query, scene.key, ...scene.weights);
    const most = means.reduce((best, head) => head?.reduce((a, b) => Math.max(a, b), best) ?? best, 0);
    const title = "Attention that each key receives: the mean over the queries shown, without padding";
    return { name: "received", title, full: most || 1, value: (slot, row) => means[slot]?.[row] };
  }

  /** The table may scan whole matrices: it follows the picture's frame instead of holding it up. */
  const readSoon = afterPaint(read);
  const strongestOverall = memo((...on: [HeadsScene["query"], HeadsScene["key"], ...(HeadRows | undefined)[]]) =>
    scene && on ? strongest(scene, RANKED) : [],
  );

  function read(): void {
    if (!scene || signal.aborted) return;
    const now = scene;
    const overall = !now.focus && now.whole;
    const pairs = overall ? strongestOverall(now.query, now.key, ...now.weights) : strongest(now, RANKED);
    const { query, key } = now.picked;
    const pair = query !== null && key !== null ? { query, key, weight: 0, slot: 0 } : null;
    const listed =
      pair &&
      now.focus &&
      pairOf(now.focus, pair) &&
      !pairs.some((found) => found.query === query && found.key === key);
    const ranked = listed && pair ? [...pairs.slice(0, RANKED - 1), pair] : pairs;
    frame.reading.replaceChildren(strongestTable(now, ranked));
  }

  function changed(): void {
    if (!current) return;
    // First what asks the kernel.
    paint(false);
    frame.print(current.source.overview, placeOf(current.source.overview, selection));
  }
  function start(source: Source): void {
    current = { source, rows: new WeightRows(source, () => paint()), exact: new ExactLookup(source, () => paint()) };
    changed();
  }
  followSource(context, { start, end: () => paint(), fail: frame.fail });
  selection.onChange(["attention", "heads", "head", "step", "query", "key"], changed);
  selection.onChange(["query", "key"], () => {
    for (const side of ["query", "key"] as const) {
      const row = scene?.picked[side];
      if (row !== null && row !== undefined && side === scene?.focus?.side) picture.reveal(side, row);
    }
  });
  options.onChange(["special_tokens", "threshold", "height"], () => paint());
  context.onTheme(() => paint());
  frame.onResize(() => paint(), signal);
};

function inRange(at: Focus | null, columns: Pick<HeadsScene, Side>): Focus | null {
  return at && at.row < columns[at.side].indices.length ? at : null;
}

function pickedFocus(picked: Record<Side, number | null>, clicked: Side): Focus | null {
  for (const side of [clicked, other(clicked)]) {
    const row = picked[side];
    if (row !== null) return { side, row };
  }
  return null;
}

function pairOf(focus: Focus, pair: Strongest): boolean {
  return pair[focus.side] === focus.row;
}

/** The focused token's weights in every head. All queries of a key would take a run over a large matrix: none then. */
function exactLines(
  scene: Pick<HeadsScene, Side | "heads" | "whole">,
  { side, row }: Focus,
  { queries, keys }: Entry,
): Part[] {
  if (side === "key" && !scene.whole) return [];
  const one = single(scene[side].indices[row] as number);
  const all: Record<Side, Span> = { query: [0, queries], key: [0, keys], [side]: one };
  return scene.heads.map((head) => ({ head, queries: all.query, keys: all.key }));
}

/** AttentionHeads: two columns of tokens with a line for each weight of the selected heads. */

import { createSlider } from "../controls/slider.ts";
import type { TokenColumnEvents } from "../controls/token_column.ts";
import type { View } from "../runtime/context.ts";
import { ExactLookup } from "./attention/exact.ts";
import { createFrame, emptiness } from "./attention/frame.ts";
import { createHeadsPicture } from "./attention/heads_picture.ts";
import {
  type Beside,
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
import { followOverview, type Overview } from "./attention/overview.ts";
import { createPickers } from "./attention/pickers.ts";
import { type Place, placeOf } from "./attention/place.ts";
import { strongestTable, TABLE_HEADS } from "./attention/strongest_table.ts";
import { createColumns } from "./attention/tokens.ts";
import { type HeadRows, isWhole, WeightRows } from "./attention/weights.ts";

/** Rows of the table, and how many of its weights are asked for exactly. */
const RANKED = 6;
const EXACT = 8;

export const view: View = (context) => {
  const { selection, options, signal } = context;
  const frame = createFrame(context.root, "Attention heads");
  const pickers = createPickers(context);
  const setThreshold = (root: number) => options.set("threshold", Number((root * root).toPrecision(3)));
  const text = (root: number) => String(Number((root * root).toPrecision(2)));
  const threshold = createSlider("Hide below", { low: 0, high: 1, step: 0.01, text }, setThreshold, signal);
  const lineKey = createLineKey();
  frame.controls.append(...pickers.elements, threshold.element, lineKey.element);

  let overview: Overview | null = null;
  let scene: HeadsScene | null = null;
  let place: Place | null = null;
  let hover: { side: Side; row: number } | null = null;
  let cursor: { side: Side; row: number } | null = null;
  /** The side that was clicked last: its token is the focus where both sides have a picked one. */
  let clicked: Side = "query";

  const rows = new WeightRows(context, () => paint());
  const exact = new ExactLookup(context, () => read());
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
      if (index === undefined) return;
      clicked = side;
      selection.set({ [side]: selection.get(side) === index ? null : index });
    },
    leave() {
      cursor = null;
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

  function paint(): void {
    if (!overview || signal.aborted) return;
    place = placeOf(overview, selection);
    const words = emptiness(overview, place);
    frame.say(words);
    if (words || !place) return;
    pickers.show(overview, place);
    const columns = columnsOf(overview, place.entry, options.get("special_tokens"));
    if (!columns.query.indices.length || !columns.key.indices.length) {
      frame.sayAllHidden();
      return;
    }
    const count = Math.max(columns.query.indices.length, columns.key.indices.length);
    const sight = picture.fit(count, place.heads.length, frame.width(), options.get("height"));
    const [first, last] = rowsInSight({ ...columns, ...sight }, "query");
    const { indices } = columns.query;
    const weights = rows.heads(place, indices[first] ?? 0, (indices[last - 1] ?? -1) + 1);
    const whole = isWhole(place);
    // While a head is on its way the last picture stays, marked as such, rather than flash empty.
    const waiting = weights.includes(undefined);
    const stays = waiting && scene !== null && scene.query === columns.query && scene.key === columns.key;
    const shown = stays && scene ? { heads: scene.heads, weights: scene.weights } : { heads: place.heads, weights };
    frame.picture.classList.toggle("nnw-stale", waiting);
    const full = (whole ? peakOf : peak)(whole, columns.query, columns.key, ...shown.weights);
    const picked = { query: columns.query.rowOf(place.query), key: columns.key.rowOf(place.key) };
    const focus = inRange(hover, columns) ?? inRange(cursor, columns) ?? pickedFocus(picked, clicked);
    const least = options.get<number>("threshold");
    scene = { ...sight, ...columns, ...shown, whole, full, focus, picked, threshold: least, beside };
    threshold.show(Number(Math.sqrt(least).toFixed(2)));
    lineKey.show(least, full);
    picture.paint(scene, context.theme());
    readSoon();
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
    const title = "Attention that each key receives: the mean over the queries shown";
    return { name: "received", title, full: most || 1, value: (slot, row) => means[slot]?.[row] };
  }

  let due: ReturnType<typeof setTimeout> | undefined;
  /** The table may scan whole matrices: it follows the picture's frame instead of holding it up. */
  function readSoon(): void {
    if (due === undefined) due = setTimeout(read, 30);
  }
  const strongestOverall = memo((...on: [HeadsScene["query"], HeadsScene["key"], ...(HeadRows | undefined)[]]) =>
    scene && on ? strongest(scene, RANKED) : [],
  );

  function read(): void {
    due = undefined;
    if (!scene || !place || signal.aborted) return;
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
    const at = place;
    const known = { get: (head: number, q: number, k: number) => exact.get(at, { head, query: q, key: k }) };
    frame.reading.replaceChildren(strongestTable(now, ranked, known));
    const heads = now.heads.slice(0, TABLE_HEADS);
    exact.want(at, now.focus ? exactPairs(now, ranked.slice(0, Math.ceil(EXACT / heads.length)), heads) : []);
  }

  function changed(newOverview: Overview): void {
    overview = newOverview;
    frame.print(overview, placeOf(overview, selection));
    paint();
  }
  context.onVersion(() => {
    rows.clear();
    exact.clear();
  });
  followOverview(context, changed);
  selection.onChange(["attention", "heads", "head", "step", "query", "key"], () => overview && changed(overview));
  selection.onChange(["query", "key"], () => {
    for (const side of ["query", "key"] as const) {
      const row = scene?.picked[side];
      if (row !== null && row !== undefined && side === scene?.focus?.side) picture.reveal(side, row);
    }
  });
  options.onChange(["special_tokens", "threshold", "height"], paint);
  context.onTheme(paint);
  frame.onResize(paint, signal);
};

function inRange(at: { side: Side; row: number } | null, columns: Pick<HeadsScene, Side>): HeadsScene["focus"] {
  return at && at.row < columns[at.side].indices.length ? at : null;
}

function pickedFocus(picked: Record<Side, number | null>, clicked: Side): HeadsScene["focus"] {
  for (const side of [clicked, other(clicked)]) {
    const row = picked[side];
    if (row !== null) return { side, row };
  }
  return null;
}

function pairOf(focus: { side: Side; row: number }, pair: Strongest): boolean {
  return pair[focus.side] === focus.row;
}

function exactPairs(scene: HeadsScene, pairs: readonly Strongest[], heads: readonly number[]) {
  return pairs.flatMap((pair) =>
    heads.map((head) => ({
      head,
      query: scene.query.indices[pair.query] as number,
      key: scene.key.indices[pair.key] as number,
    })),
  );
}

/** AttentionMap: the attention weights of a head, or the mean over heads, as a heatmap that can be zoomed. */

import { afterPaint, element, setAttribute, setText } from "../controls/dom.ts";
import { listenToHands, type PictureGestures, type Point } from "../controls/gestures.ts";
import type { Rect } from "../draw/canvas.ts";
import type { View as Window } from "../draw/heatmap.ts";
import { displayText } from "../draw/text.ts";
import type { View } from "../runtime/context.ts";
import { cellWords, spokenWords } from "./attention/cell_words.ts";
import { ExactLookup, type Part, single } from "./attention/exact.ts";
import { createFrame, emptiness, kindName } from "./attention/frame.ts";
import { createMapControls } from "./attention/map_controls.ts";
import { type Cell, cellAt, type MapLayout, placeAt, rectOf } from "./attention/map_layout.ts";
import { createMapSubjects, type MapOptions, type MapSubject, type MapSubjects } from "./attention/map_matrix.ts";
import { paintOverlay } from "./attention/map_overlay.ts";
import { layoutOf, type MapLook, type Picked, paintMap, type Seen } from "./attention/map_picture.ts";
import { memo } from "./attention/memo.ts";
import { createPickers } from "./attention/pickers.ts";
import { placeOf } from "./attention/place.ts";
import { followSource, type Source } from "./attention/source.ts";
import { tablePart, tableTwin, tableView } from "./attention/table_twin.ts";
import { including, inside, isAll, panned, whole, zoomed } from "./attention/viewport.ts";

export const view: View = (context) => {
  const { selection, options, signal } = context;
  const frame = createFrame(context.root, "Attention map");
  const pickers = createPickers(context, () => options.get("mean") && options.set("mean", false));
  const controls = createMapControls(context, {
    zoom: (factor) => void gestures.zoom(factor, null),
    reset: () => gestures.reset(),
    table(on) {
      asTable = on;
      paint();
    },
  });
  frame.controls.append(...pickers.elements, ...controls.elements);
  const canvas = element("canvas", { role: "application", "aria-roledescription": "heatmap", tabindex: 0 });
  const overlay = element("canvas", { class: "nnw-map-overlay", "aria-hidden": "true" });
  const tip = element("div", { class: "nnw-tip", "aria-hidden": "true", hidden: true });
  const spoken = element("div", { class: "nnw-spoken", role: "status", "aria-live": "polite" });
  const map = element("div", { class: "nnw-map", hidden: true }, canvas, overlay, tip, spoken);
  const table = element("div", { class: "nnw-table-twin", hidden: true, tabindex: 0 });
  const values = element("div", { class: "nnw-values" });
  const hint = element("span", { class: "nnw-faint" }, HINT);
  frame.picture.append(map, table);
  frame.reading.append(values);

  let current: { source: Source; subjects: MapSubjects; exact: ExactLookup } | null = null;
  /** What is drawn, and the exact weights of its source: not the current one's while a new picture is on its way. */
  let subject: MapSubject | null = null;
  let exact: ExactLookup | null = null;
  let layout: MapLayout | null = null;
  let shown: Window | null = null;
  let seen: Seen | null = null;
  let asTable = false;
  let hover: Cell | null = null;
  let cursor: Cell | null = null;
  let box: Rect | null = null;

  const layoutFor = memo(
    (_query: unknown, _key: unknown, theme: ReturnType<typeof context.theme>, width: number, height: number) =>
      layoutOf(subject as MapSubject, theme, width, height),
  );

  const gestures: PictureGestures = {
    hover(point) {
      const cell = point && at(point);
      if (cell?.row === hover?.row && cell?.column === hover?.column) return;
      hover = cell;
      look();
    },
    pick(point) {
      const cell = at(point);
      if (cell) pick(cell);
    },
    box(rect) {
      box = rect;
      hover = null;
      look();
    },
    zoomTo(rect) {
      if (!layout || !shown) return;
      const from = placeAt(layout, shown, rect.x, rect.y);
      const to = placeAt(layout, shown, rect.x + rect.width, rect.y + rect.height);
      go({ left: from.column, right: to.column, top: from.row, bottom: to.row });
    },
    pan(dx, dy) {
      if (!layout || !shown || !subject) return;
      const { plot } = layout;
      const columns = (-dx / plot.width) * (shown.right - shown.left);
      go(panned(shown, subject.matrix, columns, (-dy / plot.height) * (shown.bottom - shown.top)));
    },
    zoom(factor, around) {
      if (!layout || !shown || !subject) return false;
      if (factor < 1 && isAll(shown, subject.matrix)) return false;
      const middle = cursor ?? { row: (shown.top + shown.bottom) / 2, column: (shown.left + shown.right) / 2 };
      const { row, column } = around ? placeAt(layout, shown, around.x, around.y) : middle;
      go(zoomed(shown, subject.matrix, factor, column, row));
      return true;
    },
    reset() {
      if (subject) go(whole(subject.matrix));
    },
    move(rows, columns, by) {
      if (!subject || !shown) return;
      const { matrix } = subject;
      const start = cursor ?? hover ?? startOf();
      const jump = { cell: 1, page: Math.max(1, Math.floor(shown.bottom - shown.top)), end: Number.MAX_SAFE_INTEGER }[
        by
      ];
      const hold = (index: number, count: number) => Math.min(count - 1, Math.max(0, index));
      cursor = {
        row: hold(start.row + rows * jump, matrix.rows),
        column: hold(start.column + columns * jump, matrix.columns),
      };
      hover = null;
      go(including(shown, matrix, cursor.row, cursor.column));
    },
    pickCursor() {
      if (cursor) pick(cursor);
    },
    leave() {
      cursor = null;
      look();
    },
    letGo() {
      cursor = null;
      if (!subject?.source.ended) selection.set({ query: null, key: null });
      look();
    },
  };
  listenToHands(canvas, gestures, signal);

  function at(point: Point): Cell | null {
    return layout && shown && subject && cellAt(layout, shown, subject.matrix, point.x, point.y);
  }

  /** Where the cursor begins: at what is picked, else in the first cell in sight. */
  function startOf(): Cell {
    const { row, column } = picked();
    return { row: row ?? Math.ceil(shown?.top ?? 0), column: column ?? Math.ceil(shown?.left ?? 0) };
  }

  function picked(): Picked {
    const place = subject?.place;
    return {
      row: subject?.query.rowOf(place?.query ?? null) ?? null,
      column: subject?.key.rowOf(place?.key ?? null) ?? null,
    };
  }

  function pick(cell: Cell): void {
    if (subject?.source.ended) return;
    const [query, key] = [subject?.query.indices[cell.row] ?? null, subject?.key.indices[cell.column] ?? null];
    const again = selection.get("query") === query && selection.get("key") === key;
    selection.set(again ? { query: null, key: null } : { query, key });
  }

  function go(to: Window): void {
    if (!subject) return;
    shown = inside(to, subject.matrix);
    paint();
  }

  /** `again` redraws a picture that is out of date too: when it looks or lies otherwise now, not when it is replaced soon. */
  function paint(again = true): void {
    if (!current || signal.aborted) return;
    const { source, subjects } = current;
    const place = placeOf(source.overview, selection);
    const words = emptiness(source.overview, place);
    frame.say(words);
    if (words || !place) return;
    const [special, reduce] = [
      options.get<MapOptions["special"]>("special_tokens"),
      options.get<MapOptions["reduce"]>("reduce"),
    ];
    const found = subjects.find(place, { mean: options.get("mean"), reduce, special });
    pickers.show(source.overview, place);
    frame.controls.classList.toggle("nnw-mean", options.get<boolean>("mean"));
    // While a matrix is on its way the last picture stays, marked as such.
    frame.outdated(!found || source.ended);
    if (!found && subject && !source.ended && !again) return;
    if (found) settle(found, current.exact);
    if (!subject) return;
    if (!subject.matrix.rows || !subject.matrix.columns) {
      frame.sayAllHidden();
      return;
    }
    const theme = context.theme();
    layout = layoutFor(subject.query, subject.key, theme, frame.width(), options.get<number>("height"));
    shown = inside(shown ?? whole(subject.matrix), subject.matrix);
    const one = rectOf(layout, shown, { row: 0, column: 0 });
    const shared = Math.min(one.width, one.height) * devicePixelRatio < 1;
    map.hidden = asTable;
    table.hidden = !asTable;
    seen = null;
    if (asTable) {
      subject.matrix.need(tableView(shown));
      table.style.maxHeight = `${layout.height}px`;
      table.style.maxWidth = `${frame.width()}px`;
      table.replaceChildren(tableTwin(subject, shown, picked(), exact?.get(subject.place, tablePart(subject, shown))));
    } else {
      const [colorMap, scale] = [options.get<MapLook["colorMap"]>("color_map"), options.get<MapLook["scale"]>("scale")];
      seen = paintMap(canvas, subject, shown, layout, { colorMap, scale, reduce, theme, picked: picked() });
    }
    controls.show({ shared, table: asTable });
    advise();
    frame.entitle(nameOf(subject), subject.place, subject.source.overview);
    setAttribute(canvas, "aria-label", describe(subject));
    look();
  }

  const advise = afterPaint(() => controls.advise(seen?.mostlySmall() ?? false));

  /** Takes a matrix over; the zoom stays where the new one has the same rows and columns. */
  function settle(found: MapSubject, lookup: ExactLookup): void {
    const { rows, columns } = found.matrix;
    const same = subject?.matrix.rows === rows && subject.matrix.columns === columns;
    if (!same) [shown, hover, cursor] = [null, null, null];
    [subject, exact] = [found, lookup];
  }

  /** What is looked at: overlay, tip, panel, and the exact weight. */
  function look(): void {
    if (!subject || !exact || !layout || !shown) return;
    const cell = hover ?? cursor;
    const marks = picked();
    paintOverlay(overlay, shown, layout, { cell, picked: marks, box }, context.theme());
    const { row, column } = marks;
    const told = cell ?? (row !== null && column !== null ? { row, column } : null);
    const [tells, now] = [subject, told && pairOf(subject, told)];
    const weight = now ? exact.get(tells.place, now)?.weights[0] : undefined;
    exact.want(tells.place, [...(now ? [now] : []), ...(asTable ? [tablePart(tells, shown)] : [])]);
    if (told) values.replaceChildren(...cellWords(tells, told, weight));
    else if (hint.parentElement !== values) values.replaceChildren(hint);
    tip.hidden = !hover || box !== null;
    if (hover && !tip.hidden) {
      tip.replaceChildren(...cellWords(tells, hover, weight));
      placeTip(tip, rectOf(layout, shown, hover), map);
    }
    setText(spoken, cursor ? spokenWords(tells, cursor, weight) : "");
  }

  const changed = () => {
    if (!current) return;
    // First what asks the kernel.
    paint(false);
    frame.print(current.source.overview, placeOf(current.source.overview, selection));
  };
  const start = (source: Source) => {
    const exact = new ExactLookup(source, () => (asTable ? paint() : look()));
    current = { source, subjects: createMapSubjects(source, () => paint()), exact };
    changed();
  };
  followSource(context, { start, end: () => paint(), fail: frame.fail });
  selection.onChange(["attention", "heads", "head", "step", "query", "key"], changed);
  options.onChange(["scale", "color_map", "mean", "reduce", "special_tokens", "height"], () => paint());
  context.onTheme(() => paint());
  frame.onResize(() => paint(), signal);
};

function pairOf({ head, query, key }: MapSubject, { row, column }: Cell): Part {
  return { head, queries: single(query.indices[row] as number), keys: single(key.indices[column] as number) };
}

function nameOf({ place, head }: MapSubject): string {
  return head === "mean" ? `mean of ${place.entry.heads} heads` : `head ${head}`;
}

function describe(subject: MapSubject): string {
  const { place, matrix } = subject;
  const size = `${matrix.rows} queries (rows) × ${matrix.columns} keys (columns)`;
  return `Attention weights, ${kindName(place.entry)}, ${displayText(place.entry.path)}, ${nameOf(subject)}: ${size}. Arrow keys move between cells, plus and minus zoom, Enter keeps one, Escape lets it go.`;
}

const HINT =
  "Point at a cell for its weight; a click keeps it, Escape lets it go. Drag to zoom, double click for all; the wheel zooms with Ctrl, or once the map has focus.";

/** Beside the cell, on the side where there is room. */
function placeTip(tip: HTMLElement, cell: Rect, host: HTMLElement): void {
  const gap = 10;
  const right = cell.x + cell.width + gap;
  const fits = right + tip.offsetWidth <= host.clientWidth;
  tip.style.left = `${Math.max(0, fits ? right : cell.x - gap - tip.offsetWidth)}px`;
  tip.style.top = `${Math.max(0, Math.min(cell.y, host.clientHeight - tip.offsetHeight))}px`;
}

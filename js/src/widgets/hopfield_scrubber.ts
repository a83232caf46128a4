/** HopfieldScrubber: a recall step by step; a cue is drawn or corrupted by hand and run on, as a branch beside the other. */

import { element, setAttribute, setText, uniqueId } from "../controls/dom.ts";
import sheet from "../controls/hopfield.css";
import { ensureSheet } from "../controls/sheet.ts";
import type { Context2D } from "../draw/canvas.ts";
import { formatStep, formatValue } from "../draw/number.ts";
import { paintPicture } from "../draw/pictures.ts";
import { displayText } from "../draw/text.ts";
import type { NdArray, View, ViewContext } from "../runtime/context.ts";
import { createCapacity } from "./hopfield/capacity.ts";
import {
  changes,
  type Draft,
  draftUnits,
  type Noise,
  newDraft,
  paint as paintUnits,
  remade,
  withNoise,
  wordsOf,
} from "./hopfield/draft.ts";
import { type Cell, listenToGrid } from "./hopfield/hands.ts";
import { createMemories, type Likeness } from "./hopfield/memories.ts";
import { type Network, overlapsOf, pixelsOf, readNetwork, textOf, type Units, unitsOf } from "./hopfield/network.ts";
import { noRecall, recallInPage } from "./hopfield/recall.ts";
import { createTools } from "./hopfield/tools.ts";
import { branchColor, branchWords } from "./process/branches.ts";
import { createProcessView, type Row, type Scene } from "./process/view.ts";

interface Recalled {
  readonly kind: string;
  readonly words: string;
  /** With each memory at each step; a branch of a saved page's own has none, and they are taken from its frames. */
  readonly overlaps: NdArray | undefined;
}

const HINT =
  "Arrow keys move the cell cursor, with Shift by five; Space or Enter paints the unit as the pointer would. Then press Run.";

const DRAWN = "drawn";
/** px of a picture. */
const [LARGE, SMALL] = [288, 200];
/** From so many px on, tools and memories stand beside the pictures. */
const BESIDE = 760;

export const view: View = (given) => {
  const context: ViewContext = given.saved ? recallInPage(given) : given;
  const { signal } = context;
  ensureSheet(context.root, "hopfield", sheet);
  const recalled = new Map<number, Recalled>();
  const asking = new Set<number>();
  const grids = new WeakSet<HTMLCanvasElement>();
  const basins = new WeakMap<Row["canvas"], HTMLElement>();
  let network: Network | null = null;
  let draft: Draft | null = null;
  let painted = new Set<number>();
  let [active, seed] = [0, 0];
  let cursor: { readonly branch: number; readonly cell: Cell } | null = null;
  let running = false;

  const facts = element("p", { class: "nnw-hopfield-facts" });
  const hint = element("p", { class: "nnw-spoken", id: uniqueId() }, HINT);
  const spoken = element("p", { class: "nnw-spoken", role: "status" });
  const tools = createTools(
    {
      noise: corrupt,
      clear: () =>
        remake(
          (units) => units.fill(-1),
          () => "cleared",
        ),
      invert: () => remake((units) => units.map((unit) => -unit), inverted),
      run,
      discard: () => setDraft(null),
      goThere: () => draft && go(draft),
    },
    signal,
  );
  const memories = createMemories((memory) => {
    const name = displayText(network?.labels[memory] ?? "");
    remake(
      () => network?.memories[memory]?.slice() ?? null,
      () => `the memory ${name}`,
    );
  }, signal);
  const capacity = createCapacity(context);
  const process = createProcessView(context, {
    name: "Recall of a Hopfield network, step by step",
    // Three beside each other where two would fill the room.
    get most() {
      return (process.scene()?.branches.length ?? 1) > 2 ? SMALL : LARGE;
    },
    over,
    drawn,
  });
  process.element.classList.add("nnw-hopfield");
  process.controls.hidden = false;
  process.controls.append(facts);
  process.below.append(tools.element, memories.element, hint, spoken);
  process.element.append(capacity.element);
  context.onVersion(() => {
    recalled.clear();
    asking.clear();
    void load();
  });
  void load();

  async function load(): Promise<void> {
    try {
      const known = context.cached("hopfield.network", {});
      network = readNetwork(known ?? (await context.ask("hopfield.network", {}, { control: "network" })));
      if (signal.aborted) return;
      const { units, update, storage } = network;
      const count = network.memories.length;
      const stored =
        storage === null
          ? `weights given, ${count} patterns to compare with`
          : `${count} ${count === 1 ? "memory" : "memories"} in ${formatStep(units)} units, ${formatValue(count / units, 2)} patterns a unit, ` +
            (storage === "hebbian" ? "stored by Hebb's rule" : "stored by the pseudo-inverse rule");
      const updates =
        update === "asynchronous"
          ? "Asynchronous updates: a step is a sweep, each unit once in random order"
          : "Synchronous updates: a step changes all units at once";
      setText(facts, `${updates} · ${stored}`);
      process.redraw();
    } catch (error) {
      context.showError(error);
    }
  }

  // The drawn state

  function here(now = process.scene()): Draft | null {
    if (!draft || !now || draft.step !== now.step) return null;
    return now.branches.some(({ index }) => index === draft?.branch) ? draft : null;
  }

  function unitsAt(branch: number, step: number): Units | null {
    const frame = process.store.frame(branch, step);
    return frame?.kind === "images" ? unitsOf(frame.pixels) : null;
  }

  /** The draft on the branch at the step that is looked at: the one that is there, or a new one. */
  function begin(branch: number): Draft | null {
    const now = process.scene();
    if (!now || running) return null;
    process.player.pause();
    active = branch;
    const there = here(now);
    if (there?.branch === branch) return there;
    const before = unitsAt(branch, now.step);
    return before && newDraft(branch, now.step, before, seed);
  }

  function setDraft(next: Draft | null): void {
    draft = next;
    process.redraw();
  }

  /** The branch that tools change: that of the draft, else the one that was touched last. */
  function target(): number {
    const now = process.scene();
    const shown = now?.branches.map(({ index }) => index) ?? [];
    return here(now)?.branch ?? (shown.includes(active) ? active : (shown[0] ?? 0));
  }

  function remake(make: (units: Units) => Units | null, words: (before: string) => string): void {
    const made = begin(target());
    const units = made && make(draftUnits(made));
    if (made && units) setDraft(remade(made, units, words(wordsOf(made))));
  }

  function corrupt(noise: Noise): void {
    seed = noise.seed;
    const made = begin(target());
    if (made) setDraft(withNoise(made, noise));
  }

  function stroke(branch: number, { row, column }: Cell): void {
    const made = begin(branch);
    if (!made || !network) return;
    const units = draftUnits(made);
    paintUnits(units, [network.height, network.width], [row, column], tools.brush, painted);
    const words = wordsOf(made);
    setDraft(remade(made, units, !words || words.endsWith(DRAWN) ? words || DRAWN : `${words}, ${DRAWN}`));
    say(row, column, units);
  }

  function say(row: number, column: number, units: Units): void {
    const on = (units[row * (network?.width ?? 0) + column] as number) > 0;
    setText(spoken, `row ${row + 1}, column ${column + 1}: ${on ? "on" : "off"}`);
  }

  function go({ branch, step }: { readonly branch: number; readonly step: number }): void {
    active = branch;
    process.player.pause();
    process.go(step);
  }

  async function run(): Promise<void> {
    const [ready, now] = [here(), process.scene()];
    if (!ready || !now || running || ready.step >= now.story.steps || (context.saved && !network?.orders)) return;
    running = true;
    process.redraw();
    try {
      const { branch, step } = ready;
      const args = { branch, step, state: textOf(draftUnits(ready)), label: wordsOf(ready) || "unchanged" };
      const made = await context.act("hopfield.edit", args);
      if (signal.aborted) return;
      context.showError(null);
      active = made.branch as number;
      if (draft === ready) draft = null;
      // Whoever prefers reduced motion goes on by hand.
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) process.player.play();
    } catch (error) {
      context.showError(error);
    } finally {
      running = false;
      process.redraw();
    }
  }

  // Drawing

  function over(paint: Context2D, { branch, grid }: Row, now: Scene): void {
    if (!grid) return;
    const { height, width } = now.story;
    const cell = grid.width / width;
    const theme = context.theme();
    const drawnHere = here(now);
    if (drawnHere?.branch === branch) {
      const units = draftUnits(drawnHere);
      paintPicture(paint, pixelsOf(units), [height, width, 1], 0, 0, grid.width, grid.height);
      const mark = Math.max(1.5, cell * 0.3);
      paint.fillStyle = theme.accent;
      for (const [at, unit] of units.entries()) {
        if (unit === drawnHere.before[at]) continue;
        const [row, column] = [Math.floor(at / width), at % width];
        paint.fillRect((column + 0.5) * cell - mark / 2, (row + 0.5) * cell - mark / 2, mark, mark);
      }
    }
    if (cell >= 8) {
      paint.fillStyle = "rgb(128 128 128 / 0.35)";
      for (let column = 1; column < width; column++) paint.fillRect(column * cell - 0.5, 0, 1, grid.height);
      for (let row = 1; row < height; row++) paint.fillRect(0, row * cell - 0.5, grid.width, 1);
    }
    if (cursor?.branch === branch) {
      const { row, column } = cursor.cell;
      const room = Math.max(cell, 6);
      const [x, y] = [(column + 0.5) * cell - room / 2, (row + 0.5) * cell - room / 2];
      paint.lineWidth = 4;
      paint.strokeStyle = theme.background;
      paint.strokeRect(x, y, room, room);
      paint.lineWidth = 2;
      paint.strokeStyle = theme.accent;
      paint.strokeRect(x, y, room, room);
    }
  }

  function drawn(now: Scene): void {
    process.element.classList.toggle("nnw-hopfield-beside", process.element.clientWidth >= BESIDE);
    for (const row of process.rows) {
      listen(row);
      drawBasin(row, now);
    }
    if (!network) return;
    const likenesses = now.branches.map((branch): Likeness => {
      const { index } = branch;
      const name = branchWords(branch, process.store.branches);
      return { branch: index, name, color: branchColor(index), overlaps: overlapsAt(index, now) };
    });
    memories.show(network, likenesses);
    showTools(now);
    capacity.draw(network);
  }

  function overlapsAt(branch: number, now: Scene): ArrayLike<number> | null {
    const there = here(now);
    const count = network?.memories.length ?? 0;
    if (there?.branch === branch) return overlapsOf(draftUnits(there), network?.memories ?? []);
    const known = recalled.get(branch)?.overlaps;
    if (known) return known.data.subarray(now.step * count, (now.step + 1) * count);
    const units = unitsAt(branch, now.step);
    return units && overlapsOf(units, network?.memories ?? []);
  }

  function drawBasin(row: Row, now: Scene): void {
    let words = basins.get(row.canvas);
    if (!words) {
      words = element("p", { class: "nnw-basin", dir: "auto" });
      basins.set(row.canvas, words);
      row.element.append(words);
    }
    const known = recalled.get(row.branch);
    if (!known) void askRecall(row.branch);
    setAttribute(words, "data-kind", known?.kind ?? "");
    const end = `At step ${formatStep(now.story.steps)}: `;
    setText(words, known ? end + displayText(known.words) : "");
  }

  async function askRecall(branch: number): Promise<void> {
    if (asking.has(branch)) return;
    asking.add(branch);
    try {
      const known = context.cached("hopfield.recall", { branch });
      const answer = known ?? (await context.ask("hopfield.recall", { branch }, { control: `recall ${branch}` }));
      const { kind, words } = answer.value as { kind: string; words: string };
      recalled.set(branch, { kind, words, overlaps: answer.arrays.overlaps });
      asking.delete(branch);
      process.redraw();
    } catch (error) {
      // Not asked for again by each drawing; a newer version asks anew.
      if ((error as Error).name === "Superseded") asking.delete(branch);
      else recalled.set(branch, { kind: "", words: (error as Error).message, overlaps: undefined });
    }
  }

  function showTools(now: Scene): void {
    const there = here(now);
    const units = there && draftUnits(there);
    const last = now.step >= now.story.steps;
    const cannot = context.saved && network && !network.orders;
    let words = "Draw on the picture, or take a memory: then run on from it.";
    if (cannot) words = noRecall(network as Network);
    else if (draft && !there) words = `A drawn state waits at step ${formatStep(draft.step)}.`;
    else if (there && units) {
      const count = changes(there, units);
      words = `Drawn: ${formatStep(count)} of ${formatStep(units.length)} units differ from step ${formatStep(there.step)}.`;
      if (last) words += " No step follows this last one: draw at an earlier step to run on.";
    }
    tools.show({
      noise: there?.noise ?? { share: 0, seed },
      words,
      canRun: there !== null && !last && !running && !cannot,
      canDiscard: draft !== null,
      elsewhere: draft !== null && there === null,
    });
  }

  function listen(row: Row): void {
    const { branch, canvas } = row;
    if (grids.has(canvas)) return;
    grids.add(canvas);
    canvas.classList.add("nnw-hopfield-grid");
    setAttribute(canvas, "role", "application");
    setAttribute(canvas, "aria-roledescription", "grid of units");
    setAttribute(canvas, "aria-describedby", hint.id);
    listenToGrid(
      canvas,
      {
        size: () => [network?.height ?? 1, network?.width ?? 1],
        cellAt: (event) => process.pixelAt(row, event),
        begin() {
          painted = new Set();
          return network !== null && begin(branch) !== null;
        },
        paint: (cell) => stroke(branch, cell),
        cursor(cell) {
          cursor = cell && { branch, cell };
          const now = process.scene();
          const there = here(now);
          const units = there?.branch === branch ? draftUnits(there) : now && unitsAt(branch, now.step);
          if (cell && units) say(cell.row, cell.column, units);
          process.redraw();
        },
      },
      signal,
    );
  }
};

/** Twice inverted is not inverted. */
function inverted(words: string): string {
  if (words === "inverted" || words.endsWith(", inverted")) return words.replace(/(, )?inverted$/, "");
  return [words, "inverted"].filter(Boolean).join(", ");
}

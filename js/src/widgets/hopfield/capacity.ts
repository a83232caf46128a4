/** The capacity experiment: more and more patterns are stored, and each recalled: where it fails, against theory. */

import { createButton } from "../../controls/button.ts";
import { element, setAttribute, setText } from "../../controls/dom.ts";
import { type Context2D, fitCanvas, type Rect } from "../../draw/canvas.ts";
import { linearTicks, linearTickWords } from "../../draw/curve_axes.ts";
import { formatStep, formatValue } from "../../draw/number.ts";
import { headColor } from "../../draw/palette.ts";
import type { Answer, Theme, ViewContext } from "../../runtime/context.ts";
import type { Network } from "./network.ts";

export type Kind = "random" | "own";

interface Found {
  readonly kind: Kind;
  readonly units: number;
  readonly storage: string;
  readonly flips: number;
  readonly threshold: number;
  readonly critical: number | null;
  /** Patterns a unit, and at each the mean final overlap of each network. */
  readonly loads: ArrayLike<number>;
  readonly overlaps: ArrayLike<number>;
  readonly seeds: number;
}

/** Random patterns a unit that Hebb's rule holds, for many units (Amit, Gutfreund & Sompolinsky 1985). */
const THEORY = 0.138;
const HEIGHT = 210;
const KINDS: readonly Kind[] = ["random", "own"];
const NAMES: Readonly<Record<Kind, string>> = { random: "random patterns", own: "these patterns" };

export interface CapacityPanel {
  readonly element: HTMLElement;
  draw(network: Network | null): void;
}

export function createCapacity(context: ViewContext): CapacityPanel {
  const { options, signal } = context;
  const found = new Map<Kind, Found>();
  const going = new Set<Kind>();
  let network: Network | null = null;
  const buttons = {
    random: createButton(
      "Try random patterns",
      "Run the capacity experiment on random patterns",
      () => go("random"),
      signal,
    ),
    own: createButton("Try these patterns", "Run the capacity experiment on these patterns", () => go("own"), signal),
  };
  const trouble = element("p", { class: "nnw-error", role: "alert", hidden: true });
  const sentences = element("ul", { class: "nnw-capacity-found" });
  const canvas = element("canvas", { role: "img", hidden: true });
  const about =
    "How many patterns such a network holds: more and more of them are stored, and each is recalled from a cue with a tenth of " +
    "its bits flipped. A network that holds them ends at an overlap of 1.";
  const root = element(
    "details",
    { class: "nnw-capacity" },
    element("summary", {}, "Capacity experiment"),
    element("p", { class: "nnw-faint" }, about),
    element("div", { class: "nnw-row" }, buttons.random, buttons.own),
    trouble,
    sentences,
    canvas,
  );
  root.addEventListener("toggle", draw, { signal });
  options.onChange(["experiments"], load);
  context.onVersion(() => {
    found.clear();
    load();
  });
  load();

  /** What was tried already: by a hand before, or by Python. */
  function load(): void {
    for (const kind of options.get<Kind[] | undefined>("experiments") ?? []) if (!found.has(kind)) void ask(kind);
  }

  async function go(kind: Kind): Promise<void> {
    if (going.has(kind) || found.has(kind)) return;
    trouble.hidden = true;
    const known = await ask(kind);
    const shown = options.get<Kind[] | undefined>("experiments") ?? [];
    if (known && !shown.includes(kind)) options.set("experiments", [...shown, kind]);
  }

  async function ask(kind: Kind): Promise<boolean> {
    going.add(kind);
    draw();
    try {
      const answer = await context.ask("hopfield.capacity", { patterns: kind }, { control: `capacity ${kind}` });
      found.set(kind, read(kind, answer));
      root.open = true;
      return true;
    } catch (error) {
      if ((error as Error).name !== "Superseded") {
        setText(trouble, (error as Error).message);
        trouble.hidden = false;
      }
      return false;
    } finally {
      going.delete(kind);
      draw();
    }
  }

  function draw(): void {
    if (signal.aborted) return;
    // A saved page shows what was found, and cannot try more.
    root.hidden = context.saved && !found.size;
    for (const kind of KINDS) {
      const button = buttons[kind];
      button.hidden = context.saved || (kind === "own" && !network?.memories.length);
      setAttribute(button, "aria-disabled", String(going.has(kind) || found.has(kind)));
      setText(button, going.has(kind) ? "Running…" : found.has(kind) ? `Done: ${NAMES[kind]}` : `Try ${NAMES[kind]}`);
    }
    const all = KINDS.flatMap((kind) => found.get(kind) ?? []);
    sentences.replaceChildren(...all.map((each) => element("li", {}, sentence(each))));
    canvas.hidden = all.length === 0;
    const width = Math.min(root.clientWidth, 640);
    if (!all.length || !root.open || !width) return;
    setAttribute(canvas, "aria-label", `Mean final overlap by patterns a unit. ${all.map(numbers).join(". ")}`);
    paintCapacity(
      fitCanvas(canvas, width, HEIGHT),
      all,
      { x: 44, y: 22, width: width - 56, height: HEIGHT - 62 },
      context.theme(),
    );
  }

  return {
    element: root,
    draw(now) {
      network = now;
      draw();
    },
  };
}

function read(kind: Kind, { value, arrays }: Answer): Found {
  const told = value as unknown as Omit<Found, "kind" | "loads" | "overlaps" | "seeds">;
  const loads = arrays.loads?.data ?? [];
  return { ...told, kind, loads, overlaps: arrays.overlaps?.data ?? [], seeds: arrays.overlaps?.shape[1] ?? 1 };
}

function meansOf({ loads, overlaps, seeds }: Found): number[] {
  return Array.from({ length: loads.length }, (_, at) => {
    let sum = 0;
    for (let seed = 0; seed < seeds; seed++) sum += overlaps[at * seeds + seed] as number;
    return sum / seeds;
  });
}

function sentence(found: Found): string {
  const { kind, units, storage, threshold, critical, loads } = found;
  const name = kind === "random" ? "Random patterns" : "These patterns";
  const below = formatValue(threshold, 2).replace(/0$/, "");
  const at = (load: number) => {
    const patterns =
      load * units < 10 ? formatValue(load * units, 2).replace(/\.0$/, "") : String(Math.round(load * units));
    return `${formatValue(load, 3)} patterns a unit (${patterns} patterns in ${formatStep(units)} units)`;
  };
  const held =
    critical === null
      ? `the mean overlap stays at ${below} or above, up to ${at(loads[loads.length - 1] as number)}`
      : `the mean overlap falls below ${below} at ${at(critical)}`;
  const theory = kind === "random" && storage === "hebbian" ? `; theory, for many units: ${THEORY}` : "";
  return `${name}, ${storage}: ${held}${theory}.`;
}

function numbers(found: Found): string {
  const means = meansOf(found);
  return `${NAMES[found.kind]}: ${means.map((mean, at) => `${formatValue(found.loads[at] as number, 3)}: ${mean.toFixed(2)}`).join(", ")}`;
}

function paintCapacity(context: Context2D, all: readonly Found[], rect: Rect, theme: Theme): void {
  const hebbian = all.some(({ storage }) => storage === "hebbian");
  const values = all.flatMap(({ overlaps }) => Array.from(overlaps));
  const low = Math.min(0.5, Math.floor(10 * Math.min(...values)) / 10);
  const right = 1.05 * Math.max(hebbian ? THEORY : 0, ...all.flatMap(({ loads }) => Array.from(loads)));
  const across = (load: number) => rect.x + (load / right) * rect.width;
  const down = (overlap: number) => rect.y + rect.height * (1 - (overlap - low) / (1.02 - low));
  context.font = `${theme.fontSize - 2}px ${theme.font}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const rows = linearTicks(low, 1, 5).ticks;
  for (const [at, words] of linearTickWords(rows).entries()) {
    const y = down(rows[at] as number);
    line(context, theme.border, 0.45, [rect.x, y], [rect.x + rect.width, y]);
    context.fillStyle = theme.faint;
    context.fillText(words, rect.x - 6, y);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  const columns = linearTicks(0, right, 6).ticks;
  for (const [at, words] of linearTickWords(columns).entries())
    context.fillText(words, across(columns[at] as number), rect.y + rect.height + 6);
  context.fillText("load: patterns / units", rect.x + rect.width / 2, rect.y + rect.height + 22);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText("mean final overlap", 4, 8);
  if (hebbian) {
    line(context, theme.text, 0.8, [across(THEORY), rect.y], [across(THEORY), rect.y + rect.height], [5, 4]);
    context.fillStyle = theme.text;
    context.textAlign = across(THEORY) > rect.x + rect.width / 2 ? "right" : "left";
    const aside = context.textAlign === "right" ? -5 : 5;
    context.fillText(`theory: ${THEORY} (random)`, across(THEORY) + aside, rect.y + rect.height - 8);
  }
  const threshold = all[0]?.threshold ?? 0.9;
  line(context, theme.faint, 0.9, [rect.x, down(threshold)], [rect.x + rect.width, down(threshold)], [2, 3]);
  let legend = rect.x + 110;
  for (const found of all) {
    const color = headColor(KINDS.indexOf(found.kind));
    const means = meansOf(found);
    context.strokeStyle = context.fillStyle = color;
    context.lineWidth = 2;
    context.beginPath();
    for (const [at, mean] of means.entries()) context.lineTo(across(found.loads[at] as number), down(mean));
    context.stroke();
    for (const [at, mean] of means.entries()) dot(context, across(found.loads[at] as number), down(mean), 3);
    context.globalAlpha = 0.35; // each network
    for (let at = 0; at < found.overlaps.length; at++)
      dot(context, across(found.loads[Math.floor(at / found.seeds)] as number), down(found.overlaps[at] as number), 2);
    context.globalAlpha = 1;
    context.fillRect(legend, 7, 14, 3);
    context.fillStyle = theme.text;
    context.textAlign = "left";
    context.fillText(NAMES[found.kind], legend + 19, 8);
    legend += 34 + context.measureText(NAMES[found.kind]).width;
  }
}

type Point = readonly [x: number, y: number];

function line(context: Context2D, color: string, alpha: number, from: Point, to: Point, dash: number[] = []): void {
  context.save();
  context.strokeStyle = color;
  context.globalAlpha = alpha;
  context.lineWidth = 1;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  context.restore();
}

function dot(context: Context2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

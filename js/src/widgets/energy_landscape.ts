/** EnergyLandscape: the energy over two directions as a surface or as contours, with the path of every branch on it. */

import { element, setAttribute, setText } from "../controls/dom.ts";
import { oncePerFrame, onResize } from "../controls/redraw.ts";
import { createSelect } from "../controls/select.ts";
import { createToggle } from "../controls/toggle.ts";
import { formatStep, formatValue } from "../draw/number.ts";
import { headColor } from "../draw/palette.ts";
import { drawSurface, type PlotlyLibrary } from "../draw/surface.ts";
import { displayText } from "../draw/text.ts";
import type { Answer, View } from "../runtime/context.ts";
import { type Landscape, paintLandscape, readLandscape } from "./landscape/contour_map.ts";
import { landscapeTable } from "./landscape/landscape_table.ts";

/** A wider surface is seen from no nearer. */
const WIDEST = 900;

type Kind = "surface" | "contour";

export const view: View = (context) => {
  const { options, selection, signal } = context;
  const library = context.library as PlotlyLibrary;
  const kind = createSelect<Kind>(
    "Show",
    [
      ["surface", "surface, 3-D"],
      ["contour", "contours"],
    ],
    (value) => options.set("view", value),
    signal,
  );
  const asTable = createToggle("as table", (on) => setTabled(on), signal);
  const place = element("output", { class: "nnw-place" });
  const controls = element(
    "div",
    { class: "nnw-controls", role: "group", "aria-label": "What to show" },
    kind.element,
    asTable.element,
    place,
  );
  const waiting = element("p", { class: "nnw-waiting" }, "Computing the energies…");
  const surface = element("div", { class: "nnw-surface", role: "img", tabindex: 0 });
  const canvas = element("canvas", { role: "img", tabindex: 0 });
  const table = element("div", { class: "nnw-table-twin", tabindex: 0, hidden: true });
  const words = element("p", { class: "nnw-note" });
  context.root.append(
    element("section", { "aria-label": "Energy landscape" }, controls, waiting, surface, canvas, table, words),
  );
  let landscape: Landscape | null = null;
  const soon = oncePerFrame(show, signal);
  let [tabled, drawn] = [false, false];
  let hovered: readonly [x: number, y: number] | null = null;
  let width = context.root.clientWidth;

  const branches = () => context.state.get<readonly unknown[]>("branches")?.length ?? 1;

  const question = () => ({
    directions: options.get<string>("directions"),
    resolution: options.get<number>("resolution"),
    branches: branches(),
  });

  async function ask(): Promise<void> {
    try {
      const answer: Answer = await context.ask("energy_landscape.plane", question(), { control: "plane" });
      if (signal.aborted) return;
      landscape = readLandscape(answer);
      context.showError(null);
      soon();
    } catch (error) {
      context.showError(error);
    }
  }

  function stepOf(last: number): number {
    return Math.min(last, selection.get("step") ?? 0);
  }

  function show(): void {
    if (!landscape || !width || signal.aborted) return;
    const chosen = options.get<Kind>("view");
    const [height, theme] = [options.get<number>("height"), context.theme()];
    kind.show(chosen);
    asTable.show(tabled);
    waiting.hidden = true;
    table.hidden = !tabled;
    surface.hidden = tabled || chosen !== "surface";
    canvas.hidden = tabled || chosen !== "contour";
    const step = stepOf(landscape.steps);
    const said = `${displayText(landscape.label)}: energy over ${landscape.axes.map(displayText).join(" and ")}, step ${formatStep(step)}`;
    setText(words, displayText(landscape.words));
    if (tabled) table.replaceChildren(landscapeTable(landscape, step));
    else if (chosen === "contour") {
      setAttribute(canvas, "aria-label", said);
      paintLandscape(canvas, landscape, step, hovered, width, height, theme);
    } else {
      setAttribute(surface, "aria-label", said);
      const scene = {
        x: landscape.x,
        y: landscape.y,
        z: landscape.energies,
        colors: "viridis" as const,
        axes: [...landscape.axes, "energy"].map(displayText) as [string, string, string],
        paths: landscape.paths.map((path) => ({ ...path, color: headColor(path.branch), at: step })),
        points: landscape.memories.map(({ x, y, energy, label }) => ({ x, y, z: energy, label: displayText(label) })),
      };
      drawn = true;
      drawSurface(library, surface, scene, { width: Math.min(width, WIDEST), height }, theme).catch(
        (error: unknown) => {
          // No WebGL: the contours say the same.
          context.showError(new Error(`The surface cannot be drawn here (${String(error)}): contours can.`));
          options.set("view", "contour");
        },
      );
    }
    tell(step);
  }

  function tell(step: number): void {
    if (!landscape) return;
    const energies = landscape.paths.map(({ name, z }) => {
      const value = formatValue(z[Math.min(step, z.length - 1)] as number);
      return landscape && landscape.paths.length > 1 ? `${displayText(name)} ${value}` : value;
    });
    setText(place, `step ${formatStep(step)} of ${formatStep(landscape.steps)}, energy ${energies.join(", ")}`);
  }

  function setTabled(on: boolean): void {
    tabled = on;
    soon();
  }

  canvas.addEventListener(
    "pointermove",
    (event) => {
      const { left, top } = canvas.getBoundingClientRect();
      hovered = [event.clientX - left, event.clientY - top];
      soon();
    },
    { signal },
  );
  canvas.addEventListener(
    "pointerleave",
    () => {
      hovered = null;
      soon();
    },
    { signal },
  );
  for (const target of [canvas, surface] as readonly HTMLElement[]) {
    target.addEventListener(
      "keydown",
      (event) => {
        if (!landscape || event.ctrlKey || event.metaKey || event.altKey) return;
        const step = stepOf(landscape.steps);
        const places: Record<string, number> = {
          ArrowLeft: step - 1,
          ArrowRight: step + 1,
          Home: 0,
          End: landscape.steps,
        };
        const to = places[event.key];
        if (to === undefined) return;
        event.preventDefault();
        selection.set({ step: Math.min(landscape.steps, Math.max(0, to)) });
      },
      { signal },
    );
  }
  const resized = () => {
    if (context.root.clientWidth === width) return;
    width = context.root.clientWidth;
    soon();
  };
  onResize(context.root, resized, signal);
  // Browsers allow few WebGL contexts.
  signal.addEventListener("abort", () => drawn && library.Plotly.purge(surface), { once: true });
  let known = branches();
  context.state.onChange(() => {
    if (branches() === known) return;
    known = branches();
    void ask();
  });
  selection.onChange(["step"], soon);
  options.onChange(["view", "height"], soon);
  options.onChange(["resolution", "directions"], () => void ask());
  context.onVersion(() => void ask());
  context.onTheme(soon);
  void ask();
};

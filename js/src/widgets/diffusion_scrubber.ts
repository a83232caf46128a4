/** DiffusionScrubber: images out of noise, at every step; the model's view of them, the schedule, other noise as branches. */

import { createButton } from "../controls/button.ts";
import sheet from "../controls/diffusion.css";
import { element, setAttribute, setText } from "../controls/dom.ts";
import { labelled } from "../controls/field.ts";
import { createNumber } from "../controls/number.ts";
import { ensureSheet } from "../controls/sheet.ts";
import { createSwitches } from "../controls/switches.ts";
import { formatStep } from "../draw/number.ts";
import { headColor } from "../draw/palette.ts";
import type { Answer, View } from "../runtime/context.ts";
import { BANDS, createFeed } from "./diffusion/feed.ts";
import { type Forward, readForward } from "./diffusion/forward.ts";
import { createLanes, ROW_NAMES, type RowName } from "./diffusion/lanes.ts";
import { type Diffusion, readDiffusion, samplerWords, stepWords } from "./diffusion/story.ts";
import { createStrip } from "./diffusion/strip.ts";
import { branchColor, branchWords } from "./process/branches.ts";
import { createMeasureCurves } from "./process/curves.ts";
import { createProcessView, type Scene } from "./process/view.ts";

/** The widest that a picture is drawn, px: three rows of them and the player stay in one view. */
const LARGEST = 96;
const ROWS = Object.keys(ROW_NAMES) as RowName[];
/** Colours that the first branches do not have: of the rows' switches, and of the waves. */
const ROW_COLOR = 6;
const WAVE_COLOR = 3;
const WAVES = { coarse: "coarse, 8 px and longer", middle: "middle, 4 to 8 px", fine: "fine, under 4 px" } as const;

export const view: View = (context) => {
  const { options, selection, signal } = context;
  ensureSheet(context.root, "diffusion", sheet);
  const shownRows = () => options.get<readonly RowName[]>("rows");
  let noise = shownRows().includes("noise");
  let diffusion: Diffusion | null = null;
  let forward: Forward | null = null;
  let focus = 0;

  const feed = createFeed(context, () => noise);
  const process = createProcessView(feed.context, {
    name: "Diffusion, step by step",
    most: LARGEST,
    without: ["signal_to_noise", ...BANDS],
    drawn: draw,
  });
  const { store, player, controls, below } = process;
  const lanes = createLanes(context, process);
  const go = (step: number) => {
    player.pause();
    process.go(step);
  };

  const said = element("p", { class: "nnw-diffusion-step" });
  const made = element("p", { class: "nnw-faint" });
  const switches = createSwitches("Rows", (key) => turn(key as RowName), signal);
  const which = element("select", { class: "nnw-select" });
  const branchField = labelled("Look at", which);
  const samplePicker = createNumber("Sample", (sample) => selection.set({ sample }), signal);
  const another = createButton("Another seed", "Another seed", branchOff, signal);
  const strip = createStrip(go, signal);
  const charts = createMeasureCurves(go, signal);
  const legend = element(
    "div",
    { class: "nnw-diffusion-legend nnw-faint" },
    "waves in x̂₀, as a share of what the end has: ",
    ...BANDS.map((band, at) => {
      const entry = element("span", { class: "nnw-diffusion-wave" }, WAVES[band]);
      entry.style.setProperty("--fill", headColor(WAVE_COLOR + at));
      return entry;
    }),
  );
  controls.append(
    element("div", { class: "nnw-diffusion-words" }, said, made),
    switches.element,
    samplePicker.element,
    branchField,
    another,
  );
  below.append(strip.element, charts.element, legend);
  player.listen(charts.element);
  which.addEventListener(
    "change",
    () => {
      focus = Number(which.value);
      process.redraw();
    },
    { signal },
  );

  options.onChange(["rows"], () => {
    const wanted = shownRows().includes("noise");
    if (wanted !== noise) {
      noise = wanted;
      feed.restart();
    }
    process.redraw();
  });
  options.onChange(["key_steps"], process.redraw);
  options.onChange(["_images"], askForward);
  selection.onChange(["sample"], process.redraw);
  context.onVersion(begin);
  begin();

  function begin(): void {
    void answered("diffusion.story", {}, (answer) => {
      diffusion = readDiffusion(answer);
    });
    askForward();
  }

  function askForward(): void {
    const images = options.get<string>("_images");
    if (!images) return;
    void answered("diffusion.forward", { images }, (answer) => {
      forward = readForward(answer);
    });
  }

  async function answered(what: string, args: Record<string, unknown>, take: (answer: Answer) => void): Promise<void> {
    try {
      const answer = context.cached(what, args) ?? (await context.ask(what, args, { control: what }));
      if (signal.aborted) return;
      take(answer);
      process.redraw();
    } catch (error) {
      context.showError(error);
    }
  }

  function turn(row: RowName): void {
    const now = shownRows();
    const rows = ROWS.filter((each) => (each === row ? !now.includes(each) : now.includes(each)));
    if (rows.length) options.set("rows", rows); // one is always shown
  }

  /** A branch from what is looked at, with a seed that none has. */
  function branchOff(): void {
    const scene = process.scene();
    if (!scene || another.getAttribute("aria-disabled") === "true") return;
    player.pause();
    const args = { step: scene.step, branch: focus, seed: nextSeed() };
    void answered("diffusion.branch", args, () => {});
  }

  function nextSeed(): number {
    return (diffusion?.seed ?? 0) + store.branches.length;
  }

  function draw(scene: Scene): void {
    if (!diffusion) return;
    const { story, step, branches } = scene;
    const rows = shownRows();
    if (!branches.some(({ index }) => index === focus)) focus = branches[0]?.index ?? 0;
    controls.hidden = false;
    setText(said, stepWords(diffusion, step, story.steps));
    setText(made, `${samplerWords(diffusion)}, seed ${diffusion.seed}`);
    switches.show(
      ROWS.map((row) => ({
        key: row,
        text: ROW_NAMES[row].short,
        title: ROW_NAMES[row].long,
        on: rows.includes(row),
        color: headColor(ROW_COLOR),
      })),
    );
    const sample = Math.min(selection.get("sample") ?? 0, story.samples - 1);
    samplePicker.show(sample, 0, story.samples - 1);
    drawFocus(scene);
    drawButton(diffusion, step, story.steps);
    lanes.draw(scene, diffusion, forward, rows);
    strip.draw(scene, diffusion, store, focus, sample, options.get<number>("key_steps"));
    drawCharts(diffusion, scene);
  }

  function drawFocus({ branches }: Scene): void {
    branchField.hidden = branches.length < 2;
    if (String([...which.options].map(({ value }) => value)) !== String(branches.map(({ index }) => index)))
      which.replaceChildren(
        ...branches.map((branch) => element("option", { value: branch.index }, branchWords(branch, store.branches))),
      );
    if (which.value !== String(focus)) which.value = String(focus);
  }

  function drawButton({ draws }: Diffusion, step: number, steps: number): void {
    another.hidden = context.saved;
    const why =
      step > 0 && !draws
        ? "DDIM with η = 0 draws no noise on the way: at step 0 it can begin with other noise"
        : step > Math.max(0, steps - 2)
          ? "No noise is drawn after this step: go to an earlier one"
          : null;
    setAttribute(another, "aria-disabled", String(why !== null)); // not `disabled`: the focus stays here
    setText(another, step === 0 ? "Other start noise" : `Another seed from step ${formatStep(step)}`);
    const what =
      step === 0 ? `Begin with the noise of seed ${nextSeed()}` : `Run on with the noise of seed ${nextSeed()}`;
    setAttribute(another, "title", why ?? `${what}, as a branch beside this one`);
    setAttribute(another, "aria-label", why ? `${another.textContent}: ${why}` : `${another.textContent}: ${what}`);
  }

  function drawCharts({ alphasBar, signalToNoise }: Diffusion, { story, step }: Scene): void {
    const first = story.measures.length - BANDS.length;
    const ratio = Float64Array.from(signalToNoise, (value) =>
      Number.isFinite(value) ? Math.log10(value) : Number.NaN,
    );
    const color = branchColor(focus);
    const waves = BANDS.map((name, at) => {
      const values = store.curve(focus, first + at);
      const last = values[story.steps] as number;
      return { name, color: headColor(WAVE_COLOR + at), values: values.map((value) => value / last) };
    });
    charts.show(
      [
        { name: "Signal left, ᾱ", lines: [{ name: "ᾱ", color, values: alphasBar }] },
        { name: "log₁₀ signal-to-noise", lines: [{ name: "log₁₀ SNR", color, values: ratio }] },
        { name: "Waves in x̂₀", lines: waves },
      ],
      step,
      story.steps,
      context.theme(),
    );
  }
};

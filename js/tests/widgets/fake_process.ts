/** A process as the kernel would tell it: frames whose pixels are their step, one measure, branches. */

import type { Answer, Arguments } from "../../src/runtime/context.ts";
import type { Branch, Story } from "../../src/widgets/process/frames.ts";

export const OPTIONS = { fps: 20, loop: false, columns: null, measures: null };
export const ORIGINAL: Branch = { index: 0, parent: null, step: 0, label: "" };

export function story(more: Partial<Story> = {}): Story {
  return {
    label: "a fall",
    steps: 20,
    measures: ["energy"],
    kind: "images",
    samples: 2,
    height: 4,
    width: 4,
    channels: 1,
    bytes: 32,
    chunk: 8,
    low: 0,
    high: 255,
    ...more,
  };
}

/** Each pixel of a frame is 10 × its step + its branch; the measure falls with the step. From `fails` on there are none. */
export function answering(told: Story, fails = Number.POSITIVE_INFINITY): (what: string, args: Arguments) => Answer {
  return (what, args) => {
    if (what === "process.story") return { value: { ...told }, arrays: {} };
    if (what !== "process.frames") throw new Error(`The fake process does not answer ${what}.`);
    const { branch, start, stop } = args as { branch: number; start: number; stop: number };
    const steps = Array.from({ length: Math.max(0, Math.min(stop, fails) - start) }, (_, at) => start + at);
    const error = stop > fails ? { error: `step ${fails} of a fall raised ValueError: too deep` } : {};
    const energy = Float32Array.from(steps, (step) => 100 - step + 50 * branch);
    const arrays: Answer["arrays"] = { "m.0": { shape: [steps.length], data: energy } };
    if (told.kind === "text") {
      return { value: { texts: steps.map((step) => [`<b>step</b> ${step} of ${branch}`]), ...error }, arrays };
    }
    const { samples, height, width, channels } = told;
    const size = told.kind === "images" ? samples * height * width * channels : samples * width;
    const values = steps.flatMap((step) => Array<number>(size).fill(10 * step + branch));
    const data = told.kind === "images" ? Uint8Array.from(values) : Float32Array.from(values);
    const shape =
      told.kind === "images" ? [steps.length, samples, height, width, channels] : [steps.length, samples, width];
    return { value: error, arrays: { ...arrays, frames: { shape, data } } };
  };
}

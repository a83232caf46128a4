/** A training run as the kernel would tell it: series by name, a story, a summary, pushes. */

import type { Answer, Arguments, NdArray } from "../../src/runtime/context.ts";
import { split } from "../../src/widgets/training/names.ts";

export interface FakeSeries {
  readonly steps: readonly number[];
  readonly values: readonly number[];
  readonly times?: readonly number[];
  readonly low?: readonly number[];
  readonly high?: readonly number[];
  /** Points that the kernel has, where it thinned them. */
  readonly count?: number;
}

export type FakeRun = Record<string, FakeSeries>;

export function array(values: readonly number[]): NdArray {
  return { shape: [values.length], data: Float32Array.from(values) };
}

function times({ steps, times }: FakeSeries): readonly number[] {
  return times ?? steps.map((step) => step / 50);
}

export function story(run: FakeRun, more: Record<string, unknown> = {}): Answer {
  const arrays: Record<string, NdArray> = {};
  const series = Object.entries(run).map(([name, one], index) => {
    arrays[`${index}.steps`] = { shape: [one.steps.length], data: Int32Array.from(one.steps) };
    arrays[`${index}.values`] = array(one.values);
    arrays[`${index}.times`] = array(times(one));
    if (one.low && one.high) {
      arrays[`${index}.low`] = array(one.low);
      arrays[`${index}.high`] = array(one.high);
    }
    return { name, ...split(name), count: one.count ?? one.steps.length, thinned: one.low !== undefined };
  });
  return { value: { label: "lenet on digits", status: "running", started: 0, cursor: 1, series, ...more }, arrays };
}

/** What is pushed when points from `from` on were logged. */
export function pushed(
  run: Record<string, FakeSeries & { from: number }>,
  cursor: number,
): [Record<string, unknown>, Answer["arrays"]] {
  const { arrays } = story(run);
  const series = Object.entries(run).map(([name, { from }]) => ({ name, from }));
  return [{ kind: "points", series, cursor, grew: [] }, arrays];
}

/** A run that learns, then overfits: `count` steps, a validation every `every` of them. */
export function learning(count: number, every = 50): FakeRun {
  const random = seeded(7);
  const steps = Array.from({ length: count }, (_, i) => i);
  const checks = steps.filter((step) => step > 0 && step % every === 0);
  const noise = () => random() - 0.5;
  const train = (step: number) => 2.3 * Math.exp(-step / (count / 5)) + 0.08;
  const validation = (step: number) => train(step) + 0.12 + 0.5 * Math.max(0, step / count - 0.45) ** 1.5;
  const make = (at: readonly number[], value: (step: number) => number): FakeSeries => ({
    steps: at,
    values: at.map(value),
  });
  return {
    loss: make(steps, (step) => train(step) * (1 + 0.5 * noise())),
    val_loss: make(checks, (step) => validation(step) * (1 + 0.06 * noise())),
    accuracy: make(steps, (step) => Math.min(1, 0.99 - 0.85 * Math.exp(-step / (count / 6)) + 0.06 * noise())),
    val_accuracy: make(checks, (step) => 0.95 - 0.8 * Math.exp(-step / (count / 6)) + 0.012 * noise()),
    learning_rate: make(steps, (step) => 0.1 * 0.5 ** Math.floor((4 * step) / count) * Math.min(1, (step + 1) / 30)),
    gradient_norm: make(steps, (step) => (3 * Math.exp(-step / (count / 3)) + 0.4) * Math.exp(1.2 * noise())),
    epoch: make(steps, (step) => step / every),
  };
}

export const FINDINGS = [
  {
    kind: "overfitting",
    severity: "warning",
    sentence: "The validation loss rises while the training loss still falls.",
    evidence: "val_loss was best at step 950 (0.24) and is 0.38 now; loss fell from 0.12 to 0.09 meanwhile.",
    steps: [950, 1999],
    metrics: ["loss", "val_loss"],
    layers: [],
    cause: "The network learns the training images by heart.",
    remedy: "Stop at the best step, use more data or augmentation, or add weight decay or dropout.",
  },
  {
    kind: "instability",
    severity: "note",
    sentence: "The gradient norm jumps from step to step.",
    evidence: "It differs by a factor of 1.8 between neighbours.",
    steps: [0, 400],
    metrics: ["gradient_norm"],
    layers: ["features.0"],
    cause: "Small batches.",
    remedy: "Larger batches, or nothing: the loss does not mind.",
  },
];

export function summary(run: FakeRun, more: Record<string, unknown> = {}): Answer {
  const rows = ["loss", "val_loss", "accuracy", "val_accuracy"].flatMap((name) => {
    const one = run[name];
    if (!one) return [];
    const { metric, phase } = split(name);
    const best = metric === "accuracy" ? Math.max(...one.values) : Math.min(...one.values);
    return [{ name, metric, phase, best, best_step: one.steps[one.values.indexOf(best)], final: one.values.at(-1) }];
  });
  const facts = {
    gap: 0.271,
    step: 1999,
    total_steps: null,
    epoch: 39.98,
    total_epochs: 60,
    seconds: 40,
    seconds_left: 20,
    steps_per_second: 50,
    samples_per_second: 3200,
    learning_rate: 0.0125,
    mean_gradient_norm: 1.42,
    gradient_threshold: 142,
  };
  return {
    value: { label: "lenet", status: "running", rows, findings: FINDINGS, cursor: 1, ...facts, ...more },
    arrays: {},
  };
}

export interface Asked {
  readonly answer: (what: string, args: Arguments) => Answer;
}

export function answering(run: FakeRun, more: Record<string, unknown> = {}): Asked["answer"] {
  return (what) => {
    if (what === "run.story") return story(run, more);
    if (what === "run.summary") return summary(run);
    throw new Error(`The fake run does not answer ${what}.`);
  };
}

export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export const OPTIONS = {
  metrics: null,
  smoothing: 0,
  x: "step",
  log_y: false,
  gradient_threshold: null,
  height: 200,
  live: true,
  interval: 0,
};
export const RUNNING = {
  name: "lenet on digits",
  status: "running",
  control: "running",
  recording: true,
  step: 1999,
  cursor: 1,
  learningRate: 0.0125,
  canSetLearningRate: true,
  trouble: null,
  message: null,
  deaf: null,
};

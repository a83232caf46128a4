/** Gradients and histograms of layers, as the kernel would tell them. */

import type { Answer, Arguments, NdArray } from "../../src/runtime/context.ts";

export const MARKS = ["", "near zero", "extreme", "no gradient", "not finite", "not logged"];

export function floats(values: readonly number[], shape = [values.length]): NdArray {
  return { shape, data: Float32Array.from(values) };
}

function bytes(values: readonly number[], shape: number[]): NdArray {
  return { shape, data: Uint8Array.from(values) };
}

export interface FakeFlow {
  readonly label?: string;
  readonly paths: readonly string[];
  readonly steps: readonly number[];
  readonly counts?: readonly number[];
  /** Powers of ten of a layer at a step (its place). */
  readonly mean: (layer: number, place: number) => number;
  readonly mark?: (layer: number, place: number) => number;
  readonly findings?: readonly Record<string, unknown>[];
  readonly cursor?: number;
}

export function flow(fake: FakeFlow): Answer {
  const { paths, steps, mean } = fake;
  const shape = [paths.length, steps.length];
  const each = (value: (layer: number, place: number) => number) =>
    paths.flatMap((_, layer) => steps.map((_, place) => value(layer, place)));
  return {
    value: {
      label: fake.label ?? "digits",
      cursor: fake.cursor ?? 1,
      paths,
      marks: MARKS,
      thinned: (fake.counts ?? []).some((count) => count > 1),
      usual_update: 1e-3,
      hardly_update: 1e-5,
      findings: fake.findings ?? [],
    },
    arrays: {
      steps: { shape: [steps.length], data: Int32Array.from(steps) },
      counts: { shape: [steps.length], data: Int32Array.from(fake.counts ?? steps.map(() => 1)) },
      mean: floats(each(mean), shape),
      largest: floats(
        each((layer, place) => mean(layer, place) + 1),
        shape,
      ),
      update: floats(
        each(() => -3),
        shape,
      ),
      marks: bytes(each(fake.mark ?? (() => 0)), shape),
      update_marks: bytes(
        each(() => 0),
        shape,
      ),
    },
  };
}

/** Gradients that shrink tenfold a layer on their way back. */
export const VANISHING: FakeFlow = {
  label: "sigmoids",
  paths: Array.from({ length: 8 }, (_, layer) => `encoder.layers.${layer}.linear`),
  steps: Array.from({ length: 20 }, (_, place) => 10 * place),
  mean: (layer, place) => layer - 9 + 0.02 * place,
  mark: (layer) => (layer < 5 ? 1 : 0),
  findings: [
    {
      kind: "vanishing_gradients",
      severity: "serious",
      sentence: "Gradients vanish on their way back.",
      evidence: "1e-9 against 0.1.",
      cause: "Sigmoids.",
      remedy: "ReLU.",
      steps: null,
      metrics: [],
      layers: [],
    },
  ],
};

export const HEALTHY: FakeFlow = {
  label: "relu",
  paths: ["0", "2", "4"],
  steps: VANISHING.steps,
  mean: () => -3,
};

export interface FakeLayer {
  readonly path: string;
  readonly counts: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly words?: Record<string, unknown>;
}

/** A bell of 32 bins. */
export function bell(path: string, width: number, words: Record<string, unknown> = {}): FakeLayer {
  const counts = Array.from({ length: 32 }, (_, bin) => Math.round(1000 * Math.exp(-((bin - 15.5) ** 2) / 40)));
  return { path, counts, low: -width, high: width, words };
}

export const STEPS = [0, 100, 200, 300];

/** Answers as the kernel would; a layer that is missing at a step is null. */
export function spread(layers: readonly FakeLayer[], steps = STEPS) {
  return (what: string, args: Arguments): Answer => {
    const empty = args.what === "gradients";
    const shown = empty ? [] : layers;
    if (what === "distributions.overview") {
      return {
        value: {
          label: "digits",
          cursor: 1,
          paths: shown.map(({ path }) => path),
          counted: { weights: layers.length, gradients: 0, activations: layers.length },
        },
        arrays: {
          steps: { shape: [shown.length ? steps.length : 0], data: Int32Array.from(shown.length ? steps : []) },
        },
      };
    }
    if (what === "distributions.step") {
      const bins = 32;
      return {
        value: {
          paths: shown.map(({ path }) => path),
          logged: bins,
          layers: shown.map(({ counts, low, high, words }) => ({
            mean: (low + high) / 2,
            std: (high - low) / 6,
            minimum: low,
            maximum: high,
            values: counts.reduce((sum, count) => sum + count, 0),
            nan: 0,
            infinite: 0,
            zeros: [0, 0],
            dead: null,
            ...(args.what === "weights"
              ? { ternary: false, spikes: "Not ternary: only 20 % of the values lie at −s, 0 or +s." }
              : {}),
            ...words,
          })),
        },
        arrays: {
          ranges: floats(
            shown.flatMap(({ low, high }) => [low, high]),
            [shown.length, 2],
          ),
          counts: floats(
            shown.flatMap(({ counts }) => counts),
            [shown.length, bins],
          ),
          boxes: floats(
            shown.flatMap(({ low, high }) =>
              [-1, -0.6, -0.25, 0, 0.25, 0.6, 1].map((part) => (low + high) / 2 + (part * (high - low)) / 2),
            ),
            [shown.length, 7],
          ),
          "all.edges": floats(Array.from({ length: 33 }, (_, bin) => -1 + bin / 16)),
          "all.counts": floats(layers[0]?.counts ?? []),
        },
      };
    }
    const layer = shown.find(({ path }) => path === args.layer) as FakeLayer;
    const total = layer.counts.reduce((sum, count) => sum + count, 0);
    return {
      value: { layer: layer.path, beyond: 0, cursor: 1 },
      arrays: {
        steps: { shape: [steps.length], data: Int32Array.from(steps) },
        edges: floats(Array.from({ length: 33 }, (_, bin) => layer.low + (bin * (layer.high - layer.low)) / 32)),
        shares: floats(
          steps.flatMap(() => layer.counts.map((count) => count / total)),
          [steps.length, 32],
        ),
        boxes: floats(
          steps.flatMap(() => [0, 0, 0, 0, 0, 0, 0]),
          [steps.length, 7],
        ),
      },
    };
  };
}

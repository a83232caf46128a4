/** The page's copy of a run: the story once, then what is pushed; nothing twice, nothing missing. */

import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer } from "../../src/runtime/context.ts";
import { nextRate } from "../../src/widgets/training/header.ts";
import { BestFinder, chartOf, groupsOf } from "../../src/widgets/training/metrics.ts";
import { better, split } from "../../src/widgets/training/names.ts";
import { RunData } from "../../src/widgets/training/run_data.ts";
import { createXAxis } from "../../src/widgets/training/x_axis.ts";
import { type FakePage, fakeContext } from "./fake_context.ts";
import { type FakeRun, type FakeSeries, pushed, story } from "./fake_run.ts";

let frames: (() => void)[] = [];
beforeEach(() => {
  frames = [];
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => frames.push(callback));
  vi.stubGlobal("cancelAnimationFrame", () => {});
});

const line = (from: number, to: number): FakeSeries => {
  const steps = Array.from({ length: to - from }, (_, i) => from + i);
  return { steps, values: steps.map((step) => step / 2) };
};
const settled = () => new Promise((resolve) => setTimeout(resolve));
async function open(answer: FakePage["answer"], more: Partial<FakePage> = {}) {
  const context = fakeContext({ root: {} as HTMLElement, answer, ...more });
  const data = new RunData(context);
  await settled();
  return { context, data };
}
const values = (data: RunData, name = "loss") => {
  const series = data.series.get(name);
  return [...(series?.values.subarray(0, series.length) ?? [])];
};
const expected = (count: number) => Array.from({ length: count }, (_, step) => step / 2);

describe("points", () => {
  it("go on where the story ended; what was there is dropped", async () => {
    const { context, data } = await open(() => story({ loss: line(0, 10) }));
    context.push(...pushed({ loss: { ...line(10, 15), from: 10 } }, 2));
    context.push(...pushed({ loss: { ...line(12, 20), from: 12 } }, 3));
    context.push(...pushed({ loss: { ...line(3, 8), from: 3 } }, 3));
    expect(values(data)).toEqual(expected(20));
    expect(data.series.get("loss")?.count).toBe(20);
    expect(context.asks).toHaveLength(1);
    expect(data.cursor).toBe(3);
  });

  it("that were pushed before the story came are joined to it", async () => {
    let tell = (_: Answer) => {};
    const { context, data } = await open(() => new Promise((resolve) => (tell = resolve)));
    context.push(...pushed({ loss: { ...line(8, 14), from: 8 } }, 2));
    context.push(...pushed({ loss: { ...line(14, 16), from: 14 } }, 3));
    expect(values(data)).toEqual([]);
    tell(story({ loss: line(0, 10) }, { cursor: 3 }));
    await settled();
    expect(values(data)).toEqual(expected(16));
  });

  it("that are pushed from their beginning need no story: a busy kernel may never tell it", async () => {
    let tell = (_: Answer) => {};
    const { context, data } = await open(
      () =>
        new Promise((resolve) => {
          tell = resolve;
        }),
    );
    context.push(...pushed({ loss: { ...line(0, 5), from: 0 } }, 1));
    context.push(...pushed({ loss: { ...line(5, 9), from: 5 } }, 2));
    expect(values(data)).toEqual(expected(9));
    expect(data.told).toBe(true);
    tell(story({ loss: line(0, 5) }));
    await settled();
    expect(values(data)).toEqual(expected(9));
  });

  it("that were lost are asked for, with the newest cursor, and once", async () => {
    let count = 10;
    const { context, data } = await open(() => story({ loss: line(0, count) }, { cursor: count }));
    count = 40;
    context.push(...pushed({ loss: { ...line(30, 35), from: 30 } }, 35));
    context.push(...pushed({ loss: { ...line(35, 40), from: 35 } }, 40));
    await settled();
    expect(context.asks.map(({ args }) => args.until)).toEqual([null, 35]);
    expect(values(data)).toEqual(expected(40));
  });

  it("of a new name are taken from its first point on, else asked for", async () => {
    const run: FakeRun = { loss: line(0, 10) };
    const { context, data } = await open(() => story(run));
    context.push(...pushed({ val_loss: { ...line(0, 2), from: 0 } }, 2));
    expect(data.series.get("val_loss")).toMatchObject({ metric: "loss", phase: "validation", length: 2 });
    expect(context.asks).toHaveLength(1);
    run.accuracy = line(0, 9);
    context.push(...pushed({ accuracy: { ...line(5, 9), from: 5 } }, 3));
    await settled();
    expect(values(data, "accuracy")).toEqual(expected(9));
  });

  it("are not asked for again and again where the kernel has no more", async () => {
    const { context } = await open(() => story({ loss: line(0, 10) }));
    context.push(...pushed({ loss: { ...line(30, 35), from: 30 } }, 7));
    await settled();
    context.push(...pushed({ loss: { ...line(35, 36), from: 35 } }, 7));
    await settled();
    expect(context.asks).toHaveLength(2);
  });

  it("are told once a frame", async () => {
    const { context, data } = await open(() => story({ loss: line(0, 10) }));
    for (const frame of frames.splice(0)) frame();
    const heard = vi.fn();
    data.onChange(heard);
    for (let i = 10; i < 15; i++) context.push(...pushed({ loss: { ...line(i, i + 1), from: i } }, i));
    expect(frames).toHaveLength(1);
    for (const frame of frames.splice(0)) frame();
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("survive an error of the first question: the next push asks again", async () => {
    let broken = true;
    const { context, data } = await open(() => {
      if (broken) throw new Error("the store is gone");
      return story({ loss: line(0, 12) });
    });
    expect(context.errors.map(String)).toEqual(["Error: the store is gone"]);
    broken = false;
    context.rise();
    await settled();
    expect(values(data)).toEqual(expected(12));
    expect(context.errors.at(-1)).toBeNull();
  });
});

describe("a preview", () => {
  const thinned: FakeRun = { loss: { ...line(0, 10), low: expected(10), high: expected(10), count: 5000 } };

  it("is followed by the whole", async () => {
    const { context, data } = await open((_what, { until }) =>
      story(until === null ? thinned : { loss: line(0, 50) }, { cursor: 9 }),
    );
    expect(context.asks.map(({ args }) => args.until)).toEqual([null, 9]);
    expect(values(data)).toHaveLength(50);
  });

  it("is all that a saved page has, without an error, and asks for what was saved with it", async () => {
    const { context, data } = await open(
      (_what, { until }) => {
        if (until !== null) throw new Error("not in this page");
        return story(thinned, { cursor: 9 });
      },
      { saved: true, source: { cursor: 12 } },
    );
    expect(context.asks.map(({ args }) => args.until)).toEqual([null, 9]);
    expect(values(data)).toHaveLength(10);
    expect(context.errors.filter(Boolean)).toEqual([]);
  });

  it("is asked for finer where a hand zooms in, with room on both sides", async () => {
    const { context, data } = await open((what, { until }) =>
      what === "run.closer" ? story({ loss: line(100, 400) }) : story(thinned, { cursor: until ?? 9 }),
    );
    data.wantCloser("loss", 200, 300);
    data.wantCloser("loss", 200, 300);
    await settled();
    const asks = context.asks.filter(({ what }) => what === "run.closer");
    expect(asks).toHaveLength(1);
    expect(asks[0]?.args).toMatchObject({ name: "loss", start: 100, stop: 400 });
    expect(data.closer("loss", 150, 350)?.length).toBe(300);
    expect(data.closer("loss", 50, 350)).toBeUndefined();
  });
});

describe("the x axis", () => {
  it("goes from steps to epochs and seconds and back", async () => {
    const epoch: FakeSeries = { steps: [0, 100, 200], values: [0, 1, 2] };
    const { data } = await open(() => story({ loss: line(0, 300), epoch }));
    const epochs = createXAxis("epoch", data);
    expect(epochs.fromStep(150)).toBeCloseTo(1.5);
    expect(epochs.toStep(0.25)).toBeCloseTo(25);
    expect(epochs.fromStep(250)).toBeCloseTo(2.5);
    const time = createXAxis("time", data);
    expect(time.fromStep(100)).toBeCloseTo(2);
    expect(time.toStep(4)).toBeCloseTo(200);
    expect(time.words(75)).toBe("1 min 15 s");
  });

  it("of a run without epochs counts steps", async () => {
    const { data } = await open(() => story({ loss: line(0, 3) }));
    expect(createXAxis("epoch", data).kind).toBe("step");
  });
});

describe("names", () => {
  const file = new URL("../../../tests/fixtures/metric_names.json", import.meta.url);
  const told = JSON.parse(readFileSync(file, "utf8")) as {
    phases: { name: string; metric: string; phase: string }[];
    better: { metric: string; way: string | null }[];
  };
  it.each(told.phases)("tell metric and phase as in Python: $name", ({ name, metric, phase }) => {
    expect(split(name)).toEqual({ metric, phase });
  });
  it.each(told.better)("tell which way is better as in Python: $metric", ({ metric, way }) => {
    expect(better(metric)).toBe(way);
  });
});

describe("exploding gradients", () => {
  const look = (threshold: number | null) => ({ logY: false, threshold });
  it("have a line on their own chart, where it is known", async () => {
    const { data } = await open(() => story({ loss: line(0, 10), gradient_norm: line(0, 10) }));
    const [loss, norm] = groupsOf(data).map((group) => chartOf(group, new BestFinder(), look(142)));
    expect([loss?.key, norm?.key]).toEqual(["loss", "gradient_norm"]);
    expect([loss?.thresholds, norm?.thresholds]).toEqual([[], [{ y: 142, label: "explodes above" }]]);
    const unknown = groupsOf(data).map((group) => chartOf(group, new BestFinder(), look(null)));
    expect(unknown.map(({ thresholds }) => thresholds)).toEqual([[], []]);
  });
});

describe("the learning rate", () => {
  it("steps along 1, 2 and 5", () => {
    expect([0.001, 0.003, 0.05].map((rate) => nextRate(rate, 1))).toEqual([0.002, 0.005, 0.1]);
    expect([0.001, 0.003, 1].map((rate) => nextRate(rate, -1))).toEqual([0.0005, 0.002, 0.5]);
  });
});

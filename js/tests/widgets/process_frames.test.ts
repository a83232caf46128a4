/** A process's frames in the page: what is asked first, what is asked ahead, how much is kept, what a branch shares. */

import { expect, it } from "vitest";
import { type Branch, FrameStore, type Story } from "../../src/widgets/process/frames.ts";
import { type FakeContext, fakeContext } from "./fake_context.ts";
import { answering, ORIGINAL, story } from "./fake_process.ts";

const nothing = () => {};

function store(told: Story, { most, fails, branches }: { most?: number; fails?: number; branches?: Branch[] } = {}) {
  const context = fakeContext({
    root: null as unknown as HTMLElement,
    answer: answering(told, fails),
    ...(branches && { source: { branches } }),
  });
  const frames = new FrameStore(context, nothing, most);
  frames.look(0, [0], true);
  return { context, frames };
}

const starts = (context: FakeContext) =>
  context.asks.filter(({ what }) => what === "process.frames").map(({ args }) => `${args.branch}:${args.start}`);
/** Until nothing more is asked. */
async function settled(context: FakeContext): Promise<void> {
  for (let asked = -1; asked !== context.asks.length; ) {
    asked = context.asks.length;
    await new Promise((done) => setTimeout(done, 5));
  }
}

it("fetches what is looked at first, then ahead, then the rest, and nothing twice", async () => {
  const { context, frames } = store(story({ steps: 63 }));
  frames.look(34, [0], true);
  await settled(context);
  // The story comes first, and only then it is known what chunks there are.
  expect(starts(context)).toEqual(["0:32", "0:40", "0:24", "0:48", "0:56", "0:16", "0:8", "0:0"]);
  expect(context.asks.at(-1)?.args).toEqual({ branch: 0, start: 0, stop: 8 });
  const frame = frames.frame(0, 20);
  expect(frame?.kind === "images" && [frame.pixels.length, frame.pixels[0]]).toEqual([32, 200]);
  frames.look(3, [0], true);
  await settled(context);
  expect(starts(context).length).toBe(8);
  expect([...frames.curve(0, 0)]).toEqual(Array.from({ length: 64 }, (_, step) => 100 - step));
});

it("ends a branch's last chunk at its last step", async () => {
  const { context } = store(story({ steps: 20 }));
  await settled(context);
  expect(context.asks.at(-1)?.args).toEqual({ branch: 0, start: 16, stop: 21 });
});

it("lets what is looked at overtake what is fetched ahead", async () => {
  const waiting: (() => void)[] = [];
  const answer = answering(story({ steps: 63 }));
  const context = fakeContext({
    root: null as unknown as HTMLElement,
    async answer(what, args) {
      if (what === "process.frames") await new Promise<void>((go) => waiting.push(go));
      return answer(what, args);
    },
  });
  const frames = new FrameStore(context, nothing);
  await new Promise((done) => setTimeout(done, 5));
  expect(starts(context)).toEqual([]); // nobody looked yet
  frames.look(0, [0], true);
  waiting[0]?.();
  await new Promise((done) => setTimeout(done, 5));
  expect(starts(context)).toEqual(["0:0", "0:8"]); // the second is fetched ahead
  frames.look(60, [0], true);
  expect(starts(context)).toEqual(["0:0", "0:8", "0:56"]);
  waiting[2]?.();
  await new Promise((done) => setTimeout(done, 5));
  expect(frames.frame(0, 60)).not.toBeNull();
  waiting[1]?.(); // superseded: no failure, and asked for once more
  expect(frames.failure(0, 8)).toBeNull();
});

it("keeps no more than its bytes, and what lies near", async () => {
  const { context, frames } = store(story({ steps: 159 }), { most: 4 * 8 * 32 });
  await settled(context);
  expect(frames.bytes).toBe(4 * 8 * 32);
  expect(frames.frame(0, 31)).not.toBeNull();
  expect(frames.frame(0, 32)).toBeNull();
  frames.look(100, [0], true);
  await settled(context);
  expect(frames.bytes).toBeLessThanOrEqual(4 * 8 * 32);
  expect(frames.frame(0, 100)).not.toBeNull();
  expect(frames.frame(0, 110)).not.toBeNull();
  expect(frames.frame(0, 0)).toBeNull();
  expect(frames.curve(0, 0)[3]).toBe(97); // numbers stay
  const before = starts(context).length;
  frames.look(101, [0], true);
  await settled(context);
  expect(starts(context).length).toBe(before);
});

it("takes a branch's frames from its parent before its step", async () => {
  const branches = [
    ORIGINAL,
    { index: 1, parent: 0, step: 10, label: "pushed" },
    { index: 2, parent: 1, step: 14, label: "" },
  ];
  const { context, frames } = store(story(), { branches });
  frames.look(12, [2], true);
  await settled(context);
  const shade = (step: number) => {
    const frame = frames.frame(2, step);
    return frame?.kind === "images" ? frame.pixels[0] : null;
  };
  expect([shade(9), shade(10), shade(13), shade(14), shade(20)]).toEqual([90, 101, 131, 142, 202]);
  expect(frames.curve(2, 0)[9]).toBe(91);
  expect(frames.curve(2, 0)[12]).toBe(138);
  expect(frames.curve(2, 0)[15]).toBe(185);
  // Nothing of the original after it was left, for nobody looks there.
  expect(starts(context)).not.toContain("0:16");
});

it("keeps the steps before a failure, and asks again when somebody looks there anew", async () => {
  const { context, frames } = store(story(), { fails: 17 });
  await settled(context);
  expect(frames.frame(0, 16)).not.toBeNull();
  expect(frames.frame(0, 17)).toBeNull();
  expect(frames.failure(0, 17)).toContain("step 17 of a fall raised");
  expect([frames.failure(0, 16), frames.trouble]).toEqual([null, "step 17 of a fall raised ValueError: too deep"]);
  expect([frames.ready(16), frames.ready(17), frames.fails(16), frames.fails(17)]).toEqual([true, false, false, true]);
  frames.look(18, [0], true);
  await settled(context);
  expect(frames.failure(0, 18)).toContain("step 17");
  expect(frames.frame(0, 16)).not.toBeNull();
});

it("begins anew when the process changed", async () => {
  const { context, frames } = store(story());
  await settled(context);
  context.rise();
  expect(frames.frame(0, 3)).toBeNull();
  await settled(context);
  expect(frames.frame(0, 3)).not.toBeNull();
});

it("takes texts and curves", async () => {
  const texts = store(story({ kind: "text", samples: 1 }));
  await settled(texts.context);
  expect(texts.frames.frame(0, 3)).toEqual({ kind: "text", texts: ["<b>step</b> 3 of 0"] });
  const curves = store(story({ kind: "curve", width: 5 }));
  await settled(curves.context);
  const frame = curves.frames.frame(0, 3);
  expect(frame?.kind === "curve" && [...frame.curves]).toEqual(Array(10).fill(30));
  expect(curves.frames.range).toEqual([0, 200]);
});

it("gives a grey process channels once a frame of it is in colour", async () => {
  const told = story();
  const grey = answering(told);
  const context = fakeContext({
    root: null as unknown as HTMLElement,
    answer(what, args) {
      // A frame with NaN, which has a colour of its own.
      return what === "process.frames" && args.start === 8
        ? answering({ ...told, channels: 3 })(what, args)
        : grey(what, args);
    },
  });
  const frames = new FrameStore(context, nothing);
  frames.look(0, [0], true);
  await settled(context);
  expect(frames.story?.channels).toBe(3);
  for (const step of [3, 9, 17]) {
    const frame = frames.frame(0, step);
    expect(frame?.kind === "images" && [frame.pixels.length, frame.pixels[95]]).toEqual([96, 10 * step]);
  }
  expect(frames.bytes).toBe(21 * 96);
});

it("fetches nothing ahead once somebody cancelled, until a hand moves", async () => {
  const answer = answering(story({ steps: 63 }));
  let cancels = true;
  const context = fakeContext({
    root: null as unknown as HTMLElement,
    answer(what, args) {
      if (what === "process.frames" && args.start === 8 && cancels) throw new Error("cancelled: choose it again");
      return answer(what, args);
    },
  });
  const frames = new FrameStore(context, nothing);
  frames.look(0, [0], true);
  await settled(context);
  expect(starts(context)).toEqual(["0:0", "0:8"]);
  cancels = false;
  frames.look(9, [0], true);
  await settled(context);
  expect(starts(context).length).toBe(9);
});

/** A widget's last picture is kept in its model: the newest answers, the overview always, under a bound. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { BakedAnswer } from "../../src/runtime/client";
import type { Arguments } from "../../src/runtime/context";
import type { Model } from "../../src/runtime/host";
import { Snapshot } from "../../src/runtime/snapshot";

let kept: BakedAnswer[] = [];
let sent = 0;
const model: Model = {
  get: () => kept,
  set(name, value) {
    expect(name).toBe("_snapshot");
    kept = value as BakedAnswer[];
  },
  save_changes() {
    sent += 1;
  },
  send() {},
  on() {},
  off() {},
};

const packed = (what: string, args: Arguments): BakedAnswer => ({
  what,
  arguments: args,
  value: {},
  arrays: {},
  version: 1,
  buffers: [new DataView(new ArrayBuffer(what === "overview" ? 0 : 250_000))],
});

describe("Snapshot", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    kept = [];
    sent = 0;
  });

  it("keeps the newest pictures and what they cannot do without", () => {
    const snapshot = new Snapshot(model, packed, new AbortController().signal);
    snapshot.use("overview", "overview", {});
    for (const head of [0, 1, 2, 3]) snapshot.use(`weights ${head}`, "weights", { head });
    vi.advanceTimersByTime(1000);
    expect(kept.map(({ what, arguments: args }) => [what, args.head])).toEqual([
      ["overview", undefined],
      ["weights", 3],
      ["weights", 2],
    ]);
    snapshot.use("weights 0", "weights", { head: 0 });
    vi.advanceTimersByTime(1000);
    expect(kept.map(({ arguments: args }) => args.head)).toEqual([undefined, 0, 3]);
    expect(sent).toBe(0);
  });

  it("does nothing once the view is gone", () => {
    const controller = new AbortController();
    new Snapshot(model, packed, controller.signal).use("weights", "weights", {});
    controller.abort();
    vi.advanceTimersByTime(1000);
    expect(kept).toEqual([]);
  });
});

/** The page's half of requests: latest wins, sharing, parking, the cache, a kernel that is gone, a saved page. */
import { deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AnswerCache } from "../../src/runtime/cache";
import { PAGE, SourceClient } from "../../src/runtime/client";
import { Superseded } from "../../src/runtime/context";
import type { Model } from "../../src/runtime/host";

interface Sent {
  readonly client: string;
  readonly request: number;
  readonly what: string;
  readonly arguments: { head?: number };
}

class FakeModel implements Model {
  readonly sent: Sent[] = [];
  dead = false;
  readonly #listeners = new Map<string, Set<(...details: never[]) => void>>();

  constructor(readonly state: Record<string, unknown>) {}

  get(name: string): unknown {
    return this.state[name];
  }
  set(name: string, value: unknown): void {
    this.state[name] = value;
    this.emit(`change:${name}`);
  }
  save_changes(): void {}
  send(content: unknown): void {
    if (this.dead) throw new Error("no comm");
    this.sent.push(content as Sent);
  }
  on(event: string, listener: (...details: never[]) => void): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener));
  }
  off(event: string, listener: (...details: never[]) => void): void {
    this.#listeners.get(event)?.delete(listener);
  }
  emit(event: string, ...details: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(...(details as never[]));
  }
  reply(index: number, content: object, buffers: DataView[] = []): void {
    this.emit("msg:custom", { client: PAGE, request: this.sent[index]?.request, ...content }, buffers);
  }
}

let model: FakeModel;
let client: SourceClient;

function connect(state: Record<string, unknown> = {}): void {
  model = new FakeModel({ version: 1, ...state });
  client = new SourceClient({ model, signal: new AbortController().signal }, new AnswerCache(1000));
}

const ask = (head: number, widget = "w", control = "picker") => client.ask(widget, control, "weights", { head });
const heads = () => model.sent.map((message) => message.arguments.head);
const settle = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => connect());

describe("latest wins", () => {
  it("keeps one request of a control in flight and lets only the newest follow", async () => {
    const asked = [0, 1, 2, 3].map((head) =>
      ask(head).then(
        ({ value }) => value.head,
        (error) => (error as Error).name,
      ),
    );
    expect(heads()).toEqual([0]);
    model.reply(0, { version: 1, value: { head: 0 } });
    expect(heads()).toEqual([0, 3]);
    model.reply(1, { version: 1, value: { head: 3 } });
    expect(await Promise.all(asked)).toEqual([0, "Superseded", "Superseded", 3]);
  });

  it("does not let one control wait for another", () => {
    void ask(0, "w", "a");
    void ask(1, "w", "b");
    expect(heads()).toEqual([0, 1]);
  });

  it("asks once for two widgets that want the same", async () => {
    const both = Promise.all([ask(5, "one"), ask(5, "two")]);
    expect(heads()).toEqual([5]);
    model.reply(0, { version: 1, value: { head: 5 } });
    expect((await both).map(({ value }) => value.head)).toEqual([5, 5]);
  });

  it("a parked request gives its place to what can be answered, and ends", async () => {
    const parked = ask(0);
    model.reply(0, { parked: "cell" });
    expect(client.waiting("w").why).toBe("cell");
    const stored = ask(1);
    expect(heads()).toEqual([0, 1]);
    await expect(parked).rejects.toBeInstanceOf(Superseded);
    model.reply(1, { version: 1, value: { head: 1 } });
    expect((await stored).value.head).toBe(1);
  });

  it("asks again for a widget whose shared request another one replaced", async () => {
    const replaced = ask(0, "one");
    const wanted = ask(0, "two");
    model.reply(0, { parked: "model" });
    const newer = ask(1, "one");
    await expect(replaced).rejects.toBeInstanceOf(Superseded);
    model.reply(0, { superseded: true });
    await settle();
    expect(heads()).toEqual([0, 1, 0]);
    model.reply(2, { version: 1, value: { head: 0 } });
    expect((await wanted).value.head).toBe(0);
    model.reply(1, { version: 1, value: {} });
    await newer;
  });
});

describe("answers", () => {
  it("come from the page's cache the second time, whatever the order of the arguments", async () => {
    const first = client.ask("w", "a", "weights", { head: 1, sample: 0 });
    model.reply(0, { version: 1, value: { head: 1 } });
    await first;
    expect(client.cached("weights", { sample: 0, head: 1 })?.value).toEqual({ head: 1 });
    await client.ask("w", "a", "weights", { sample: 0, head: 1 });
    expect(model.sent).toHaveLength(1);
  });

  it("are forgotten when the captures changed", async () => {
    const first = ask(1);
    model.reply(0, { version: 1, value: {} });
    await first;
    model.set("version", 2);
    expect(client.cached("weights", { head: 1 })).toBeUndefined();
  });

  it("from before the captures changed are asked for again", async () => {
    const asked = ask(1);
    model.set("version", 2);
    model.reply(0, { version: 1, value: { old: true } });
    expect(heads()).toEqual([1, 1]);
    model.reply(1, { version: 2, value: { old: false } });
    expect((await asked).value).toEqual({ old: false });
  });

  it("that come late twice are taken: a training never ends the wait", async () => {
    const asked = ask(1);
    model.set("version", 2);
    model.reply(0, { version: 1, value: {} });
    model.set("version", 3);
    model.reply(1, { version: 2, value: { from: 2 } });
    expect((await asked).value).toEqual({ from: 2 });
    expect(client.cached("weights", { head: 1 })).toBeUndefined();
  });

  it("from before the captures changed give way to a newer question", async () => {
    const older = ask(1);
    const newer = ask(2);
    model.set("version", 2);
    model.reply(0, { version: 1, value: {} });
    await expect(older).rejects.toBeInstanceOf(Superseded);
    expect(heads()).toEqual([1, 2]);
    model.reply(1, { version: 2, value: { head: 2 } });
    expect((await newer).value).toEqual({ head: 2 });
  });

  it("that are lost do not keep their control for ever", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const lost = ask(1);
    vi.advanceTimersByTime(11_000);
    const next = ask(2);
    vi.useRealTimers();
    await expect(lost).rejects.toBeInstanceOf(Superseded);
    expect(heads()).toEqual([1, 2]);
    model.reply(1, { version: 1, value: { head: 2 } });
    expect((await next).value).toEqual({ head: 2 });
  });

  it("for another page are not taken", async () => {
    let done = false;
    void ask(0).then(() => {
      done = true;
    });
    model.reply(0, { client: "another", version: 1, value: {} });
    await settle();
    expect(done).toBe(false);
  });

  it("with an error reject with the kernel's sentence, and the control goes on", async () => {
    const asked = ask(12);
    model.reply(0, { error: "head=12, but layer 3 has 12 heads (0 to 11)" });
    await expect(asked).rejects.toThrow("head=12, but layer 3 has 12 heads (0 to 11)");
    void ask(1);
    expect(heads()).toEqual([12, 1]);
  });

  it("whose bytes are missing are an error, not a hang", async () => {
    const asked = ask(0);
    model.reply(0, { version: 1, value: {}, arrays: { weights: { dtype: "uint8", shape: [2], coding: "raw" } } });
    await expect(asked).rejects.toThrow("came without its bytes");
  });

  it("are bounded in bytes, the least recently used dropped first", () => {
    const cache = new AnswerCache(250);
    const answer = (bytes: number) => ({ value: {}, arrays: { a: { shape: [bytes], data: new Uint8Array(bytes) } } });
    cache.set("one", answer(100));
    cache.set("two", answer(100));
    cache.get("one");
    cache.set("three", answer(100));
    expect(["one", "two", "three"].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true]);
    cache.set("huge", answer(1000));
    expect(cache.get("huge")).toBeUndefined();
    expect(cache.bytes).toBeLessThanOrEqual(250);
    cache.limit = 0;
    expect(cache.bytes).toBe(0);
  });
});

describe("limits and ends", () => {
  it("refuses a question that is far too large before it is sent", async () => {
    await expect(client.ask("w", "a", "weights", { text: "x".repeat(100_000) })).rejects.toThrow("at most 65536");
    expect(model.sent).toHaveLength(0);
  });

  it("says that the kernel is gone, and still shows what it knows", async () => {
    const known = ask(1);
    model.reply(0, { version: 1, value: { head: 1 } });
    await known;
    const waiting = ask(2);
    model.dead = true;
    model.emit("comm_live_update");
    await expect(waiting).rejects.toThrow("kernel is gone");
    expect(client.gone).toBe(true);
    await expect(ask(3)).rejects.toThrow("kernel is gone");
    expect((await ask(1)).value.head).toBe(1);
  });
});

describe("what is asked ahead", () => {
  const ahead = (head: number) => client.askAhead("w", "ahead", "weights", { head });
  const one = (): [object, DataView[]] => [
    { version: 1, value: {}, arrays: { a: { dtype: "uint8", shape: [1], coding: "raw" } } },
    [new DataView(new Uint8Array([7]).buffer)],
  ];

  it("says so to the kernel, and is here at once when it is wanted", async () => {
    ahead(3);
    expect(model.sent[0]).toMatchObject({ ahead: true, arguments: { head: 3 } });
    model.reply(0, ...one());
    expect(client.cached("weights", { head: 3 })?.arrays.a?.data).toEqual(new Uint8Array([7]));
    expect((await ask(3)).arrays.a?.data[0]).toBe(7);
    expect(heads()).toEqual([3]);
  });

  it("is one request at a time, then the newest", () => {
    for (const head of [1, 2, 3]) ahead(head);
    model.reply(0, ...one());
    expect(heads()).toEqual([1, 3]);
  });

  it("is what somebody waits for as soon as somebody asks", async () => {
    ahead(4);
    expect(client.waiting("w").why).toBeNull();
    const asked = ask(4);
    expect(client.waiting("w").why).toBe("kernel");
    model.reply(0, ...one());
    expect((await asked).arrays.a?.data[0]).toBe(7);
    expect(heads()).toEqual([4]);
  });

  it("is forgotten where the kernel has it not, and asked in earnest where somebody wants it", async () => {
    ahead(5);
    model.reply(0, { superseded: true });
    await settle();
    expect(heads()).toEqual([5]);
    ahead(6);
    const asked = ask(6);
    model.reply(1, { superseded: true });
    await settle();
    expect(model.sent[2]).not.toHaveProperty("ahead");
    model.reply(2, ...one());
    expect((await asked).arrays.a?.data[0]).toBe(7);
  });

  it("takes nothing's place in the cache, and only the newest is kept", async () => {
    for (const head of [1, 2]) {
      ahead(head);
      model.reply(head - 1, ...one());
    }
    await settle();
    expect(client.cached("weights", { head: 1 })).toBeUndefined();
    expect(client.cached("weights", { head: 2 })).toBeDefined();
  });

  it("is of no use once the captures changed", () => {
    ahead(1);
    model.reply(0, ...one());
    model.set("version", 2);
    expect(client.cached("weights", { head: 1 })).toBeUndefined();
  });

  it("asks nothing of a saved page, nor for what is here or on its way", () => {
    void ask(1);
    ahead(1);
    model.reply(0, ...one());
    ahead(1);
    expect(heads()).toEqual([1]);
    connect({ baked: [] });
    ahead(1);
    expect(heads()).toEqual([]);
  });
});

describe("the kernel hears of a pick", () => {
  const frames: (() => void)[] = [];
  beforeEach(() => {
    frames.length = 0;
    vi.useFakeTimers();
    vi.stubGlobal("requestAnimationFrame", (callback: () => void) => frames.push(callback));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const frame = () => {
    for (const callback of frames.splice(0)) callback();
    vi.advanceTimersByTime(0);
  };

  it("after the picture that answers it", () => {
    const heard = vi.fn();
    void ask(1);
    client.whenQuiet(300, heard);
    frame();
    expect(heard).not.toHaveBeenCalled();
    model.reply(0, { version: 1, value: {} });
    expect(heard).not.toHaveBeenCalled();
    frame();
    vi.advanceTimersByTime(1000);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("without an answer in time, all the same", () => {
    const heard = vi.fn();
    void ask(1);
    client.whenQuiet(300, heard);
    vi.advanceTimersByTime(299);
    expect(heard).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("soon where nothing was asked, or what was asked waits for the model", () => {
    const heard = vi.fn();
    void ask(1);
    model.reply(0, { parked: "model" });
    client.whenQuiet(300, heard);
    frame();
    expect(heard).toHaveBeenCalledTimes(1);
  });
});

describe("a saved page", () => {
  const packed = [deflateRawSync(Uint8Array.from([1, 2, 3])).toString("base64")];
  const arrays = { weights: { dtype: "uint8", shape: [3], coding: "raw" } };

  it("answers from what was baked, and says what was left out", async () => {
    connect({ baked: [{ what: "weights", arguments: { head: 1 }, value: { head: 1 }, arrays, version: 1, packed }] });
    const answer = await ask(1);
    expect([...(answer.arrays.weights?.data ?? [])]).toEqual([1, 2, 3]);
    expect(client.cached("weights", { head: 1 })).toBeDefined();
    await expect(ask(2)).rejects.toThrow("left out");
    expect(model.sent).toHaveLength(0);
  });
});

describe("what the kernel is asked to do", () => {
  it("is sent as it is asked for, each time, and answered", async () => {
    connect();
    const [first, second] = [client.act("w", "pause", {}), client.act("w", "pause", {})];
    expect(model.sent).toMatchObject([{ act: "pause", widget: "w" }, { act: "pause" }]);
    model.reply(1, { value: { paused: true } });
    model.reply(0, { error: "value=0, but a learning rate is above 0" });
    await expect(second).resolves.toEqual({ paused: true });
    await expect(first).rejects.toThrow("value=0, but a learning rate is above 0");
  });

  it("is refused on a saved page, and when the kernel is gone, also while it waits", async () => {
    connect({ baked: [] });
    await expect(client.act("w", "stop", {})).rejects.toThrow("saved page");
    connect();
    const waiting = client.act("w", "stop", {});
    client.lose();
    await expect(waiting).rejects.toThrow("kernel is gone");
    await expect(client.act("w", "stop", {})).rejects.toThrow("kernel is gone");
    expect(model.sent).toHaveLength(1);
  });
});

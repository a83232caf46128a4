/** The selection in the page: what a hand picked is not undone by news of what it had picked before. */

import { expect, it } from "vitest";
import { StaticModel } from "../../src/runtime/page_host";
import { selectionClient } from "../../src/runtime/selection";

/** A twin's model; what is to be sent waits until `send` is called. */
function twin() {
  const model = new StaticModel({ step: 0, heads: [], head: null });
  const { signal } = new AbortController();
  const waiting: (() => void)[] = [];
  const client = () => selectionClient({ model, signal } as never, (_, then) => void waiting.push(then), signal);
  const send = async () => {
    await new Promise((done) => setTimeout(done, 1));
    for (const each of waiting.splice(0)) each();
  };
  return { model, client, send };
}

it("keeps a choice over the echo of an older one, until it is sent", async () => {
  const { model, client, send } = twin();
  const mine = client();
  const seen: unknown[] = [];
  mine.onChange(["step"], () => seen.push(mine.get("step")));
  mine.set({ step: 13 });
  await send();
  mine.set({ step: 14 });
  model.set("step", 13); // the echo
  expect(mine.get("step")).toBe(14);
  await send();
  expect(seen).toEqual([13, 14]); // no view saw the step back
  model.set("step", 20); // Python
  expect(mine.get("step")).toBe(20);
});

it("takes another view's choice at once", async () => {
  const { client, send } = twin();
  const [one, other] = [client(), client()];
  one.set({ step: 3 });
  other.set({ step: 4 });
  expect(one.get("step")).toBe(4);
  await send();
  one.set({ step: 5 });
  expect(other.get("step")).toBe(5);
});

it("keeps lists too", () => {
  const { model, client } = twin();
  const mine = client();
  mine.set({ heads: [1, 2] });
  model.set("heads", [1]);
  expect([mine.get("heads"), mine.get("head")]).toEqual([[1, 2], 2]);
});

/** A saved page's models: they behave as Jupyter's do towards the runtime, without a kernel. */
import { expect, test, vi } from "vitest";
import { StaticModel } from "../../src/runtime/page_host";

test("a change is heard at once, an equal value is none", () => {
  const model = new StaticModel({ heads: [1], layer: null });
  const heard = vi.fn(() => model.get("heads"));
  model.on("change:heads", heard);
  model.set("heads", [1]);
  expect(heard).not.toHaveBeenCalled();
  model.set("heads", [1, 2]);
  expect(heard).toHaveReturnedWith([1, 2]);
  model.set("layer", "encoder");
  expect(heard).toHaveBeenCalledTimes(1);
});

test("several events can be listened to at once, and left again", () => {
  const model = new StaticModel({});
  const heard = vi.fn();
  model.on("change:state change:message", heard);
  model.set("state", "closed");
  model.set("message", "gone");
  expect(heard).toHaveBeenCalledTimes(2);
  model.off("change:state", heard);
  model.set("state", "open");
  model.set("message", "back");
  expect(heard).toHaveBeenCalledTimes(3);
});

test("a listener that listens anew while it is called is not called for ever", () => {
  const model = new StaticModel({ step: 0 });
  const heard = vi.fn(() => {
    model.off("change:step", heard);
    model.on("change:step", heard);
  });
  model.on("change:step", heard);
  model.set("step", 1);
  expect(heard).toHaveBeenCalledTimes(1);
});

test("what the page was saved with stays as it was", () => {
  const saved = { head: 3 };
  const model = new StaticModel(saved);
  model.set("head", 5);
  expect([saved.head, model.get("head")]).toEqual([3, 5]);
});

test("telling and asking a kernel that is not there does nothing", () => {
  const model = new StaticModel({ head: 3 });
  model.set("head", 4);
  model.save_changes();
  model.send();
  expect(model.get("head")).toBe(4);
});

/** The page's stand-in for Jupyter, in a browser: code loaded once, references resolved, failures said in their place. */
import { beforeEach, expect, test } from "vitest";
import { PageHost, type Saved } from "../../src/runtime/page_host";

const TWIN =
  "globalThis.loads = (globalThis.loads ?? 0) + 1; export default { initialize: ({ model }) => ({ model }) };";
const VIEW = `export default { async render({ model, el, host }) {
  const twin = (await host.getWidget(model.get("_source"))).exports;
  el.textContent = model.get("name") + " of " + twin.model.get("label") + ", " + (twin.model.get("baked") ?? []).length + " answers";
} };`;

let places: HTMLElement[];

beforeEach(() => {
  document.body.replaceChildren(...[0, 1].map(() => document.createElement("section")));
  places = [...document.querySelectorAll("section")];
  Reflect.deleteProperty(globalThis, "loads");
});

function saved(...views: { name: string; source: string }[]): Saved {
  return {
    codes: [TWIN, VIEW],
    models: {
      net: { code: 0, state: { label: "Net" } },
      other: { code: 0, state: { label: "Other" } },
      ...Object.fromEntries(
        views.map(({ name, source }) => [name, { code: 1, state: { name, _source: `anywidget:${source}` } }]),
      ),
    },
    widgets: views.map(({ name }) => name),
  };
}

const none = () => undefined;

test("each widget is shown in its place, and code is loaded once", async () => {
  await new PageHost(saved({ name: "heads", source: "net" }, { name: "map", source: "other" }), none).show(places);
  expect(places.map((place) => place.textContent)).toEqual(["heads of Net, 0 answers", "map of Other, 0 answers"]);
  expect(Reflect.get(globalThis, "loads")).toBe(1);
});

test("two widgets of a source get the same twin", async () => {
  const host = new PageHost(saved({ name: "heads", source: "net" }), none);
  const [one, two] = await Promise.all([host.getWidget("anywidget:net"), host.getWidget("anywidget:net")]);
  expect(one.exports).toBe(two.exports);
});

test("a source's twin holds the answers that came with the page", async () => {
  const baked = { what: "weights", arguments: {}, value: {}, arrays: {}, version: 1 };
  const host = new PageHost(saved({ name: "heads", source: "net" }, { name: "map", source: "other" }), (model) =>
    model === "net" ? [baked, baked] : undefined,
  );
  await host.show(places);
  expect(places[0]?.textContent).toContain("2 answers");
  expect(places[1]?.textContent).toContain("0 answers");
});

test("a widget that fails says why in its place, and the others are there", async () => {
  await new PageHost(saved({ name: "<b>heads", source: "nobody" }, { name: "map", source: "net" }), none).show(places);
  expect(places[0]?.textContent).toBe("nnwidgets: the page refers to the widget nobody, but does not hold it");
  expect(places[1]?.textContent).toContain("map of Net");
});

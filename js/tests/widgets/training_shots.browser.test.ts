import { afterEach, beforeEach, it } from "vitest";
import { page } from "vitest/browser";
import css from "../../src/controls/style.css";
import * as library from "../../src/libraries/uplot.ts";
import { view } from "../../src/widgets/training_monitor.ts";
import { DARK, LIGHT, mount, type FakeContext } from "./fake_context.ts";
import { answering, learning, OPTIONS, RUNNING } from "./fake_run.ts";
let context: FakeContext;
beforeEach(() => { const s = document.createElement("style"); s.textContent = css; document.body.append(s); });
afterEach(() => { context.end(); document.body.replaceChildren(); });
const wait = (ms: number) => new Promise((r) => setTimeout(r, ms));
const started = Date.now() / 1000 - 40;
for (const [name, theme, width, options] of [
  ["light1400", LIGHT, 1400, { smoothing: 0.9 }], ["dark1000", DARK, 1000, {}], ["light600", LIGHT, 600, {x: "epoch", log_y: true}],
] as const) {
  it(name, async () => {
    await page.viewport(width + 40, 1500);
    document.body.style.background = theme.background;
    document.body.style.margin = "10px";
    document.body.dataset.jpThemeLight = String(!theme.dark);
    const run = learning(2000);
    context = mount(view, { answer: answering(run), options: { ...OPTIONS, ...options }, theme, library, source: { ...RUNNING, started } }, width);
    await wait(600);
    console.log(context.errors.map(String));
    context.selection.set({ step: 1200 });
    await wait(200);
    await page.screenshot({ path: `/work/main/node_modules/.shots/${name}.png` });
  });
}

/** Two projects: `*.test.ts` runs in Node, `*.browser.test.ts` in the machine's own Chromium (CHROMIUM names another one). */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

function chromium(): string {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here: look on.
      }
    }
  }
  throw new Error("The browser tests need Chromium: apt-get install chromium, or set CHROMIUM to its path.");
}

/** As in js/build.mjs, a style sheet is imported as its text. */
const cssAsText = {
  name: "css-as-text",
  enforce: "pre" as const,
  async resolveId(this: { resolve: Resolve }, source: string, importer: string | undefined) {
    if (!source.endsWith(".css") || !importer?.includes("/js/")) return null;
    const found = await this.resolve(source, importer, { skipSelf: true });
    return found && `${found.id}?raw`;
  },
};
type Resolve = (source: string, importer: string, options: { skipSelf: boolean }) => Promise<{ id: string } | null>;

export default defineConfig({
  plugins: [cssAsText],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["js/tests/**/*.test.ts"],
          exclude: ["js/tests/**/*.browser.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["js/tests/**/*.browser.test.ts"],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            viewport: { width: 1000, height: 800 },
            instances: [{ browser: "chromium" }],
            provider: playwright({
              launchOptions: {
                executablePath: chromium(),
                args: [
                  "--no-sandbox",
                  "--disable-gpu",
                  "--disable-quic",
                  "--no-first-run",
                  "--disable-background-networking",
                  "--disable-component-update",
                  "--disable-sync",
                ],
              },
            }),
          },
        },
      },
    ],
  },
});

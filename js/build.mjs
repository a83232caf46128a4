/**
 * Bundles the browser half into nnwidgets/static:
 *   runtime.js         the core, sent once for a kernel
 *   widgets/<name>.js  one for each file of js/src/widgets, sent when the first widget of its kind needs it
 *   libraries/<name>.js  one for each file of js/src/libraries, sent when the first widget that draws with it needs it
 *   page.js            what a saved page needs to live without a kernel
 * Names beginning with "_" and subfolders of js/src/widgets are parts of widgets, not widgets.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const target = join(here, "..", "nnwidgets", "static");

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  loader: { ".css": "text" },
  logLevel: "warning",
};

/** anywidget wants `default.initialize`, which hands over what the file exports: a widget its `view`, a library its names. */
const codeWidget = (file) => `
  import * as exports from "./${file}";
  export default { initialize() { return exports; } };
`;

const codeWidgets = ["widgets", "libraries"].flatMap((folder) =>
  readdirSync(join(source, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.startsWith("_"))
    .map((entry) => ({ folder, file: entry.name }))
    .sort((one, other) => (one.file < other.file ? -1 : 1)),
);

const bundles = [
  { name: "runtime.js", input: { entryPoints: [join(source, "runtime/index.ts")] } },
  { name: "page.js", input: { entryPoints: [join(source, "runtime/page.ts")] } },
  ...codeWidgets.map(({ folder, file }) => ({
    name: `${folder}/${basename(file, ".ts")}.js`,
    input: { stdin: { contents: codeWidget(file), resolveDir: join(source, folder), sourcefile: `entry:${file}` } },
  })),
];
await Promise.all(bundles.map(({ name, input }) => build({ ...common, ...input, outfile: join(target, name) })));

// What an earlier build left, only now: a build that fails must not take the files from under a running Lab.
const names = new Set(bundles.map(({ name }) => name));
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && !names.has(relative(target, path).replaceAll("\\", "/"))) rmSync(path);
}

for (const name of names) {
  const code = readFileSync(join(target, name));
  const [plain, packed] = [code, gzipSync(code)].map(({ length }) => `${(length / 1000).toFixed(1)} kB`.padStart(9));
  console.log(`${plain} ${packed} gzip  ${name}`);
}

/** A page without a kernel: the whole of a view's context, with every ask recorded and answered by a function. */

import {
  type Answer,
  type Arguments,
  type SelectionState,
  Superseded,
  type Theme,
  type View,
  type ViewContext,
} from "../../src/runtime/context.ts";

export interface Ask {
  readonly what: string;
  readonly args: Arguments;
  readonly control: string | undefined;
}

export interface FakeContext extends ViewContext {
  readonly asks: Ask[];
  readonly acts: { readonly what: string; readonly args: Arguments }[];
  /** What was asked ahead; it is not answered. */
  readonly aheads: Pick<Ask, "what" | "args">[];
  readonly errors: unknown[];
  /** The selection as it stands. */
  readonly selected: SelectionState;
  readonly traits: Record<string, unknown>;
  setTheme(theme: Theme): void;
  rise(): void;
  /** The source says something else of itself. */
  become(state: Record<string, unknown>): void;
  push(content: Record<string, unknown>, arrays?: Answer["arrays"]): void;
  end(): void;
}

export const LIGHT: Theme = {
  dark: false,
  background: "#ffffff",
  surface: "#ffffff",
  text: "rgb(31, 35, 40)",
  faint: "rgb(92, 99, 107)",
  border: "rgb(200, 204, 209)",
  accent: "rgb(21, 101, 192)",
  error: "rgb(180, 20, 20)",
  font: "system-ui, sans-serif",
  fontSize: 12,
};

export const DARK: Theme = {
  ...LIGHT,
  dark: true,
  background: "#16181c",
  surface: "#16181c",
  text: "rgb(230, 232, 235)",
  faint: "rgb(160, 167, 176)",
  border: "rgb(69, 75, 84)",
  accent: "rgb(100, 181, 246)",
};

const NOTHING: SelectionState = {
  layer: null,
  attention: null,
  heads: [],
  head: null,
  query: null,
  key: null,
  unit: null,
  step: null,
  sample: null,
  target: null,
  latent: null,
};

const DEFAULTS = {
  special_tokens: "show",
  threshold: 0.02,
  height: 480,
  scale: "linear",
  color_map: "viridis",
  mean: false,
  reduce: "max",
};

export interface FakePage {
  readonly root: HTMLElement;
  /** May answer later, or never. */
  readonly answer: (what: string, args: Arguments) => Answer | Promise<Answer>;
  readonly selection?: Partial<SelectionState>;
  readonly options?: Record<string, unknown>;
  readonly theme?: Theme;
  readonly saved?: boolean;
  readonly library?: unknown;
  /** What the source says of itself. */
  readonly source?: Record<string, unknown>;
  readonly act?: (what: string, args: Arguments) => Promise<Record<string, unknown>>;
}

/**
 * Latest wins by control, as in the runtime; answers are cached until the version rises. What was asked before that is
 * answered all the same, which the runtime would not do: a view must bear answers in any order.
 */
export function fakeContext(page: FakePage): FakeContext {
  const ended = new AbortController();
  const selected: SelectionState = { ...NOTHING, ...page.selection };
  const source: Record<string, unknown> = { ...page.source };
  const traits: Record<string, unknown> = { ...DEFAULTS, ...page.options };
  const selectionListeners: { names: readonly string[]; listener: () => void }[] = [];
  const optionListeners: { names: readonly string[]; listener: () => void }[] = [];
  const versionListeners: (() => void)[] = [];
  const themeListeners: (() => void)[] = [];
  const stateListeners: (() => void)[] = [];
  const pushListeners: Parameters<ViewContext["onPush"]>[0][] = [];
  const acts: FakeContext["acts"] = [];
  const cache = new Map<string, Answer>();
  const [asks, aheads, errors]: [Ask[], FakeContext["aheads"], unknown[]] = [[], [], []];
  const newest = new Map<string, number>();
  let theme = page.theme ?? LIGHT;
  let version = 0;
  const tell = (listeners: typeof selectionListeners, names: readonly string[]) => {
    for (const { names: wanted, listener } of listeners) if (wanted.some((name) => names.includes(name))) listener();
  };
  const keyOf = (what: string, args: Arguments) => `${what} ${JSON.stringify(Object.entries(args).sort())}`;

  return {
    root: page.root,
    asks,
    acts,
    aheads,
    errors,
    selected,
    traits,
    selection: {
      get: (field) => selected[field],
      set(change) {
        Object.assign(selected, change);
        tell(selectionListeners, Object.keys(change));
      },
      onChange: (names, listener) => void selectionListeners.push({ names, listener }),
    },
    options: {
      get: <T>(name: string) => traits[name] as T,
      set(name, value) {
        traits[name] = value;
        tell(optionListeners, [name]);
      },
      onChange: (names, listener) => void optionListeners.push({ names, listener }),
    },
    onVersion: (listener) => void versionListeners.push(listener),
    async ask(what, args, options) {
      const control = options?.control;
      const number = asks.push({ what, args, control });
      if (control) newest.set(control, number);
      const asked = version;
      const answer = await page.answer(what, args);
      if (control && newest.get(control) !== number) throw new Superseded();
      if (asked === version) cache.set(keyOf(what, args), answer);
      return answer;
    },
    askAhead: (what, args) => void aheads.push({ what, args }),
    cached: (what, args) => cache.get(keyOf(what, args)),
    saved: page.saved ?? false,
    async act(what, args) {
      acts.push({ what, args });
      return (await page.act?.(what, args)) ?? {};
    },
    state: {
      get: (name) => source[name] as never,
      onChange: (listener) => void stateListeners.push(listener),
    },
    onPush: (listener) => void pushListeners.push(listener),
    library: page.library,
    showError: (error) => void errors.push(error),
    theme: () => theme,
    onTheme: (listener) => void themeListeners.push(listener),
    signal: ended.signal,
    setTheme(next) {
      theme = next;
      for (const listener of themeListeners) listener();
    },
    rise() {
      version += 1;
      cache.clear();
      for (const listener of versionListeners) listener();
    },
    become(state) {
      Object.assign(source, state);
      for (const listener of stateListeners) listener();
    },
    push(content, arrays = {}) {
      for (const listener of pushListeners) listener(content, arrays);
    },
    end: () => ended.abort(),
  };
}

/** A view in a box of this width, in the page. */
export function mount(view: View, page: Omit<FakePage, "root">, width = 760): FakeContext {
  const root = document.createElement("div");
  root.className = "nnw";
  root.dataset.theme = page.theme?.dark ? "dark" : "light";
  root.style.width = `${width}px`;
  document.body.append(root);
  const context = fakeContext({ ...page, root });
  view(context);
  return context;
}

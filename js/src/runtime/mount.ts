/** Mounts a widget: resolves what it refers to, gives its view a context, and says what the view cannot know. */

import type { AnswerCache } from "./cache";
import { type BakedAnswer, key, SourceClient, unpackArrays, type Waiting } from "./client";
import type { Header } from "./codec";
import {
  type Arguments,
  type OptionsClient,
  type StateClient,
  Superseded,
  type Theme,
  type View,
  type ViewContext,
} from "./context";
import { createFrame, ensureStyle, type Frame, type Progress } from "./frame";
import { listen, type Model, type Twin } from "./host";
import { once, selectionClient } from "./selection";
import { Snapshot } from "./snapshot";
import { onTheme, readTheme } from "./theme";

/** What the loader of a widget hands over. `get` resolves one of the widget's references to that widget's exports. */
export interface Mounting {
  readonly model: Model;
  readonly el: HTMLElement;
  readonly signal: AbortSignal;
  readonly get: (name: string) => Promise<unknown>;
}

/** Longer than a quick answer takes, so that the sentence does not flicker. */
const PATIENCE: Readonly<Record<string, number>> = { kernel: 700, model: 250 };
/** How long "recomputed: …" stays. */
const NEWS = 15_000;

const SENTENCES: Readonly<Record<Exclude<Waiting, null>, string>> = {
  kernel: "Waiting for the kernel…",
  cell: "Waits for the running cell: this view needs a run of the model.",
  model: "Running the model…",
};

export class Mounter {
  readonly #cache: AnswerCache;
  #views = 0;
  readonly #clients = new WeakMap<Model, SourceClient>();

  constructor(cache: AnswerCache) {
    this.#cache = cache;
  }

  /** Show the widget in `el` until `signal` aborts, and again when it is given another source. */
  async mount(mounting: Mounting): Promise<void> {
    const { model, el, signal } = mounting;
    let mounted = new AbortController();
    const show = async (): Promise<void> => {
      mounted.abort();
      mounted = new AbortController();
      await this.#show(mounting, AbortSignal.any([signal, mounted.signal]));
    };
    listen(
      model,
      "change:_source",
      signal,
      once(() => void show().catch((error) => fail(el, error)), signal),
    );
    await show();
  }

  async #show({ model, el, get }: Mounting, signal: AbortSignal): Promise<void> {
    const [code, library, source, selection, stream] = await Promise.all([
      get("_code") as Promise<{ view: View }>,
      model.get("_library") ? get("_library") : undefined,
      get("_source") as Promise<Twin>,
      get("_selection") as Promise<Twin>,
      get("_stream") as Promise<Twin>,
    ]);
    const client = this.#client(source);
    const live = await isLive(model, "_source");
    if (signal.aborted) return;
    if (!live) client.lose();
    client.keep((model.get("_snapshot") as BakedAnswer[] | undefined) ?? []);
    const frame = createFrame();
    el.replaceChildren(frame.element);
    ensureStyle(frame.element);
    let theme: Theme = readTheme(frame.element);
    narrate(frame, client, source, selection, stream, widgetId(model), signal);
    const snapshot = client.saved ? null : new Snapshot(model, (what, args) => client.packed(what, args), signal);
    const view = ++this.#views; // the same widget may be shown twice, and each view asks for itself
    const use = (what: string, args: Arguments): void => snapshot?.use(key(what, args), what, args);
    code.view({
      root: frame.root,
      options: optionsClient(model, signal),
      selection: selectionClient(selection, (most, then) => client.whenQuiet(most, then), signal),
      onVersion: (listener) => listen(source.model, "change:version", signal, once(listener, signal)),
      async ask(what, args, options) {
        const answer = await client.ask(widgetId(model), `${view} ${options?.control ?? what}`, what, args);
        use(what, args);
        return answer;
      },
      askAhead: (what, args) => client.askAhead(widgetId(model), `${view} ahead`, what, args),
      cached(what, args) {
        const answer = client.cached(what, args);
        if (answer !== undefined) use(what, args);
        return answer;
      },
      saved: client.saved,
      act: (what, args) => client.act(widgetId(model), what, args),
      state: stateClient(stream, signal),
      onPush: (listener) =>
        listen(stream.model, "msg:custom", signal, (content: Pushed, buffers: readonly DataView[]) =>
          listener(content, unpackArrays(content.arrays, buffers)),
        ),
      library,
      showError: (error) => complain(frame, error),
      theme: () => theme,
      onTheme: (listener) =>
        onTheme(signal, () => {
          theme = readTheme(frame.element);
          listener();
        }),
      signal,
    } satisfies ViewContext);
  }

  #client(source: Twin): SourceClient {
    const known = this.#clients.get(source.model);
    if (known !== undefined) return known;
    const client = new SourceClient(source, this.#cache);
    this.#clients.set(source.model, client);
    return client;
  }
}

/** A notebook that is reopened without its kernel brings its models back, but what they send goes nowhere, without an error. */
async function isLive(model: Model, name: string): Promise<boolean> {
  const id = (model.get(name) as string).replace("anywidget:", "");
  return (await model.widget_manager?.get_model(id))?.comm_live !== false;
}

/** The widget's id in the kernel: requests name it. */
function widgetId(model: Model): string {
  return model.get("_key") as string;
}

function optionsClient(model: Model, signal: AbortSignal): OptionsClient {
  return {
    get: (name) => model.get(name) as never,
    set(name, value) {
      model.set(name, value);
      model.save_changes();
    },
    onChange(names, listener) {
      const notify = once(listener, signal);
      for (const name of names) listen(model, `change:${name}`, signal, notify);
    },
  };
}

interface Pushed extends Record<string, unknown> {
  readonly arrays: Readonly<Record<string, Header>>;
}

function stateClient({ model }: Twin, signal: AbortSignal): StateClient {
  return {
    get: (name) => (model.get("state") as Record<string, unknown>)[name] as never,
    onChange: (listener) => listen(model, "change:state", signal, once(listener, signal)),
  };
}

/** Keep the status line, the progress bars and the selection's refusals up to date. */
function narrate(
  frame: Frame,
  client: SourceClient,
  source: Twin,
  selection: Twin,
  stream: Twin,
  widget: string,
  signal: AbortSignal,
): void {
  let later: ReturnType<typeof setTimeout> | undefined;
  let news = 0; // until when the source's message is news
  const tell = (): void => {
    clearTimeout(later);
    const now = performance.now();
    const { why, since } = client.waiting(widget);
    const patience = why === null ? 0 : since + (PATIENCE[why] ?? 0) - now;
    const next = Math.min(...[patience, news - now].filter((wait) => wait > 0));
    if (Number.isFinite(next)) later = setTimeout(tell, next);
    frame.say(sentence(client, source, patience > 0 ? null : why, news > now));
  };
  client.onState(signal, tell);
  listen(source.model, "change:state change:version", signal, () => {
    news = performance.now() + NEWS;
    tell();
  });
  listen(selection.model, "msg:custom", signal, ({ error }: { error?: string }) =>
    complain(frame, error === undefined ? null : new Error(error)),
  );
  const showJobs = (): void => {
    frame.progress(stream.model.get("jobs") as readonly Progress[], (id) => client.cancel(id));
  };
  listen(stream.model, "change:jobs", signal, showJobs);
  showJobs();
  signal.addEventListener("abort", () => clearTimeout(later), { once: true });
  tell();
}

function sentence(client: SourceClient, source: Twin, waiting: Waiting, news: boolean): string | null {
  const closed = source.model.get("state") === "closed";
  const message = ((closed || news) && (source.model.get("message") as string)) || null;
  if (client.gone) return "The kernel is gone: this is the last picture. Run the cell again to go on.";
  if (closed || waiting === null) return message;
  return SENTENCES[waiting];
}

function complain(frame: Frame, error: unknown): void {
  if (error instanceof Superseded) return;
  frame.complain(error === null || error === undefined ? null : error instanceof Error ? error.message : String(error));
}

export function fail(el: HTMLElement, error: unknown): void {
  el.textContent = `nnwidgets: ${error instanceof Error ? error.message : String(error)}`;
}

/** A saved page's stand-in for Jupyter: anywidget's front-end contract over models that have no kernel. */

import type { Model } from "./host";

interface Saved {
  readonly models: Readonly<Record<string, { readonly code: number; readonly state: Record<string, unknown> }>>;
  readonly codes: readonly string[];
  readonly widgets: readonly string[];
}

interface Definition {
  initialize?(props: { model: Model; signal: AbortSignal }): object | undefined;
  render?(props: { model: Model; el: HTMLElement; host: Host; signal: AbortSignal }): Promise<void>;
}

interface Host {
  getWidget(reference: string): Promise<{ exports: unknown }>;
}

type Listener = (...details: never[]) => void;

const PREFIX = "anywidget:";

class StaticModel implements Model {
  readonly #state: Record<string, unknown>;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(state: Record<string, unknown>) {
    this.#state = state;
  }

  get(name: string): unknown {
    return this.#state[name];
  }

  set(name: string, value: unknown): void {
    if (JSON.stringify(this.#state[name]) === JSON.stringify(value)) return;
    this.#state[name] = value;
    for (const listener of this.#listeners.get(`change:${name}`) ?? []) listener();
  }

  on(events: string, listener: Listener): void {
    for (const event of events.split(" ")) {
      const listeners = this.#listeners.get(event) ?? new Set();
      this.#listeners.set(event, listeners.add(listener));
    }
  }

  off(events: string, listener: Listener): void {
    for (const event of events.split(" ")) this.#listeners.get(event)?.delete(listener);
  }

  save_changes(): void {
    // There is no kernel to tell.
  }

  send(): void {
    // Nor one to ask: the client answers from what was baked.
  }
}

class Page implements Host {
  readonly #saved: Saved;
  readonly #signal = new AbortController().signal;
  readonly #definitions = new Map<number, Promise<Definition>>();
  readonly #widgets = new Map<string, Promise<{ model: Model; definition: Definition; exports: unknown }>>();

  constructor(saved: Saved) {
    this.#saved = saved;
  }

  async show(): Promise<void> {
    await Promise.all(
      this.#saved.widgets.map(async (id, index) => {
        const section = document.querySelectorAll<HTMLElement>("section[data-widget]")[index];
        const { model, definition } = await this.#widget(id);
        if (section !== undefined) await definition.render?.({ model, el: section, host: this, signal: this.#signal });
      }),
    );
  }

  async getWidget(reference: string): Promise<{ exports: unknown }> {
    return this.#widget(reference.slice(PREFIX.length));
  }

  #widget(id: string): Promise<{ model: Model; definition: Definition; exports: unknown }> {
    const known = this.#widgets.get(id);
    if (known !== undefined) return known;
    const made = this.#make(id);
    this.#widgets.set(id, made);
    return made;
  }

  async #make(id: string): Promise<{ model: Model; definition: Definition; exports: unknown }> {
    const saved = this.#saved.models[id];
    if (saved === undefined) throw new Error(`the page refers to the widget ${id}, but does not hold it`);
    const definition = await this.#define(saved.code);
    const model = new StaticModel(saved.state);
    return { model, definition, exports: definition.initialize?.({ model, signal: this.#signal }) };
  }

  #define(code: number): Promise<Definition> {
    const known = this.#definitions.get(code);
    if (known !== undefined) return known;
    const url = URL.createObjectURL(new Blob([this.#saved.codes[code] ?? ""], { type: "text/javascript" }));
    const made = (import(url) as Promise<{ default: Definition }>).then((module) => module.default);
    this.#definitions.set(code, made);
    return made;
  }
}

const state = document.getElementById("nnwidgets-page")?.textContent ?? "{}";
void new Page(JSON.parse(state) as Saved).show();

/** A saved page's stand-in for Jupyter: anywidget's front-end contract over models that have no kernel. */

import type { BakedAnswer } from "./client";
import type { Model } from "./host";

export interface Saved {
  readonly models: Readonly<
    Record<string, { readonly code: number; readonly state: Readonly<Record<string, unknown>> }>
  >;
  /** JavaScript modules; a model names its own by number. */
  readonly codes: readonly string[];
  /** The models that are shown, in the order of their places. */
  readonly widgets: readonly string[];
}

interface Definition {
  initialize?(props: { model: Model; signal: AbortSignal }): unknown;
  render?(props: { model: Model; el: HTMLElement; host: Host; signal: AbortSignal }): Promise<void>;
}

export interface Host {
  getWidget(reference: string): Promise<{ exports: unknown }>;
}

interface Made {
  readonly model: Model;
  readonly definition: Definition;
  readonly exports: unknown;
}

type Listener = (...details: never[]) => void;

const PREFIX = "anywidget:";

/** A model that lives in the page alone. */
export class StaticModel implements Model {
  readonly #state: Record<string, unknown>;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(state: Readonly<Record<string, unknown>>) {
    this.#state = { ...state };
  }

  get(name: string): unknown {
    return this.#state[name];
  }

  /** As in Jupyter, what stays equal is no change, and listeners hear of one at once. */
  set(name: string, value: unknown): void {
    if (JSON.stringify(this.#state[name]) === JSON.stringify(value)) return;
    this.#state[name] = value;
    for (const listener of [...(this.#listeners.get(`change:${name}`) ?? [])]) listener();
  }

  on(events: string, listener: Listener): void {
    for (const event of events.split(" ")) {
      this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener));
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

export class PageHost implements Host {
  readonly #saved: Saved;
  readonly #answers: (model: string) => readonly BakedAnswer[] | undefined;
  readonly #signal = new AbortController().signal;
  readonly #definitions = new Map<number, Promise<Definition>>();
  readonly #made = new Map<string, Promise<Made>>();

  /** `answers` are those that came with the page, for the twin of a source; undefined for other models. */
  constructor(saved: Saved, answers: (model: string) => readonly BakedAnswer[] | undefined) {
    this.#saved = saved;
    this.#answers = answers;
  }

  /** Show each widget in its place; where one fails, its place says why and the others are there. */
  async show(places: readonly HTMLElement[]): Promise<void> {
    await Promise.all(
      this.#saved.widgets.map(async (id, index) => {
        const el = places[index];
        if (el === undefined) return;
        try {
          const { model, definition } = await this.#widget(id);
          await definition.render?.({ model, el, host: this, signal: this.#signal });
        } catch (error) {
          el.textContent = `nnwidgets: ${error instanceof Error ? error.message : String(error)}`;
        }
      }),
    );
  }

  async getWidget(reference: string): Promise<{ exports: unknown }> {
    return this.#widget(reference.slice(PREFIX.length));
  }

  #widget(id: string): Promise<Made> {
    return remembered(this.#made, id, () => this.#make(id));
  }

  async #make(id: string): Promise<Made> {
    const saved = this.#saved.models[id];
    if (saved === undefined) throw new Error(`the page refers to the widget ${id}, but does not hold it`);
    const definition = await remembered(this.#definitions, saved.code, () =>
      define(this.#saved.codes[saved.code] ?? ""),
    );
    const baked = this.#answers(id);
    const model = new StaticModel(baked === undefined ? saved.state : { ...saved.state, baked });
    return { model, definition, exports: definition.initialize?.({ model, signal: this.#signal }) };
  }
}

async function define(code: string): Promise<Definition> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return ((await import(/* @vite-ignore */ url)) as { default: Definition }).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function remembered<Key, Value>(known: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

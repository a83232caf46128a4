/**
 * A source's client in the page: asks the kernel, or the saved page, and is always answered.
 *
 * Latest wins: of one control (a slider, a picker) one request is in flight, the newest waits, older ones are dropped. Widgets
 * that ask for the same thing share one request. A request that the kernel has parked (it must run the model first, or wait
 * for a cell) no longer holds the control's place, so what is stored is still answered.
 */

import type { AnswerCache } from "./cache";
import { decode, type Header } from "./codec";
import { type Answer, type Arguments, Superseded } from "./context";
import { listen, type Twin } from "./host";

/** Why a widget has no answer yet. */
export type Waiting = "kernel" | "cell" | "model" | null;

interface Ask {
  readonly widget: string;
  readonly control: string;
  readonly what: string;
  readonly args: Arguments;
  readonly key: string;
  /** Whether it was asked for again because the captures changed meanwhile: the second answer is taken, whatever it is. */
  readonly again: boolean;
  /** Whether nobody waits for it yet. */
  readonly ahead: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface Flight {
  readonly key: string;
  readonly what: string;
  readonly args: Arguments;
  readonly asks: Ask[];
  parked: Waiting;
  /** When it was sent, ms. */
  readonly since: number;
}

/** One answer that came along with the page or the widget's state. `packed` is base64 of the raw deflated arrays. */
export interface BakedAnswer {
  readonly what: string;
  readonly arguments: Arguments;
  readonly value: Record<string, unknown>;
  readonly arrays: Readonly<Record<string, Header>>;
  readonly version: number;
  readonly buffers?: readonly DataView[];
  readonly packed?: readonly string[];
}

/** An answer as it came. */
type Packed = BakedAnswer & { readonly buffers: readonly DataView[] };

interface Reply {
  readonly client: string;
  readonly request: number;
  readonly version?: number;
  readonly value?: Record<string, unknown>;
  readonly arrays?: Readonly<Record<string, Header>>;
  readonly error?: string;
  readonly superseded?: true;
  readonly parked?: "cell" | "model";
}

/** The kernel takes no more than this; a far larger message would vanish on its way without an error. */
const MOST_CHARACTERS = 64 * 1024;
/** ms after which an answer may have been lost (Jupyter drops messages when there are too many): its control is free again. */
const LOST = 10_000;
const GONE = "The kernel is gone; this is its last picture. Run the cell again to go on.";

/** Random for each page: messages from the kernel reach every open tab. */
export const PAGE = randomId();

export class SourceClient {
  readonly #twin: Twin;
  readonly #cache: AnswerCache;
  readonly #id = randomId();
  readonly #flights = new Map<number, Flight>();
  readonly #slots = new Map<string, { flight: number | null; next: Ask | null }>();
  readonly #baked = new Map<string, BakedAnswer>();
  readonly #packed = new WeakMap<Answer, BakedAnswer>();
  readonly #listeners = new Set<() => void>();
  readonly #acts = new Map<number, { resolve(value: Record<string, unknown>): void; reject(error: Error): void }>();
  /** What was asked ahead last: not in the cache before somebody wants it, where it could take the place of what is shown. */
  #ahead: { readonly name: string; readonly packed: Packed } | null = null;
  #requests = 0;
  #gone = false;

  constructor(twin: Twin, cache: AnswerCache) {
    this.#twin = twin;
    this.#cache = cache;
    for (const baked of (twin.model.get("baked") as BakedAnswer[] | undefined) ?? []) {
      this.#baked.set(key(baked.what, baked.arguments), baked);
    }
    listen(twin.model, "msg:custom", twin.signal, (reply: Reply, buffers: readonly DataView[]) => {
      if (reply.client === PAGE) this.#receive(reply, buffers);
    });
    listen(twin.model, "change:version", twin.signal, () => this.#cache.drop(`${this.#id}|`));
    listen(twin.model, "comm_live_update", twin.signal, () => this.#commChanged());
  }

  get version(): number {
    return this.#twin.model.get("version") as number;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Whether this is a saved page: what it does not hold cannot be asked for. */
  get saved(): boolean {
    return this.#twin.model.get("baked") !== undefined;
  }

  /** What the oldest unanswered request of `widget` waits for, and since when (ms). */
  waiting(widget: string): { readonly why: Waiting; readonly since: number } {
    for (const flight of this.#flights.values()) {
      if (flight.asks.some((ask) => ask.widget === widget && !ask.ahead))
        return { why: flight.parked ?? "kernel", since: flight.since };
    }
    return { why: null, since: 0 };
  }

  /** Call `listener` when `waiting` or `gone` may have changed. */
  onState(signal: AbortSignal, listener: () => void): void {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  /** Call `then` once no answer is on its way and the last one is painted; in any case after `most` ms. */
  whenQuiet(most: number, then: () => void): void {
    const ended = new AbortController();
    const end = () => {
      if (ended.signal.aborted) return;
      ended.abort();
      clearTimeout(latest);
      then();
    };
    const latest = setTimeout(end, most);
    const look = () => {
      const quiet = [...this.#flights.values()].every((flight) => flight.parked !== null || isAhead(flight));
      if (quiet) requestAnimationFrame(() => setTimeout(end));
    };
    this.onState(ended.signal, look);
    look();
  }

  cached(what: string, args: Arguments): Answer | undefined {
    return this.#known(key(what, args));
  }

  /** Take answers that came with a widget's state, so that its first picture needs no question. */
  keep(answers: readonly BakedAnswer[]): void {
    for (const baked of answers) {
      if (baked.version === this.version && baked.buffers !== undefined) {
        this.#store(key(baked.what, baked.arguments), { ...baked, buffers: baked.buffers });
      }
    }
  }

  /** A cached answer as it came, in its small coding: what a widget's snapshot keeps. */
  packed(what: string, args: Arguments): BakedAnswer | undefined {
    const answer = this.cached(what, args);
    return answer && this.#packed.get(answer);
  }

  /** Ask before anybody waits for it; see `ViewContext.askAhead`. */
  askAhead(widget: string, control: string, what: string, args: Arguments): void {
    const name = key(what, args);
    const here = this.saved || this.#gone || this.#ahead?.name === this.#cacheKey(name) || this.cached(what, args);
    const asked = [...this.#flights.values()].some((flight) => flight.key === name);
    if (!here && !asked)
      this.#ask({ widget, control, what, args, key: name, again: false, ahead: true }).catch(() => {});
  }

  async ask(widget: string, control: string, what: string, args: Arguments, again = false): Promise<Answer> {
    const name = key(what, args);
    const known = this.#known(name);
    if (known !== undefined) return known;
    if (this.saved) return this.#unbake(name);
    if (name.length > MOST_CHARACTERS) {
      throw new Error(
        `the request ${what} has ${name.length} characters, but at most ${MOST_CHARACTERS} can be asked at once`,
      );
    }
    if (this.#gone) throw new Error(GONE);
    return this.#ask({ widget, control, what, args, key: name, again, ahead: false });
  }

  #ask(question: Omit<Ask, "resolve" | "reject">): Promise<Answer> {
    const { widget, control } = question;
    return new Promise((resolve, reject) => {
      const ask: Ask = { ...question, resolve, reject };
      const slotName = `${widget}|${control}`;
      const slot = this.#slots.get(slotName) ?? { flight: null, next: null };
      this.#slots.set(slotName, slot);
      const flight = slot.flight === null ? undefined : this.#flights.get(slot.flight);
      if (flight !== undefined && flight.parked === null && performance.now() - flight.since > LOST) {
        this.#flights.delete(slot.flight as number);
        slot.next = ask;
        for (const older of flight.asks) this.#askAgain(older);
        slot.next = null;
        this.#start(ask, slot);
      } else if (flight === undefined || flight.parked !== null) {
        this.#withdraw(ask, flight);
        this.#start(ask, slot);
      } else {
        slot.next?.reject(superseded());
        slot.next = ask;
      }
    });
  }

  /** Have the kernel do something; each is done, in order, and none is cached. */
  async act(widget: string, what: string, args: Arguments): Promise<Record<string, unknown>> {
    if (this.saved) throw new Error("This is a saved page: there is no kernel to do that. The notebook has one.");
    if (this.#gone) throw new Error(GONE);
    const request = ++this.#requests;
    const done = new Promise<Record<string, unknown>>((resolve, reject) =>
      this.#acts.set(request, { resolve, reject }),
    );
    this.#send({ client: PAGE, request, widget, act: what, arguments: args });
    return done;
  }

  /** Ask the kernel to end a job. */
  cancel(job: string): void {
    this.#send({ client: PAGE, cancel: job });
  }

  /** A parked request's promise ends when its control asks for something else; the kernel drops it when it sees the newer one. */
  #withdraw(newer: Ask, flight: Flight | undefined): void {
    if (flight === undefined || flight.key === newer.key) return;
    const index = flight.asks.findIndex((ask) => ask.widget === newer.widget && ask.control === newer.control);
    for (const ask of index < 0 ? [] : flight.asks.splice(index, 1)) {
      ask.reject(superseded());
    }
  }

  #start(ask: Ask, slot: { flight: number | null }): void {
    for (const [number, flight] of this.#flights) {
      if (flight.key === ask.key) {
        flight.asks.push(ask);
        slot.flight = number;
        this.#notify();
        return;
      }
    }
    const request = ++this.#requests;
    const { widget, control, what, args, ahead } = ask;
    this.#flights.set(request, {
      key: ask.key,
      what,
      args,
      asks: [ask],
      parked: null,
      since: performance.now(),
    });
    slot.flight = request;
    this.#send({ client: PAGE, request, widget, control, what, arguments: args, ...(ahead && { ahead }) });
    this.#notify();
  }

  #send(message: unknown): void {
    try {
      this.#twin.model.send(message);
    } catch {
      this.lose();
    }
  }

  #receive(reply: Reply, buffers: readonly DataView[]): void {
    const act = this.#acts.get(reply.request);
    if (act !== undefined) {
      this.#acts.delete(reply.request);
      if (reply.error === undefined) act.resolve(reply.value ?? {});
      else act.reject(new Error(reply.error));
      return;
    }
    const flight = this.#flights.get(reply.request);
    if (flight === undefined) return;
    if (reply.parked !== undefined) {
      flight.parked = reply.parked;
      this.#next(flight, reply.request);
      this.#notify();
      return;
    }
    this.#flights.delete(reply.request);
    const outdated = (reply.version ?? this.version) < this.version && !flight.asks.every((ask) => ask.again);
    if (reply.superseded || outdated) {
      // Another widget may still want what one widget's newer request replaced; and what was answered before the captures
      // changed is no answer any more.
      for (const ask of flight.asks) this.#askAgain(ask);
    } else if (reply.error !== undefined) {
      for (const ask of flight.asks) ask.reject(new Error(reply.error));
    } else {
      try {
        const { what, args } = flight;
        const { value = {}, arrays = {}, version = this.version } = reply;
        const packed = { what, arguments: args, value, arrays, version, buffers };
        if (isAhead(flight)) this.#ahead = { name: this.#cacheKey(flight.key, version), packed };
        const answer = isAhead(flight) ? NOTHING : this.#store(flight.key, packed);
        for (const ask of flight.asks) ask.resolve(answer);
      } catch (error) {
        for (const ask of flight.asks) ask.reject(error as Error);
      }
    }
    this.#next(flight, reply.request);
    this.#notify();
  }

  #askAgain({ widget, control, what, args, ahead, resolve, reject }: Ask): void {
    if (ahead || this.#slots.get(`${widget}|${control}`)?.next) reject(superseded());
    else void this.ask(widget, control, what, args, true).then(resolve, reject);
  }

  #known(name: string): Answer | undefined {
    const answer = this.#cache.get(this.#cacheKey(name));
    const ahead = this.#ahead;
    if (answer !== undefined || ahead?.name !== this.#cacheKey(name)) return answer;
    this.#ahead = null;
    return this.#store(name, ahead.packed);
  }

  #store(name: string, packed: Packed): Answer {
    const answer = unpack(packed.value, packed.arrays, packed.buffers);
    const bytes = packed.buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    this.#cache.set(this.#cacheKey(name, packed.version), answer, bytes);
    this.#packed.set(answer, packed);
    return answer;
  }

  /** Let the newest request of each control that waited for this flight go. */
  #next(flight: Flight, request: number): void {
    for (const slot of this.#slots.values()) {
      if (slot.flight !== request) continue;
      const { next } = slot;
      slot.next = null;
      if (next !== null) {
        this.#withdraw(next, flight);
        this.#start(next, slot);
      }
    }
  }

  #commChanged(): void {
    // The manager says only that something changed; a comm that is dead throws when it is used.
    this.#send({ client: PAGE, ping: true });
  }

  /** Nobody hears this page any more. */
  lose(): void {
    this.#gone = true;
    const flights = [...this.#flights.values()];
    this.#flights.clear();
    for (const slot of this.#slots.values()) {
      slot.next?.reject(new Error(GONE));
      slot.next = null;
    }
    for (const flight of flights) for (const ask of flight.asks) ask.reject(new Error(GONE));
    for (const act of this.#acts.values()) act.reject(new Error(GONE));
    this.#acts.clear();
    this.#notify();
  }

  async #unbake(name: string): Promise<Answer> {
    const baked = this.#baked.get(name);
    if (baked === undefined) {
      throw new Error(
        "This saved page does not hold that view: it was left out to keep the file small. The notebook has it.",
      );
    }
    const buffers = await Promise.all((baked.packed ?? []).map(inflate));
    const answer = unpack(baked.value, baked.arrays, buffers);
    this.#cache.set(this.#cacheKey(name), answer);
    return answer;
  }

  #cacheKey(name: string, version = this.version): string {
    return `${this.#id}|${version}|${name}`;
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

const NOTHING: Answer = { value: {}, arrays: {} };

/** Whether nobody waits for it. */
function isAhead({ asks }: Flight): boolean {
  return asks.every((ask) => ask.ahead);
}

/** The same question has the same key, whatever the order of its arguments. */
export function key(what: string, args: Arguments): string {
  return `${what} ${JSON.stringify(Object.fromEntries(Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1))))}`;
}

/** The arrays of a message, by name; their bytes come in the order of the headers. */
export function unpackArrays(
  headers: Readonly<Record<string, Header>>,
  buffers: readonly DataView[],
): Answer["arrays"] {
  const arrays = Object.entries(headers).map(([name, header], index) => {
    const bytes = buffers[index];
    if (bytes === undefined) throw new Error(`the array ${name} came without its bytes`);
    return [name, decode(header, bytes)] as const;
  });
  return Object.fromEntries(arrays);
}

function unpack(
  value: Record<string, unknown>,
  headers: Readonly<Record<string, Header>>,
  buffers: readonly DataView[],
): Answer {
  return { value, arrays: unpackArrays(headers, buffers) };
}

/** `crypto.randomUUID` is there on secure pages only; a Lab on another machine is often reached by plain http. */
function randomId(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("");
}

function superseded(): Superseded {
  return new Superseded("a newer request of this control took its place");
}

async function inflate(packed: string): Promise<DataView> {
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at); // four times as fast as Uint8Array.from
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new DataView(await new Response(stream).arrayBuffer());
}

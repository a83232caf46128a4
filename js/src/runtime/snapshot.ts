/**
 * Keeps a widget's last picture in its model, so that the notebook is saved with it and reopens without its kernel.
 *
 * It is the page's own: it is set, and goes to the kernel, which has no use for it, only along with the next option that is set.
 */

import type { BakedAnswer } from "./client";
import type { Arguments } from "./context";
import type { Model } from "./host";

/** Two heads of 512 tokens, as bytes; saved, they are a third more. */
const MOST_BYTES = 600_000;
const MOST_ANSWERS = 40;
const REST = 500;

export class Snapshot {
  readonly #model: Model;
  readonly #packed: (what: string, args: Arguments) => BakedAnswer | undefined;
  readonly #used = new Map<string, { readonly what: string; readonly args: Arguments }>();
  readonly #signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model, packed: (what: string, args: Arguments) => BakedAnswer | undefined, signal: AbortSignal) {
    this.#model = model;
    this.#packed = packed;
    this.#signal = signal;
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** The view used the answer to this question; the newest are kept. */
  use(name: string, what: string, args: Arguments): void {
    if (this.#signal.aborted) return;
    this.#used.delete(name);
    this.#used.set(name, { what, args });
    if (this.#used.size > 2 * MOST_ANSWERS) this.#used.delete(this.#used.keys().next().value as string);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), REST);
  }

  #keep(): void {
    const newest = [...this.#used.values()].reverse();
    // The newest of each kind first: an overview is asked for once, and nothing is drawn without it.
    const firsts = new Set(new Map([...this.#used.values()].map((question) => [question.what, question])).values());
    const kept: BakedAnswer[] = [];
    let bytes = 0;
    for (const question of [...firsts, ...newest.filter((other) => !firsts.has(other))]) {
      const answer = this.#packed(question.what, question.args);
      const size = answer?.buffers?.reduce((sum, buffer) => sum + buffer.byteLength, 0) ?? 0;
      if (answer === undefined || bytes + size > MOST_BYTES || kept.length >= MOST_ANSWERS) continue;
      bytes += size;
      kept.push(answer);
    }
    if (kept.length) this.#model.set("_snapshot", kept);
  }
}

/** The page's answers, newest last, under a byte budget: what was seen once is shown again without the kernel. */

import type { Answer, NdArray } from "./context";

export class AnswerCache {
  readonly #entries = new Map<string, { answer: Answer; bytes: number }>();
  #bytes = 0;
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#evict();
  }

  get(key: string): Answer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key); // to the end: used last
    this.#entries.set(key, entry);
    return entry.answer;
  }

  /** Keep an answer, and `more` bytes that live as long as it does; what is larger than the whole budget is not kept. */
  set(key: string, answer: Answer, more = 0): void {
    this.#remove(key);
    const bytes = size(answer) + more;
    if (bytes > this.#limit) return;
    this.#entries.set(key, { answer, bytes });
    this.#bytes += bytes;
    this.#evict();
  }

  /** Forget all answers whose key begins so. */
  drop(prefix: string): void {
    for (const key of [...this.#entries.keys()]) if (key.startsWith(prefix)) this.#remove(key);
  }

  #evict(): void {
    for (const key of this.#entries.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.#remove(key);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

function size(answer: Answer): number {
  const arrays = Object.values(answer.arrays).reduce((sum, array) => sum + bytesOf(array), 0);
  return arrays + 2 * JSON.stringify(answer.value).length;
}

/** With what it takes once it is decoded. */
function bytesOf(array: NdArray): number {
  if (array.coded === undefined) return array.data.byteLength;
  const { codes } = array.coded;
  return codes.byteLength + codes.length * Float32Array.BYTES_PER_ELEMENT;
}

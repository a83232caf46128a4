/** One overview and the questions asked about it, so that nothing made from one overview is ever drawn with another. */

import { type Answer, type Arguments, type NdArray, Superseded, type ViewContext } from "../../runtime/context.ts";
import type { Overview } from "./overview.ts";

/**
 * It ends when the captures change or another overview takes its place. Then its answers arrive no more and nothing more
 * is asked: what a view keeps of it can still be looked at, and the next source starts with nothing.
 */
export class Source {
  ended = false;
  private told: unknown = null;
  private misfit: Error | null = null;

  constructor(
    private readonly context: ViewContext,
    readonly overview: Overview,
    private readonly onMisfit: (words: string) => void,
  ) {}

  /** Rejects with `Superseded` once the source has ended. */
  async ask(what: string, args: Arguments, control: string): Promise<Answer> {
    this.mustLive();
    try {
      return await this.context.ask(what, args, { control });
    } finally {
      this.mustLive();
    }
  }

  cached(what: string, args: Arguments): Answer | undefined {
    return this.ended ? undefined : this.context.cached(what, args);
  }

  /** An array of an answer; undefined where its shape is not what this overview promises: then one of them is outdated. */
  array({ arrays }: Answer, name: string, shape: readonly number[]): NdArray | undefined {
    const array = arrays[name];
    if (!array) throw new Error(`The answer about attention weights came without the array "${name}".`);
    if (shape.length === array.shape.length && shape.every((size, axis) => size === array.shape[axis])) return array;
    this.onMisfit(
      `The attention weights that came are ${array.shape.join(" × ")}, but ${shape.join(" × ")} fit the tokens.`,
    );
    return undefined;
  }

  /** The error for the reader about what is wanted now; null when nothing that is wanted failed. */
  report(error: unknown): void {
    const now = this.misfit ?? error;
    if (this.ended || now === this.told) return;
    this.told = now;
    this.context.showError(now);
  }

  /** Nothing of this source can be relied on. */
  fail(words: string): void {
    this.misfit = new Error(words);
    this.report(null);
  }

  private mustLive(): void {
    if (this.ended || this.context.signal.aborted) throw new Superseded("another overview took the place of this one");
  }
}

/** A new version is told a moment after the first answers that belong to it. */
const PATIENCE = 500;

export interface SourceEvents {
  /** The overview of the selected sample is here, at once where the page has it, and again when it changed. */
  start(source: Source): void;
  /** What is shown is out of date. */
  end(): void;
  /** The overview cannot be had; the reader was told why. */
  fail(): void;
}

/** Keeps a view at the overview of the selected sample. */
export function followSource(context: ViewContext, events: SourceEvents): void {
  let source: Source | null = null;
  let asked = 0;
  let doubted = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const end = () => {
    clearTimeout(timer);
    if (source) source.ended = true;
  };
  const begin = (answer: Answer) => {
    source = new Source(context, answer.value as unknown as Overview, doubt);
    context.showError(null);
    events.start(source);
  };
  /** Asks for the overview again, once: what still does not fit then is an error. */
  const doubt = (words: string) => {
    if (!doubted) timer = setTimeout(load, PATIENCE);
    else source?.fail(`${words} Run the cell again to go on.`);
    doubted = true;
  };
  const load = () => {
    const ask = ++asked;
    const args = { sample: context.selection.get("sample") ?? 0 };
    end();
    const cached = context.cached("attention.overview", args);
    if (cached) {
      begin(cached);
      return;
    }
    events.end();
    context
      .ask("attention.overview", args, { control: "overview" })
      .then((answer) => {
        if (ask === asked && !context.signal.aborted) begin(answer);
      })
      .catch((error) => {
        if (ask !== asked || isSuperseded(error) || context.signal.aborted) return;
        context.showError(error);
        events.fail();
      });
  };
  const restart = () => {
    doubted = false;
    load();
  };
  context.signal.addEventListener("abort", end);
  context.selection.onChange(["sample"], restart);
  context.onVersion(restart);
  load();
}

/** By name: this bundle and the runtime's each have a class `Superseded` of their own. */
export function isSuperseded(error: unknown): boolean {
  return error instanceof Error && error.name === "Superseded";
}

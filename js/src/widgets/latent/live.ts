/** Asks while a hand moves: one question is with the kernel, the newest waits, and what lies between is never asked. */

import type { Answer, Arguments, ViewContext } from "../../runtime/context.ts";

export interface Live {
  /** The answer to this is wanted now; `show` gets it, unless something else is wanted by then. */
  want(args: Arguments): void;
  /** Forget what is shown: it is out of date. */
  again(): void;
}

/**
 * A run of the model that has begun is not given up for a newer question: its picture is shown, then the newest is asked.
 * So the picture follows a hand that never rests, however slow the decoder is. A saved page may have something to show
 * `instead` of what it does not hold; that says whether it has.
 */
export function createLive(
  context: ViewContext,
  what: string,
  show: (answer: Answer, args: Arguments) => void,
  instead?: (args: Arguments) => boolean,
): Live {
  let wanted: Arguments | null = null;
  let asked: string | null = null;
  let shown: string | null = null;

  const next = async (): Promise<void> => {
    if (wanted === null || asked !== null || context.signal.aborted) return;
    const args = wanted;
    const name = JSON.stringify(args);
    wanted = null;
    if (name === shown) return;
    const known = context.cached(what, args);
    if (known) {
      shown = name;
      show(known, args);
      return;
    }
    asked = name;
    try {
      const answer = await context.ask(what, args, { control: what });
      if (context.signal.aborted) return;
      if (asked === name) {
        shown = name;
        show(answer, args);
        context.showError(null);
      }
    } catch (error) {
      if (context.signal.aborted) return;
      if (context.saved && instead?.(args)) shown = name;
      else context.showError(error);
    } finally {
      if (asked === name) asked = null;
    }
    next();
  };

  return {
    want(args) {
      wanted = args;
      next();
    },
    again() {
      [asked, shown] = [null, null];
    },
  };
}

/** The selection's twin as the views see it: widgets in one page follow each other at once, the kernel follows too. */

import type { SelectionClient, SelectionState } from "./context";
import { listen, type Twin } from "./host";

/** ms that the kernel may not know yet what was picked. */
const MOST = 300;

/** `whenQuiet` calls back once what the views asked is answered, and in any case after so many ms. */
export function selectionClient(
  twin: Twin,
  whenQuiet: (most: number, then: () => void) => void,
  signal: AbortSignal,
): SelectionClient {
  const { model } = twin;
  let waiting = false;
  const save = () => {
    waiting = false;
    model.save_changes();
  };
  return {
    get: (field) => model.get(field) as never,
    set(change) {
      for (const [field, value] of Object.entries(whole(change))) model.set(field, value);
      if (waiting) return;
      waiting = true;
      // The kernel hears it after the answers to what the views ask now: handling it, and showing the page that the kernel is
      // busy with it, would hold them up.
      setTimeout(() => whenQuiet(MOST, save));
    },
    onChange(fields, listener) {
      const notify = once(listener, signal);
      for (const field of fields) listen(model, `change:${field}`, signal, notify);
    },
  };
}

/** `head` is the last of `heads`; setting it alone replaces them. The kernel has the same rule. */
function whole(change: Partial<SelectionState>): Partial<SelectionState> {
  if (change.heads !== undefined) return { ...change, head: change.heads.at(-1) ?? null };
  if (change.head !== undefined) return { ...change, heads: change.head === null ? [] : [change.head] };
  return change;
}

/** Several changes in one task call the listener once, before the browser paints. */
export function once(listener: () => void, signal: AbortSignal): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      if (!signal.aborted) listener();
    });
  };
}

/** The selection's twin as the views see it: widgets in one page follow each other at once, the kernel follows too. */

import type { SelectionClient, SelectionState } from "./context";
import { listen, type Twin } from "./host";

export function selectionClient(twin: Twin, signal: AbortSignal): SelectionClient {
  const { model } = twin;
  let saving: ReturnType<typeof setTimeout> | undefined;
  return {
    get: (field) => model.get(field) as never,
    set(change) {
      for (const [field, value] of Object.entries(whole(change))) model.set(field, value);
      // The kernel hears it after the questions that the views ask now: its echo would come before their answers.
      clearTimeout(saving);
      saving = setTimeout(() => model.save_changes());
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

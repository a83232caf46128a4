/** The selection's twin as the views see it: widgets in one page follow each other at once, the kernel follows too. */

import type { SelectionClient, SelectionState } from "./context";
import { listen, type Model, type Twin } from "./host";

/** ms that the kernel may not know yet what was picked. */
const MOST = 300;

/** What was picked and not sent yet, of each twin: all its views share it. */
const unsent = new WeakMap<Model, Map<string, unknown>>();

/** `whenQuiet` calls back once what the views asked is answered, and in any case after so many ms. */
export function selectionClient(
  twin: Twin,
  whenQuiet: (most: number, then: () => void) => void,
  signal: AbortSignal,
): SelectionClient {
  const { model } = twin;
  const picked = unsent.get(model) ?? new Map<string, unknown>();
  unsent.set(model, picked);
  const guarded = new Set<string>();
  let waiting = false;
  const save = () => {
    waiting = false;
    picked.clear();
    model.save_changes();
  };
  /** ipywidgets echoes each choice: that of an older one would undo what a quick hand, or a clock, has picked since. */
  const guard = (field: string) => {
    if (guarded.has(field)) return;
    guarded.add(field);
    listen(model, `change:${field}`, signal, () => {
      if (picked.has(field) && !same(model.get(field), picked.get(field))) model.set(field, picked.get(field));
    });
  };
  return {
    get: (field) => model.get(field) as never,
    set(change) {
      for (const [field, value] of Object.entries(whole(change))) {
        guard(field);
        picked.set(field, value);
        model.set(field, value);
      }
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

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
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

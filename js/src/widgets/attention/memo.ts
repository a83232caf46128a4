/** Remembers the last result of a computation for as long as what it depends on stays the same. */

export function memo<D extends readonly unknown[], T>(compute: (...on: D) => T): (...on: D) => T {
  let last: { on: D; result: T } | null = null;
  return (...on) => {
    if (!last || on.length !== last.on.length || on.some((value, i) => !Object.is(value, last?.on[i]))) {
      last = { on, result: compute(...on) };
    }
    return last.result;
  };
}

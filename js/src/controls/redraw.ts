/** When to draw again: once a frame, however many things changed, and when an element has another size. */

/** A function that has `draw` done in the next frame, once, however often it was called until then. */
export function oncePerFrame(draw: () => void, signal: AbortSignal): () => void {
  let frame = 0;
  signal.addEventListener("abort", () => cancelAnimationFrame(frame), { once: true });
  return () => {
    if (frame || signal.aborted) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
}

/** Calls `changed` for the size that the element has, and for each new one, until `signal` aborts. */
export function onResize(element: Element, changed: () => void, signal: AbortSignal): void {
  const observer = new ResizeObserver(() => changed());
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
}

/** Makes elements. Text is set as text: nothing here, or built on it, parses HTML. */

export type Child = Node | string | null;

/** An element with attributes (`class`, `aria-…`, `title`; false and null leave one out) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number | boolean | null>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A person's or a model's words inside a sentence of ours: isolated, so that right-to-left text cannot reorder it. */
export function quoted(text: string): HTMLElement {
  return element("bdi", { class: "nnw-quoted", dir: "auto" }, text);
}

let made = 0;

/** An id that no other element of this page has, also where several copies of this code run. */
export function uniqueId(): string {
  made += 1;
  return `nnw-${salt}-${made}`;
}
const salt = Math.random().toString(36).slice(2, 8);

/** Sets an attribute only when it differs, so that observers and assistive technology are not woken for nothing. */
export function setAttribute(target: Element, name: string, value: string): void {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

/** A function that has `task` done after the next picture is painted, once, however often it was called until then. */
export function afterPaint(task: () => void): () => void {
  let due = false;
  const run = () => {
    due = false;
    task();
  };
  return () => {
    if (!due) requestAnimationFrame(() => setTimeout(run));
    due = true;
  };
}

export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Puts a further style sheet beside the one of all widgets, once in each document or shadow root. */

export function ensureSheet(element: Element, name: string, text: string): void {
  const scope = element.getRootNode();
  const home = scope instanceof ShadowRoot ? scope : document.head;
  if (home.querySelector(`style[data-nnw-sheet="${name}"]`) !== null) return;
  const sheet = document.createElement("style");
  sheet.dataset.nnwSheet = name;
  sheet.textContent = text;
  home.append(sheet);
}

/** The page's theme for canvases: JupyterLab's variables resolved to colours, and a notice when they change. */

import type { Theme } from "./context";

const COLOURS = ["background", "surface", "text", "faint", "border", "accent", "error"] as const;

/** Mark `frame` as light or dark, and tell what the variables of `controls/style.css` come to there. */
export function readTheme(frame: HTMLElement): Theme {
  const dark = pageIsDark();
  frame.dataset.theme = dark ? "dark" : "light";
  const probe = document.createElement("span");
  frame.append(probe);
  const colours = {} as Record<(typeof COLOURS)[number], string>;
  for (const name of COLOURS) {
    probe.style.color = `var(--nnw-${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  const style = getComputedStyle(frame);
  probe.remove();
  return { dark, ...colours, font: style.fontFamily, fontSize: Number.parseFloat(style.fontSize) || 13 };
}

/** Call `listener` when the notebook's or the system's theme changes. */
export function onTheme(signal: AbortSignal, listener: () => void): void {
  const observer = new MutationObserver(listener);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, {
      attributes: true,
      attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name", "data-theme"],
    });
  }
  // JupyterLab says that the theme is another one before the colours of that theme are here.
  document.addEventListener("load", (event) => event.target instanceof HTMLLinkElement && listener(), {
    capture: true,
    signal,
  });
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", listener, { signal });
}

function pageIsDark(): boolean {
  const lab = document.body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

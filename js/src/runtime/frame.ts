/** The frame around every view: what it waits for, what went wrong, progress with cancel. The view draws inside it. */

import style from "../controls/style.css";

export interface Progress {
  readonly id: string;
  readonly label: string;
  /** 0 to 1; null where the end is not known. */
  readonly done: number | null;
}

export interface Frame {
  readonly element: HTMLElement;
  readonly root: HTMLElement;
  /** One quiet sentence; null takes it away. */
  say(sentence: string | null): void;
  /** A sentence above the last picture; null takes it away. */
  complain(sentence: string | null): void;
  progress(jobs: readonly Progress[], cancel: (id: string) => void): void;
}

export function createFrame(): Frame {
  const element = part("div", "nnw");
  // JupyterLab takes the arrow keys and more from a focused control while the event bubbles (ipywidgets alone cannot stop it).
  element.dataset.lmSuppressShortcuts = "true";
  element.addEventListener("keydown", (event) => event.stopPropagation());
  const error = part("div", "nnw-error");
  error.setAttribute("role", "alert");
  error.hidden = true;
  const status = part("div", "nnw-status");
  status.setAttribute("role", "status");
  status.hidden = true;
  const bars = part("div", "nnw-progress");
  const root = part("div", "nnw-view");
  element.append(error, root, bars, status);
  let rows = new Map<string, Bar>();
  return {
    element,
    root,
    say: (sentence) => write(status, sentence),
    complain: (sentence) => write(error, sentence),
    progress(jobs, cancel) {
      // In place, many times a second: a button that is replaced under the pointer is never clicked.
      for (const [id, row] of rows) if (!jobs.some((job) => job.id === id)) row.element.remove();
      rows = new Map(jobs.map((job) => [job.id, rows.get(job.id) ?? bar(job.id, cancel)]));
      for (const job of jobs) {
        const row = rows.get(job.id) as Bar;
        if (row.element.parentElement === null) bars.append(row.element);
        row.show(job);
      }
    },
  };
}

/** Put the style sheet into the document, or the shadow root, that `element` lives in; once for each. */
export function ensureStyle(element: Element): void {
  const scope = element.getRootNode();
  const home = scope instanceof ShadowRoot ? scope : document.head;
  if (home.querySelector("style[data-nnw]") !== null) return;
  const sheet = document.createElement("style");
  sheet.dataset.nnw = "";
  sheet.textContent = style;
  home.append(sheet);
}

interface Bar {
  readonly element: HTMLElement;
  show(job: Progress): void;
}

function bar(id: string, cancel: (id: string) => void): Bar {
  const element = part("div", "nnw-job");
  const label = part("span", "nnw-job-label");
  const meter = document.createElement("progress");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Cancel";
  button.addEventListener("click", () => cancel(id));
  element.append(label, meter, button);
  return {
    element,
    show(job) {
      label.textContent = job.label;
      meter.setAttribute("aria-label", job.label);
      button.setAttribute("aria-label", `Cancel: ${job.label}`);
      if (job.done === null) meter.removeAttribute("value");
      else meter.value = job.done;
    },
  };
}

function part(tag: string, name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

function write(element: HTMLElement, sentence: string | null): void {
  if (element.textContent !== (sentence ?? "")) element.textContent = sentence ?? "";
  element.hidden = sentence === null;
}

/** Plays what goes step by step: play and pause, single steps, ends, a scrubber, speed, loop; all of it by keys too. */

import { formatStep } from "../draw/number.ts";
import { element, setAttribute, setText } from "./dom.ts";
import { createSlider } from "./slider.ts";
import { createToggle } from "./toggle.ts";

export const SPEEDS = { low: 1, high: 30, usual: 20 } as const;
/** Speeds that + and − go through. */
const NOTCHES = [1, 2, 3, 5, 8, 10, 15, 20, 25, 30] as const;
/** A page that was busy for longer goes on where it was, instead of jumping. */
const MOST_MISSED = 8;

export interface PlayerHooks {
  /** A hand or the clock goes to this step. */
  onStep(step: number): void;
  /** Whether the picture of a step is here: playing waits for it. */
  ready?(step: number): boolean;
  onSpeed?(framesPerSecond: number): void;
  onLoop?(loop: boolean): void;
  /** Playing began or ended. */
  onPlay?(playing: boolean): void;
  /** What is said of a step. */
  words?(step: number): string;
  /** What a step is called, with a capital. */
  readonly name?: string;
}

export interface Player {
  readonly element: HTMLElement;
  readonly playing: boolean;
  /** Where the view is, of the steps 0 to `last`. */
  show(step: number, last: number): void;
  showSpeed(framesPerSecond: number): void;
  showLoop(loop: boolean): void;
  play(): void;
  pause(): void;
  /** Another element, such as the picture, takes the player's keys too. */
  listen(target: HTMLElement): void;
}

/** Nothing plays by itself: whoever prefers reduced motion sees none that was not asked for. */
export function createPlayer(hooks: PlayerHooks, signal: AbortSignal): Player {
  const { name = "Step", words = formatStep } = hooks;
  let [step, last] = [0, 0];
  let speed: number = SPEEDS.usual;
  let [loop, playing] = [false, false];
  let [frame, since] = [0, 0];

  const first = iconButton(FIRST, "First (Home)", () => hand(0));
  const back = iconButton(BACK, "One back (←)", () => hand(step - 1));
  const play = iconButton(PLAY, "Play (Space)", () => (playing ? stop() : start()));
  play.classList.add("nnw-play");
  const forth = iconButton(FORTH, "One on (→)", () => hand(step + 1));
  const end = iconButton(LAST, "Last (End)", () => hand(last));
  const scrubber = element("input", {
    type: "range",
    class: "nnw-slider nnw-scrubber",
    "aria-label": name,
    min: 0,
    max: 0,
    step: 1,
  });
  const output = element("output", { class: "nnw-output nnw-scrubber-output" });
  const rate = createSlider(
    "Speed",
    { ...SPEEDS, step: 1, text: (value) => `${value} a second` },
    (value) => setSpeed(value),
    signal,
  );
  const looping = createToggle("loop", (on) => setLoop(on), signal, "Begin again at the end");
  const root = element(
    "div",
    { class: "nnw-player", role: "group", "aria-label": "Player" },
    element("div", { class: "nnw-player-buttons" }, first, back, play, forth, end),
    element("div", { class: "nnw-player-track" }, scrubber, output),
    element("div", { class: "nnw-player-pace" }, rate.element, looping.element),
  );

  scrubber.addEventListener("input", () => hand(scrubber.valueAsNumber), { signal });
  document.addEventListener("visibilitychange", () => document.hidden && stop(), { signal });
  signal.addEventListener("abort", stop, { once: true });
  listen(root);
  rate.show(speed);

  function iconButton(path: string, title: string, onPress: () => void): HTMLButtonElement {
    const button = element("button", { type: "button", class: "nnw-button nnw-player-button", title }, icon(path));
    setAttribute(button, "aria-label", title);
    button.addEventListener("click", onPress, { signal });
    return button;
  }

  /** A hand takes over from the clock. */
  function hand(to: number): void {
    stop();
    go(to);
  }

  function go(to: number): void {
    const held = Math.min(last, Math.max(0, Math.round(to)));
    if (held === step) return;
    step = held;
    draw();
    hooks.onStep(step);
  }

  function start(): void {
    if (playing || signal.aborted || last < 1) return;
    playing = true;
    if (step >= last) go(0);
    since = performance.now();
    frame = requestAnimationFrame(tick);
    draw();
    hooks.onPlay?.(true);
  }

  function stop(): void {
    if (!playing) return;
    playing = false;
    cancelAnimationFrame(frame);
    draw();
    hooks.onPlay?.(false);
  }

  function tick(now: number): void {
    if (!playing) return;
    if (root.getClientRects().length === 0) {
      stop(); // taken out of the page, or in a tab behind another
      return;
    }
    const due = Math.floor(((now - since) * speed) / 1000);
    if (due >= 1) {
      since = due > MOST_MISSED ? now : since + (1000 * due) / speed;
      advance(Math.min(due, MOST_MISSED), now);
    }
    if (playing) frame = requestAnimationFrame(tick);
  }

  /** So many steps on, as far as their pictures are here. */
  function advance(by: number, now: number): void {
    let to = step;
    for (let taken = 0; taken < by; taken++) {
      const next = to < last ? to + 1 : loop ? 0 : to;
      if (next === to || hooks.ready?.(next) === false) break;
      to = next;
    }
    if (to === step) since = now; // a picture that is waited for is shown as long as all others
    go(to);
    if (step >= last && !loop) stop();
  }

  function setSpeed(value: number): void {
    const held = Math.min(SPEEDS.high, Math.max(SPEEDS.low, value));
    if (held === speed) return;
    speed = held;
    since = performance.now();
    rate.show(speed);
    hooks.onSpeed?.(speed);
  }

  function setLoop(on: boolean): void {
    if (on === loop) return;
    loop = on;
    looping.show(loop);
    hooks.onLoop?.(loop);
  }

  function listen(target: HTMLElement): void {
    target.addEventListener("keydown", onKey, { signal });
  }

  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    const target = event.target as Element;
    const page = Math.max(1, Math.round(last / 10));
    const places: Record<string, number> = {
      ArrowLeft: step - 1,
      ArrowRight: step + 1,
      Home: 0,
      End: last,
      PageDown: step + page,
      PageUp: step - page,
    };
    const place = places[event.key];
    if (target.matches("select, textarea, input:not([type=range], [type=checkbox])")) return;
    if (event.key === " " && !target.matches("button, [type=checkbox]")) {
      if (playing) stop();
      else start();
    } else if (place !== undefined && (target === scrubber || !target.matches("[type=range]"))) hand(place);
    else if (event.key === "+" || event.key === "=") setSpeed(NOTCHES.find((notch) => notch > speed) ?? SPEEDS.high);
    else if (event.key === "-" || event.key === "−") setSpeed(NOTCHES.findLast((notch) => notch < speed) ?? SPEEDS.low);
    else return;
    event.preventDefault();
  }

  function draw(): void {
    setAttribute(scrubber, "max", String(last));
    if (scrubber.valueAsNumber !== step) scrubber.value = String(step);
    const said = words(step);
    setText(output, `${said} / ${words(last)}`);
    setAttribute(scrubber, "aria-valuetext", `${name.toLowerCase()} ${said} of ${words(last)}`);
    const face = playing ? PAUSE : PLAY;
    const path = play.querySelector("path") as SVGPathElement;
    setAttribute(path, "d", face);
    const title = playing ? "Pause (Space)" : "Play (Space)";
    setAttribute(play, "title", title);
    setAttribute(play, "aria-label", title);
    // Not `disabled`: a button that loses the focus under the hand gives the next key to JupyterLab.
    for (const each of [first, back]) setAttribute(each, "aria-disabled", String(step <= 0));
    for (const each of [forth, end]) setAttribute(each, "aria-disabled", String(step >= last));
    setAttribute(play, "aria-disabled", String(last < 1));
  }

  return {
    element: root,
    get playing() {
      return playing;
    },
    show(at, of) {
      [step, last] = [Math.min(of, Math.max(0, at)), Math.max(0, of)];
      if (last < 1) stop();
      draw();
    },
    showSpeed(value) {
      speed = Math.min(SPEEDS.high, Math.max(SPEEDS.low, value));
      rate.show(speed);
    },
    showLoop(on) {
      loop = on;
      looping.show(on);
    },
    play: start,
    pause: stop,
    listen,
  };
}

// Letters such as ⏮ are drawn as coloured pictures on some systems.
const PLAY = "M4 2.5v11l9-5.5z";
const PAUSE = "M4 3h3v10H4zM9 3h3v10H9z";
const BACK = "M10.5 3v10L4 8z";
const FORTH = "M5.5 3v10L12 8z";
const FIRST = "M3 3h2v10H3zM13 3v10L6 8z";
const LAST = "M11 3h2v10h-2zM3 3v10l7-5z";

function icon(path: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({
    viewBox: "0 0 16 16",
    width: "14",
    height: "14",
    "aria-hidden": "true",
  }))
    drawn.setAttribute(name, value);
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  line.setAttribute("fill", "currentColor");
  drawn.append(line);
  return drawn;
}

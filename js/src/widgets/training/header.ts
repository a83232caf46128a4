/** The head of the monitor: which run, how it stands, how far it is, and hands on it. */

import { element, setAttribute, setText } from "../../controls/dom.ts";
import { formatSeconds, formatStep, formatValue } from "../../draw/number.ts";
import { displayText } from "../../draw/text.ts";
import type { ViewContext } from "../../runtime/context.ts";
import { elapsed, isGoing, refusal, SIGNS, standing, timeLeft } from "./status.ts";
import type { Summary } from "./summary.ts";

export interface Header {
  readonly element: HTMLElement;
  show(news: { label: string; newest: number; epoch: number | null; summary: Summary | null }): void;
}

/** So long a first press of Stop waits for the second, in milliseconds. */
const SURE = 4000;

export function createHeader(context: ViewContext): Header {
  const { state, signal } = context;
  const name = element("bdi", { class: "nnw-run-name" });
  const sign = element("span", { class: "nnw-run-sign", "aria-hidden": "true" });
  const word = element("span", {});
  const status = element("span", { class: "nnw-run-status", role: "status" }, sign, word);
  const facts = element("span", { class: "nnw-run-facts" });
  const message = element("p", { class: "nnw-run-message", hidden: true });
  const trouble = element("p", { class: "nnw-run-trouble", role: "status", hidden: true });
  const why = element("small", { class: "nnw-run-why", hidden: true });
  let busy = 0;
  let sure = 0;
  let news: Parameters<Header["show"]>[0] | null = null;

  const act = async (what: string, args: Record<string, unknown> = {}) => {
    busy += 1;
    show();
    try {
      await context.act(what, args);
      context.showError(null);
    } catch (error) {
      context.showError(error);
    }
    busy -= 1;
    if (!signal.aborted) show();
  };
  const button = (face: string, onPress: () => void) => {
    const made = element("button", { type: "button", class: "nnw-button nnw-act" }, face);
    made.addEventListener("click", () => made.getAttribute("aria-disabled") !== "true" && onPress(), { signal });
    return made;
  };
  const hold = button("Pause", () => void act(isHeld() ? "resume" : "pause"));
  const stop = button("Stop", () => {
    if (sure) {
      calm();
      void act("stop");
      return;
    }
    // No dialog: the button itself asks, and forgets it when nobody answers.
    sure = window.setTimeout(calm, SURE);
    show();
  });
  stop.addEventListener("blur", () => sure && calm(), { signal });
  const rate = createRate((value) => void act("learning_rate", { value }), signal);
  signal.addEventListener("abort", () => clearTimeout(sure), { once: true });

  function calm(): void {
    clearTimeout(sure);
    sure = 0;
    if (!signal.aborted) show();
  }

  function isHeld(): boolean {
    return ["paused", "pausing"].includes(state.get<string>("control") ?? "");
  }

  function show(): void {
    if (!news) return;
    const label = displayText(state.get<string>("name") ?? news.label);
    setText(name, label);
    setAttribute(name, "title", label);
    const { word: said, tone } = standing(context);
    setText(word, said);
    setText(sign, SIGNS[tone]);
    setAttribute(status, "data-tone", tone);
    setText(facts, factsOf().join(" · "));
    say(message, state.get<string | null>("message"));
    say(trouble, [state.get<string | null>("trouble"), state.get<string | null>("note")].filter(Boolean).join(" "));
    const refused = refusal(context);
    setText(why, refused ?? "");
    const over = !isGoing(context);
    why.hidden = refused === null || over;
    // A control that cannot be used stays where it is, and says why; after the run it is of no more use to anyone.
    for (const control of [hold, stop]) {
      setAttribute(control, "aria-disabled", String(refused !== null || busy > 0));
      setAttribute(control, "title", refused ?? "");
      control.hidden = over;
    }
    setText(hold, isHeld() ? "Resume" : "Pause");
    setText(stop, sure ? "Really stop?" : "Stop");
    stop.classList.toggle("nnw-sure", sure !== 0);
    const canSet = state.get<boolean>("canSetLearningRate") ?? false;
    const rateRefused =
      refused ??
      (canSet ? null : "No optimizer is watched: nnw.watch(model, optimizer, run) makes its learning rate settable.");
    rate.show(state.get<number | null>("learningRate") ?? news.summary?.learning_rate ?? null, rateRefused, busy > 0);
    rate.element.hidden = over;
  }

  function factsOf(): string[] {
    const summary = news?.summary ?? null;
    const step = state.get<number | null>("step") ?? summary?.step ?? null;
    const epoch = news?.epoch ?? summary?.epoch ?? null;
    const seconds = elapsed(context, news?.newest ?? 0);
    const of = (total: number | null | undefined) => (total ? ` of ${formatStep(total)}` : "");
    return [
      step === null ? "" : `step ${formatStep(step)}${of(summary?.total_steps)}`,
      epoch === null ? "" : `epoch ${formatValue(epoch, 4).replace(/\.0+$/, "")}${of(summary?.total_epochs)}`,
      seconds === null ? "" : formatSeconds(seconds),
      isGoing(context) && !context.saved ? timeLeft(summary?.seconds_left) : "",
      summary?.samples_per_second ? `${formatValue(Number(summary.samples_per_second), 3)} samples/s` : "",
    ].filter(Boolean);
  }

  state.onChange(show);
  // The clock goes on between two points; a page that nobody sees is not woken for it.
  const clock = setInterval(() => {
    if (!document.hidden && isGoing(context) && !context.saved) show();
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(clock), { once: true });

  return {
    element: element(
      "header",
      { class: "nnw-run-header" },
      element("div", { class: "nnw-run-line" }, name, status, facts),
      element(
        "div",
        { class: "nnw-run-hands", role: "group", "aria-label": "Hands on the training" },
        hold,
        stop,
        rate.element,
        why,
      ),
      message,
      trouble,
    ),
    show(next) {
      news = next;
      show();
    },
  };
}

function say(line: HTMLElement, words: string | null | undefined): void {
  setText(line, displayText(words ?? ""));
  line.hidden = !words;
}

interface Rate {
  readonly element: HTMLElement;
  show(now: number | null, refused: string | null, busy: boolean): void;
}

/** The learning rate: arrows go along 1, 2, 5 of each decade, Enter or the button applies, Escape takes back. */
function createRate(onApply: (value: number) => void, signal: AbortSignal): Rate {
  const input = element("input", {
    class: "nnw-number nnw-rate",
    inputmode: "decimal",
    autocomplete: "off",
    spellcheck: "false",
  });
  const apply = element("button", { type: "button", class: "nnw-button nnw-act" }, "Apply");
  const complaint = element("small", { class: "nnw-rate-error", role: "alert", hidden: true });
  const field = element(
    "span",
    { class: "nnw-field" },
    element("label", { class: "nnw-field" }, element("span", { class: "nnw-name" }, "Learning rate"), input),
    apply,
    complaint,
  );
  let now: number | null = null;
  let typed = false;
  let disabled = false;
  const shown = () => (now === null ? "" : String(Number(now.toPrecision(6))));
  const put = (value: string, byHand: boolean) => {
    input.value = value;
    typed = byHand && value !== shown();
    refresh();
  };
  const refresh = () => {
    apply.hidden = !typed;
    complaint.hidden = true;
  };
  const send = () => {
    if (disabled || !typed) return;
    const value = Number(input.value);
    if (input.value.trim() === "" || !(value > 0) || !Number.isFinite(value)) {
      setText(complaint, `${input.value || "nothing"} is no learning rate: a number above 0, like 0.001 or 1e-3`);
      complaint.hidden = false;
      return;
    }
    typed = false;
    refresh();
    onApply(value);
  };
  input.addEventListener("input", () => put(input.value, true), { signal });
  input.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Enter") send();
      else if (event.key === "Escape") put(shown(), false);
      else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
        const from = Number(input.value);
        if (!disabled && from > 0) put(String(nextRate(from, event.key === "ArrowUp" ? 1 : -1)), true);
      } else return;
      event.preventDefault();
    },
    { signal },
  );
  apply.addEventListener("click", send, { signal });
  return {
    element: field,
    show(next, refused, busy) {
      now = next;
      disabled = refused !== null;
      input.readOnly = disabled;
      setAttribute(input, "aria-disabled", String(disabled));
      setAttribute(field, "title", refused ?? "Arrow keys go along 1, 2 and 5 of each decade; Enter applies");
      setAttribute(apply, "aria-disabled", String(disabled || busy));
      if (!typed) put(shown(), false);
    },
  };
}

/** The next of 1, 2, 5 of each decade above or below. */
export function nextRate(from: number, by: 1 | -1): number {
  const power = Math.floor(Math.log10(from));
  const choices = [power - 1, power, power + 1].flatMap((decade) =>
    [1, 2, 5].map((digit) => Number(`${digit}e${decade}`)),
  );
  const beyond = choices.filter((choice) => (by > 0 ? choice > from * 1.0001 : choice < from * 0.9999));
  return by > 0 ? Math.min(...beyond) : Math.max(...beyond);
}

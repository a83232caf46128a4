/** How a training stands, in one word, and whether hands on it would be heard. */

import { formatSeconds } from "../../draw/number.ts";
import type { ViewContext } from "../../runtime/context.ts";

export interface Standing {
  readonly word: string;
  /** For the colour and the sign beside the word. */
  readonly tone: "going" | "waiting" | "done" | "halted" | "failed";
}

const OVER: Readonly<Record<string, Standing>> = {
  finished: { word: "finished", tone: "done" },
  stopped: { word: "stopped", tone: "halted" },
  failed: { word: "failed", tone: "failed" },
  interrupted: { word: "interrupted", tone: "failed" },
};
const GOING: Readonly<Record<string, Standing>> = {
  pausing: { word: "pausing…", tone: "waiting" },
  paused: { word: "paused", tone: "waiting" },
  stopping: { word: "stopping…", tone: "waiting" },
};
export const SIGNS: Readonly<Record<Standing["tone"], string>> = {
  going: "▶",
  waiting: "❙❙",
  done: "✓",
  halted: "■",
  failed: "✕",
};

export function standing({ state }: ViewContext): Standing {
  const status = state.get<string>("status") ?? "running";
  if (Object.hasOwn(OVER, status)) return OVER[status] as Standing;
  const control = state.get<string>("control") ?? "running";
  return (Object.hasOwn(GOING, control) ? GOING[control] : undefined) ?? { word: "running", tone: "going" };
}

export function isGoing({ state }: ViewContext): boolean {
  return (state.get<string>("status") ?? "running") === "running";
}

/** Why nothing can be asked of the training, in a sentence; null where it can. */
export function refusal(context: ViewContext): string | null {
  const { state, saved } = context;
  if (saved) return "This is a saved page: pause, stop and the learning rate need the notebook's kernel.";
  if (!isGoing(context)) return "The run is over.";
  if (state.get<boolean>("recording") === false || state.get<string>("control") === "elsewhere") {
    return "Another process trains this run: pause and stop it there.";
  }
  return state.get<string | null>("deaf") ?? null;
}

/** Seconds the run took, or takes so far; null where that is not known. */
export function elapsed({ state, saved }: ViewContext, newest: number): number | null {
  const [started, ended] = [state.get<number>("started"), state.get<number | null>("ended")];
  if (started === undefined) return newest > 0 ? newest : null;
  if (typeof ended === "number") return Math.max(0, ended - started);
  // A saved page does not know what has happened since, nor this page of a process that died.
  if (saved || (state.get<string>("status") ?? "running") !== "running") return newest > 0 ? newest : null;
  return Math.max(0, Date.now() / 1000 - started);
}

export function timeLeft(seconds: number | null | undefined): string {
  return typeof seconds === "number" && Number.isFinite(seconds)
    ? `about ${formatSeconds(Math.max(1, Math.round(seconds)))} left`
    : "";
}

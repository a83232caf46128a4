/** The part of anywidget's front-end contract that the runtime stands on (anywidget 0.11). */

export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, listener: (...details: never[]) => void): void;
  off(event: string, listener: (...details: never[]) => void): void;
  /** Jupyter's; other front ends have none. */
  readonly widget_manager?: { get_model(id: string): Promise<{ readonly comm_live?: boolean }> };
}

/** What a twin exports: its model, and the signal that aborts when it is closed. */
export interface Twin {
  readonly model: Model;
  readonly signal: AbortSignal;
}

/** Listen until `signal` aborts. */
export function listen<Details extends unknown[]>(
  model: Model,
  event: string,
  signal: AbortSignal,
  listener: (...details: Details) => void,
): void {
  const typed = listener as unknown as (...details: never[]) => void;
  model.on(event, typed);
  signal.addEventListener("abort", () => model.off(event, typed), { once: true });
}

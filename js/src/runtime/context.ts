/** What a widget's browser half is given, and what it must be. The one contract between `runtime` and `widgets`. */

/** An array: row-major values with their shape. Quantised arrays are float32, decoded when `data` is first read. NaN and infinities arrive as such. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;
  /** How a quantised array came: a picture can be painted from it without decoding it. */
  readonly coded?: Codes;
}

/** Codes and the value that each stands for; a higher code is no smaller value, but where the last one stands for NaN. */
export interface Codes {
  readonly codes: Uint8Array | Uint16Array;
  readonly values: Float32Array;
}

export interface Answer {
  /** The JSON half of the answer. Text in it comes from models and users: draw it as text, never as HTML. */
  readonly value: Record<string, unknown>;
  readonly arrays: Readonly<Record<string, NdArray>>;
}

export type Arguments = Readonly<Record<string, unknown>>;

/** The place that all widgets of a source look at. `heads` may be several; `head` is the focused one (its last). */
export interface SelectionState {
  layer: string | null;
  attention: number | null;
  heads: number[];
  head: number | null;
  query: number | null;
  key: number | null;
  unit: number | null;
  step: number | null;
  sample: number | null;
  target: number | null;
  latent: number[] | null;
}

export interface SelectionClient {
  get<F extends keyof SelectionState>(field: F): SelectionState[F];
  /** All fields of one call change together; every widget in the page hears it at once, the kernel follows. */
  set(change: Partial<SelectionState>): void;
  /** Called after any of `fields` changed, whoever changed it. Ends with the context's signal. */
  onChange(fields: readonly (keyof SelectionState)[], listener: () => void): void;
}

export interface OptionsClient {
  get<T>(name: string): T;
  set(name: string, value: unknown): void;
  onChange(names: readonly string[], listener: () => void): void;
}

/** Resolved colours of the page's theme, as CSS colours that a canvas takes. */
export interface Theme {
  readonly dark: boolean;
  readonly background: string;
  readonly surface: string;
  readonly text: string;
  readonly faint: string;
  readonly border: string;
  readonly accent: string;
  readonly error: string;
  readonly font: string;
  /** px */
  readonly fontSize: number;
}

export interface AskOptions {
  /** Requests of one control replace each other: one is in flight, the newest waits, older ones reject with `Superseded`. */
  readonly control?: string;
}

/** What the source says of itself without being asked, for example a run: its status, its newest step. JSON. */
export interface StateClient {
  get<T>(name: string): T | undefined;
  /** Called after anything in it changed. Ends with the context's signal. */
  onChange(listener: () => void): void;
}

export interface ViewContext {
  /** An empty element; the view builds everything inside it. */
  readonly root: HTMLElement;
  readonly options: OptionsClient;
  readonly selection: SelectionClient;
  /** Rises when the source's captures changed (weights, inputs): ask again. */
  onVersion(listener: () => void): void;
  /** Ask the kernel (or the saved page). Answered from the page's cache where possible. Rejects with an Error whose message is for the reader. */
  ask(what: string, args: Arguments, options?: AskOptions): Promise<Answer>;
  /**
   * What `ask` will want in a moment, for a hand already goes down on it. Only what the kernel has stored and is quick to answer
   * comes, the newest question alone, and nothing is shown of it: no waiting, no error.
   */
  askAhead(what: string, args: Arguments): void;
  /** The answer if the page has it already, so that a view can paint in the same frame. */
  cached(what: string, args: Arguments): Answer | undefined;
  /** Whether this is a saved page: there is no kernel to act on. */
  readonly saved: boolean;
  /** Have the kernel do something (pause a training, say). Never cached. Rejects with an Error whose message is for the reader. */
  act(what: string, args: Arguments): Promise<Record<string, unknown>>;
  readonly state: StateClient;
  /** Hear what the source pushes without being asked. A message may be lost: number what is pushed, and ask for what is missing. */
  onPush(listener: (content: Record<string, unknown>, arrays: Answer["arrays"]) => void): void;
  /** The exports of the library that the Python half names in `library`; undefined where it names none. */
  readonly library: unknown;
  /** Show an error sentence (with role="alert") above the last picture, or take it away with null. A rejected `ask` goes here; `Superseded` is not shown. */
  showError(error: unknown): void;
  theme(): Theme;
  onTheme(listener: () => void): void;
  /** Aborts when the view is gone: give it to addEventListener, observers, animation loops. */
  readonly signal: AbortSignal;
}

/** Builds the view; it keeps itself up to date until `context.signal` aborts. */
export type View = (context: ViewContext) => void;

/**
 * The newest request of this control replaced the one that rejects with this: not an error for the reader.
 * Every bundle has a class of its own: tell it by its `name`, not by `instanceof`.
 */
export class Superseded extends Error {
  override readonly name = "Superseded";
}

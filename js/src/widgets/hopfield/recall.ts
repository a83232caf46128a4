/**
 * Recalls in the page: a saved page has no kernel, but under Hebb's rule the weights follow from the memories, and with the order of
 * each sweep the page comes to the same bits. All sums are of whole numbers.
 */

import type { Answer, Arguments, ViewContext } from "../../runtime/context.ts";
import type { Branch, Story } from "../process/frames.ts";
import { type Basin, basinOf } from "./basin.ts";
import { type Network, overlapsOf, pixelsOf, product, readNetwork, type Units, unitsOf } from "./network.ts";

interface Line {
  readonly branch: Branch;
  /** From the branch's first step on. */
  readonly states: readonly Units[];
  readonly measures: ReadonlyMap<string, Float32Array>;
  readonly basin: Basin;
}

/** The context of a saved page, in which `hopfield.edit` is done by the page itself. */
export function recallInPage(context: ViewContext): ViewContext {
  const lines: Line[] = [];
  const listeners: (() => void)[] = [];
  const told = () => context.state.get<Branch[]>("branches") ?? [{ index: 0, parent: null, step: 0, label: "" }];
  const branches = () => [...told(), ...lines.map(({ branch }) => branch)];
  const lineOf = (args: Arguments) => lines.find(({ branch }) => branch.index === args.branch);

  function own(what: string, args: Arguments): Answer | undefined {
    const line = lineOf(args);
    if (!line) return undefined;
    if (what === "process.frames") return framesOf(line, args.start as number, args.stop as number);
    if (what === "hopfield.recall") return { value: { ...line.basin }, arrays: {} };
    return undefined;
  }

  async function edit({ branch, step, state, label }: Arguments): Promise<Record<string, unknown>> {
    const network = readNetwork(await context.ask("hopfield.network", {}));
    if (!network.orders) throw new Error(noRecall(network));
    const answer = network.update === "asynchronous" ? await context.ask("hopfield.orders", {}) : null;
    const orders = answer ? (answer.arrays.orders?.data as Uint16Array) : null;
    const parent = ownerOf(branch as number, step as number, branches());
    const previous = step ? await stateAt(branch as number, (step as number) - 1) : null;
    const start = Int8Array.from(state as string, (unit) => (unit === "1" ? 1 : -1));
    const index = 1 + Math.max(...branches().map((each) => each.index));
    const made = { index, parent: parent.index, step: step as number, label: label as string };
    lines.push({ branch: made, ...run(network, orders, start, step as number, previous) });
    for (const listener of listeners) listener();
    return { branch: index };
  }

  async function stateAt(branch: number, step: number): Promise<Units> {
    const { steps, chunk, height, width } = (await context.ask("process.story", {})).value as unknown as Story;
    const start = Math.floor(step / chunk) * chunk;
    const owner = ownerOf(branch, step, branches()).index;
    const args = { branch: owner, start, stop: Math.min(start + chunk, steps + 1) };
    const { arrays } = own("process.frames", args) ?? (await context.ask("process.frames", args));
    const size = height * width;
    const pixels = arrays.frames?.data as Uint8Array;
    return unitsOf(pixels.subarray((step - start) * size, (step - start + 1) * size));
  }

  return {
    ...context,
    cached: (what, args) => own(what, args) ?? context.cached(what, args),
    ask: async (what, args, options) => own(what, args) ?? context.ask(what, args, options),
    act: (what, args) => (what === "hopfield.edit" ? edit(args) : context.act(what, args)),
    state: {
      get: (name) => (name === "branches" ? (branches() as never) : context.state.get(name)),
      onChange(listener) {
        context.state.onChange(listener);
        listeners.push(listener);
      },
    },
  };
}

/** Why a saved page cannot run a drawn state on. */
export function noRecall({ storage }: Network): string {
  const why = storage === "hebbian" ? "the network is too large for that" : "its weights do not come along";
  return `This saved page cannot recall by itself, for ${why}: draw and run in the notebook.`;
}

/** Where the state of a branch at a step comes from: itself, or an ancestor. */
function ownerOf(index: number, step: number, branches: readonly Branch[]): Branch {
  let branch = branches.find((each) => each.index === index) as Branch;
  while (branch.parent !== null && step < branch.step) {
    const { parent } = branch;
    branch = branches.find((each) => each.index === parent) as Branch;
  }
  return branch;
}

export function run(
  network: Network,
  orders: Uint16Array | null,
  start: Units,
  step: number,
  previous: Units | null,
): Omit<Line, "branch"> {
  const states = [start];
  for (let at = step; at < network.steps; at++) {
    const state = states.at(-1) as Units;
    const order = orders?.subarray(at * network.units, (at + 1) * network.units);
    states.push(order ? swept(state, order, network.memories) : allAtOnce(state, network.memories));
  }
  const measures = new Map([
    ["energy", Float32Array.from(states, (state) => energyOf(state, network.memories))],
    ["overlap", Float32Array.from(states, (state) => Math.max(...overlapsOf(state, network.memories)))],
    ["flipped", Float32Array.from(states, (state, at) => different(state, at ? states[at - 1] : previous))],
  ]);
  return { states, measures, basin: endOf(network, states.at(-1) as Units) };
}

/** What a unit gets from the others: Σ ξ (ξ · s), without its own part; N times the field. */
function fieldOf(unit: number, state: Units, memories: readonly Units[], products: Int32Array): number {
  let field = -memories.length * (state[unit] as number);
  for (let at = 0; at < memories.length; at++) field += (memories[at]?.[unit] as number) * (products[at] as number);
  return field;
}

function productsOf(state: Units, memories: readonly Units[]): Int32Array {
  return Int32Array.from(memories, (memory) => product(memory, state));
}

/** Each unit once, in this order, takes the sign of its field; a field of 0 keeps it. */
function swept(state: Units, order: Uint16Array, memories: readonly Units[]): Units {
  const next = state.slice();
  const products = productsOf(state, memories);
  for (const unit of order) {
    if (fieldOf(unit, next, memories, products) * (next[unit] as number) >= 0) continue;
    next[unit] = -(next[unit] as number);
    for (const [at, memory] of memories.entries())
      products[at] = (products[at] as number) + 2 * (next[unit] as number) * (memory[unit] as number);
  }
  return next;
}

function allAtOnce(state: Units, memories: readonly Units[]): Units {
  const products = productsOf(state, memories);
  return state.map((unit, at) => Math.sign(fieldOf(at, state, memories, products)) || unit);
}

function energyOf(state: Units, memories: readonly Units[]): number {
  const products = productsOf(state, memories);
  const sum = products.reduce((total, each) => total + each * each, 0) - memories.length * state.length;
  return (-0.5 * sum) / state.length;
}

function different(state: Units, before: Units | null | undefined): number {
  return before ? state.reduce((sum, unit, at) => sum + Number(unit !== before[at]), 0) : 0;
}

function endOf(network: Network, end: Units): Basin {
  const following = allAtOnce(end, network.memories);
  if (!different(end, following)) return basinOf(end, network);
  const { pattern } = basinOf(end, network);
  const alternates = network.update === "synchronous" && !different(allAtOnce(following, network.memories), end);
  const words = alternates
    ? "not settled: it alternates between two states for ever"
    : `not settled after ${network.steps} steps: give it more steps`;
  return { kind: "not settled", pattern, words };
}

/** Steps before the branch's first are its parent's, and nobody looks at them here. */
function framesOf({ branch, states, measures }: Line, start: number, stop: number): Answer {
  const size = states[0]?.length ?? 0;
  const data = new Uint8Array((stop - start) * size);
  for (let step = Math.max(start, branch.step); step < stop; step++)
    data.set(pixelsOf(states[step - branch.step] as Units), (step - start) * size);
  const arrays: Record<string, Answer["arrays"][string]> = { frames: { shape: [stop - start, 1, 1, size, 1], data } };
  for (const [at, name] of ["energy", "flipped", "overlap"].entries()) {
    const values = measures.get(name) as Float32Array;
    const part = Float32Array.from({ length: stop - start }, (_, k) => values[start + k - branch.step] ?? Number.NaN);
    arrays[`m.${at}`] = { shape: [part.length], data: part };
  }
  return { value: { stop }, arrays };
}

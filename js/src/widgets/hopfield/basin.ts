/** What a network fell into, named in the page as Python names it (`processes/basin.py`): for saved pages, which have no Python. */

import { type Network, nearest, overlapsOf, product, type Units } from "./network.ts";

export interface Basin {
  readonly kind: "memory" | "inverse" | "mixture" | "spurious" | "not settled" | "settled";
  readonly pattern: number | null;
  readonly words: string;
}

/** From this overlap on a settled state is taken for the memory. */
const NEAR = 0.9;
const MIXED = 0.95;
/** The memories most like the state, of which mixtures are tried. */
const LIKELY = 8;

/** Of a state in which the network settled. */
export function basinOf(state: Units, { memories, labels }: Network): Basin {
  const overlaps = overlapsOf(state, memories);
  const sizes = overlaps.map(Math.abs);
  const order = Array.from(sizes.keys()).sort((one, other) => (sizes[other] as number) - (sizes[one] as number));
  const pattern = nearest(overlaps);
  const overlap = overlaps[pattern] as number;
  const share = Math.abs(overlap);
  const label = (memory: number | undefined) => labels[memory ?? -1] ?? "";
  const mixture = mixtureOf(state, memories, overlaps, order.slice(0, LIKELY));
  if (share < 1 && mixture.agreement >= MIXED && mixture.agreement > share) {
    const inverted = mixture.three.map((memory) => (overlaps[memory] as number) < 0);
    const all = inverted.every(Boolean);
    const named = mixture.three.map((memory, at) => `${label(memory)}${inverted[at] && !all ? " inverted" : ""}`);
    const [first, second, third] = named;
    const words = `spurious: ${all ? "the inverse of a mixture" : "a mixture"} of ${first}, ${second} and ${third} (overlap ${floored(mixture.agreement)})`;
    return { kind: "mixture", pattern, words };
  }
  if (share >= NEAR) {
    const kind = overlap > 0 ? "memory" : "inverse";
    const what = kind === "memory" ? "the memory" : "the inverse of";
    return { kind, pattern, words: `fell into ${what} ${label(pattern)} (overlap ${floored(share)})` };
  }
  const second = order[1];
  const also = second === undefined ? "" : ` and ${label(second)} (${(overlaps[second] as number).toFixed(2)})`;
  const words = `spurious: nearest to ${label(pattern)} (overlap ${overlap.toFixed(2)})${also}`;
  return { kind: "spurious", pattern, words };
}

/** The mixture of three, sign(±ξ₁ ± ξ₂ ± ξ₃), that is most like the state. */
function mixtureOf(
  state: Units,
  memories: readonly Units[],
  overlaps: Float32Array,
  likely: readonly number[],
): { readonly three: readonly number[]; readonly agreement: number } {
  let best: { three: number[]; agreement: number } = { three: [], agreement: -1 };
  const signed = likely.map((memory) => ({ memory, sign: (overlaps[memory] as number) < 0 ? -1 : 1 }));
  for (const [at, one] of signed.entries()) {
    for (const [on, two] of signed.slice(at + 1).entries()) {
      for (const three of signed.slice(at + on + 2)) {
        const parts = [one, two, three];
        const mixed = Int8Array.from(state, (_, unit) =>
          Math.sign(parts.reduce((sum, { memory, sign }) => sum + sign * (memories[memory]?.[unit] as number), 0)),
        );
        const agreement = product(mixed, state) / state.length;
        if (agreement > best.agreement) best = { three: parts.map(({ memory }) => memory), agreement };
      }
    }
  }
  return best;
}

/** Two digits; 0.997 is no 1.00. */
function floored(share: number): string {
  return (Math.floor(100 * share + 1e-6) / 100).toFixed(2);
}

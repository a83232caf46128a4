/** Branches of a process: their names, their colours, and which of them are looked at. */

import { createSwitches } from "../../controls/switches.ts";
import { formatStep } from "../../draw/number.ts";
import { headColor } from "../../draw/palette.ts";
import { displayText } from "../../draw/text.ts";
import type { Branch } from "./frames.ts";

/** Branches that are shown before a hand turns others on: the original and the newest. */
const MOST_AT_FIRST = 4;

export function branchColor(branch: number): string {
  return headColor(branch);
}

/** "original", "noise erased: left the original at step 17". */
export function branchWords({ index, parent, step, label }: Branch, branches: readonly Branch[]): string {
  if (parent === null) return label ? displayText(label) : "original";
  const from = branches.find((branch) => branch.index === parent);
  const named = from && from.parent !== null ? branchName(from) : "the original";
  return `${branchName({ index, parent, step, label })}: left ${named} at step ${formatStep(step)}`;
}

function branchName({ index, label }: Branch): string {
  return label ? displayText(label) : `branch ${index}`;
}

export interface BranchPicker {
  readonly element: HTMLElement;
  /** The branches that are looked at, the original first. */
  shown(branches: readonly Branch[]): readonly Branch[];
  draw(branches: readonly Branch[]): void;
}

export function createBranchPicker(onTurn: () => void, signal: AbortSignal): BranchPicker {
  const turned = new Map<number, boolean>();
  const isOn = (branches: readonly Branch[], at: number) => {
    const { index, parent } = branches[at] as Branch;
    return turned.get(index) ?? (parent === null || at > branches.length - MOST_AT_FIRST);
  };
  let known: readonly Branch[] = [];
  const switches = createSwitches(
    "Branches",
    (key) => {
      const at = known.findIndex(({ index }) => String(index) === key);
      const on = isOn(known, at);
      if (on && known.filter((_, other) => isOn(known, other)).length === 1) return; // one is always looked at
      turned.set(Number(key), !on);
      onTurn();
    },
    signal,
  );
  return {
    element: switches.element,
    shown(branches) {
      const on = branches.filter((_, at) => isOn(branches, at));
      return on.length ? on : branches.slice(0, 1);
    },
    draw(branches) {
      known = branches;
      switches.element.hidden = branches.length < 2;
      switches.show(
        branches.map((branch, at) => ({
          key: String(branch.index),
          text: branch.parent === null ? branchWords(branch, branches) : branchName(branch),
          title: branchWords(branch, branches),
          on: isOn(branches, at),
          color: branchColor(branch.index),
        })),
      );
    },
  };
}

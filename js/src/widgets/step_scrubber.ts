/** StepScrubber: any process step by step: its frames, its curves, its branches. */

import type { View } from "../runtime/context.ts";
import { createProcessView } from "./process/view.ts";

export const view: View = (context) => {
  createProcessView(context, { name: "Process, step by step" });
};

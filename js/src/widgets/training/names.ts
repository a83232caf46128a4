/** What a metric's name tells: which metric it is, of which phase, which way it is better. The Python half is `runs/names.py`. */

export type Phase = "train" | "validation" | "test";

const PHASES: Readonly<Record<string, Phase>> = {
  train: "train",
  training: "train",
  val: "validation",
  valid: "validation",
  validation: "validation",
  eval: "validation",
  dev: "validation",
  test: "test",
};
const ALIASES: Readonly<Record<string, string>> = {
  acc: "accuracy",
  lr: "learning_rate",
  grad_norm: "gradient_norm",
  g_loss: "generator_loss",
  d_loss: "discriminator_loss",
};

/** "val_loss", "valid/loss" and "loss/val" are the loss of the validation. A name without a phase is of the training. */
export function split(name: string): { readonly metric: string; readonly phase: Phase } {
  const { metric, phase } = withoutPhase(name);
  return { metric: own(ALIASES, metric) ?? metric, phase };
}

function withoutPhase(name: string): { metric: string; phase: Phase } {
  if (isOfLayer(name)) return { metric: name, phase: "train" };
  const marks = [...name.matchAll(/[_/. -]/g)].map((match) => match.index);
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined) return { metric: name, phase: "train" };
  const [before, after] = [
    own(PHASES, name.slice(0, first).toLowerCase()),
    own(PHASES, name.slice(last + 1).toLowerCase()),
  ];
  if (before && name.length > first + 1) return { metric: name.slice(first + 1), phase: before };
  if (after && last > 0) return { metric: name.slice(0, last), phase: after };
  return { metric: name, phase: "train" };
}

/** A metric may be called "constructor". */
function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** A metric's name for people: "learning_rate" is "learning rate". Names with paths stay as they are. */
export function spoken(metric: string): string {
  return metric.includes("/") || metric.includes(".") ? metric : metric.replaceAll("_", " ");
}

/** Series that belong to a layer: views of their own show them. */
export function isOfLayer(name: string): boolean {
  return /^(gradient_mean|gradient_max|update_ratio|dead|weights|gradients|activations)\//.test(name);
}

/** Which way a metric is better, by its name; null for a name that does not tell. */
export function better(metric: string): "high" | "low" | null {
  const name = metric.toLowerCase();
  if (LOW.test(name)) return "low";
  return HIGH.test(name) ? "high" : null;
}
const LOW = /loss|(?<![a-z])err|perplexity|nll|mse|mae|mape|fid|(?<![a-z])[wc]er(?![a-z])/;
const HIGH = /acc|f1|auc|precision|recall|score|iou|bleu|rouge|r2|diversity|dice|(?<![a-z])m?ap(?![a-z])/;

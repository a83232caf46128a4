"""What a metric's name tells: which metric it is, of which phase (training, validation or test), and which way it is
better. The browser's half is `training/names.ts`."""

from __future__ import annotations

import re
from typing import Literal

Phase = Literal["train", "validation", "test"]

_PHASES: dict[str, Phase] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "eval": "validation",
    "dev": "validation",
    "test": "test",
}
_ALIASES = {
    "acc": "accuracy",
    "lr": "learning_rate",
    "grad_norm": "gradient_norm",
    "g_loss": "generator_loss",
    "d_loss": "discriminator_loss",
}
_OF_LAYERS = (
    "gradient_mean/",
    "gradient_max/",
    "update_ratio/",
    "dead/",
    "weights/",
    "gradients/",
    "activations/",
)
"""What is told of each layer: the rest of such a name is the layer's path, and no phase."""

_LOW = re.compile(r"loss|(?<![a-z])err|perplexity|nll|mse|mae|mape|fid|(?<![a-z])[wc]er(?![a-z])")
_HIGH = re.compile(r"acc|f1|auc|precision|recall|score|iou|bleu|rouge|r2|diversity|dice|(?<![a-z])m?ap(?![a-z])")

_BETWEEN = re.compile(r"[_/. \-]")


def split(name: str) -> tuple[str, Phase]:
    """The metric and its phase: "val_loss", "valid/loss" and "loss/val" are ("loss", "validation").

    Common short names are told by their long ones: "acc" is "accuracy". A name without a phase is of the training.
    """
    metric, phase = _without_phase(name)
    return _ALIASES.get(metric, metric), phase


def is_of_layer(name: str) -> bool:
    """Whether it is told of each layer: such series have views of their own."""
    return name.startswith(_OF_LAYERS)


def better(metric: str) -> Literal["high", "low"] | None:
    """Which way a metric is better; None for a name that does not tell."""
    name = metric.lower()
    if _LOW.search(name):
        return "low"
    return "high" if _HIGH.search(name) else None


def _without_phase(name: str) -> tuple[str, Phase]:
    if is_of_layer(name):
        return name, "train"
    marks = [match.start() for match in _BETWEEN.finditer(name)]
    if not marks:
        return name, "train"
    first, last = marks[0], marks[-1]
    if (phase := _PHASES.get(name[:first].lower())) is not None and name[first + 1 :]:
        return name[first + 1 :], phase
    if (phase := _PHASES.get(name[last + 1 :].lower())) is not None and name[:last]:
        return name[:last], phase
    return name, "train"

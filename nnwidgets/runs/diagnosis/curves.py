"""`Curves`: a run's series by the part they play: the objective in training and validation, layers, players of a
GAN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnwidgets.runs.diagnosis.curve import Curve, HistoryLike
from nnwidgets.runs.names import is_of_layer, split

LOSSES = ("loss", "cross_entropy", "nll", "nll_loss", "mse", "mse_loss", "mae", "perplexity", "error")
"""What a training makes smaller, by name; the first that is there is looked at. Parts of a loss (a VAE's `kl_loss`)
may well rise in a good run, so they are not among them."""
ACCURACIES = ("accuracy", "top1", "top1_accuracy", "f1")

ENOUGH = 8
"""Fewer points show no shape."""


@dataclass(frozen=True, eq=False)
class Objective:
    """A measure of how well the model does, in training and validation."""

    metric: str
    train: Curve | None
    validation: Curve | None

    @cached_property
    def coarse(self) -> bool:
        """Whether training and validation were logged together: then a training point is an epoch's mean, not a
        batch's."""
        if self.train is None or self.validation is None:
            return False
        return bool(np.isin(self.train.steps, self.validation.steps).mean() >= 0.9)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in (self.train, self.validation) if each is not None)


class Curves:
    """All curves of a run."""

    def __init__(self, histories: Mapping[str, HistoryLike]) -> None:
        self._histories = histories
        self._layers: dict[str, dict[str, Curve]] = {}
        self._names: dict[tuple[str, str], str] = {}
        for name in histories:
            if not is_of_layer(name):
                metric, phase = split(name)
                self._names.setdefault((metric, phase), name)

    @cached_property
    def loss(self) -> Objective | None:
        """The loss; None for a GAN, whose losses are not there to fall."""
        return None if self.generator and self.discriminator else self._objective(LOSSES, upside_down=False)

    @cached_property
    def accuracy(self) -> Objective | None:
        return self._objective(ACCURACIES, upside_down=True)

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """Loss and accuracy, what there is of them."""
        return tuple(each for each in (self.loss, self.accuracy) if each is not None)

    @cached_property
    def main(self) -> Objective | None:
        """The loss, or else the accuracy."""
        return next(iter(self.objectives), None)

    @cached_property
    def generator(self) -> Curve | None:
        return self.one("generator_loss")

    @cached_property
    def discriminator(self) -> Curve | None:
        return self.one("discriminator_loss")

    @cached_property
    def learning_rate(self) -> Curve | None:
        return self.one("learning_rate")

    @cached_property
    def gradient_norm(self) -> Curve | None:
        return self.one("gradient_norm")

    def one(self, metric: str) -> Curve | None:
        """A metric of the training; None where nothing finite of it was logged."""
        curve = self._curve(metric, "train", upside_down=False)
        return curve if curve is not None and len(curve) else None

    def layers(self, what: str) -> dict[str, Curve]:
        """What `watch` logged of each layer, by module path, in the order logged: that of the model."""
        if what in self._layers:
            return self._layers[what]
        prefix = f"{what}/"
        curves = {
            name.removeprefix(prefix): Curve.read(name, history)
            for name, history in self._histories.items()
            if name.startswith(prefix)
        }
        self._layers[what] = {path: curve for path, curve in curves.items() if len(curve)}
        return self._layers[what]

    @cached_property
    def trained(self) -> tuple[Curve, ...]:
        """Every loss of the training, with whatever in it."""
        found = [self._curve(metric, "train", upside_down=False) for metric in self._losses()]
        return tuple(each for each in found if each is not None)

    def _losses(self) -> list[str]:
        return [
            metric
            for metric, phase in self._names
            if phase == "train" and (metric in LOSSES or metric.endswith(("loss", "loss_step", "loss_epoch")))
        ]

    def _objective(self, metrics: tuple[str, ...], *, upside_down: bool) -> Objective | None:
        for metric in metrics:
            train, validation = (
                self._curve(metric, phase, upside_down=upside_down) for phase in ("train", "validation")
            )
            if validation is None or not len(validation):
                validation = self._curve(metric, "test", upside_down=upside_down)
            train = train if train is not None and len(train) else None
            validation = validation if validation is not None and len(validation) else None
            if train is not None or validation is not None:
                return Objective(metric, train, validation)
        return None

    def _curve(self, metric: str, phase: str, *, upside_down: bool) -> Curve | None:
        # Lightning logs one metric twice, as "train_loss_step" and "train_loss_epoch"; the epoch's is compared to
        # validation.
        for each in (metric, f"{metric}_epoch", f"{metric}_step"):
            if (name := self._names.get((each, phase))) is not None:
                return Curve.read(name, self._histories[name], upside_down=upside_down)
        return None

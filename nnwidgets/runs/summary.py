"""A run in a few numbers: best and final of each metric, the gap to the validation, how far it is and how quick."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnwidgets.runs.histories import read_histories
from nnwidgets.runs.history import History
from nnwidgets.runs.names import better, split

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run

POINTS = 2_000
"""Points of a series that summary and diagnosis read."""

_MEASURED = {"learning_rate", "lr", "gradient_norm", "grad_norm", "epoch", "samples_per_second"}
"""What a summary says in lines of its own."""
_TOTAL_EPOCHS = ("epochs", "max_epochs", "num_epochs", "num_train_epochs", "total_epochs")
_TOTAL_STEPS = ("total_steps", "max_steps", "num_steps", "steps")


@dataclass(frozen=True)
class MetricSummary:
    """One series: its best value and where that was, and its newest one. Best is the lowest, unless the name tells that
    the highest is."""

    name: str
    metric: str
    phase: str
    best: float
    best_step: float
    final: float


@dataclass(frozen=True)
class RunSummary:
    """A run in numbers; None where it did not log what a number needs. Print it.

    `gap` is the validation's newest loss less the training's; times are in seconds; `samples_per_second` as logged.
    """

    label: str
    status: str
    metrics: tuple[MetricSummary, ...]
    gap: float | None
    step: int | None
    total_steps: int | None
    epoch: float | None
    total_epochs: int | None
    seconds: float
    seconds_left: float | None
    steps_per_second: float | None
    samples_per_second: float | None
    learning_rate: float | None
    mean_gradient_norm: float | None

    def __str__(self) -> str:
        names = [metric.name for metric in self.metrics]
        width = max((len(name) for name in names), default=0)
        lines = [f"{self.label}: {self.status}"]
        for name, metric in zip(names, self.metrics, strict=True):
            best = f"best {metric.best:.6g} at step {metric.best_step:,.0f}"
            lines.append(f"  {name:<{width}}  {best}, final {metric.final:.6g}")
        lines += [f"  {words}" for words in self._lines()]
        return "\n".join(lines)

    def _lines(self) -> list[str]:
        said = [
            None if self.gap is None else f"gap between validation and training loss: {self.gap:.6g}",
            None if self.step is None else f"step {self.step:,}{_of(self.total_steps)}",
            None if self.epoch is None else f"epoch {self.epoch:g}{_of(self.total_epochs)}",
            None if self.learning_rate is None else f"learning rate {self.learning_rate:.3g}",
            None if self.mean_gradient_norm is None else f"mean gradient norm {self.mean_gradient_norm:.4g}",
            f"{self.seconds:.1f} s" + ("" if self.seconds_left is None else f", about {self.seconds_left:.0f} s left"),
        ]
        return [words for words in said if words is not None]

    def to_json(self) -> dict[str, Any]:
        """For a page: what JSON cannot hold as texts ("nan", "inf")."""
        rows = [{field: plain(value) for field, value in vars(metric).items()} for metric in self.metrics]
        return {field: plain(value) for field, value in vars(self).items() if field != "metrics"} | {"rows": rows}


def summarize(run: Run, histories: Mapping[str, History] | None = None) -> RunSummary:
    """The summary of a run as it stands; `histories` spares reading them again."""
    if histories is None:
        histories = read_scalars(run)
    newest = {name: series.last for name, series in run.series().items() if series.last is not None}
    metrics = tuple(
        found
        for name, history in histories.items()
        if _is_shown(name) and (found := _metric(name, history, newest[name]))
    )
    final = {(found.metric, found.phase): found.final for found in metrics}
    losses = final.get(("loss", "validation")), final.get(("loss", "train"))
    epoch = newest.get("epoch")
    seconds = max(0.0, (run.ended or time.time()) - run.started)
    total_steps, total_epochs = _total(run.config, _TOTAL_STEPS), _total(run.config, _TOTAL_EPOCHS)
    done = run.step / total_steps if run.step and total_steps else None
    if done is None and epoch and total_epochs:
        done = epoch / total_epochs
    going_on = run.status == "running" and done is not None and 0 < done <= 1
    norms = histories.get("gradient_norm", histories.get("grad_norm"))
    return RunSummary(
        label=run.label,
        status=run.status,
        metrics=metrics,
        gap=None if losses[0] is None or losses[1] is None else losses[0] - losses[1],
        step=run.step,
        total_steps=total_steps,
        epoch=epoch,
        total_epochs=total_epochs,
        seconds=seconds,
        seconds_left=seconds * (1 - done) / done if going_on and done else None,
        steps_per_second=run.step / seconds if run.step and seconds else None,
        samples_per_second=newest.get("samples_per_second"),
        learning_rate=newest.get("learning_rate", newest.get("lr")),
        mean_gradient_norm=None if norms is None else _mean(norms),
    )


def read_scalars(run: Run) -> dict[str, History]:
    """The scalar series of a run, thinned."""
    names = [name for name, series in run.series().items() if series.kind == "scalar"]
    return read_histories(run, names, points=POINTS)


def plain(value: Any) -> Any:
    """A number as JSON holds it."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _is_shown(name: str) -> bool:
    return name not in _MEASURED and "/" not in name.removeprefix("train/").removeprefix("val/")


def _metric(name: str, history: History, newest: float) -> MetricSummary | None:
    metric, phase = split(name)
    high = better(metric) == "high"
    values = history.high if high else history.low
    finite = np.isfinite(values)
    if not finite.any():
        return None
    at = int((np.nanargmax if high else np.nanargmin)(np.where(finite, values, np.nan)))
    return MetricSummary(name, metric, phase, float(values[at]), float(history.steps[at]), newest)


def _mean(history: History) -> float | None:
    finite = np.isfinite(history.values)
    if not finite.any():
        return None
    return float(np.average(history.values[finite], weights=history.counts[finite]))


def _total(config: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _of(total: int | None) -> str:
    return "" if total is None else f" of {total:,}"

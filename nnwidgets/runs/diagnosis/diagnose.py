"""`diagnose`: every finder over a run's curves, what one finding explains taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from nnwidgets.runs.diagnosis import (
    dead_units,
    degradation,
    divergence,
    gan,
    gradients,
    healthy,
    instability,
    learning_rate,
    not_finite,
    overfitting,
    plateau,
    underfitting,
)
from nnwidgets.runs.diagnosis.curve import POINTS, HistoryLike
from nnwidgets.runs.diagnosis.curves import Curves
from nnwidgets.runs.diagnosis.finding import Finding, Kind

FINDERS: tuple[Callable[[Curves], Finding | None], ...] = (
    not_finite.find,
    divergence.find,
    learning_rate.find,
    gradients.find_exploding,
    gradients.find_vanishing,
    dead_units.find,
    gan.find_mode_collapse,
    gan.find_discriminator_win,
    degradation.find,
    instability.find,
    overfitting.find,
    underfitting.find,
    plateau.find,
)

_BROKEN: set[Kind] = {"not_finite", "divergence", "learning_rate_too_high"}
_STOPPED: set[Kind] = {"vanishing_gradients", "exploding_gradients", "dead_units"}
EXPLAINED: dict[Kind, set[Kind]] = {
    "plateau": _BROKEN | _STOPPED,
    "underfitting": _BROKEN | _STOPPED | {"degradation", "overfitting", "instability"},
    "overfitting": _BROKEN | {"degradation"},
    "degradation": _BROKEN,
    "instability": {"not_finite", "divergence"},
}
"""A symptom is not told beside what it comes from: a loss that is flat because no gradient arrives needs no higher
rate."""

_RANK = {"serious": 0, "warning": 1, "note": 2}


class _Series(Protocol):
    @property
    def kind(self) -> str: ...


class RunLike(Protocol):
    """A `Run`, as far as it is read here."""

    def series(self) -> Mapping[str, _Series]: ...
    def history(self, name: str, *, points: int | None = None) -> HistoryLike: ...


def diagnose(run: RunLike | Mapping[str, HistoryLike]) -> tuple[Finding, ...]:
    """What the curves of a run show, the gravest first: never nothing, never an exception, and from the curves alone.

    Args:
        run: a `Run`, or its scalar histories by name (thinned to some thousand points or whole): anything with
            `steps` and
            `values` as logged.

    Returns:
        Findings, each of another kind. Where nothing is wrong it is one note: "healthy", "unremarkable" (no clear
        improvement either) or "too_short".
    """
    with np.errstate(all="ignore"):
        curves = Curves(run if isinstance(run, Mapping) else _read(run))
        found = [finding for find in FINDERS if (finding := find(curves)) is not None]
        kinds = {finding.kind for finding in found}
        told = [finding for finding in found if not EXPLAINED.get(finding.kind, set()) & kinds]
        if not told:
            return (healthy.find(curves),)
        return tuple(sorted(told, key=lambda finding: _RANK[finding.severity]))


def _read(run: RunLike) -> dict[str, HistoryLike]:
    return {name: run.history(name, points=POINTS) for name, series in run.series().items() if series.kind == "scalar"}

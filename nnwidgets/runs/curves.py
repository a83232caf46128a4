"""All that a picture of a run shows: its curves, its summary, and what the diagnosis found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnwidgets.runs.diagnosis import Finding, diagnose
from nnwidgets.runs.diagnosis.curves import Curves
from nnwidgets.runs.diagnosis.gradients import threshold
from nnwidgets.runs.history import History
from nnwidgets.runs.summary import RunSummary, read_scalars, summarize

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run


@dataclass(frozen=True)
class TrainingCurves:
    """The scalar series of a run by name, thinned to about 2,000 points, with findings and summary.

    `gradient_threshold` is the gradient norm from which the diagnosis says that it explodes; None where it cannot tell.
    """

    label: str
    status: str
    histories: Mapping[str, History]
    findings: tuple[Finding, ...]
    summary: RunSummary
    gradient_threshold: float | None = None


def read_curves(run: Run) -> TrainingCurves:
    """The curves of a run as they stand."""
    histories = read_scalars(run)
    norm = Curves(histories).gradient_norm
    return TrainingCurves(
        run.label,
        run.status,
        histories,
        diagnose(histories),
        summarize(run, histories),
        None if norm is None else threshold(norm),
    )

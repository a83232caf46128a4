"""TrainingMonitor: a training while it runs, and afterwards: curves, summary, diagnosis, and hands on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import traitlets

from nnwidgets.runs.curves import TrainingCurves, read_curves
from nnwidgets.runs.summary import RunSummary, summarize
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.options import Choice
from nnwidgets.widgets.training import RunWidget
from nnwidgets.wire.answers import Answer, acts, answers


class TrainingMonitor(RunWidget):
    """Loss and metrics of a run, of training and validation on one chart, live while it trains.

    Marks the best validation loss, shades the gap to the training, shows the learning rate and the gradient norm, says
    in words what is wrong with a training and from what one sees it, and can pause, resume and stop it and set its
    learning rate. Point at a step and pin it by a click or Enter: every widget of the run then shows that step.

    Args:
        source: the `Run`, recorded here or by another process, going on or over.
        metrics: names of the metrics that are shown; None: all.
        smoothing: of the lines, 0 (none) to 0.99; the lines as they were logged stay behind, faint.
        x: what runs along the x axis: "step", "epoch" or "time" (seconds since the run began).
        log_y: whether losses have a logarithmic axis.
        gradient_threshold: gradient norm at which a line says that gradients explode above it; None: where the
            diagnosis says so, at 100 times the usual norm.
        interval: seconds between two pictures at the least.
        live: whether the picture follows the training; the numbers stay up to date.
        height: of a chart, in px.
    """

    metrics = traitlets.List(traitlets.Unicode(), default_value=None, allow_none=True).tag(sync=True, option=True)
    smoothing = traitlets.Float(0.0, min=0.0, max=0.99).tag(sync=True, option=True)
    x = Choice("step", "epoch", "time", default="step")
    log_y = traitlets.Bool(False).tag(sync=True, option=True)
    gradient_threshold = traitlets.Float(None, allow_none=True, min=1e-12).tag(sync=True, option=True)
    interval = traitlets.Float(0.1, min=0.0, max=3600.0).tag(sync=True, option=True)
    live = traitlets.Bool(True).tag(sync=True, option=True)
    height = traitlets.Int(240, min=120, max=2000).tag(sync=True, option=True)

    @property
    def result(self) -> TrainingCurves:
        """The curves, the summary and the findings as they stand."""
        return read_curves(self.source)

    def summary(self) -> RunSummary:
        """Best, final and gap of each metric, epochs, learning rate, mean gradient norm, speed; print it."""
        return summarize(self.source)

    def look(self) -> dict[str, Any]:
        return {
            "label": self.source.label,
            "metrics": self.metrics,
            "smoothing": self.smoothing,
            "x": self.x,
            "log_y": self.log_y,
            "gradient_threshold": self.gradient_threshold,
        }

    @answers("run.summary")
    def _summary(self, until: int | None = None) -> Answer:
        curves = read_curves(self.source)
        findings = [finding.to_json() for finding in curves.findings]
        more = {"gradient_threshold": curves.gradient_threshold, "findings": findings, "cursor": self.source.cursor}
        return Answer(curves.summary.to_json() | more)

    @acts("pause")
    def _pause(self) -> dict[str, Any]:
        self.source.control.pause()
        return {}

    @acts("resume")
    def _resume(self) -> dict[str, Any]:
        self.source.control.resume()
        return {}

    @acts("stop")
    def _stop(self) -> dict[str, Any]:
        self.source.control.stop()
        return {}

    @acts("learning_rate")
    def _set_learning_rate(self, value: float) -> dict[str, Any]:
        self.source.control.set_learning_rate(value)
        return {}

    def first_questions(self) -> Iterator[Question]:
        yield from super().first_questions()
        yield "run.summary", {"until": None}

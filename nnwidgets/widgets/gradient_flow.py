"""GradientFlow: how large the gradient of each layer is, at one step and over a training; two runs side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import traitlets

from nnwidgets.analysis.gradients import (
    HARDLY,
    MARKS,
    USUAL,
    GradientFlows,
    LayerGradients,
    Thresholds,
    layer_gradients,
    usual_sizes,
)
from nnwidgets.runs import History, Run
from nnwidgets.runs.diagnosis.curves import Curves
from nnwidgets.runs.diagnosis.finding import Finding
from nnwidgets.runs.diagnosis.gradients import (
    DECADES,
    LAYERS,
    ORDERED,
    TIMES,
    find_exploding,
    find_vanishing,
)
from nnwidgets.runs.histories import read_histories
from nnwidgets.source.errors import SourceClosed
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.options import Choice
from nnwidgets.widgets.training import RunWidget
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import Coded, encode

COLUMNS = 240
"""Measurements of a layer that a picture shows: of more, neighbours are joined."""
_KINDS: tuple[Literal["gradient_mean", "gradient_max", "update_ratio"], ...] = (
    "gradient_mean",
    "gradient_max",
    "update_ratio",
)
_JUDGED = ("loss", "gradient_norm")
"""What the diagnosis looks at beside the layers."""
_THRESHOLDS = Thresholds(decades=DECADES, ordered=ORDERED, times=TIMES, layers=LAYERS)
_REST = 0.5  # seconds between two words about the other run


class GradientFlow(RunWidget):
    """The mean and the largest absolute gradient of the loss with respect to each layer's parameters, on a log scale.

    One row a layer, the layer at the input on top: bars for the step that is looked at, and beside them the same means
    over all steps, in colours of the same scale. Layers with hardly any gradient and with extreme ones are marked, in
    words and colour, by the thresholds of the diagnosis (`nnwidgets.runs.diagnosis.gradients`): a thousandth of what
    the layers at the output get, where sizes go one way with depth; a thousand times the layer in the middle; a
    hundred times the layer's own median. "Updates" shows the size of the optimizer's steps instead: the norm of a step
    over that of the weights, usually about 1/1000.

    A click on a row or Enter selects the layer, a click on the colours or the arrow keys the step: all widgets of the
    run's selection follow. Without a picked step the newest is shown. `nnw.watch(model, optimizer, run)` logs what is
    shown here. After Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", and Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks".

    Args:
        source: the `Run`, recorded here or by another process, going on or over.
        beside: another `Run`, shown beside it on the same scale and at the same step.
        view: "gradients" or "updates".
        height: the tallest that the rows of a run get together, in px; many layers have thin rows.

    Raises:
        TypeError: a source or `beside` that is no run, an option that there is not.
        SourceClosed: a run that was closed.
    """

    view = Choice("gradients", "updates", default="gradients")
    height = traitlets.Int(460, min=160, max=4000).tag(sync=True, option=True)
    _beside = traitlets.Dict().tag(sync=True)

    library = None
    _selected = ("layer", "step")

    def __init__(self, source: Run | None = None, beside: Run | None = None, **options: Any) -> None:
        self._other: Run | None = None
        self._flows: dict[str, tuple[Any, tuple[LayerGradients, list[Finding]]]] = {}
        self._forget: list[Any] = []
        self._later: threading.Timer | None = None
        self._told = 0.0
        if beside is not None:
            if not isinstance(beside, Run):
                raise TypeError(f"beside is of type {type(beside).__name__}, but it is another Run, or None")
            if beside.closed:
                raise SourceClosed(f"the run {beside.label} was closed: load it again with store.load({beside.id!r})")
        super().__init__(source, **options)
        self._other = beside
        if beside is not None:
            self._forget = [beside.on_points(lambda _: self._tell()), beside.on_status(lambda _: self._tell())]
            self._tell()

    @property
    def beside(self) -> Run | None:
        """The run that is shown beside the source."""
        return self._other

    def close(self) -> None:
        for forget in self._forget:
            forget()
        self._forget = []
        if self._later is not None:
            self._later.cancel()
        self._other = None
        super().close()

    def code(self) -> str:
        code = super().code()
        return code if self._other is None else f"{code[:-1]}, beside=other)  # other = store.load({self._other.id!r})"

    @property
    def result(self) -> GradientFlows:
        """Gradients and updates of all layers over all steps, of one run or two, and exactly at the step selected."""
        step = self.selection.step
        flows, exact, sentences = [], [], []
        for run in self._runs():
            flow, findings = self._flow(run)
            flows.append(flow)
            exact.append(_exact(run, flow, step))
            sentences.append(tuple(finding.sentence for finding in findings))
        return GradientFlows(tuple(flows), tuple(exact), step, tuple(sentences))

    def look(self) -> dict[str, Any]:
        return {"label": self.source.label, "view": self.view, "layer": self.selection.layer}

    @answers("gradient_flow.flow")
    def _answer_flow(self, run: str | None = None, until: int | None = None) -> Answer:
        """All layers over all steps; `run` names the run beside the source, `until` makes the question cacheable."""
        looked = self._run(run)
        cursor = looked.cursor
        flow, findings = self._flow(looked)
        value = {
            "label": looked.label,
            "cursor": cursor,
            "paths": list(flow.paths),
            "marks": list(MARKS),
            "thinned": flow.thinned,
            "usual_update": USUAL,
            "hardly_update": HARDLY,
            "findings": [finding.to_json() for finding in findings],
        }
        steps = {"steps": _whole(flow.steps), "counts": encode(flow.counts.astype(np.int32))}
        return Answer(value, steps | _matrices(flow))

    @answers("gradient_flow.step")
    def _answer_step(self, step: int, run: str | None = None) -> Answer:
        """The measurement nearest to a step, alone: where the flow joins several."""
        looked = self._run(run)
        exact = _exact(looked, self._flow(looked)[0], step)
        if exact is None:
            raise ValueError(f"step={step}, but {looked.label} logged no gradients")
        return Answer({"step": int(exact.steps[0]), "paths": list(exact.paths)}, _matrices(exact))

    def is_quick(self) -> bool:
        return True

    def first_questions(self) -> Iterator[Question]:
        for run in self._names():
            yield "gradient_flow.flow", {"run": run, "until": None}

    def bake(self) -> Iterator[Question]:
        yield from self.first_questions()
        if self.selection.step is not None:
            for run in self._names():
                yield "gradient_flow.step", {"run": run, "step": self.selection.step}

    def _runs(self) -> tuple[Run, ...]:
        return (self.source,) if self._other is None else (self.source, self._other)

    def _names(self) -> tuple[str | None, ...]:
        return (None,) if self._other is None else (None, self._other.id)

    def _run(self, name: str | None) -> Run:
        if name is None:
            return self.source
        if self._other is None or self._other.id != name:
            raise ValueError(f"run={name!r}, but this widget shows {', '.join(run.id for run in self._runs())}")
        if self._other.closed:
            raise SourceClosed(f"the run {self._other.label}, shown beside, was closed: make this widget again")
        return self._other

    def _flow(self, run: Run) -> tuple[LayerGradients, list[Finding]]:
        """The last one that was read, as long as nothing was logged since."""
        stands = (run.cursor, run.status)
        known = self._flows.get(run.id)
        if known is None or known[0] != stands:
            known = self._flows[run.id] = (stands, _flow(run))
        return known[1]

    def _tell(self) -> None:
        """Tell the page how far the other run is: now or, where it was told a moment ago, after a rest."""
        rest = self._told + _REST - time.monotonic()
        if rest > 0:
            if self._later is None:
                self._later = threading.Timer(rest, self._tell_late)
                self._later.daemon = True
                self._later.start()
            return
        other = self._other
        if other is not None and not self.closed:
            self._told = time.monotonic()
            self._beside = {"id": other.id, "label": other.label, "cursor": other.cursor, "status": other.status}

    def _tell_late(self) -> None:
        self._later = None
        self._tell()


def _flow(run: Run) -> tuple[LayerGradients, list[Finding]]:
    """All layers of a run over all its steps, and what the diagnosis finds in them."""
    names = [name for name in run.series() if name in _JUDGED or name.split("/", 1)[0] in _KINDS]
    histories = read_histories(run, names, points=COLUMNS)
    flow = _gradients(run, histories, None)
    read = Curves(histories)
    findings = [finding for finding in (find_exploding(read), find_vanishing(read)) if finding is not None]
    return flow, findings


def _gradients(run: Run, histories: dict[str, History], usual: Any) -> LayerGradients:
    means, largest, updates = (
        {name.removeprefix(f"{kind}/"): each for name, each in histories.items() if name.startswith(f"{kind}/")}
        for kind in _KINDS
    )
    return layer_gradients(means, largest, updates, label=run.label, thresholds=_THRESHOLDS, usual=usual)


def _exact(run: Run, flow: LayerGradients, step: int | None) -> LayerGradients | None:
    """The one measurement that is nearest to a step."""
    if not flow.paths:
        return None
    place = flow.nearest(step)
    if not flow.thinned:
        return flow.at(place)
    low = flow.steps[place - 1] if place else flow.steps[0] - 1 - (flow.steps[-1] - flow.steps[0]) / len(flow.steps)
    high = flow.steps[place + 1] if place + 1 < len(flow.steps) else np.inf
    names = [f"{kind}/{path}" for path in flow.paths for kind in _KINDS]
    near = read_histories(run, names, start=float(low), stop=None if np.isinf(high) else float(high))
    steps = max((each.steps for each in near.values()), key=len, default=np.empty(0))
    if not len(steps):
        return flow.at(place)
    nearest = float(steps.max() if step is None else steps[np.argmin(np.abs(steps - step))])
    here = {name: _at(each, nearest) for name, each in near.items()}
    return _gradients(run, here, usual_sizes(flow))


def _at(history: History, step: float) -> History:
    """The point of a step alone; of several, as they are."""
    there = history.steps == step
    parts = {name: getattr(history, name)[there] for name in ("steps", "values", "times", "low", "high", "counts")}
    return replace(history, **parts)


def _matrices(flow: LayerGradients) -> dict[str, Coded]:
    """Sizes as powers of ten, coded: they are looked at, and a column of 16 bits tells 0.05 % apart."""
    sizes = {"mean": flow.mean, "largest": flow.largest, "update": flow.update}
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = {name: encode(np.log10(each), "linear16") for name, each in sizes.items()}
    return powers | {"marks": encode(flow.marks), "update_marks": encode(flow.update_marks)}


def _whole(steps: np.ndarray[Any, np.dtype[np.float64]]) -> Coded:
    whole = steps.round().astype(np.int64)
    return encode(whole if np.array_equal(whole, steps) else steps)

"""Distributions: how the weights, gradients and activations of each layer are spread, at a step and over a training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np
import traitlets

from nnwidgets.analysis.distributions import (
    LayerDistributions,
    box,
    in_bins,
    joined,
    over_steps,
    rebinned,
    spikes,
    zeros,
)
from nnwidgets.runs import Histogram, Run
from nnwidgets.runs.histories import read_histograms, read_histories
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.options import Choice
from nnwidgets.widgets.training import RunWidget
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import encode

WHAT = ("weights", "gradients", "activations")
STEPS = 200
"""Steps that a slider reaches: of more that were logged, so many are taken evenly."""
RIDGES = 36
"""Steps of one layer in a picture."""


class _Bins(traitlets.Int[Any, Any]):
    """A number of bins, or None."""

    def validate(self, obj: Any, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or not 4 <= value <= 512:
            self.error(obj, value)
        return value

    def error(self, obj: Any, value: Any, error: Exception | None = None, info: str | None = None) -> NoReturn:
        raise traitlets.TraitError(f"bins={value!r}, but it is a number of bins from 4 to 512, or None: as logged")


class Distributions(RunWidget):
    """Histograms of the weights, gradients or activations of each layer, from `nnw.watch(model, optimizer, run)`.

    Views: "histograms", one a layer at the step that is looked at; "boxes", the layers' minimum, quartiles and maximum
    beside each other (ticks at 5 and 95 %); "steps", the selected layer over the training, one ridge a step; "all", all
    layers in one histogram. Beside them: shares of zeros and of dead units, how many values were NaN or infinite, and
    for weights whether they are ternary, as BitNet b1.58's are: three spikes at −s, 0 and +s (Ma et al. 2024, "The Era
    of 1-bit LLMs"). What healthy ones look like: Glorot & Bengio (2010).

    Layer and step are those of the run's selection: a click or Enter selects a layer, the slider a step; without a step
    the newest is shown. Values of a layer are counted as logged: of large ones `watch` counts 16,384, evenly taken, so
    in the view "all" a large layer weighs no more than another.

    Args:
        source: the `Run`, recorded here or by another process, going on or over.
        what: "weights", "gradients" or "activations".
        view: "histograms", "boxes", "steps" or "all".
        bins: of the histograms, 4 to 512; None: as logged. No finer ones can be had than were logged.
        layers: histograms on one page; the pager shows the others.
        shared: whether all histograms of a page have one axis; else each its own.
        log: whether counts have a logarithmic axis.
        height: the tallest that the picture gets, in px.
    """

    what = Choice(*WHAT, default="weights")
    view = Choice("histograms", "boxes", "steps", "all", default="histograms")
    bins = _Bins(None, allow_none=True).tag(sync=True, option=True)
    layers = traitlets.Int(12, min=1, max=64).tag(sync=True, option=True)
    shared = traitlets.Bool(False).tag(sync=True, option=True)
    log = traitlets.Bool(False).tag(sync=True, option=True)
    height = traitlets.Int(480, min=200, max=4000).tag(sync=True, option=True)

    library = None
    _selected = ("layer", "step")

    @property
    def result(self) -> LayerDistributions:
        """Histograms of every layer at the selected step, and of the selected layer over the steps."""
        run, what, selection = self.source, self.what, self.selection
        paths, steps = _paths(run, what), _steps(run, what)
        step = None if not steps else nearest(steps, selection.step)
        histograms = _at(run, what, paths, step)
        over = None
        if paths:
            layer = selection.layer if selection.layer in paths else paths[0]
            taken = run.histograms(f"{what}/{layer}", points=RIDGES)
            over = over_steps(layer, [at for at, _ in taken], [each for _, each in taken], self.bins)
        return LayerDistributions(
            label=run.label,
            what=what,
            step=step,
            paths=paths,
            histograms=histograms,
            dead=_dead(run, paths, step),
            joined=joined(histograms, self.bins),
            over=over,
        )

    def look(self) -> dict[str, Any]:
        names = ("view", "bins", "layers", "shared", "log")
        return {
            "label": self.source.label,
            "layer": self.selection.layer,
            **{name: getattr(self, name) for name in names},
        }

    @answers("distributions.overview")
    def _overview(self, what: str, until: int | None = None) -> Answer:
        """The layers, and the steps at which their histograms were logged."""
        _check_what(what)
        run, cursor = self.source, self.source.cursor
        counted = {each: sum(1 for _ in _paths(run, each)) for each in WHAT}
        steps = np.array(_steps(run, what), np.int64)
        value = {"label": run.label, "cursor": cursor, "paths": list(_paths(run, what)), "counted": counted}
        return Answer(value, {"steps": encode(steps)})

    @answers("distributions.step")
    def _at_step(self, what: str, step: int, bins: int | None = None) -> Answer:
        """Every layer at a step that the overview lists, and all of them joined."""
        _check_what(what)
        run = self.source
        paths = _paths(run, what)
        histograms = _at(run, what, paths, step)
        dead = _dead(run, paths, step)
        binned = [None if each is None else in_bins(each, bins) for each in histograms]
        most = max((len(each[1]) for each in binned if each is not None), default=1)
        ranges, counts = np.full((len(paths), 2), np.nan), np.full((len(paths), most), np.nan)
        boxes = np.full((len(paths), 7), np.nan)
        told: list[dict[str, Any] | None] = []
        for row, (histogram, bars) in enumerate(zip(histograms, binned, strict=True)):
            if histogram is None or bars is None:
                told.append(None)
                continue
            edges, bars_of = bars
            if len(bars_of) < most or not _even(edges):  # rows of one length and of equal bins
                edges, bars_of = _evenly(histogram, most)
            ranges[row], counts[row], boxes[row] = (edges[0], edges[-1]), bars_of, box(histogram)
            told.append(_words(histogram, what, dead[row]))
        value: dict[str, Any] = {"paths": list(paths), "layers": told, "logged": _logged_bins(histograms)}
        arrays = {"ranges": ranges, "counts": counts, "boxes": boxes}
        if (whole := joined(histograms, bins)) is not None:
            arrays |= {"all.edges": whole[0], "all.counts": whole[1]}
        return Answer(value, {name: encode(array) for name, array in arrays.items()})

    @answers("distributions.over")
    def _over(self, what: str, layer: str, bins: int | None = None, until: int | None = None) -> Answer:
        """One layer over the steps, in common bins."""
        _check_what(what)
        paths = _paths(self.source, what)
        if layer not in paths:
            known = ", ".join(map(repr, paths[:6])) or "none"
            raise ValueError(f"layer={layer!r}, but {self.source.label} logged {what} of {known}")
        taken = self.source.histograms(f"{what}/{layer}", points=RIDGES)
        over = over_steps(layer, [step for step, _ in taken], [each for _, each in taken], bins)
        arrays = {
            "steps": encode(over.steps.astype(np.int64)),
            "edges": encode(over.edges),
            "shares": encode(over.shares, "linear16"),
            "boxes": encode(over.boxes),
        }
        return Answer({"layer": layer, "beyond": over.beyond, "cursor": self.source.cursor}, arrays)

    def is_quick(self) -> bool:
        return True

    def first_questions(self) -> Iterator[Question]:
        run, what = self.source, self.what
        yield "distributions.overview", {"what": what, "until": None}
        steps, paths = _steps(run, what), _paths(run, what)
        if not steps:
            return
        if self.view == "steps":
            layer = self.selection.layer if self.selection.layer in paths else paths[0]
            yield "distributions.over", {"what": what, "layer": layer, "bins": self.bins, "until": None}
        yield "distributions.step", {"what": what, "step": nearest(steps, self.selection.step), "bins": self.bins}

    def bake(self) -> Iterator[Question]:
        yield from self.first_questions()
        run, bins = self.source, self.bins
        order = sorted(WHAT, key=lambda each: each != self.what)
        for what in order:
            yield "distributions.overview", {"what": what, "until": None}
            steps = _steps(run, what)
            if steps:
                yield "distributions.step", {"what": what, "step": steps[-1], "bins": bins}
        for what in order:
            for layer in _paths(run, what):
                yield "distributions.over", {"what": what, "layer": layer, "bins": bins, "until": None}
        for what in order:
            for step in _coarse_to_fine(_steps(run, what)):
                yield "distributions.step", {"what": what, "step": step, "bins": bins}


def nearest(steps: list[int], step: int | None) -> int:
    """The logged step nearest to one that is looked at; None: the newest."""
    return steps[-1] if step is None else min(steps, key=lambda each: abs(each - step))


def _check_what(what: str) -> None:
    if what not in WHAT:
        raise ValueError(f"what={what!r}, but it is one of {', '.join(map(repr, WHAT))}")


def _paths(run: Run, what: str) -> tuple[str, ...]:
    """The layers of which histograms were logged, in the order logged: the model's."""
    prefix = f"{what}/"
    series = run.series().values()
    return tuple(
        each.name.removeprefix(prefix)
        for each in series
        if each.kind == "histogram" and each.name.startswith(prefix) and each.count
    )


def _steps(run: Run, what: str) -> list[int]:
    """The steps at which the first layer was logged, rising, each once."""
    paths = _paths(run, what)
    return sorted({step for step, _ in run.histograms(f"{what}/{paths[0]}", points=STEPS)}) if paths else []


def _at(run: Run, what: str, paths: tuple[str, ...], step: int | None) -> tuple[Histogram | None, ...]:
    """The histograms of a step; of a step that came twice, the last."""
    if step is None:
        return tuple(None for _ in paths)
    found = read_histograms(run, [f"{what}/{path}" for path in paths], step)
    return tuple(found.get(f"{what}/{path}") for path in paths)


def _dead(run: Run, paths: tuple[str, ...], step: int | None) -> tuple[float, ...]:
    """Shares of dead units as logged nearest to a step; NaN where none were."""
    names = {path: f"dead/{path}" for path in paths}
    logged = {} if step is None else read_histories(run, names.values(), points=STEPS)
    shares = []
    for name in names.values():
        history = logged.get(name)
        if history is None or step is None:
            shares.append(float("nan"))
        else:
            shares.append(float(history.values[np.argmin(np.abs(history.steps - step))]))
    return tuple(shares)


def _words(histogram: Histogram, what: str, dead: float) -> dict[str, Any]:
    """What is said beside a layer's histogram, as JSON holds it."""
    least, most = zeros(histogram)
    numbers = {name: _plain(getattr(histogram, name)) for name in ("mean", "std", "minimum", "maximum")}
    told: dict[str, Any] = {
        **numbers,
        "values": int(histogram.counts.sum()),
        "nan": histogram.nan,
        "infinite": histogram.infinite,
        "zeros": [least, most],
        "dead": _plain(dead),
    }
    if what == "weights" and histogram.counts.sum():
        found = spikes(histogram)
        told |= {"ternary": found.ternary, "spikes": found.words}
    return told


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _even(edges: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    widths = np.diff(edges)
    return bool(widths.max() <= 1.001 * widths.min())


def _evenly(histogram: Histogram, bins: int) -> tuple[Any, Any]:
    edges = np.linspace(histogram.edges[0], histogram.edges[-1], bins + 1)
    return edges, rebinned(histogram.edges, histogram.counts, edges)


def _logged_bins(histograms: tuple[Histogram | None, ...]) -> int:
    return max((len(each.counts) for each in histograms if each is not None), default=0)


def _coarse_to_fine(steps: list[int]) -> Iterator[int]:
    """Every step once: first a few all over the run, then those between them."""
    seen: set[int] = set()
    stride = max(1, len(steps) // 8)
    while steps:
        for step in steps[::-1][::stride]:
            if step not in seen:
                seen.add(step)
                yield step
        if stride == 1:
            return
        stride = max(1, stride // 2)

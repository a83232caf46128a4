"""A training run's curves, summary and findings: a figure for print, and a still for the notebook. Half of
`TrainingMonitor`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nnwidgets.figures.curves import Chart, Curve, Floats, Gap, Level, Mark, Span, smoothed, spacing
from nnwidgets.figures.curves_print import draw_chart
from nnwidgets.figures.curves_still import FOOT, HEADING, LEFT, fitted, paint_chart
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.palettes import FAINT, INK, SUBTLE, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas, Color
from nnwidgets.runs.history import History
from nnwidgets.runs.names import better, is_of_layer, split

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure
    from nnwidgets.runs.curves import TrainingCurves
    from nnwidgets.runs.diagnosis import Finding

Along = Literal["step", "epoch", "time"]

_PHASES = {"train": "training", "validation": "validation", "test": "test"}
_ADVERSARIAL = ("generator_loss", "discriminator_loss")
_TITLES = {_ADVERSARIAL[0]: "Generator and discriminator loss"}
_ELSEWHERE = ("epoch", "samples_per_second")  # in the summary
_LAST = ("learning_rate", "gradient_norm")
_MOMENT = 0.1  # seconds: what was shorter was no training, but a history that was read
_GAP = head_color(3)
_SEVERITIES: dict[str, Color] = {"serious": (213, 94, 0), "warning": (230, 159, 0), "note": (86, 180, 233)}


# ---------------------------------------------------------------------------------------------------- what is shown


@dataclass(frozen=True)
class _Way:
    """What runs along the x axis: where the points of a series lie, and where a step does."""

    name: str
    of: Callable[[History], Floats]
    at: Callable[[float], float]
    whole: bool = True


@dataclass(frozen=True)
class _Picture:
    charts: tuple[Chart, ...]
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...]
    """Metrics that have no chart, for want of room."""

    @classmethod
    def of(
        cls,
        result: TrainingCurves,
        metrics: Sequence[str] | None,
        smoothing: float,
        x: Along,
        log_y: bool,
        threshold: float | None,
        most: int,
    ) -> _Picture:
        groups = _groups(result, metrics)
        way = _way(result, x)
        charts = tuple(
            _chart(metric, names, result, way, smoothing, log_y, threshold, first=not index)
            for index, (metric, names) in enumerate(list(groups.items())[:most])
        )
        return cls(charts, result.findings, tuple(list(groups)[most:]))


def _groups(result: TrainingCurves, metrics: Sequence[str] | None) -> dict[str, list[str]]:
    """The series that each chart shows, by metric: losses first, learning rate and gradient norm last."""
    groups: dict[str, list[str]] = {}
    for name in result.histories:
        metric = split(name)[0]
        if metrics is None:
            if metric in _ELSEWHERE or is_of_layer(name):
                continue
        elif metric not in metrics and name not in metrics:
            continue
        groups.setdefault(_ADVERSARIAL[0] if metric in _ADVERSARIAL else metric, []).append(name)

    def place(metric: str) -> int:
        if metric in _LAST:
            return 3 + _LAST.index(metric)
        return 0 if metric == "loss" else 1 if metric == _ADVERSARIAL[0] else 1 + ("loss" not in metric)

    return {metric: groups[metric] for metric in sorted(groups, key=place)}


def _way(result: TrainingCurves, x: Along) -> _Way:
    if x == "time":
        longest = max((float(h.times[-1]) for h in result.histories.values() if len(h)), default=0.0)
        size, measure = next((1 / s, u) for least, s, u in _UNITS if longest >= least)
        steps, times = _rising(
            np.concatenate([history.steps for history in result.histories.values()] or [np.empty(0)]),
            np.concatenate([history.times for history in result.histories.values()] or [np.empty(0)]),
        )
        return _Way(
            f"time since the start ({measure})",
            lambda history: history.times * size,
            lambda step: float(_straight(np.array([step]), steps, times)[0]) * size,
            whole=False,
        )
    epochs = next((h for name, h in result.histories.items() if split(name)[0] == "epoch"), None)
    if x == "epoch" and epochs is not None and np.isfinite(epochs.values).any():
        steps, values = _rising(epochs.steps, epochs.values)
        return _Way(
            "epoch",
            lambda history: _straight(history.steps, steps, values),
            lambda step: float(_straight(np.array([step]), steps, values)[0]),
        )
    name = "step" if x == "step" else "step (the run did not log its epochs)"
    return _Way(name, lambda history: history.steps, float)


_UNITS = ((7200.0, 3600.0, "h"), (600.0, 60.0, "min"), (float("-inf"), 1.0, "s"))


def _rising(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Finite points, by rising x, each x once."""
    finite = np.isfinite(x) & np.isfinite(y)
    x, first = np.unique(x[finite], return_index=True)
    return x, y[finite][first]


def _straight(at: Floats, x: Floats, y: Floats) -> Floats:
    """y at other places: between the points, and straight on beyond the first and the last."""
    if len(x) < 2:
        return at + (y[0] - x[0]) if len(x) else at
    places = np.interp(at, x, y)
    before, after = at < x[0], at > x[-1]
    places[before] = y[0] + (at[before] - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
    places[after] = y[-1] + (at[after] - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    return places


def _chart(
    metric: str,
    names: list[str],
    result: TrainingCurves,
    way: _Way,
    smoothing: float,
    log_y: bool,
    threshold: float | None,
    first: bool,
) -> Chart:
    adversarial = metric == _ADVERSARIAL[0]
    phases = [split(name)[1] for name in names]
    curves: list[Curve] = []
    drawn: dict[str, Curve] = {}
    places = {name: way.of(result.histories[name]) for name in names}
    unit_of_x = spacing(np.sort(x) for x in places.values())
    for index, (name, phase) in enumerate(zip(names, phases, strict=True)):
        history = result.histories[name]
        unique = phases.count(phase) == 1 and not adversarial
        color = head_color(list(_PHASES).index(phase) if unique else index)
        order = np.argsort(places[name], kind="stable")
        x, raw = places[name][order], history.values[order]
        y = smoothed(x, raw, smoothing, unit_of_x)
        if smoothing:
            curves.append(Curve(name, x, raw, color, faint=True))
        low, high = (history.low[order], history.high[order]) if history.thinned and not smoothing else (None, None)
        drawn[name] = Curve(_PHASES[phase] if unique and len(names) > 1 else name, x, y, color, low=low, high=high)
        curves.append(drawn[name])
    goal = better(metric)
    gaps, marks = [], []
    if goal is not None and not adversarial:
        marks = [mark for mark in [_best(names, phases, result, way, drawn)] if mark]
        if phases.count("train") == 1 and phases.count("validation") == 1:
            train, validation = (drawn[names[phases.index(phase)]] for phase in ("train", "validation"))
            pair = (train, validation) if goal == "low" else (validation, train)
            gaps = [gap for gap in [_gap(*pair)] if gap]
    levels: tuple[Level, ...] = ()
    if metric == "gradient_norm" and (limit := threshold or result.gradient_threshold) is not None:
        levels = (Level(f"explosion threshold {limit:.3g}", limit, head_color(1)),)
    return Chart(
        title=_TITLES.get(metric) or _title(metric),
        x_label=way.name,
        curves=tuple(curves),
        log_y=metric in _LAST or (log_y and "loss" in metric),
        whole_x=way.whole,
        marks=tuple(marks),
        spans=_spans(names, result, way, first),
        gaps=tuple(gaps),
        levels=levels,
    )


def _title(metric: str) -> str:
    words = display_token(metric.replace("_", " "), 60)
    return words[:1].upper() + words[1:]


def _best(
    names: list[str], phases: Sequence[str], result: TrainingCurves, way: _Way, drawn: dict[str, Curve]
) -> Mark | None:
    """The best value of the validation; of the training where there is none."""
    judged = next((phase for phase in ("validation", "train", "test") if phase in phases), "train")
    name = names[phases.index(judged)]
    found = next((metric for metric in result.summary.metrics if metric.name == name), None)
    if found is None:
        return None
    text = f"best {found.best:.4g} at {way.at(found.best_step):,.4g}"
    return Mark(way.at(found.best_step), found.best, text, drawn[name].color)


def _gap(lower: Curve, upper: Curve) -> Gap | None:
    """The area between two curves, as finely as the denser one goes."""
    (x_low, low), (x_high, high) = _rising(lower.x, lower.y), _rising(upper.x, upper.y)
    if len(x_low) < 2 or len(x_high) < 2:
        return None
    x = x_low if len(x_low) >= len(x_high) else x_high
    x = x[(x >= max(x_low[0], x_high[0])) & (x <= min(x_low[-1], x_high[-1]))]
    low, high = np.interp(x, x_low, low), np.interp(x, x_high, high)
    return Gap("gap", x, low, high, _GAP) if (high > low).any() else None


def _spans(names: list[str], result: TrainingCurves, way: _Way, first: bool) -> tuple[Span, ...]:
    """The steps of the findings that these series show; the first chart takes those that name no series shown."""
    spans = []
    for number, finding in enumerate(result.findings, 1):
        shown = set(finding.metrics) & set(result.histories) if finding.metrics else set()
        here = bool(shown & set(names)) or (first and not any(not is_of_layer(name) for name in shown))
        if finding.steps is not None and here:
            start, stop = (way.at(step) for step in finding.steps)
            spans.append(Span(start, stop, str(number), _SEVERITIES[finding.severity]))
    return tuple(spans)


def _subtitle(result: TrainingCurves) -> str:
    summary = result.summary
    parts = [result.status]
    parts += [] if summary.step is None else [f"step {summary.step:,}"]
    parts += [_duration(summary.seconds)] if summary.seconds >= _MOMENT else []
    return " · ".join(parts)


def _facts(result: TrainingCurves) -> list[tuple[str, str]]:
    """What the summary says beside the metrics."""
    run = result.summary

    def part(value: str, total: int | None) -> str:
        return value if total is None else f"{value} of {total:,}"

    facts = [
        ("Status", run.status),
        ("Overfitting gap (loss)", None if run.gap is None else f"{run.gap:.4g}"),
        ("Steps", None if run.step is None else part(f"{run.step:,}", run.total_steps)),
        ("Epochs", None if run.epoch is None else part(f"{run.epoch:g}", run.total_epochs)),
        ("Learning rate", None if run.learning_rate is None else f"{run.learning_rate:.3g}"),
        ("Mean gradient norm", None if run.mean_gradient_norm is None else f"{run.mean_gradient_norm:.4g}"),
        ("Samples per second", None if run.samples_per_second is None else f"{run.samples_per_second:,.0f}"),
        ("Duration", _duration(run.seconds) if run.seconds >= _MOMENT else None),
        ("Time left", None if run.seconds_left is None else f"about {_duration(run.seconds_left)}"),
    ]
    return [(name, value) for name, value in facts if value is not None]


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _nothing(result: TrainingCurves, metrics: Sequence[str] | None) -> str:
    if metrics is None or not result.histories:
        return "Nothing was logged yet."
    logged = ", ".join(list(result.histories)[:8])
    return f"None of {', '.join(metrics) or 'no metrics'} was logged; the run has {logged}."


# ------------------------------------------------------------------------------------------------------------ print

_LEFT, _WIDE, _BETWEEN = 0.65, 6.75, 0.75  # inches: left of the charts, their width, and between two of them
_TALL, _LOW = 2.1, 1.45  # the first chart, and the others
_UNDER = 0.75  # ticks and name of an x axis, and the title of the next chart
_LINE = 0.15  # a line of text
_MOST = 12  # charts
_CHARACTERS = 118  # of a line of text


def figure(
    result: TrainingCurves,
    *,
    label: str = "",
    metrics: Sequence[str] | None = None,
    smoothing: float = 0.0,
    x: Along = "step",
    log_y: bool = False,
    gradient_threshold: float | None = None,
) -> StyledFigure:
    """The curves of a run for print: a chart for each metric with training and validation, the best value marked and
    the overfitting gap shaded; then the summary as a table, and the findings, whose steps are shaded in the charts.
    """
    from nnwidgets.figures.style import StyledFigure, style

    picture = _Picture.of(result, metrics, smoothing, x, log_y, gradient_threshold, _MOST)
    rows = -(-max(0, len(picture.charts) - 1) // 2)
    charts = _TALL + _UNDER + rows * (_LOW + _UNDER) if picture.charts else _LOW
    table = (max(len(result.summary.metrics) + 1, len(_facts(result))) + 2) * _LINE
    words = _words(picture)
    height = 0.75 + charts + table + (len(words) + 1) * _LINE
    with style():
        drawn = StyledFigure(figsize=(_LEFT + _WIDE + 0.2, height))
        drawn.caption(_LEFT, height - 0.4, display_token(label or result.label, 60), _subtitle(result))
        top = height - 0.75
        for index, chart in enumerate(picture.charts):
            if not index:
                draw_chart(drawn, (_LEFT, top - _TALL, _WIDE, _TALL), chart)
                continue
            row, right = divmod(index - 1, 2)
            width = (_WIDE - _BETWEEN) / 2
            bottom = top - _TALL - row * (_LOW + _UNDER) - _UNDER - _LOW
            draw_chart(drawn, (_LEFT + right * (width + _BETWEEN), bottom, width, _LOW), chart)
        if not picture.charts:
            _say(drawn, _LEFT, top - _LOW / 2, _nothing(result, metrics), color=SUBTLE)
        top -= charts
        _table(drawn, top, result)
        top -= table
        for number, (text, color, weight) in enumerate(words):
            _say(drawn, _LEFT, top - number * _LINE, text, color=color, weight=weight)
    return drawn


def _say(drawn: StyledFigure, left: float, bottom: float, text: str, *, color: Color = INK, **options: Any) -> None:
    across, down = drawn.get_size_inches()
    drawn.text(left / across, bottom / down, text, color=unit(color), **options)


def _table(drawn: StyledFigure, top: float, result: TrainingCurves) -> None:
    """Best and final of each metric on the left, what else there is to say on the right."""
    from matplotlib.lines import Line2D

    columns = ((0.0, "Metric", "left"), (2.05, "Best", "right"), (2.75, "At step", "right"), (3.5, "Final", "right"))
    rows = [
        (display_token(row.name, 24), f"{row.best:.4g}", f"{row.best_step:,.0f}", f"{row.final:.4g}")
        for row in result.summary.metrics
    ]
    for index, (left, head, align) in enumerate(columns if rows else ()):
        _say(drawn, _LEFT + left, top, head, weight="bold", ha=align)
        for row, texts in enumerate(rows, 1):
            _say(drawn, _LEFT + left, top - row * _LINE, texts[index], ha=align)
    left = 4.0 if rows else 0.0
    _say(drawn, _LEFT + left, top, "Summary", weight="bold")
    for row, (name, value) in enumerate(_facts(result), 1):
        _say(drawn, _LEFT + left, top - row * _LINE, name)
        _say(drawn, _LEFT + left + 2.75, top - row * _LINE, value, ha="right")
    across, down = drawn.get_size_inches()
    for start, stop in ((0.0, 3.5), (4.0, 6.75)) if rows else ((0.0, 2.75),):
        drawn.add_artist(
            Line2D(
                [(_LEFT + start) / across, (_LEFT + stop) / across],
                [(top - 0.045) / down] * 2,
                color=unit(FAINT),
                linewidth=0.6,
            )
        )


def _words(picture: _Picture) -> list[tuple[str, Color, str]]:
    """The findings and what was left out, line by line: text, colour, weight."""
    lines: list[tuple[str, Color, str]] = []
    if picture.findings:
        lines.append(("What the curves show", INK, "bold"))
    for number, finding in enumerate(picture.findings, 1):
        sentence = textwrap.wrap(display_token(finding.sentence, 600), _CHARACTERS - 4)
        lines += [(f"{number if not row else ' '}  {text}", INK, "normal") for row, text in enumerate(sentence)]
        layers = f"Layers: {', '.join(finding.layers[:6])}." if finding.layers else ""
        for text in (finding.evidence, layers, finding.cause, finding.remedy):
            wrapped = textwrap.wrap(display_token(text, 600), _CHARACTERS) if text else []
            lines += [(f"    {line}", SUBTLE, "normal") for line in wrapped]
    if picture.left_out:
        names = ", ".join(display_token(name) for name in picture.left_out[:8])
        more = " …" if len(picture.left_out) > 8 else ""
        lines.append((f"Not drawn: {names}{more}: choose with metrics=", SUBTLE, "normal"))
    return lines


# ------------------------------------------------------------------------------------------------------------ still

_WIDE_PIXELS, _GUTTER = 620, 30  # the charts, and what else lies between two of them
_TALL_PIXELS, _LOW_PIXELS, _LINE_PIXELS = 170, 96, 17
_MOST_IN_STILL, _MOST_WORDS = 5, 4


def still(
    result: TrainingCurves,
    *,
    label: str = "",
    metrics: Sequence[str] | None = None,
    smoothing: float = 0.0,
    x: Along = "step",
    log_y: bool = False,
    gradient_threshold: float | None = None,
) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib: the first charts and findings."""
    picture = _Picture.of(result, metrics, smoothing, x, log_y, gradient_threshold, _MOST_IN_STILL)
    words = [f"{number}  {finding.sentence}" for number, finding in enumerate(picture.findings[:_MOST_WORDS], 1)]
    rows = -(-max(0, len(picture.charts) - 1) // 2)
    tall, low = HEADING + _TALL_PIXELS + FOOT, HEADING + _LOW_PIXELS + FOOT
    height = CAPTION + (tall + rows * low if picture.charts else 60) + len(words) * _LINE_PIXELS + 8
    canvas = Canvas(LEFT + _WIDE_PIXELS + 14, height)
    title = fitted(label or result.label, _WIDE_PIXELS, size=14, bold=True)
    canvas.caption(12, title, _subtitle(result))
    for index, chart in enumerate(picture.charts):
        if not index:
            paint_chart(canvas, (LEFT, CAPTION + HEADING, _WIDE_PIXELS, _TALL_PIXELS), chart)
            continue
        row, right = divmod(index - 1, 2)
        width = (_WIDE_PIXELS - LEFT - _GUTTER) // 2
        top = CAPTION + tall + row * low + HEADING
        paint_chart(canvas, (LEFT + right * (width + LEFT + _GUTTER), top, width, _LOW_PIXELS), chart)
    if not picture.charts:
        canvas.text(12, CAPTION + 20, fitted(_nothing(result, metrics), _WIDE_PIXELS), SUBTLE)
    for row, text in enumerate(words):
        canvas.text(12, height - (len(words) - row) * _LINE_PIXELS, fitted(text, _WIDE_PIXELS + 40), INK)
    return canvas.png()

"""What the widgets of a training run share: the questions about its curves that a page asks, and their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from nnwidgets.runs import History, Run
from nnwidgets.runs.histories import read_histories
from nnwidgets.runs.names import split
from nnwidgets.source.errors import SourceClosed
from nnwidgets.widgets.base import Question, Widget
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import Coded, encode

PREVIEW = 1_000
"""Points of a series in a first picture, and in what a saved notebook keeps."""
WHOLE = 100_000
"""Points of a series that go to the page as they were logged; of longer ones come `THINNED` buckets."""
THINNED = 20_000
CLOSER = 4_000
"""Points of a part that a reader zooms into."""


class RunWidget(Widget):
    """A widget that shows a training run."""

    source: Run
    library: ClassVar[str | None] = "uplot"
    _selected: tuple[str, ...] = ("step",)
    _called = "run"

    def __init__(self, source: Run | None = None, **options: Any) -> None:
        if not isinstance(source, Run):
            other = "" if source is None else f", not at {type(source).__name__}"
            raise TypeError(f"{type(self).__name__} looks at a Run{other}: make one with nnw.RunStore(path).run(name)")
        if source.closed:
            raise SourceClosed(f"the run {source.label} was closed: load it again with store.load({source.id!r})")
        super().__init__(source, **options)

    @answers("run.story")
    def _story(self, until: int | None = None) -> Answer:
        """All scalar series from the beginning: a preview of them, or whole where the page knows that there is more."""
        run, cursor = self.source, self.source.cursor
        described: list[dict[str, Any]] = []
        arrays: dict[str, Coded] = {}
        limit, most = (PREVIEW, PREVIEW) if until is None else (WHOLE, THINNED)
        scalars = {name: series.count for name, series in run.series().items() if series.kind == "scalar"}
        long = [name for name, count in scalars.items() if count > limit]
        histories = read_histories(run, scalars.keys() - set(long)) | read_histories(run, long, points=most)
        for name in scalars:
            history = histories[name]
            metric, phase = split(name)
            arrays |= _coded(len(described), history)
            described.append(
                {
                    "name": name,
                    "metric": metric,
                    "phase": phase,
                    "count": int(history.counts.sum()),
                    "thinned": history.thinned,
                }
            )
        value = {
            "label": run.label,
            "status": run.status,
            "started": run.started,
            "series": described,
            "cursor": cursor,
        }
        return Answer(value, arrays)

    @answers("run.closer")
    def _closer(self, name: str, start: float, stop: float, until: int | None = None) -> Answer:
        """One series in the steps from `start` to `stop`, finer than the whole."""
        self._check_series(name)
        return Answer({}, _coded(0, self.source.history(name, points=CLOSER, start=start, stop=stop)))

    def is_quick(self) -> bool:
        return True

    def first_questions(self) -> Iterator[Question]:
        yield "run.story", {"until": None}

    def bake(self) -> Iterator[Question]:
        yield from self.first_questions()
        yield "run.story", {"until": self.source.cursor}

    def _check_series(self, name: str) -> None:
        known = self.source.series()
        if name not in known:
            raise ValueError(f"name={name!r}, but {self.source.label} has logged {_listed(list(known))}")


def _coded(number: int, history: History) -> dict[str, Coded]:
    """The arrays of one series: steps exact, times in seconds since the run began."""
    arrays = {"steps": history.steps, "values": history.values, "times": history.times}
    if history.thinned:
        arrays |= {"low": history.low, "high": history.high}
    return {f"{number}.{part}": encode(_whole(array) if part == "steps" else array) for part, array in arrays.items()}


def _whole(steps: Any) -> Any:
    """Steps as whole numbers where they are: float32 would round those beyond 16 million."""
    whole = steps.astype("int64")
    return whole if (whole == steps).all() else steps


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8]))
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown or "nothing yet"

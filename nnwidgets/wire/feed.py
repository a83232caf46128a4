"""Tells the pages of a run what its training does: its state, and the points that were logged.

Points go out once, numbered by their place in their series: a page that missed some asks for the whole again.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnwidgets.runs import Batch, Run
from nnwidgets.wire import kernel
from nnwidgets.wire.codec import Coded, encode

if TYPE_CHECKING:
    from nnwidgets.wire.streams import Stream

_REST = 0.5  # seconds between two statements of the state while points come

_DEAF = (
    "A running cell holds the kernel, and ipykernel {version} hears nothing meanwhile: Pause and Stop need "
    "run.train(function) in a cell that returns, or ipykernel 7."
)


class RunFeed:
    """Follows a run for the stream of its widgets. Holds the run weakly, as its twin does.

    `ended()` is called once, when a run that was going on is over.
    """

    def __init__(self, run: Run, stream: Stream, ended: Callable[[], object]) -> None:
        self._run = weakref.ref(run)
        self._stream = stream
        self._ended = ended
        self._goes_on = run.status == "running"
        self._forget = (run.on_points(self._on_points), run.on_status(self._on_status))
        self._on_status(run)

    def close(self) -> None:
        """The last widget is gone: nobody looks any more."""
        for forget in self._forget:
            forget()

    def _on_points(self, batch: Batch) -> None:
        arrays: dict[str, Coded] = {}
        series = []
        for number, (name, points) in enumerate(batch.series.items()):
            series.append({"name": name, "from": points.first_index})
            arrays[f"{number}.steps"] = encode(points.steps)
            arrays[f"{number}.values"] = encode(points.values)
            arrays[f"{number}.times"] = encode(points.times)
        news = {"kind": "points", "series": series, "cursor": batch.cursor, "grew": sorted(batch.grown)}
        self._stream.tell(news, arrays)
        run = self._run()
        if run is not None:
            self._stream.push(rest=_REST, state=state(run))

    def _on_status(self, run: Run) -> None:
        self._stream.push(state=state(run))
        if self._goes_on and run.status != "running":
            self._goes_on = False
            self._ended()


def state(run: Run) -> dict[str, Any]:
    """What a page is told of a run without asking."""
    control = run.control
    return {
        "name": run.label,
        "status": run.status,
        "recording": run.recording,
        "step": run.step,
        "cursor": run.cursor,
        "message": run.message,
        "trouble": run.trouble,
        "started": run.started,
        "ended": run.ended,
        "control": control.state,
        "note": control.note,
        "learningRate": control.learning_rate,
        "canSetLearningRate": control.can_set_learning_rate,
        "deaf": _deaf(run),
    }


def _deaf(run: Run) -> str | None:
    """Why a page's words would not be heard now; None where they are."""
    if kernel.has_subshells() or not (run.recording and kernel.cell_is_running()):
        return None
    return _DEAF.format(version=kernel.ipykernel_version())

"""The runs room: training runs, recorded as they go and read back.

    store = RunStore("runs.sqlite")
    with store.run("lenet", config={"lr": 0.1}) as run:
        run.log(0, loss=2.3)

Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnwidgets.runs.control import Control as Control
    from nnwidgets.runs.errors import NotRecording as NotRecording
    from nnwidgets.runs.errors import StopTraining as StopTraining
    from nnwidgets.runs.errors import StoreError as StoreError
    from nnwidgets.runs.histograms import Histogram as Histogram
    from nnwidgets.runs.history import History as History
    from nnwidgets.runs.images import Image as Image
    from nnwidgets.runs.records import Batch as Batch
    from nnwidgets.runs.records import Points as Points
    from nnwidgets.runs.records import Series as Series
    from nnwidgets.runs.run import Run as Run
    from nnwidgets.runs.store import RunStore as RunStore

_HOME = {
    "Batch": "records",
    "Control": "control",
    "Histogram": "histograms",
    "History": "history",
    "Image": "images",
    "NotRecording": "errors",
    "Points": "records",
    "Run": "run",
    "RunStore": "store",
    "Series": "records",
    "StopTraining": "errors",
    "StoreError": "errors",
}

__all__ = [
    "Batch",
    "Control",
    "Histogram",
    "History",
    "Image",
    "NotRecording",
    "Points",
    "Run",
    "RunStore",
    "Series",
    "StopTraining",
    "StoreError",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"nnwidgets.runs.{_HOME[name]}"), name)
    raise AttributeError(f"module 'nnwidgets.runs' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return list(__all__)

"""Tells the pages of a process which branches it has; their frames are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnwidgets.processes import Process

if TYPE_CHECKING:
    from nnwidgets.wire.streams import Stream


class ProcessFeed:
    """Follows a process for the stream of its widgets."""

    def __init__(self, process: Process, stream: Stream) -> None:
        self._stream = stream
        self._forget = process.on_branches(self._on_branches)
        self._on_branches(process)

    def close(self) -> None:
        """The last widget is gone: nobody looks any more."""
        self._forget()

    def _on_branches(self, process: Process) -> None:
        self._stream.push(state=state(process))


def state(process: Process) -> dict[str, Any]:
    """What a page is told of a process without asking."""
    branches = [
        {"index": branch.index, "parent": branch.parent, "step": branch.step, "label": branch.label}
        for branch in process.branches
    ]
    return {"steps": process.steps, "branches": branches}

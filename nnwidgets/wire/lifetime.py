"""Who lives how long: a cell that runs again closes what it made; a source that closes takes its widgets along.

Twins are made for the first widget of a source and closed after its last one. Where a named source's cell runs again,
widgets of other cells follow the new source of that name; of one without a name they keep the last picture and say
so.
"""

from __future__ import annotations

import logging
import time
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnwidgets.processes import Process
from nnwidgets.runs import Run
from nnwidgets.runs.plot_data import PlotData
from nnwidgets.source import Source
from nnwidgets.wire import kernel
from nnwidgets.wire.feed import RunFeed
from nnwidgets.wire.plot_feed import PlotFeed
from nnwidgets.wire.process_feed import ProcessFeed
from nnwidgets.wire.requests import Desk
from nnwidgets.wire.streams import Stream
from nnwidgets.wire.twins import SelectionTwin, SourceTwin

if TYPE_CHECKING:
    from nnwidgets.source.selection import Selection
    from nnwidgets.wire.link import LinkedWidget

_PATIENCE = 10.0  # seconds that a cell waits for widgets' runs of the model to stop
_RAN_AGAIN = "The cell that made {label} ran again: this is the last picture. Run this cell again to follow it."


@dataclass
class Linked:
    """A source that has widgets: its twins and who uses them."""

    twin: SourceTwin
    selection: SelectionTwin
    stream: Stream
    desk: Desk
    feed: RunFeed | PlotFeed | ProcessFeed | None = None
    widgets: list[LinkedWidget] = field(default_factory=list)


_log = logging.getLogger(__name__)
_linked: weakref.WeakKeyDictionary[Any, Linked] = weakref.WeakKeyDictionary()
_selections: weakref.WeakKeyDictionary[Selection, SelectionTwin] = weakref.WeakKeyDictionary()
_selection_users: weakref.WeakKeyDictionary[Selection, int] = weakref.WeakKeyDictionary()
_sources: weakref.WeakSet[Any] = weakref.WeakSet()
_orphans: dict[str, list[weakref.ref[LinkedWidget]]] = {}


def join(widget: LinkedWidget, source: Source) -> Linked:
    """Count `widget` among the source's, making the twins for the first one."""
    linked = _linked.get(source)
    if linked is None:
        linked = _link(source)
    linked.widgets.append(widget)
    return linked


def leave(widget: LinkedWidget, source: Source) -> None:
    """The widget is closed, or goes to another source; the last one turns off the light."""
    linked = _linked.get(source)
    if linked is None or widget not in linked.widgets:
        return
    linked.widgets.remove(widget)
    if not linked.widgets:
        _unlink(source, linked)


def widgets_of(source: Source) -> tuple[LinkedWidget, ...]:
    """The open widgets of a source."""
    linked = _linked.get(source)
    return tuple(linked.widgets) if linked is not None else ()


def linked_sources() -> list[tuple[Any, Linked]]:
    """All sources that have widgets now."""
    return list(_linked.items())


def _link(source: Source) -> Linked:
    selection = source.selection
    selection_twin = _selections.get(selection)
    if selection_twin is None:
        selection_twin = _selections[selection] = SelectionTwin(selection)
    _selection_users[selection] = _selection_users.get(selection, 0) + 1
    twin, stream = SourceTwin(label=source.label, version=source.version), Stream()
    linked = Linked(twin, selection_twin, stream, Desk(twin, stream, source))
    if isinstance(source, Run):
        linked.feed = RunFeed(source, stream, lambda: _keep_pictures(linked))
    elif isinstance(source, PlotData):
        linked.feed = PlotFeed(source, stream, lambda: _keep_pictures(linked))
    elif isinstance(source, Process):
        linked.feed = ProcessFeed(source, stream)
    _linked[source] = linked
    if source not in _sources:
        _follow(source)
    return linked


def _keep_pictures(linked: Linked) -> None:
    """What the widgets first showed is old by now: a notebook that is saved from here on shows the end."""
    for widget in tuple(linked.widgets):
        try:
            widget.keep_picture()
        except Exception:
            _log.exception("the last picture of %r could not be kept", widget)


def _unlink(source: Source, linked: Linked) -> None:
    del _linked[source]
    linked.desk.close()
    if linked.feed is not None:
        linked.feed.close()
    linked.twin.close()
    linked.stream.close()
    selection = source.selection
    _selection_users[selection] -= 1
    if not _selection_users[selection]:
        del _selection_users[selection]
        _selections.pop(selection).close()


def _follow(source: Any) -> None:
    _sources.add(source)
    source.on_close(_on_source_close)
    source.on_change(_on_source_change)


def _on_source_change(source: Any, reason: str) -> None:
    linked = _linked.get(source)
    if linked is not None:
        with linked.twin.hold_sync():
            linked.twin.label = source.label
            linked.twin.message = reason
            linked.twin.version = source.version


def _on_source_close(source: Any) -> None:
    _sources.discard(source)
    for widget in widgets_of(source):
        if not widget.orphaned:
            widget.close()


def _on_source_open(source: Any) -> None:
    kernel.watch_cells()
    _follow(source)
    for reference in _orphans.pop(source.name, []) if source.name is not None else []:
        widget = reference()
        if widget is not None and not widget.closed:
            widget.follow(source)
    if isinstance(source, Run):
        for _, linked in linked_sources():
            linked.desk.resume()


def _on_cell(cell: str | None) -> None:
    """A cell begins: no widget runs a model meanwhile, and what an earlier run of this cell made is closed."""
    stopping = [job for _, linked in linked_sources() for job in linked.desk.pause()]
    until = time.monotonic() + _PATIENCE
    for job in stopping:
        if not job.wait(max(0.0, until - time.monotonic())):
            _log.warning("a widget's run of the model does not stop; the cell runs beside it")
    if cell is None:
        return
    for _, linked in linked_sources():
        for widget in tuple(linked.widgets):
            if widget.cell == cell:
                widget.close()
    for source in list(_sources):
        if source.cell == cell:
            _abandon(source)


def _abandon(source: Any) -> None:
    """Close a source whose cell runs again, but leave the widgets of other cells their last picture."""
    linked = _linked.get(source)
    if linked is not None:
        with linked.twin.hold_sync():
            linked.twin.state = "closed"
            linked.twin.message = _RAN_AGAIN.format(label=source.label)
        for widget in linked.widgets:
            widget.orphaned = True
            if source.name is not None:
                _orphans.setdefault(source.name, []).append(weakref.ref(widget))
    source.close()


def _after_cell() -> None:
    for _, linked in linked_sources():
        linked.desk.resume()
        linked.desk.check()


Source.opened.append(_on_source_open)
kernel.before_cell(_on_cell)
kernel.after_cell(_after_cell)

"""What makes a widget a window onto a source: its references to runtime, code and twins, its options, its answers."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

import anywidget
import traitlets

from nnwidgets.source import Source
from nnwidgets.source.cell import current_cell
from nnwidgets.source.selection import FIELDS
from nnwidgets.wire import answers, kernel, lifetime
from nnwidgets.wire.answers import Answer
from nnwidgets.wire.route import pin
from nnwidgets.wire.runtime import code, runtime

LOADER = """export default { async render({ model, el, host, signal }) {
  try {
    if (!host?.getWidget) throw new Error("this front end needs anywidget 0.11 or newer");
    const get = async (name) => (await host.getWidget(model.get(name))).exports;
    await (await get("_runtime")).mount({ model, el, signal, get });
  } catch (error) { el.textContent = `nnwidgets: ${error.message}`; }
} };"""


class LinkedWidget(anywidget.AnyWidget):
    """A widget of a source (a session, later a run or a process). Subclasses declare options and answers.

    Options are traits tagged `sync=True, option=True`: given to the constructor or assigned later, validated both
    times; an unknown name is an error. Methods marked `@answers("what")` answer the page.
    """

    _esm = traitlets.Unicode(LOADER).tag(sync=True)
    _runtime = anywidget.WidgetTrait().tag(sync=True)
    _code = anywidget.WidgetTrait().tag(sync=True)
    _source = anywidget.WidgetTrait().tag(sync=True)
    _selection = anywidget.WidgetTrait().tag(sync=True)
    _stream = anywidget.WidgetTrait().tag(sync=True)
    _key = traitlets.Unicode().tag(sync=True)
    _library = anywidget.WidgetTrait().tag(sync=True)
    _snapshot: traitlets.List[Any] = traitlets.List().tag(sync=True, echo_update=False)

    module: ClassVar[str]
    """The name that this class shares with its browser half and its figure."""
    library: ClassVar[str | None] = None
    """The front-end library that the browser half is given, sent once for a kernel."""
    _answering: ClassVar[dict[str, str]] = {}
    _acting: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__module__.startswith("nnwidgets.widgets."):  # a reader's subclass looks as the widget that it extends
            cls.module = cls.__module__.rpartition(".")[2]
        cls._answering = answers.answering_methods(cls)
        cls._acting = answers.acting_methods(cls)

    def __init__(self, source: Source, **options: Any) -> None:
        for name in dir(type(self)):  # traitlets' metaclass does not look
            if getattr(inspect.getattr_static(type(self), name), "__isabstractmethod__", False):
                raise TypeError(f"{type(self).__name__} does not say {name}")
        for name in options:
            if name not in self.option_names() and name != "layout":
                raise TypeError(self._no_option(name))
        source.check()  # a closed source takes no widget
        kernel.watch_cells()
        self._looks_at: Source | None = source
        self._label = source.label
        self._orphaned = False
        self._cell = current_cell()
        linked = lifetime.join(self, source)
        try:
            super().__init__(
                _runtime=runtime(),
                _code=code(f"widgets/{self.module}"),
                _library=None if self.library is None else code(f"libraries/{self.library}"),
                _source=linked.twin,
                _selection=linked.selection,
                _stream=linked.stream,
                _key=uuid.uuid4().hex,
                **options,
            )
        except BaseException:
            lifetime.leave(self, source)  # nothing half-built: an option was refused
            raise
        pin(self.comm)
        linked.desk.register(self._key, self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._label}{', closed' if self.closed else ''})"

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(self._no_option(name))
        super().__setattr__(name, value)

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """The options that this widget takes."""
        return tuple(cls.class_trait_names(option=True))

    @property
    def source(self) -> Any:
        """What the widget looks at. Raises RuntimeError once the widget is closed."""
        if self._looks_at is None:
            raise RuntimeError(f"this {type(self).__name__} was closed: make it again to look at {self._label}")
        return self._looks_at

    @property
    def selection(self) -> Any:
        """The source's selection, that all its widgets share."""
        return self.source.selection

    @property
    def cell(self) -> str | None:
        """The notebook cell that made the widget; when it runs again, the widget is closed."""
        return self._cell

    @property
    def closed(self) -> bool:
        return self.comm is None

    @property
    def orphaned(self) -> bool:
        """Whether the source is gone and the widget keeps its last picture."""
        return self._orphaned

    @orphaned.setter
    def orphaned(self, orphaned: bool) -> None:
        self._orphaned = orphaned

    def follow(self, source: Source) -> None:
        """Look at another source of the same name from now on."""
        former = self.source
        linked = lifetime.join(self, source)
        self._looks_at, self._label, self._orphaned = source, source.label, False
        linked.desk.register(self._key, self)
        with self.hold_sync():
            self._snapshot = []
            self._selection, self._stream, self._source = linked.selection, linked.stream, linked.twin
        lifetime.leave(self, former)  # only now: the page must never hold a reference to a closed twin

    def keep_picture(self) -> None:
        """Keep in the widget's state what a saved notebook needs to show it."""

    def close(self) -> None:
        """Take the widget out of every page and let go of its source."""
        if self.comm is None:
            return
        layout, source = self.layout, self.source
        super().close()
        layout.close()
        lifetime.leave(self, source)
        self._looks_at = None  # the notebook's history may hold the widget; it must not hold a model

    def answer(self, what: str, arguments: Mapping[str, Any]) -> Answer:
        """Answer a question of the page. Raises ValueError for a question that this widget does not know."""
        name = self._answering.get(what)
        if name is None:
            known = ", ".join(sorted(self._answering))
            raise ValueError(f"{type(self).__name__} does not answer {what!r}: it answers {known}")
        answer: Answer = answers.call(getattr(self, name), what, arguments)
        return answer

    def act(self, what: str, arguments: Mapping[str, Any]) -> Any:
        """Do what a reader asks for. Raises ValueError for what this widget does not do."""
        name = self._acting.get(what)
        if name is None:
            known = ", ".join(sorted(self._acting)) or "nothing"
            raise ValueError(f"{type(self).__name__} does not do {what!r}: it does {known}")
        return answers.call(getattr(self, name), what, arguments)

    @classmethod
    def _no_option(cls, name: str) -> str:
        names = ", ".join(cls.option_names())
        if name in FIELDS:
            return f"{name} belongs to the selection that all widgets of a source share: set session.selection.{name}"
        return f"{cls.__name__} has no option {name!r}: it has {names}"

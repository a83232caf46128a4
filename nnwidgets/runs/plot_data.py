"""`PlotData`: series of a user's own that grow point by point, in memory: what a `LivePlot` looks at."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nnwidgets.source.base import Source, call, listen

Floats = npt.NDArray[np.float64]
PlotKind = Literal["line", "scatter"]
Dash = Literal["solid", "dashed", "dotted"]

RATE = 10.0
"""Times a second at most that listeners are told."""
_IDLE = 5.0  # seconds without news after which the thread that tells them ends
_FIRST = 64  # points that a series has room for at first
_SHORT = 60  # characters of a value in an error


@dataclass(frozen=True)
class PlotStyle:
    """How a series is drawn; colours are red, green and blue from 0 to 255, widths in px."""

    kind: PlotKind
    color: tuple[int, int, int]
    width: float
    dash: Dash


@dataclass(frozen=True, eq=False)
class PlotSeries:
    """A series as it stands: points in the order given. `number` is its own: of one that was replaced, another."""

    name: str
    number: int
    style: PlotStyle
    x: Floats
    y: Floats


@dataclass(frozen=True, eq=False)
class PlotPoints:
    """New points of the series `number`; `first_index` is how many came before."""

    number: int
    first_index: int
    x: Floats
    y: Floats


@dataclass(frozen=True, eq=False)
class PlotBatch:
    """What is new since the last batch; `cursor` rises."""

    points: tuple[PlotPoints, ...]
    cursor: int


@dataclass(frozen=True)
class PlottedSeries:
    """What a live plot shows."""

    label: str
    series: tuple[PlotSeries, ...]


class _Line:
    """One series that grows. What was written stays where it is, so that readers need no copy: only the end moves."""

    __slots__ = ("length", "name", "number", "style", "told", "x", "y")

    def __init__(self, name: str, number: int, style: PlotStyle) -> None:
        self.name, self.number, self.style = name, number, style
        self.x, self.y = np.empty(_FIRST), np.empty(_FIRST)
        self.length = self.told = 0

    def add(self, x: float, y: float) -> None:
        at = self.length
        if at == len(self.x):
            self._grow(at + 1)
        self.x[at] = x
        self.y[at] = y
        self.length = at + 1

    def extend(self, x: Floats, y: Floats) -> None:
        at, end = self.length, self.length + len(x)
        if end > len(self.x):
            self._grow(end)
        self.x[at:end] = x
        self.y[at:end] = y
        self.length = end

    def part(self, start: int) -> tuple[Floats, Floats]:
        x, y = self.x[start : self.length], self.y[start : self.length]
        x.flags.writeable = y.flags.writeable = False
        return x, y

    def _grow(self, least: int) -> None:
        size = max(least, 2 * len(self.x))
        for name in ("x", "y"):
            larger = np.empty(size)
            larger[: self.length] = getattr(self, name)[: self.length]
            setattr(self, name, larger)


class PlotData(Source):
    """Named series of points, x in any order. May be written from any thread; writing never waits for who looks.

    Args:
        name, save_dir: see `Source`.
    """

    def __init__(self, *, name: str | None = None, save_dir: str | PathLike[str] | None = None) -> None:
        super().__init__(name=name, save_dir=save_dir)
        self._guard = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self._numbers = 0
        self._cursor = 0
        self._on_points: list[Callable[[PlotBatch], object]] = []
        self._on_series: list[Callable[[PlotData], object]] = []
        self._news = threading.Event()
        self._dirty = self._changed = False
        self._teller: threading.Thread | None = None
        self._telling = threading.Lock()
        self._opened()

    def __repr__(self) -> str:
        names = ", ".join(f"{line.name!r}: {line.length:,}" for line in list(self._lines.values())[:8])
        return f"PlotData({names})"

    @property
    def label(self) -> str:
        return self.name or "live plot"

    @property
    def cursor(self) -> int:
        """Rises with every batch that listeners are told."""
        return self._cursor

    @property
    def count(self) -> int:
        """Points of all series."""
        return sum(line.length for line in tuple(self._lines.values()))

    def put(self, name: str, x: Any, y: Any, style: PlotStyle) -> None:
        """A series with these points, in place of the one of that name."""
        xs, ys = _pair(name, x, y)
        with self._guard:
            line = self._make(name, style)
            line.extend(xs, ys)
            self._announce(changed=True)

    def append(self, name: str, x: Any, y: Any, style: Callable[[], PlotStyle]) -> None:
        """More points of a series: numbers, or arrays of one length. Of a new name it makes a series, in `style()`."""
        line = self._lines.get(name)
        if line is not None and type(x) in _NUMBERS and type(y) in _NUMBERS:
            with self._guard:
                line.add(x, y)
                if not self._dirty:
                    self._announce()
            return
        xs, ys = _pair(name, x, y)
        look = style() if line is None else line.style
        with self._guard:
            line = self._lines.get(name)
            fresh = line is None
            if line is None:
                line = self._make(name, look)
            line.extend(xs, ys)
            self._announce(changed=fresh)

    def clear(self, name: str | None = None) -> None:
        """Drop a series, or all. Raises `KeyError` where there is none of that name."""
        with self._guard:
            if name is None:
                self._lines.clear()
            elif name not in self._lines:
                there = ", ".join(map(repr, self._lines)) or "no series"
                raise KeyError(f"there is no series {name!r} to clear: the plot has {there}")
            else:
                del self._lines[name]
            self._announce(changed=True)

    def series(self) -> tuple[PlotSeries, ...]:
        """All series as they stand, in the order made; their arrays are views that will not change."""
        with self._guard:
            return tuple(PlotSeries(line.name, line.number, line.style, *line.part(0)) for line in self._lines.values())

    def described(self) -> list[tuple[str, int, PlotStyle]]:
        """Name, number and look of each series."""
        with self._guard:
            return [(line.name, line.number, line.style) for line in self._lines.values()]

    def read(self) -> PlottedSeries:
        """What a plot of it shows."""
        return PlottedSeries(self.label, self.series())

    def on_points(self, callback: Callable[[PlotBatch], object]) -> Callable[[], None]:
        """Call `callback(batch)` with new points, at most `RATE` times a second, in a thread of its own.

        The function returned takes it back.
        """
        with self._guard:
            if not self._on_points:
                for line in self._lines.values():
                    line.told = line.length  # nobody was there to be told
        return listen(self._on_points, callback)

    def on_series(self, callback: Callable[[PlotData], object]) -> Callable[[], None]:
        """Call `callback(data)` after a series came, went or looks different, in the same thread."""
        return listen(self._on_series, callback)

    def flush(self) -> None:
        """Tell listeners now what is new."""
        self._tell_news()

    def _let_go(self) -> None:
        with self._guard:
            self._on_points.clear()
            self._on_series.clear()
        self._news.set()

    def _make(self, name: str, style: PlotStyle) -> _Line:
        if not isinstance(name, str):
            raise TypeError(f"name={name!r}, but it is a text")
        self._numbers += 1
        line = self._lines[name] = _Line(name, self._numbers, style)  # one that is replaced keeps its place
        return line

    def _announce(self, *, changed: bool = False) -> None:
        """Something is new; the guard is held."""
        self._changed |= changed
        if not (self._on_points or self._on_series):
            return
        self._dirty = True
        if self._teller is None:
            self._teller = threading.Thread(
                target=_tell_on, args=(weakref.ref(self), self._guard, self._news), name="nnwidgets plot", daemon=True
            )
            self._teller.start()
        self._news.set()

    def _tell_news(self) -> None:
        with self._telling:  # batches in their order
            with self._guard:
                self._dirty, changed, self._changed = False, self._changed, False
                points = []
                for line in self._lines.values():
                    if line.length > line.told:
                        points.append(PlotPoints(line.number, line.told, *line.part(line.told)))
                        line.told = line.length
                if points:
                    self._cursor += 1
                batch = PlotBatch(tuple(points), self._cursor)
            if changed:
                for tell in tuple(self._on_series):
                    call(tell, self)
            if batch.points:
                for hear in tuple(self._on_points):
                    call(hear, batch)


_NUMBERS = frozenset((int, float))


def _tell_on(reference: weakref.ref[PlotData], guard: threading.Lock, news: threading.Event) -> None:
    """Tell the listeners of a plot what is new, as long as there is some and the plot is there."""
    rest = threading.Event()
    while True:
        there = news.wait(_IDLE)
        news.clear()
        data = reference()
        if data is None:
            return
        if not there or data.closed:
            with guard:
                if not data._dirty or data.closed:
                    data._teller = None
                    return
        data._tell_news()
        del data
        rest.wait(1 / RATE)


def _pair(name: str, x: Any, y: Any) -> tuple[Floats, Floats]:
    """x and y as rows of numbers of one length."""
    xs, ys = _row(name, "x", x), _row(name, "y", y)
    if len(xs) != len(ys):
        raise ValueError(f"{name!r} is given {len(xs):,} x and {len(ys):,} y, but each point has one of both")
    return xs, ys


def _row(name: str, what: str, values: Any) -> Floats:
    if hasattr(values, "detach"):  # a tensor
        values = values.detach().cpu()
        if getattr(values, "is_floating_point", bool)() and values.element_size() < 4:
            values = values.float()  # bfloat16, which numpy does not know
        values = values.numpy()
    try:
        if values is None or isinstance(values, str | bytes):
            raise TypeError
        array = np.asarray(values)
        if array.size and array.dtype.kind not in "biufO":  # an empty list has a type by chance
            raise TypeError
        row = array.astype(np.float64)
    except (TypeError, ValueError):
        shown = repr(values)
        shown = shown if len(shown) <= _SHORT else f"{shown[: _SHORT - 1]}…"
        raise TypeError(f"{name!r} is given {what}={shown}, but it takes a number or a row of numbers") from None
    if row.ndim > 1:
        raise ValueError(
            f"{name!r} is given {what} of shape {row.shape}, but it takes a number or one row of them: "
            f"draw the rows as series of their own"
        )
    return row.reshape(-1)

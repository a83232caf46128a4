"""LivePlot: any series of the user's own, drawn while they grow: in a notebook, and from a plain script."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import traitlets

from nnwidgets.export.files import write_text
from nnwidgets.export.live_page import LivePage
from nnwidgets.figures.palettes import head_color
from nnwidgets.runs.plot_data import Dash, Floats, PlotData, PlotSeries, PlotStyle, PlottedSeries
from nnwidgets.source.notebook import in_notebook
from nnwidgets.widgets.base import Question, Widget
from nnwidgets.widgets.colors import parse_color
from nnwidgets.widgets.plot_files import to_csv, to_json
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import Coded
from nnwidgets.wire.plot_feed import described, exact

PREVIEW = 1_000
"""Points of a series in a first picture, and in what a saved notebook keeps."""
WHOLE = 100_000
"""Points of a series that go to the page as they are; of longer ones it gets so many."""

_DASHES = ("solid", "dashed", "dotted")
_WIDTHS = (0.1, 50.0)


class LivePlot(Widget):
    """Lines and points of your own, live while they come.

        plot = nnw.LivePlot(title="Training", x_label="epoch")
        for epoch in range(epochs):
            plot.append("loss", epoch, train_epoch())
        plot.save("training.html")

    A line joins its points in the order of their x; points may come in any order and from any thread. To append costs
    microseconds, whatever the browser does. In a notebook the plot shows itself; a plain script saves it, or keeps a
    page that refreshes itself (`page`).

    Args:
        source: the `PlotData` of another plot, to show its series here too; None makes a new one.
        title, x_label, y_label: above the plot, under it, beside it.
        log_x, log_y: whether an axis is logarithmic; values of 0 and less are then not drawn.
        width: in px; None: as wide as there is room.
        height: in px.
    """

    source: PlotData
    library = "uplot"
    title = traitlets.Unicode("").tag(sync=True, option=True)
    x_label = traitlets.Unicode("").tag(sync=True, option=True)
    y_label = traitlets.Unicode("").tag(sync=True, option=True)
    log_x = traitlets.Bool(False).tag(sync=True, option=True)
    log_y = traitlets.Bool(False).tag(sync=True, option=True)
    width = traitlets.Int(None, allow_none=True, min=200, max=4000).tag(sync=True, option=True)
    height = traitlets.Int(320, min=120, max=4000).tag(sync=True, option=True)

    def __init__(self, source: PlotData | None = None, **options: Any) -> None:
        if source is not None and not isinstance(source, PlotData):
            raise TypeError(
                f"LivePlot shows series of your own, or those of another plot (plot.source), and no "
                f"{type(source).__name__}: give it a title=, then plot.append(name, x, y)"
            )
        made = PlotData() if source is None else source
        super().__init__(made, **options)
        self._data = made  # a training that outlives its plot still appends

    # What is drawn

    def line(
        self,
        name: str,
        x: Any,
        y: Any,
        *,
        color: Any = None,
        width: float = 1.75,
        dash: Dash = "solid",
    ) -> None:
        """Draw a line through these points, in place of the series of that name.

        Args:
            name: of the series, in the legend.
            x, y: numbers: lists, arrays, tensors, columns of a table; none to begin with an empty line.
            color: a name ("tomato"), "#d55e00", (red, green, blue) from 0 to 1; None: the next of the palette.
            width: of the line, in px.
            dash: "solid", "dashed" or "dotted".
        """
        self._data.put(name, x, y, self._style(name, "line", color, width, dash))

    def scatter(self, name: str, x: Any, y: Any, *, color: Any = None, width: float = 1.75) -> None:
        """Draw these points without a line between them, in place of the series of that name; see `line`."""
        self._data.put(name, x, y, self._style(name, "scatter", color, width, "solid"))

    def append(self, name: str, x: Any, y: Any) -> None:
        """Add a point, or arrays of points, to a series; a new name makes a line. Costs microseconds, never waits."""
        self._data.append(name, x, y, lambda: self._style(name, "line", None, 1.75, "solid"))

    def clear(self, name: str | None = None) -> None:
        """Take out a series, or all of them."""
        self._data.clear(name)

    # Where it goes

    def show(self) -> LivePage | None:
        """Show the plot here: in a notebook, in this cell; from a script, as a page in the browser that refreshes
        itself. Never waits.
        """
        if in_notebook():
            from IPython.display import display

            display(self)  # type: ignore[no-untyped-call]
            return None
        page = LivePage.in_a_temporary_place(self._named(), [self], changes=self._changes)
        page.open_browser()
        return page

    def page(self, path: str | Path, *, every: float = 2.0) -> LivePage:
        """Keep a page of the plot that refreshes itself in any browser, without a server, while the script goes on.

        The file is rewritten in the background, whole or not at all, and left as a plain saved page when the script
        ends or at `page.stop()`.

        Args:
            path: of the file; ends in .html.
            every: seconds between two versions, at least.
        """
        return LivePage(self._place(path), [self], every=every, title=self._named(), changes=self._changes)

    def save(self, path: str | Path, *, dpi: float = 300) -> os.PathLike[str]:
        """Save the plot: .png, .svg or .pdf as a figure, .html as a live page, .csv or .json as its numbers."""
        ending = Path(path).suffix.lower()
        texts = {".csv": to_csv, ".json": to_json}
        if ending not in texts:
            return super().save(path, dpi=dpi)
        target = self._place(path)
        write_text(target, texts[ending](self.result, self.look()))
        return target

    # The still half and the page's questions

    @property
    def result(self) -> PlottedSeries:
        """The series as they stand."""
        return self._data.read()

    def look(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.option_names()}

    @answers("plot.story")
    def _story(self, until: int | None = None) -> Answer:
        """All series: a preview, or whole where the page knows that there is more."""
        most = PREVIEW if until is None else WHOLE
        cursor = self.source.cursor
        series, arrays = [], dict[str, Coded]()
        for index, each in enumerate(self.source.series()):
            x, y = fewer(each, most)
            arrays |= exact(f"{index}.x", x) | exact(f"{index}.y", y)
            said = described(each.name, each.number, each.style)
            series.append({**said, "count": len(each.x), "thinned": len(x) < len(each.x)})
        return Answer({"series": series, "cursor": cursor}, arrays)

    def is_quick(self) -> bool:
        return True

    def first_questions(self) -> Iterator[Question]:
        yield "plot.story", {"until": None}

    def bake(self) -> Iterator[Question]:
        yield from self.first_questions()
        yield "plot.story", {"until": 0}  # what a page asks that has no kernel

    def code(self) -> str:
        """The Python that makes this plot as it stands, for series given as arrays `<name>_x`, `<name>_y`."""
        lines = [f"plot = nnw.LivePlot({', '.join(self._options())})"]
        for each in self.result.series:
            place = "".join(c if c.isalnum() else "_" for c in each.name)
            style = each.style
            color = f"color={tuple(round(part / 255, 4) for part in style.color)}, width={style.width:g}"
            dash = f", dash={style.dash!r}" if style.kind == "line" else ""
            lines.append(f"plot.{style.kind}({each.name!r}, {place}_x, {place}_y, {color}{dash})")
        return "\n".join(lines)

    def _changes(self) -> object:
        return self._data.count, self._data.described(), self.look()

    def _named(self) -> str:
        return self.title or "Live plot"

    def _style(self, name: str, kind: Literal["line", "scatter"], color: Any, width: float, dash: Dash) -> PlotStyle:
        if dash not in _DASHES:
            raise ValueError(f"dash={dash!r}, but it is one of {', '.join(map(repr, _DASHES))}")
        if isinstance(width, bool) or not isinstance(width, int | float) or not _WIDTHS[0] <= width <= _WIDTHS[1]:
            raise ValueError(f"width={width!r}, but it is a number of px from {_WIDTHS[0]:g} to {_WIDTHS[1]:g}")
        if color is not None:
            return PlotStyle(kind, parse_color(color), float(width), dash)
        return PlotStyle(kind, self._free_color(name), float(width), dash)

    def _free_color(self, name: str) -> tuple[int, int, int]:
        """The first of the palette that no other series has; a series that is drawn again keeps its own."""
        colors = {other: style.color for other, _, style in self._data.described()}
        if name in colors:
            return colors[name]
        palette = [head_color(number) for number in range(len(colors) + 1)]
        return next((color for color in palette if color not in colors.values()), palette[-1])


def fewer(series: PlotSeries, most: int) -> tuple[Floats, Floats]:
    """At most `most` of the points, none made up: of a line the lowest and the highest of each stretch of x."""
    x, y = series.x, series.y
    if len(x) <= most:
        return x, y
    if series.style.kind == "scatter":
        kept = np.linspace(0, len(x) - 1, most).round().astype(np.intp)
        return x[kept], y[kept]
    if (np.diff(x) < 0).any():
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    size = -(-len(x) // (most // 2))
    rest = -len(x) % size
    stretches = np.append(y, np.full(rest, np.nan)).reshape(-1, size)
    missing = np.isnan(stretches)
    firsts = size * np.arange(len(stretches))
    lowest = firsts + np.where(missing, np.inf, stretches).argmin(axis=1)
    highest = firsts + np.where(missing, -np.inf, stretches).argmax(axis=1)
    kept = np.unique(np.concatenate([lowest, highest]).clip(max=len(x) - 1))
    return x[kept], y[kept]

"""The figure of a live plot and its still: the points as given, their looks, their names as text."""

import io

import numpy as np
import pytest
from PIL import Image

from nnwidgets.figures import live_plot
from nnwidgets.runs.plot_data import PlotData, PlotStyle, PlottedSeries
from tests.figures.samples import HOSTILE

BLUE, RED = (0, 114, 178), (213, 94, 0)


def plotted(**series) -> PlottedSeries:
    data = PlotData()
    for name, (kind, x, y, color) in series.items():
        data.put(name, x, y, PlotStyle(kind, color, 1.75, "dashed" if name == "dashed" else "solid"))
    return data.read()


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def places(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return np.argwhere((picture == color).all(axis=-1))


def test_the_figure_shows_lines_and_points_with_their_looks():
    result = plotted(dashed=("line", [1, 2, 3], [4, 6, 5], BLUE), dots=("scatter", [0, 5], [1, 1], RED))
    figure = live_plot.figure(result, title="Speed", x_label="seconds", y_label="m/s", width=500, height=300)
    (axes,) = figure.axes
    assert tuple(figure.get_size_inches()) == (5, 3)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds", "m/s")
    assert "Speed" in [text.get_text() for text in figure.texts]
    (line,) = axes.lines
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([1, 2, 3], [4, 6, 5])
    assert line.get_linestyle() == "--"
    (dots,) = axes.collections
    assert dots.get_offsets().tolist() == [[0, 1], [5, 1]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["dashed", "dots"]


def test_a_line_joins_its_points_in_the_order_of_x():
    (axes,) = live_plot.figure(plotted(a=("line", [3, 1, 2], [30, 10, 20], BLUE))).axes
    assert axes.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert axes.lines[0].get_ydata().tolist() == [10, 20, 30]


def test_logarithmic_axes_leave_out_what_is_not_positive():
    result = plotted(a=("line", [0, 1, 10, 100], [-1, 1, 10, 1000], BLUE))
    (axes,) = live_plot.figure(result, log_x=True, log_y=True).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert 0 < axes.get_xlim()[0] < 1 < 100 < axes.get_xlim()[1] < 200
    rows = places(pixels(live_plot.still(result, log_x=True, log_y=True)), BLUE)
    assert len(rows) > 100


def test_times_far_from_zero_keep_their_distances():
    now = 1.8e9
    (axes,) = live_plot.figure(plotted(a=("line", now + np.arange(4), [1, 2, 3, 4], BLUE))).axes
    assert axes.get_xlim()[1] - axes.get_xlim()[0] == pytest.approx(3.12)
    assert live_plot.still(plotted(a=("line", now + np.arange(4), [1, 2, 3, 4], BLUE))).startswith(b"\x89PNG")


def test_the_still_has_the_line_where_its_values_are():
    picture = pixels(live_plot.still(plotted(a=("line", [0, 1, 2], [0, 0, 5], BLUE)), height=300))
    assert picture.shape == (300, 640, 3)
    inside = [(row, column) for row, column in places(picture, BLUE) if row > 40]
    left = min(column for _, column in inside)
    right = max(column for _, column in inside)
    middle = (left + right) // 2
    flat = [row for row, column in inside if column < middle - 5]
    assert max(flat) - min(flat) <= 3  # level
    assert min(row for row, column in inside if column > right - 5) < 60  # and up to the top


def test_points_are_not_joined_in_the_still():
    joined = pixels(live_plot.still(plotted(a=("line", [0, 1], [0, 1], RED))))
    apart = pixels(live_plot.still(plotted(a=("scatter", [0, 1], [0, 1], RED))))
    assert 10 < len(places(apart, RED)) < 100 < len(places(joined, RED))


def test_nothing_yet_is_said_and_hostile_names_are_text():
    assert live_plot.figure(PlotData().read(), title="$x$")._repr_png_().startswith(b"\x89PNG")
    assert live_plot.still(PlotData().read()).startswith(b"\x89PNG")
    result = plotted(**{name: ("line", [0, 1], [0, 1], BLUE) for name in HOSTILE})
    (axes,) = live_plot.figure(result, title="<b>$", x_label="\x00", y_label="$\\frac").axes
    assert "$\\frac{1}{2}$" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert live_plot.still(result, title="\x00").startswith(b"\x89PNG")


def test_as_many_colours_as_a_user_likes_fit_the_still():
    series = {f"{i}": ("line", [0, 1], [0, i], (i, 255 - i, 128)) for i in range(250)}
    assert live_plot.still(plotted(**series)).startswith(b"\x89PNG")

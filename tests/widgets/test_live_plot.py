"""LivePlot in Python: what is drawn, what the page is told, what is saved, in a plain script too."""

import csv
import json
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import traitlets

import nnwidgets as nnw
from nnwidgets.figures.palettes import head_color
from nnwidgets.widgets.live_plot import PREVIEW, WHOLE, fewer
from nnwidgets.wire.codec import decode
from nnwidgets.wire.lifetime import widgets_of


@pytest.fixture
def plot():
    made = nnw.LivePlot(title="Training", x_label="epoch")
    data = made.source
    yield made
    data.close()


def numbers(answer, name: str) -> np.ndarray:
    """What the page makes of an array that came in two halves."""
    parts = [
        decode(answer.arrays[part].header, answer.arrays[part].data).astype(np.float64)
        for part in (name, f"{name}.rest")
        if part in answer.arrays
    ]
    return sum(parts)


def test_series_get_the_next_free_colour_and_keep_it(plot):
    plot.append("loss", 0, 1)
    plot.scatter("samples", [1], [1])
    plot.line("mine", [1], [1], color="tomato", width=3, dash="dotted")
    colors = {each.name: each.style.color for each in plot.result.series}
    assert colors == {"loss": head_color(0), "samples": head_color(1), "mine": (255, 99, 71)}
    plot.clear("loss")
    plot.append("new", 0, 0)
    plot.line("samples", [], [])
    styles = {each.name: each.style for each in plot.result.series}
    assert styles["new"].color == head_color(0)
    assert (styles["samples"].color, styles["samples"].kind) == (head_color(1), "line")
    assert (styles["mine"].width, styles["mine"].dash) == (3, "dotted")


def test_a_series_that_began_as_points_goes_on_as_points(plot):
    plot.scatter("dots", [], [])
    plot.append("dots", 1, 2)
    assert plot.result.series[0].style.kind == "scatter"


@pytest.mark.parametrize(
    ("looks", "says"),
    [
        ({"color": "nocolor"}, "color='nocolor', but it is a name"),
        ({"color": (1, 2, 3)}, "color=\\(1, 2, 3\\), but it is"),
        ({"width": 0}, "width=0, but it is a number of px from 0.1 to 50"),
        ({"dash": "dots"}, "dash='dots', but it is one of 'solid', 'dashed', 'dotted'"),
    ],
)
def test_looks_out_of_bounds_are_named(plot, looks, says):
    with pytest.raises(ValueError, match=says):
        plot.line("a", [1], [1], **looks)
    assert not plot.result.series


def test_options_are_checked(plot):
    with pytest.raises(TypeError, match="LivePlot has no option 'colour'"):
        nnw.LivePlot(colour=1)
    with pytest.raises(TypeError, match="LivePlot shows series of your own, or those of another plot"):
        nnw.LivePlot([1, 2])
    with pytest.raises(traitlets.TraitError):
        plot.height = 5


def test_the_page_is_told_a_preview_and_then_the_whole(plot):
    y = np.random.default_rng(0).normal(size=30_000)
    y[12_345], y[20_000] = 99, np.nan
    plot.line("long", np.arange(30_000), y)
    preview = plot.answer("plot.story", {"until": None})
    (said,) = preview.value["series"]
    assert (said["count"], said["thinned"], said["kind"], said["color"]) == (30_000, True, "line", "#0072b2")
    assert len(numbers(preview, "0.x")) <= PREVIEW
    assert numbers(preview, "0.y").max() == 99  # a spike is never lost
    whole = plot.answer("plot.story", {"until": 7})
    assert not whole.value["series"][0]["thinned"]
    np.testing.assert_allclose(numbers(whole, "0.y"), y, rtol=1e-12)


def test_numbers_reach_the_page_exactly(plot):
    x = 1.8e9 + np.arange(5) / 1000
    plot.line("time", x, [1, np.nan, np.inf, -np.inf, 0.1])
    answer = plot.answer("plot.story", {"until": None})
    np.testing.assert_allclose(numbers(answer, "0.x"), x, rtol=0, atol=1e-5)
    expected = [1, np.nan, np.inf, -np.inf, 0.1]
    np.testing.assert_allclose(numbers(answer, "0.y"), expected, rtol=1e-12)


def test_of_very_long_series_at_most_so_many_points_go_out():
    plot = nnw.LivePlot()
    random = np.random.default_rng(1)
    plot.scatter("cloud", random.random(250_000), random.random(250_000))
    plot.line("back and forth", random.random(250_000), random.random(250_000))
    for series in plot.result.series:
        x, y = fewer(series, WHOLE)
        assert len(x) == len(y) <= WHOLE
        there = set(zip(series.x.tolist(), series.y.tolist(), strict=True))
        assert set(zip(x.tolist(), y.tolist(), strict=True)) <= there  # none made up
    assert (np.diff(x) >= 0).all()
    plot.source.close()


def test_what_comes_is_pushed_with_its_number(plot, monkeypatch):
    told: list[dict] = []
    stream = plot._stream
    monkeypatch.setattr(stream, "tell", lambda content, arrays: told.append(content | {"names": sorted(arrays)}))
    plot.append("a", 0, 1)
    plot.append("a", [1, 2], [3, 4])
    plot.source.flush()
    number = plot.result.series[0].number
    pushed = [part for content in told for part in content["series"]]
    assert {part["number"] for part in pushed} == {number}
    assert sum(part["count"] for part in pushed) == 3
    assert told[0]["names"] == ["0.x", "0.y"]
    deadline = time.monotonic() + 20
    while [one["name"] for one in stream.state.get("series", [])] != ["a"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [one["name"] for one in stream.state["series"]] == ["a"]
    told.clear()
    plot.append("a", np.arange(50_000), np.arange(50_000))  # too much for a message: the page is to ask
    plot.source.flush()
    (large,) = [content for content in told if content["series"][0]["count"] == 50_000]
    assert large["names"] == []


def test_a_plot_that_is_closed_still_takes_points(plot):
    plot.append("a", 0, 0)
    plot.close()
    plot.append("a", 1, 1)
    assert plot.result.series[0].x.tolist() == [0, 1]


def test_two_plots_may_show_the_same_series(plot):
    other = nnw.LivePlot(plot.source, log_y=True)
    plot.append("a", 1, 2)
    assert [each.name for each in other.result.series] == ["a"]
    assert len(widgets_of(plot.source)) == 2


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "html", "csv", "json"])
def test_saved_in_every_form(plot, tmp_path, ending):
    plot.line("loss, a", [0, 1, 2.5], [1, float("nan"), float("inf")], color=(1, 0, 0))
    plot.append('"b"', 1, 0.1)
    path = tmp_path / f"plot.{ending}"
    plot.save(path)
    assert path.stat().st_size > 0
    if ending == "csv":
        rows = list(csv.reader(path.open(encoding="utf-8")))
        assert rows == [
            ["series", "x", "y"],
            ["loss, a", "0", "1"],
            ["loss, a", "1", "nan"],
            ["loss, a", "2.5", "inf"],
            ['"b"', "1", "0.1"],
        ]
    if ending == "json":
        read = json.loads(path.read_text("utf-8"))
        assert (read["title"], read["x_label"]) == ("Training", "epoch")
        assert read["series"][0] == {
            "name": "loss, a",
            "kind": "line",
            "color": [255, 0, 0],
            "width": 1.75,
            "dash": "solid",
            "x": [0, 1, 2.5],
            "y": [1, "nan", "inf"],
        }


def test_another_ending_is_refused(plot, tmp_path):
    with pytest.raises(ValueError, match=r"\.gif"):
        plot.save(tmp_path / "plot.gif")


def test_a_saved_notebook_has_the_picture_and_the_points(plot):
    plot.line("a", [0, 1], [2, 3])
    data, _ = plot._repr_mimebundle_()
    assert data["image/png"]
    (kept,) = plot._snapshot
    assert (kept["what"], kept["arguments"]) == ("plot.story", {"until": None})


def test_code_makes_the_plot_again(plot):
    plot.line("loss", [0, 1], [2, 3], color="#112233", dash="dashed", width=2)
    plot.scatter("some dots", [1], [1])
    again = {"nnw": nnw, "loss_x": [0, 1], "loss_y": [2, 3], "some_dots_x": [1], "some_dots_y": [1]}
    exec(plot.code(), again)
    assert [each.style for each in again["plot"].result.series] == [each.style for each in plot.result.series]
    assert again["plot"].look() == plot.look()
    again["plot"].source.close()


SCRIPT = """
    import sys
    import nnwidgets as nnw
    assert "matplotlib" not in sys.modules
    plot = nnw.LivePlot(title="A script", x_label="step")
    page = plot.page("live.html", every=0.2)
    for step in range(1000):
        plot.append("loss", step, 1 / (step + 1))
    plot.save("loss.png", dpi=50)
    plot.save("loss.csv")
    assert "torch" not in sys.modules
    print("location.reload" in open("live.html").read(), page.trouble)
"""


def test_a_plain_script_saves_and_leaves_a_whole_page(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["True", "None"]
    assert len((tmp_path / "loss.csv").read_text().splitlines()) == 1001
    page = (tmp_path / "live.html").read_text("utf-8")
    assert "location.reload" not in page  # the script is over
    answers = json.loads(page.split("data-answers=")[1].split(">", 1)[1].split("</script>")[0])
    assert answers[0]["value"]["series"][0]["count"] == 1000
    assert {path.name for path in tmp_path.iterdir()} == {"loss.png", "loss.csv", "live.html"}  # nothing half-written

"""The figure of distributions and its still, in all four views, whatever was logged."""

import io

import numpy as np
import pytest
from PIL import Image

from nnwidgets.analysis.distributions import LayerDistributions, joined, over_steps
from nnwidgets.figures import distributions
from nnwidgets.figures.palettes import head_color
from nnwidgets.runs import Histogram
from tests.figures.samples import HOSTILE

RANDOM = np.random.default_rng(0)
VIEWS = ("histograms", "boxes", "steps", "all")


def result(histograms, what="weights", paths=None, dead=None) -> LayerDistributions:
    paths = tuple(paths or (f"layer{row}" for row in range(len(histograms))))
    there = [each for each in histograms if each is not None]
    over = over_steps(paths[0], range(len(there)), there) if there else None
    dead = tuple(dead or [float("nan")] * len(histograms))
    return LayerDistributions(
        "run", what, 7 if there else None, paths, tuple(histograms), dead, joined(histograms), over
    )


def normal(count=3, size=2000) -> LayerDistributions:
    return result([Histogram.of(RANDOM.normal(scale=1 + row, size=size)) for row in range(count)])


def said(figure) -> str:
    return "\n".join([text.get_text() for text in figure.texts] + [axes.get_xlabel() for axes in figure.axes])


def test_histograms_are_the_counts():
    shown = normal()
    figure = distributions.figure(shown)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(shown.paths)
    for axes, histogram in zip(figure.axes, shown.histograms, strict=True):
        assert axes.patches[0].get_data().values == pytest.approx(histogram.counts)
    assert "number of values by weight" in said(figure) and "step 7" in said(figure)


def test_one_axis_for_all_where_it_is_asked():
    limits = {axes.get_xlim() for axes in distributions.figure(normal(), shared=True).axes}
    assert len(limits) == 1


def test_a_page_holds_so_many_layers_and_the_selected_one():
    figure = distributions.figure(normal(30, 100), layers=12, layer="layer14")
    assert [axes.get_title(loc="left") for axes in figure.axes][:2] == ["layer12", "layer13"]
    assert "layers 13 to 24 of 30" in said(figure)


def test_what_stands_out_is_said():
    ternary = Histogram.of(RANDOM.choice([-1.0, 0.0, 1.0], size=1000))
    broken = Histogram.of([1.0, 2.0, float("nan"), float("inf")])
    figure = distributions.figure(result([ternary, broken, None], dead=[0.25, float("nan"), float("nan")]))
    notes = [axes.get_xlabel() for axes in figure.axes]
    assert "ternary" in notes[0] and "dead 25 %" in notes[0]
    assert "1 NaN, 1 infinite" in notes[1] and notes[2] == "not logged at this step"


def test_boxes_are_the_quantiles():
    shown = normal(1)
    (axes,) = distributions.figure(shown, view="boxes").axes
    low, high = axes.patches[0].get_x(), axes.patches[0].get_x() + axes.patches[0].get_width()
    ticks = {text.get_text(): place for place, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)}
    across = (ticks["2"] - ticks["0"]) / 2
    histogram = shown.histograms[0]
    assert (low - ticks["0"]) / across == pytest.approx(histogram.quantiles[1], rel=1e-3)
    assert (high - ticks["0"]) / across == pytest.approx(histogram.quantiles[3], rel=1e-3)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_drawn(view, log):
    shown = normal(5)
    assert distributions.figure(shown, view=view, log=log)
    png = distributions.still(shown, view=view, log=log)
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert (picture == head_color(0)).all(axis=-1).sum() > 100 and len(png) < 40_000


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("draw", [distributions.figure, distributions.still])
def test_whatever_was_logged(draw, view):
    odd = [
        Histogram.of([float("nan")]),
        Histogram.of(np.zeros(5)),
        Histogram.of([1e300, -1e300]),
        Histogram.of([1e-300, 2e-300]),
        None,
    ]
    for shown in (result(odd, "gradients", HOSTILE[:5]), result([]), result([None, None]), normal(70, 50)):
        for log in (False, True):
            assert draw(shown, view=view, log=log)


def test_a_view_that_there_is_not():
    with pytest.raises(ValueError, match='view="violins", but it is one of histograms, boxes, steps, all'):
        distributions.figure(normal(), view="violins")

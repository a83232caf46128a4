"""The gradient flow figure and its still: the numbers, the marks in words and colour, whatever was logged."""

import io

import numpy as np
import pytest
from PIL import Image

from nnwidgets.analysis.gradients import GradientFlows, LayerGradients, Thresholds, layer_gradients
from nnwidgets.figures import gradient_flow
from nnwidgets.figures.layer_names import shortened
from nnwidgets.figures.palettes import head_color
from nnwidgets.figures.style import save_figure
from nnwidgets.runs.history import whole
from tests.figures.samples import HOSTILE

LIMITS = Thresholds(decades=3.0, ordered=0.6, times=100.0, layers=5)


def history(values):
    values = np.asarray(values, np.float64)
    return whole("x", np.arange(len(values)), values, np.zeros(len(values)))


def flow(sizes, label="run", names=None) -> LayerGradients:
    """`sizes` `[layers, steps]`."""
    names = names or [f"layer{row}" for row in range(len(sizes))]
    means = {name: history(row) for name, row in zip(names, sizes, strict=True)}
    largest = {name: history(np.asarray(row) * 10) for name, row in zip(names, sizes, strict=True)}
    updates = {name: history(np.full(len(row), 2e-3)) for name, row in zip(names, sizes, strict=True)}
    return layer_gradients(means, largest, updates, label=label, thresholds=LIMITS)


def vanishing(label="sigmoids") -> LayerGradients:
    return flow(np.outer(10.0 ** np.arange(-9, -1), [1.0, 2.0, 3.0]), label)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_the_bars_are_the_means_and_what_vanishes_is_said():
    result = vanishing()
    figure = gradient_flow.figure(GradientFlows((result,), step=1), label="sigmoids")
    bars, heat = figure.axes[:2]
    ends = [patch.get_x() + patch.get_width() for patch in bars.patches]
    assert ends == pytest.approx(result.mean[:, 1].tolist())
    assert [label.get_text() for label in bars.get_yticklabels()] == list(result.paths)
    assert texts(bars) == ["near zero"] * 5
    assert bars.get_xscale() == "log" and "∂loss/∂parameter" in bars.get_xlabel()
    assert np.asarray(heat.images[0].get_array()) == pytest.approx(result.mean)
    assert "step 1" in bars.get_title(loc="left")


def test_two_runs_have_one_scale_and_their_names():
    healthy = flow(np.full((4, 3), 1e-3), "normalised")
    figure = gradient_flow.figure(GradientFlows((vanishing(), healthy)))
    first, _, second, _ = figure.axes[:4]
    assert first.get_xlim() == second.get_xlim()
    said = [text.get_text() for text in figure.texts]
    assert "sigmoids" in said and "normalised" in said


def test_updates_have_no_largest():
    figure = gradient_flow.figure(GradientFlows((vanishing(),)), view="updates")
    assert "÷" in figure.axes[0].get_xlabel()
    with pytest.raises(ValueError, match='view="bars", but it is "gradients" or "updates"'):
        gradient_flow.figure(GradientFlows((vanishing(),)), view="bars")


def test_the_still_is_small_quick_and_marked():
    healthy = flow(np.full((8, 3), 1e-3), "normalised")
    png = gradient_flow.still(GradientFlows((vanishing(),)))
    marked = (pixels(png) == head_color(4)).all(axis=-1).sum()
    assert marked > 300 and len(png) < 30_000
    assert not (pixels(gradient_flow.still(GradientFlows((healthy,)))) == head_color(4)).all(axis=-1).any()


@pytest.mark.parametrize("draw", [gradient_flow.figure, gradient_flow.still])
def test_whatever_was_logged(draw):
    odd = flow([[0.0], [np.nan], [np.inf], [1e-300], [1e300], [1.0]], names=[*HOSTILE[:5], "x" * 3000][:6])
    nothing = layer_gradients({}, {}, {}, label="empty", thresholds=LIMITS)
    for flows in ((odd,), (nothing,), (nothing, vanishing()), (flow(np.full((300, 2), 1e-3)),)):
        for view in ("gradients", "updates"):
            assert draw(GradientFlows(flows), view=view)


def test_it_is_saved(tmp_path):
    for ending in ("png", "svg", "pdf"):
        path = save_figure(gradient_flow.figure(GradientFlows((vanishing(),))), tmp_path / f"flow.{ending}", dpi=60)
        assert path.stat().st_size > 1000


def test_paths_are_cut_in_the_middle():
    path = "encoder.layers.11.attention.output.dense"
    assert shortened(path, 21) == "encoder.…output.dense"
    assert len(shortened(path, 21)) == 21 and shortened("fc", 21) == "fc"

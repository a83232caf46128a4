"""The heatmap figure and its still: the result's numbers, whatever the tokens, the shape and the user's settings."""

import io

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from PIL import Image

from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.figures import attention_map
from nnwidgets.figures.palettes import MISSING, color_table
from nnwidgets.figures.style import save_figure
from tests.figures.samples import HOSTILE, column, one_head, softmax


def cells(figure) -> np.ma.MaskedArray:
    return figure.axes[0].images[0].get_array()


def texts(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_the_figure_shows_the_results_numbers_and_names_everything():
    result = one_head(softmax(7, 7))
    figure = attention_map.figure(result, label="tiny model")
    axes, bar = figure.axes
    assert np.array_equal(cells(figure), result.weights)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Key (attending to)", "Query (attending from)")
    assert texts(axes.xaxis) == texts(axes.yaxis) == list(result.key_tokens.texts)
    assert bar.get_ylabel() == "attention weight"
    assert [text.get_text() for text in figure.texts] == [
        "tiny model · encoder.layer.3.attention.self · encoder self-attention · sample 0",
        "Layer 3, head 5",
    ]
    assert axes.get_ylim() == (6.5, -0.5)  # the first query is on top
    assert axes.images[0].get_clim() == (0, result.maximum)


def test_mean_over_heads_is_said():
    figure = attention_map.figure(one_head(softmax(2, 2), head="mean", step=4, sample=1, kind="decoder"))
    assert figure.axes[1].get_ylabel() == "attention weight, mean over heads"
    assert figure.texts[0].get_text().endswith("decoder self-attention · sample 1 · step 4")


def test_log_scale_starts_four_decades_down_and_zero_has_the_lowest_colour():
    weights = np.array([[0.5, 0.0, 1e-9, 0.005]], np.float32)
    image = attention_map.figure(one_head(weights), scale="log").axes[0].images[0]
    assert image.get_clim() == pytest.approx((5e-5, 0.5))
    assert np.asarray(image.norm(weights))[0] == pytest.approx([1, 0, 0, 0.5], abs=1e-6)
    assert not np.ma.is_masked(image.get_array())


def test_special_tokens_are_hidden_or_stand_back():
    weights = softmax(4, 5)
    weights[0] = weights[:, 0] = 0.9
    result = one_head(weights, column(4, special=(0,)), column(5, special=(0,), padding=(4,)))
    hidden = attention_map.figure(result, special="hide")
    assert np.array_equal(cells(hidden), weights[1:, 1:4])
    assert texts(hidden.axes[0].xaxis) == ["token1", "token2", "token3"]
    dimmed = attention_map.figure(result, special="dim")
    assert np.array_equal(cells(dimmed), weights)
    veil = dimmed.axes[0].images[1].get_array()
    assert (veil[..., 3] > 0).tolist() == [[True] * 5, *[[True, False, False, False, True]] * 3]
    assert hidden.axes[0].images[0].get_clim() == (0, weights[1:, 1:4].max())
    # Colours end where they do without the special tokens, whose cells are clipped.
    assert dimmed.axes[0].images[0].get_clim() == (0, weights[1:, 1:4].max())
    assert texts(dimmed.axes[1].yaxis)[-1] == f"≥ {weights[1:, 1:4].max():.2g}"
    assert not any("≥" in text for text in texts(hidden.axes[1].yaxis))
    everything = one_head(weights, column(4, special=range(4)), column(5))
    assert attention_map.figure(everything, special="dim").axes[0].images[0].get_clim() == (0, weights.max())
    with pytest.raises(ValueError, match='special="none", but it is "show", "dim" or "hide"'):
        attention_map.figure(result, special="none")


@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_more_than_1024_tokens_are_pooled_and_the_colour_bar_says_so(reduce):
    weights = softmax(1030, 2050)
    figure = attention_map.figure(one_head(weights), reduce=reduce)
    pooled = np.pad(weights, ((0, 2), (0, 2)), constant_values=np.nan).reshape(258, 4, 513, 4)
    expected = (np.nanmax if reduce == "max" else np.nanmean)(pooled, axis=(1, 3))
    np.testing.assert_allclose(cells(figure), expected, rtol=1e-6)
    meaning = {"max": "attention weight, largest of 4 × 4", "mean": "attention weight, mean of 4 × 4"}[reduce]
    assert figure.axes[1].get_ylabel() == meaning
    assert figure.axes[0].get_xlim() == (-0.5, 2049.5)
    assert len(texts(figure.axes[0].xaxis)) < 60


@pytest.mark.parametrize("shape", [(1, 1), (1, 4096), (300, 1), (20, 3), (512, 512)])
def test_every_shape_is_drawn(shape):
    result = one_head(softmax(*shape))
    assert attention_map.figure(result)._repr_png_().startswith(b"\x89PNG")
    height, width, _ = pixels(attention_map.still(result)).shape
    assert 100 < height < 800
    assert 100 < width < 800


@pytest.mark.parametrize("kind", ["none", "one", "all"])
def test_what_is_not_finite_is_hatched_and_in_the_legend(kind):
    weights = softmax(3, 4)
    weights[1, 2] = {"none": 0.25, "one": np.nan, "all": np.inf}[kind]
    if kind == "all":
        weights[:] = np.nan
    result = one_head(weights)
    figure = attention_map.figure(result)
    assert np.array_equal(np.ma.getmaskarray(cells(figure)), ~np.isfinite(weights))
    legend = figure.axes[1].get_legend()
    still = pixels(attention_map.still(result)).reshape(-1, 3).tolist()
    if kind == "none":
        assert legend is None
        assert list(MISSING[0]) not in still
    else:
        assert [text.get_text() for text in legend.get_texts()] == ["not finite"]
        assert list(MISSING[0]) in still
        assert list(MISSING[1]) in still


def test_hostile_tokens_are_text(tmp_path):
    tokens = TokenColumn(HOSTILE)
    result = one_head(softmax(len(HOSTILE), len(HOSTILE)), tokens, tokens, path="<b>$x$")
    figure = attention_map.figure(result, label="$\\alpha$ \x00 <script>", special="dim")
    shown = texts(figure.axes[0].yaxis)
    assert shown[2:4] == ["$\\frac{1}{2}$", "$"]
    assert shown[10:16] == ["↵", "⇥", "∅", "␣␣", "�abc", "�x"]
    assert max(map(len, shown)) == 25
    with pytest.warns(UserWarning, match="missing from font"):  # no font here has Japanese
        for ending in ("png", "svg", "pdf"):
            save_figure(figure, tmp_path / f"hostile.{ending}", dpi=60)
    assert attention_map.still(result, label="\x00").startswith(b"\x89PNG")


def test_the_users_settings_neither_change_the_figure_nor_are_changed():
    result = one_head(softmax(5, 5))
    plain = attention_map.figure(result)._repr_png_()
    theirs = {"font.size": 30, "axes.facecolor": "red", "text.parse_math": True, "xtick.bottom": False}
    with matplotlib.rc_context(theirs):
        before = dict(matplotlib.rcParams)
        figure = attention_map.figure(result)
        assert figure._repr_png_() == plain
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("colors", ["viridis", "magma", "cividis", "gray"])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_still_and_figure_have_the_colours_of_their_weights(colors, scale):
    weights = np.linspace(0.001, 0.5, 64, dtype=np.float32).reshape(8, 8)
    result = one_head(weights)
    figure = attention_map.figure(result, colors=colors, scale=scale)
    place = weights / 0.5 if scale == "linear" else np.log(weights / 5e-5) / np.log(1e4)
    expected = color_table(colors)[np.round(place * 255).astype(int)].astype(int)
    drawn = figure.axes[0].images[0].to_rgba(weights, bytes=True)[..., :3].astype(int)
    assert np.abs(drawn - expected).max() <= 3  # half a step, as matplotlib rounds down
    still = pixels(attention_map.still(result, colors=colors, scale=scale))
    # The matrix is the largest block of colour: find its corner by the first cell's colour under the caption.
    top = 48
    left = next(x for x in range(60, 200) if np.abs(still[top + 1, x] - expected[0, 0]).max() <= 4)
    cell = 30
    centers = still[top + 15 : top + 8 * cell : cell, left + 15 : left + 8 * cell : cell]
    assert np.abs(centers - expected).max() <= 5  # 231 levels instead of 256


def test_the_colour_bar_has_the_colours_of_the_map():
    figure = attention_map.figure(one_head(softmax(4, 4)), colors="magma")
    figure.draw_without_rendering()
    mesh = next(child for child in figure.axes[1].get_children() if isinstance(child, QuadMesh))
    assert np.array_equal((mesh.cmap.colors * 255).round(), color_table("magma"))

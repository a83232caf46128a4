"""The figure of lines and its still: which lines, how strong, of which colour, and what is said of those left out."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.figures import attention_heads
from nnwidgets.figures.palettes import head_color
from nnwidgets.figures.style import save_figure
from tests.figures.samples import HOSTILE, column, several_heads, softmax


def lines(figure):
    return figure.axes[0].collections[0]


def words(figure) -> list[str]:
    return [text.get_text() for text in (*figure.texts, *figure.axes[0].texts) if text.get_text()]


def test_a_line_for_each_weight_as_strong_as_it_is():
    weights = np.array([[[0.8, 0.2], [0.0, 0.4]], [[0.1, 0.0], [0.0, 0.0]]], np.float32)
    figure = attention_heads.figure(several_heads(weights, (2, 5)), label="tiny", threshold=0)
    drawn = lines(figure)
    # The weakest first, so that the strongest lie on top.
    assert drawn.get_edgecolors()[:, 3] == pytest.approx(0.06 + 0.9 * np.array([0.125, 0.25, 0.5, 1.0]))
    assert np.array_equal(np.argsort(drawn.get_linewidths()), range(4))
    colors = [to_rgb(np.array(head_color(head)) / 255) for head in (5, 2, 2, 2)]
    assert np.allclose(drawn.get_edgecolors()[:, :3], colors)
    ends = [(round(path.vertices[0, 1]), round(path.vertices[-1, 1])) for path in drawn.get_paths()]
    assert ends == [(0, 0), (0, 1), (1, 1), (0, 0)]
    assert figure.axes[0].get_ylim() == (1.5, -0.5)  # the first token is on top
    assert words(figure)[:2] == [
        "tiny · encoder.layer.3.attention.self · encoder self-attention · sample 0",
        "Layer 3, heads 2, 5",
    ]
    assert {"Query (attending from)", "Key (attending to)"} <= set(words(figure))


def test_the_legend_names_heads_and_weights():
    figure = attention_heads.figure(several_heads(softmax(3, 4, 4), (0, 1, 9)))
    heads, weights = figure.legends
    assert [text.get_text() for text in heads.get_texts()] == ["head 0", "head 1", "head 9"]
    assert [to_rgb(line.get_color()) for line in heads.get_lines()] == [
        to_rgb(np.array(head_color(head)) / 255) for head in (0, 1, 9)
    ]
    assert weights.get_title().get_text() == "attention weight"
    assert weights.get_texts()[0].get_text() == f"{several_heads(softmax(3, 4, 4), (0, 1, 9)).maximum:.2g}"


def test_what_is_left_out_is_said():
    weights = softmax(2, 80, 80)
    figure = attention_heads.figure(several_heads(weights, (0, 1)), threshold=0.05)
    assert len(lines(figure).get_paths()) == np.count_nonzero(weights >= 0.05)
    assert "weights below 0.05 are not drawn" in words(figure)
    figure = attention_heads.figure(several_heads(weights, (0, 1)), threshold=0)
    assert len(lines(figure).get_paths()) == 5_000
    assert "only the 5,000 strongest weights are drawn" in words(figure)
    weakest = np.sort(weights, axis=None)[-5_000]
    assert lines(figure).get_edgecolors()[0, 3] == pytest.approx(0.06 + 0.9 * weakest / weights.max(), abs=1e-4)


def test_weights_that_are_not_finite_are_counted_not_drawn():
    weights = softmax(2, 3, 3)
    weights[0, 1], weights[1, 0, 0] = np.nan, np.inf
    figure = attention_heads.figure(several_heads(weights, (0, 1)), threshold=0)
    assert len(lines(figure).get_paths()) == 14
    assert "4 weights are not finite and not drawn" in words(figure)
    assert attention_heads.still(several_heads(np.full((1, 2, 2), np.nan, np.float32), (0,))).startswith(b"\x89PNG")


def test_special_tokens_are_hidden_or_stand_back():
    weights = np.full((1, 3, 3), 0.25, np.float32)
    weights[:, :, 0] = 0.5
    result = several_heads(weights, (0,), column(3, special=(0,)), column(3, special=(0,)))
    dimmed = lines(attention_heads.figure(result, special="dim")).get_edgecolors()[:, 3]
    assert np.sort(dimmed) == pytest.approx(0.06 + 0.9 * np.array([0.25] * 5 + [1] * 4))
    hidden = attention_heads.figure(result, special="hide")
    assert len(lines(hidden).get_paths()) == 4
    assert "token0" not in words(hidden)
    assert lines(attention_heads.figure(result, special="show")).get_edgecolors()[-1, 3] == pytest.approx(0.96)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 40), (40, 5, 5), (2, 512, 512)])
def test_every_shape_is_drawn(shape):
    result = several_heads(softmax(*shape), tuple(range(shape[0])))
    assert attention_heads.figure(result)._repr_png_().startswith(b"\x89PNG")
    picture = Image.open(io.BytesIO(attention_heads.still(result)))
    assert 100 < picture.width < 1000
    assert 80 < picture.height < 850


def test_hostile_tokens_are_text(tmp_path):
    tokens = TokenColumn(HOSTILE)
    result = several_heads(softmax(1, len(HOSTILE), len(HOSTILE)), (0,), tokens, tokens)
    figure = attention_heads.figure(result, label="$\\alpha$")
    assert "$\\frac{1}{2}$" in words(figure)
    with pytest.warns(UserWarning, match="missing from font"):
        for ending in ("png", "svg", "pdf"):
            save_figure(figure, tmp_path / f"hostile.{ending}", dpi=60)
    assert attention_heads.still(result).startswith(b"\x89PNG")


def test_the_still_draws_each_head_in_its_colour_from_query_to_key():
    weights = np.zeros((2, 4, 4), np.float32)
    weights[0, 0, 3] = weights[1, 2, 2] = 1
    still = attention_heads.still(several_heads(weights, (0, 2)))
    picture = np.asarray(Image.open(io.BytesIO(still)).convert("RGB")).astype(int)
    for head, first, last in ((0, 0, 3), (2, 2, 2)):
        # Strength 1 is drawn at an opacity of 0.96; the legend's swatch at 1.
        color = np.round(255 + 0.96 * (np.array(head_color(head)) - 255))
        rows, columns = np.nonzero(np.abs(picture - color).max(axis=2) <= 3)
        left, right = columns.min(), columns.max()
        assert right - left == 239  # from one column to the other
        steep = (rows[columns == right].mean() - rows[columns == left].mean()) / 17
        assert steep == pytest.approx(last - first, abs=0.2)


def test_the_still_has_colours_for_any_number_of_heads():
    still = attention_heads.still(several_heads(softmax(130, 3, 3), tuple(range(130))))
    colors = {color for _, color in Image.open(io.BytesIO(still)).convert("RGB").getcolors(4096)}
    assert {head_color(head) for head in range(130)} <= colors

"""The rasteriser: PNGs that another library reads as they were meant, and text where it belongs."""

import io

import numpy as np
import pytest
from PIL import Image

from nnwidgets.figures.raster import Canvas, encode_png, text_width


def read(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (512, 512)])
def test_png_decodes_to_the_same_colours(shape):
    random = np.random.default_rng(1)
    indices = random.integers(0, 256, shape, dtype=np.uint8)
    palette = random.integers(0, 256, (256, 3), dtype=np.uint8)
    assert np.array_equal(read(encode_png(indices, palette)), palette[indices])


def test_text_lies_where_it_is_put_and_is_cut_at_the_edge():
    def ink(**options) -> tuple[np.ndarray, np.ndarray]:
        canvas = Canvas(120, 100)
        canvas.text(60, 50, "attention", (0, 0, 0), **options)
        return np.nonzero(canvas.pixels)

    width = text_width("attention")
    rows, columns = ink()
    assert 59 <= columns.min() <= 62
    assert abs(columns.max() - 60 - width) <= 3
    assert abs(rows.mean() - 50) < 3
    rows, columns = ink(align="right")
    assert abs(columns.max() - 60) <= 2
    rows, columns = ink(align="center", upright=True)
    assert abs(rows.min() + rows.max() - 100) <= 3
    assert abs(columns.mean() - 60) < 3

    canvas = Canvas(20, 10)
    canvas.text(-5, 0, "much longer than the canvas", (0, 0, 0), size=30)
    canvas.text(200, 300, "outside", (0, 0, 0))
    assert canvas.pixels.shape == (10, 20)
    assert canvas.pixels.any()
    assert read(canvas.png()).min() == 0


def test_colours_are_limited_to_what_a_palette_holds():
    canvas = Canvas(2, 2)
    assert canvas.add_colors([(1, 2, 3)]) == 1
    assert canvas.room == 254
    with pytest.raises(ValueError, match="257 colours, but an indexed picture has room for 256"):
        canvas.add_colors(np.zeros((255, 3), np.uint8))

"""Layouts and ranges of image batches, their pixels, and contact sheets."""

import numpy as np
import pytest
import torch

from nnwidgets.analysis.pictures import PictureStyle, as_batch, contact_sheet, picture_style, to_pixels

GENERATOR = np.random.default_rng(0)
COLOR = GENERATOR.integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)
GREY = COLOR[..., 0]


def written(values, form):
    """The same picture as other people would hand it over."""
    unit = values.astype(np.float64) / 255
    return {"0…255": values, "0…255 as float": values.astype(np.float32), "0…1": unit, "−1…1": 2 * unit - 1}[form]


@pytest.mark.parametrize("form", ["0…255", "0…255 as float", "0…1", "−1…1"])
@pytest.mark.parametrize("layout", ["grey", "channels last", "channels first", "one channel first"])
def test_every_layout_and_range_gives_the_same_pixels(form, layout):
    source = COLOR if "channels" in layout else GREY[..., None]
    values = written(source, form)
    if layout == "grey":
        values = values[..., 0]
    elif "first" in layout:
        values = np.moveaxis(values, -1, 1)
    style = picture_style(values)
    assert np.array_equal(to_pixels(values, style), source)
    assert np.array_equal(to_pixels(torch.from_numpy(np.ascontiguousarray(values)), style), source)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (np.array([[[-1, 1], [1, -1]]], dtype=np.int8), -1, 1),  # the units of a Hopfield network
        (np.array([[[0, 1], [1, 0]]], dtype=np.uint8), 0, 1),  # a cellular automaton
        (np.array([[[True, False]]]), 0, 1),
        (np.array([[[0, 3]]]), 0, 3),  # an automaton of four states
        (GENERATOR.normal(size=(4, 32, 32, 3)), -1, 1),  # where a diffusion starts
        (np.array([[[-0.03, 1.04]]]), 0, 1),  # a decoder that overshoots
        (np.array([[[-40.0, 100.0]]]), -100, 100),
        (np.zeros((1, 4, 4), dtype=np.uint8), 0, 255),
        (np.full((1, 2, 2), np.nan), 0, 1),
    ],
)
def test_range(values, low, high):
    style = picture_style(values)
    assert (style.low, style.high) == (low, high)


def test_where_both_ends_could_be_channels_a_tensor_has_them_first():
    both = np.zeros((2, 3, 8, 3))
    assert picture_style(both).channels_first is False
    assert picture_style(torch.from_numpy(both)).channels_first is True
    assert picture_style(both, "channels first").channels_first is True


def test_missing_is_magenta_and_what_lies_outside_is_clipped():
    values = np.array([[[np.nan, np.inf, -np.inf, 2.0, -1.0, 0.5]]])
    pixels = to_pixels(values, PictureStyle(None, 0.0, 1.0))
    assert pixels[0, 0].tolist() == [[255, 0, 255], [255] * 3, [0] * 3, [255] * 3, [0] * 3, [128] * 3]
    colour = np.zeros((1, 2, 1, 1))
    colour = np.repeat(colour, 3, axis=-1)
    colour[0, 0, 0, 2] = np.nan
    assert to_pixels(colour, PictureStyle(False, 0.0, 1.0))[0, :, 0].tolist() == [[255, 0, 255], [0, 0, 0]]


def test_what_is_transparent_lies_on_white():
    pixels = np.array([[[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 128]]]], dtype=np.uint8)
    assert to_pixels(pixels, picture_style(pixels))[0, 0].tolist() == [[10, 20, 30], [255] * 3, [127] * 3]


def test_half_precision_and_the_given_array_stays():
    tensor = torch.full((1, 1, 2, 2), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert to_pixels(tensor, picture_style(tensor)).tolist() == [[[[128]] * 2] * 2]
    values = np.array([[[np.nan, 3.0]]], dtype=np.float32)
    to_pixels(values, picture_style(values))
    assert np.isnan(values[0, 0, 0]) and values[0, 0, 1] == 3
    given = COLOR.copy()
    to_pixels(given, picture_style(given))[:] = 0
    assert np.array_equal(given, COLOR)


@pytest.mark.parametrize("shape", [(5,), (4, 10), (2, 5, 6, 2), (2, 2, 5, 6), (0, 4, 4), (1, 2, 3, 4, 5)])
def test_no_images(shape):
    with pytest.raises(ValueError, match=rf"\({', '.join(map(str, shape))},?\).*draw="):
        picture_style(np.zeros(shape))
    with pytest.raises(ValueError, match="draw="):
        to_pixels(np.zeros(shape), PictureStyle(False, 0.0, 1.0))


def test_other_bad_input():
    with pytest.raises(ValueError, match="complex"):
        picture_style(np.zeros((1, 2, 2), dtype=complex))
    with pytest.raises(ValueError, match="layout='sideways'"):
        picture_style(COLOR, "sideways")
    with pytest.raises(ValueError, match=r"channels first.*\(5, 6, 7, 3\)"):
        picture_style(COLOR, "channels first")
    with pytest.raises(ValueError, match="columns=0"):
        contact_sheet(COLOR, 0)


@pytest.mark.parametrize(
    ("shape", "batch"),
    [
        ((6, 7), (1, 6, 7)),
        ((6, 7, 3), (1, 6, 7, 3)),
        ((3, 6, 7), (1, 3, 6, 7)),
        ((1, 6, 7), (1, 1, 6, 7)),
        ((4, 6, 7), (4, 6, 7)),
        ((5, 3, 6, 7), (5, 3, 6, 7)),
    ],
)
def test_one_image_becomes_a_batch(shape, batch):
    assert as_batch(np.zeros(shape)).shape == batch


def test_contact_sheet():
    pixels = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1) + np.zeros((3, 2, 2, 1), dtype=np.uint8)
    sheet = contact_sheet(pixels, 2, gap=1, background=9)
    assert sheet[..., 0].tolist() == [
        [0, 0, 9, 1, 1],
        [0, 0, 9, 1, 1],
        [9, 9, 9, 9, 9],
        [2, 2, 9, 9, 9],
        [2, 2, 9, 9, 9],
    ]
    assert contact_sheet(pixels, 8, gap=0).shape == (2, 6, 1)

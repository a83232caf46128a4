"""LatentMap in Python: what the page is told, the result and its figures, what a saved page holds, what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

import nnwidgets as nnw
from nnwidgets.session.errors import NoLatent
from nnwidgets.widgets.latent import short, smaller
from nnwidgets.wire.answers import Answer
from nnwidgets.wire.codec import decode

from .latents import Spots, spots


def array(answer: Answer, name: str) -> np.ndarray:
    coded = answer.arrays[name]
    return decode(coded.header, coded.data)


@pytest.mark.parametrize(("size", "axes"), [(2, (0, 1)), (2, (1, 0)), (5, (3, 1))])
def test_the_manifold_is_what_is_decoded_over_the_grid(size, axes):
    session = spots(size)
    session.selection.latent = np.linspace(-1, 1, size)
    widget = nnw.LatentMap(session, axes=axes, grid=6, spread=2)
    (asked,) = [arguments for what, arguments in widget.first_questions() if what == "latent.manifold"]
    answer = widget.answer("latent.manifold", asked)
    pictures, x, y = (array(answer, name) for name in ("pictures", "x", "y"))
    assert pictures.shape == (36, 8, 8, 1) and (np.diff(x) > 0).all() and (np.diff(y) > 0).all()
    mean, std = session.latent.spread
    assert x[[0, -1]] == pytest.approx(mean[axes[0]] + np.array([-2, 2]) * std[axes[0]], rel=1e-5)
    latent = np.linspace(-1, 1, size)
    latent[axes[0]], latent[axes[1]] = x[4], y[5]  # the top row, the fifth from the left
    assert np.abs(pictures[4].astype(int) - session.latent.pictures(latent)[0]).max() <= 1
    result = widget.result
    assert result.decoded.shape == (36, 8, 8, 1) and np.array_equal(result.decoded, pictures)
    assert result.points is not None and np.allclose(result.points, session.latent.points[:, list(axes)])


def test_the_overview_and_a_sample_with_its_reconstruction():
    session = spots(3)
    widget = nnw.LatentMap(session)
    answer = widget.answer("latent.overview", {})
    assert json.loads(json.dumps(answer.value))["classNames"] == ["ant", "bee", "<b>cat</b>"]
    assert answer.value["size"] == 3 and answer.value["count"] == 30 and answer.value["pairs"] == 64
    assert array(answer, "labels").tolist() == [at % 3 for at in range(30)]
    pairs = widget.answer("latent.pairs", {"chunk": 0})
    points = session.latent.points
    assert np.array_equal(array(pairs, "pictures"), session.latent.pictures(points))
    given = (session.inputs * 255).round().numpy().reshape(30, 8, 8, 1)
    assert np.abs(array(pairs, "input.pictures").astype(int) - given).max() <= 1
    assert np.array_equal(array(widget.answer("latent.sample", {"sample": 7}), "latent"), points[7])
    with pytest.raises(ValueError, match="sample=30, but the input has 30 samples"):
        widget.answer("latent.sample", {"sample": 30})
    with pytest.raises(ValueError, match=r"chunk=1, but the input has 1 chunk"):
        widget.answer("latent.pairs", {"chunk": 1})


def test_a_latent_is_decoded_as_the_page_asks_for_it():
    session = spots()
    widget = nnw.LatentMap(session)
    assert np.array_equal(
        array(widget.answer("latent.decode", {"latent": [0.5, -1.25]}), "pictures"),
        session.latent.pictures([0.5, -1.25]),
    )
    session.selection.latent = (1 / 3, 2)
    assert list(widget.first_questions())[-1] == ("latent.decode", {"latent": [0.333333, 2.0]})
    for wrong in ([1, 2, 3], ["a", 1], "text"):
        with pytest.raises(ValueError, match="latent"):
            widget.answer("latent.decode", {"latent": wrong})


def test_colour_pictures_come_as_small_as_they_are_seen():
    session = spots(2, channels=3)
    widget = nnw.LatentMap(session, grid=40)
    shapes = widget.answer("latent.manifold", {"axes": [0, 1], "grid": 40, "spread": 3.0}).arrays["pictures"].header
    assert shapes["shape"] == [1600, 8, 8, 3]
    big = np.zeros((2, 64, 48, 3), np.uint8)
    big[:, :2, :2] = 200
    small = smaller(big, 33)
    assert small.shape == (2, 32, 24, 3) and (small[:, 0, 0] == 200).all() and (small[:, 1, 1] == 0).all()
    assert smaller(big[:, :63], 32).shape == (2, 32, 24, 3)


@pytest.mark.parametrize("what", ["images", "colour", "curves", "texts"])
def test_figure_still_and_code(what, tmp_path):
    model = Spots()
    options = {
        "images": {},
        "colour": {"channels": 3},
        "curves": {"draw": lambda item: item.flatten()},
        "texts": {"draw": lambda item: f"$\n {float(item.mean()):.2f}"},
    }[what]
    session = spots(**options)
    widget = nnw.LatentMap(session, grid=5)
    figure = widget.figure(save_path=tmp_path / "map.png", dpi=50)
    assert len(figure.axes) == 2
    with Image.open(io.BytesIO(widget._still_half().still(widget.result, **widget.look()))) as still:
        assert still.size[0] > 400 and len(set(still.convert("L").tobytes())) > 8
    assert "nnw.LatentMap(session" in widget.code() and "grid=5" in widget.code()
    assert isinstance(model, Spots)


def test_a_saved_page_holds_what_needs_no_decoder():
    widget = nnw.LatentMap(spots(), grid=7)
    baked = [(what, dict(arguments)) for what, arguments in widget.bake()]
    assert ("latent.manifold", {"axes": [0, 1], "grid": 7, "spread": 3.0, "at": None}) in baked
    assert {what for what, _ in baked} == {
        "latent.overview",
        "latent.manifold",
        "latent.points",
        "latent.pairs",
        "latent.decode",
    }
    for what, arguments in baked:
        widget.answer(what, arguments)


def test_without_an_encoder_there_is_a_map_without_points():
    model = Spots()
    session = nnw.ModelSession(model, decode=model.decode)
    widget = nnw.LatentMap(session, grid=4)
    assert widget.answer("latent.overview", {}).value["count"] == 0
    assert "latent.points" not in dict(widget.first_questions())
    assert widget.result.points is None and widget.result.grid.x[-1] == pytest.approx(3)
    assert any("No encode" in note for note in widget.answer("latent.overview", {}).value["notes"])


def test_what_cannot_be_shown_is_one_clear_error():
    with pytest.raises(TypeError, match="LatentMap looks at a ModelSession, not at int: make one with"):
        nnw.LatentMap(3)
    with pytest.raises(NoLatent, match="no decode: make it with decode="):
        nnw.LatentMap(nnw.ModelSession(Spots(), torch.rand(2, 1, 8, 8)))
    one = nnw.LatentMap(spots(1))
    with pytest.raises(ValueError, match="1 dimension, but a map needs 2: LatentSliders"):
        one.answer("latent.manifold", {"axes": [0, 1], "grid": 5, "spread": 3})
    with pytest.raises(traitlets.TraitError, match="two different dimensions"):
        nnw.LatentMap(spots(), axes=(1, 1))
    widget = nnw.LatentMap(spots(3), axes=(0, 7))
    with pytest.raises(ValueError, match="two different dimensions from 0 to 2"):
        _ = widget.result
    widget.axes = (0, 2)
    assert widget.result.grid.axes == (0, 2)
    for trait, value in (("grid", 1), ("grid", 41), ("spread", 0)):
        with pytest.raises(traitlets.TraitError):
            setattr(widget, trait, value)
    with pytest.raises(ValueError, match="grid=99"):
        widget.answer("latent.manifold", {"axes": [0, 1], "grid": 99, "spread": 3})


def test_targets_that_are_no_classes_are_said():
    session = spots(targets=torch.rand(30))
    assert session.latent.labels is None
    notes = nnw.LatentMap(session).answer("latent.overview", {}).value["notes"]
    assert any("not one class for each input" in note for note in notes)


def test_a_latent_is_asked_for_in_six_digits():
    assert short([1 / 3, -12345678.9, 1e-9]) == [0.333333, -12345700.0, 1e-9]
    assert len(json.dumps(short(np.random.default_rng(0).normal(size=4096)))) < 60_000


def test_inputs_that_are_encoded_as_nan_are_said_and_break_nothing(tmp_path: Path) -> None:
    images = torch.rand(12, 1, 4, 4)
    images[3] = float("nan")
    model = torch.nn.ModuleDict({"encoder": torch.nn.Linear(16, 3), "decoder": torch.nn.Linear(3, 16)})
    with nnw.ModelSession(
        model,
        images,
        targets=torch.arange(12) % 2,
        encode=lambda model, x: model["encoder"](x.flatten(1)),
        decode=lambda model, z: model["decoder"](z).view(-1, 1, 4, 4),
    ) as session:
        for widget in (nnw.LatentMap(session), nnw.LatentSliders(session)):
            assert any(
                "1 of 12 inputs are encoded as NaN" in note
                for note in widget.answer("latent.overview", {}).value["notes"]
            )
            with pytest.raises(ValueError, match="sample=3, but that input is encoded as"):
                widget.answer("latent.sample", {"sample": 3})
            assert not widget.save(tmp_path / "page.html").left_out
            widget.save(tmp_path / "picture.png", dpi=50)
        assert len(nnw.LatentSliders(session).answer("latent.directions", {}).value["labels"]) == 2

"""LatentInterpolation in Python: the ends are the reconstructions, the ways, how evenly it goes, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import traitlets

import nnwidgets as nnw

from .latents import Spots, spots
from .test_latent_map import array


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_the_ends_are_the_reconstructions_of_the_inputs(method):
    session = spots(6)
    widget = nnw.LatentInterpolation(session, start=4, end=9, method=method, count=9)
    latents = widget.result.latents
    points = session.latent.points
    assert np.array_equal(latents[0], points[4]) and np.array_equal(latents[-1], points[9])
    back = session.latent.decode(points[[4, 9]])
    assert np.abs(session.latent.decode(latents)[[0, -1]] - back).max() <= 1e-5
    answer = widget.answer("latent.path", dict(list(widget.first_questions())[1][1]))
    assert array(answer, "pictures").shape == (9, 8, 8, 1) and np.array_equal(array(answer, "latents"), latents)
    even = widget.result.smoothness
    assert even is not None and answer.value["smoothness"]["sentence"] == even.sentence
    assert array(answer, "steps") == pytest.approx(even.steps)
    assert (answer.value["start"], answer.value["end"]) == ("sample 4, bee", "sample 9, ant")


def test_ends_are_samples_draws_or_latents():
    session = spots(3)
    widget = nnw.LatentInterpolation(session)
    assert (widget.result.start, widget.result.end) == ("sample 0, ant", "sample 1, bee")
    widget.start, widget.end = "random 7", [1, 2, 3]
    mean, std = session.latent.spread
    drawn = mean + std * np.random.default_rng(7).standard_normal(3)
    assert widget.result.latents[0] == pytest.approx(drawn, rel=1e-5)
    assert widget.result.latents[-1].tolist() == [1, 2, 3]
    assert widget.result.start == "random draw, seed 7" and widget.result.end == "(1, 2, 3)"
    assert eval(widget.code().splitlines()[-1], {"nnw": nnw, "session": session}).start == {"seed": 7}
    model = Spots(3)
    alone = nnw.LatentInterpolation(nnw.ModelSession(model, decode=model.decode))
    assert alone.result.start == "random draw, seed 0" and alone.result.end == "random draw, seed 1"


def test_equal_ends_stand_still_and_opposite_ones_are_refused():
    session = spots(4)
    same = nnw.LatentInterpolation(session, start=2, end=2, method="spherical")
    assert same.result.smoothness.sentence == "The picture stands still."
    widget = nnw.LatentInterpolation(session, start=[1, 2, 3, 4], end=[-1, -2, -3, -4], method="spherical")
    with pytest.raises(ValueError, match="opposite"):
        widget.answer("latent.path", widget._asked())
    assert [what for what, _ in widget.bake()].count("latent.path") == 3  # as it is, and there and back by a line
    widget.method = "linear"
    assert np.abs(widget.result.latents[5]).max() < 1e-6


@pytest.mark.parametrize("draw", [None, lambda item: item.flatten(), lambda item: f"{float(item.mean()):.2f}"])
def test_figure_still_and_page(draw, tmp_path):
    widget = nnw.LatentInterpolation(spots(3, draw=draw), count=13, at=0.5)
    assert widget.save(tmp_path / "way.png", dpi=50)
    assert widget._still_half().still(widget.result, **widget.look()).startswith(b"\x89PNG")
    asked = [arguments for what, arguments in widget.bake() if what == "latent.path"]
    assert len(asked) == 4
    for arguments in asked:
        widget.answer("latent.path", arguments)


@pytest.mark.parametrize("wrong", [-1, "sample 3", True, {"sample": -2}, {"other": 1}, [], [np.nan], "random x", 1.5])
def test_ends_that_are_none_are_named(wrong):
    with pytest.raises(traitlets.TraitError, match="but it is a sample"):
        nnw.LatentInterpolation(spots(), start=wrong)


def test_what_does_not_exist_is_named():
    widget = nnw.LatentInterpolation(spots(), start=99)
    with pytest.raises(ValueError, match="sample=99, but the input has 30 samples"):
        _ = widget.result
    widget.start = [1, 2, 3]
    with pytest.raises(ValueError, match=r"shapes \[3\] and \[2\]"):
        _ = widget.result
    widget.start = 0
    assert len(widget.result.latents) == 11
    with pytest.raises(ValueError, match="count=500"):
        widget.answer("latent.path", widget._asked() | {"count": 500})

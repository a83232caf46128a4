"""LatentSliders in Python: strips, the order by effect, directions of classes, draws, and many dimensions."""

from __future__ import annotations

import numpy as np
import pytest
import traitlets

import nnwidgets as nnw
from nnwidgets.wire.codec import decode

from .latents import Spots, spots
from .test_latent_map import array


def test_strips_vary_one_dimension_from_the_selected_latent():
    session = spots(5)
    session.selection.latent = (0.1, 0.2, 0.3, 0.4, 0.5)
    widget = nnw.LatentSliders(session, dimensions=(4, 1), strip=5, spread=2)
    (asked,) = [arguments for what, arguments in widget.first_questions() if what == "latent.traversals"]
    assert asked == {"dimensions": [4, 1], "spread": 2.0, "strip": 5, "at": [0.1, 0.2, 0.3, 0.4, 0.5]}
    answer = widget.answer("latent.traversals", asked)
    pictures, values = array(answer, "pictures"), array(answer, "values")
    mean, std = session.latent.spread
    assert values[1] == pytest.approx(mean[1] + np.linspace(-2, 2, 5) * std[1], rel=1e-5)
    latent = np.array([0.1, values[1, 3], 0.3, 0.4, 0.5])
    assert np.array_equal(pictures[5 + 3], session.latent.pictures(latent)[0])
    result = widget.result
    assert result.dimensions == (4, 1) and len(result.decoded) == 2 and result.decoded[0].shape == (5, 8, 8, 1)


def test_dimensions_come_by_their_effect_or_by_number():
    session = spots(12)
    session.model.out.weight.data *= 0.2
    mean, std = session.latent.spread
    effects = []
    for dimension in range(12):
        ends = np.stack([mean, mean])
        ends[0, dimension] -= std[dimension]
        ends[1, dimension] += std[dimension]
        low, high = session.latent.decode(ends)
        effects.append(float(np.sqrt(np.mean((high - low) ** 2))))
    widget = nnw.LatentSliders(session)
    assert array(widget.answer("latent.importance", {}), "change") == pytest.approx(effects, rel=1e-4)
    assert widget.result.dimensions == tuple(np.argsort(-np.array(effects), kind="stable")[:8])
    widget.order = "number"
    assert widget.result.dimensions == tuple(range(8)) and widget.result.change is None


def test_directions_of_classes_part_them():
    session = spots(4, count=60)
    widget = nnw.LatentSliders(session)
    answer = widget.answer("latent.directions", {})
    vectors = array(answer, "vectors")
    assert answer.value["labels"] == [0, 1, 2] and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    points, has = session.latent.points, np.arange(60) % 3 == 1
    along = points @ vectors[1]
    assert along[has].mean() > along[~has].mean()
    assert answer.value["spread"][1] == pytest.approx([along.mean(), along.std()], rel=1e-4)
    assert nnw.LatentSliders(spots(4, targets=None)).answer("latent.directions", {}).value["labels"] == []
    assert nnw.LatentSliders(spots(4, targets=[1] * 30)).answer("latent.directions", {}).value["labels"] == []


def test_a_draw_is_numpys_by_its_seed():
    session = spots(6)
    found = array(nnw.LatentSliders(session).answer("latent.random", {"seed": 3}), "latent")
    mean, std = session.latent.spread
    assert found == pytest.approx(mean + std * np.random.default_rng(3).standard_normal(6), rel=1e-5)


@pytest.mark.parametrize("size", [1, 4096])
def test_one_dimension_and_thousands(size):
    model = Spots(size)
    widget = nnw.LatentSliders(nnw.ModelSession(model, decode=model.decode))
    for what, arguments in widget.first_questions():
        answer = widget.answer(what, arguments)
        if what == "latent.traversals":
            assert answer.arrays["pictures"].header["shape"] == [7 * min(size, 8), 8, 8, 1]
    assert len(widget.result.dimensions) == min(size, 8)


@pytest.mark.parametrize("draw", [None, lambda item: item.flatten(), lambda item: f"{float(item.mean()):.2f}"])
def test_figure_still_and_page(draw, tmp_path):
    widget = nnw.LatentSliders(spots(9, draw=draw))
    assert widget.save(tmp_path / "sliders.png", dpi=50)
    assert widget._still_half().still(widget.result, **widget.look()).startswith(b"\x89PNG")
    baked = list(widget.bake())
    assert len([1 for what, _ in baked if what == "latent.random"]) == 5
    for what, arguments in baked:
        for coded in widget.answer(what, arguments).arrays.values():
            decode(coded.header, coded.data)


def test_what_cannot_be_shown_is_named():
    for wrong in ((), (1, 1), (-1,), ("a",), (True,)):
        with pytest.raises(traitlets.TraitError, match="different whole numbers from 0"):
            nnw.LatentSliders(spots(3), dimensions=wrong)
    widget = nnw.LatentSliders(spots(3), dimensions=(0, 3))
    with pytest.raises(ValueError, match=r"dimension 3, but the latents of Spots have 3 \(0 to 2\)"):
        _ = widget.result
    with pytest.raises(ValueError, match="strip=99"):
        widget.answer("latent.traversals", {"dimensions": [0], "spread": 3, "strip": 99})

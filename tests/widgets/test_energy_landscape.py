"""EnergyLandscape of a network that stores three digits: its numbers, its page, its figures, and bad input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import traitlets
from sklearn.datasets import load_digits

import nnwidgets as nnw
from nnwidgets.processes import Hopfield
from nnwidgets.widgets.energy_landscape import EnergyLandscape
from nnwidgets.wire.codec import decode

DIGITS = np.where(load_digits().images[[0, 1, 4]] > 7, 1, -1)


@pytest.fixture
def recall() -> Iterator[Hopfield]:
    cue = DIGITS[0].copy()
    cue[:2] = -cue[:2]
    with Hopfield(DIGITS, cue=cue, storage="pseudo-inverse", steps=4, labels=["0", "<b>1</b>", "4"]) as process:
        yield process


def page_of(widget: EnergyLandscape) -> tuple[dict, dict]:
    [(what, arguments)] = widget.first_questions()
    answer = widget.answer(what, arguments)
    arrays = {name: decode(coded.header, coded.data) for name, coded in answer.arrays.items()}
    return dict(answer.value), arrays


def test_heights_of_path_and_memories_are_the_network_s_own(recall: Hopfield) -> None:
    value, arrays = page_of(EnergyLandscape(recall, resolution=21))
    weights = recall.weights
    states = np.stack([recall.state(step) for step in range(5)]).astype(float)
    assert arrays["energies"].shape == (21, 21) and len(arrays["x"]) == len(arrays["y"]) == 21
    np.testing.assert_allclose(arrays["path.0"][:, 2], [-0.5 * s @ weights @ s for s in states], rtol=1e-6)
    memories = DIGITS.reshape(3, -1).astype(float)
    np.testing.assert_allclose(arrays["memories"][:, 2], [-0.5 * s @ weights @ s for s in memories], rtol=1e-6)
    assert value["memories"] == ["0", "<b>1</b>", "4"] and "Conceptual" in value["words"]


def test_a_branch_has_a_path_of_its_own_on_the_same_plane(recall: Hopfield) -> None:
    widget = EnergyLandscape(recall)
    recall.edit(1, DIGITS[2], label="to the 4")
    value, arrays = page_of(widget)
    assert [branch["label"] for branch in value["branches"]] == ["", "to the 4"]
    np.testing.assert_array_equal(arrays["path.1"][0], arrays["path.0"][0])  # before it left
    np.testing.assert_allclose(arrays["path.1"][-1], arrays["memories"][2], rtol=1e-5)


def test_figures_and_the_still(recall: Hopfield, tmp_path: Path) -> None:
    recall.edit(1, DIGITS[2], label="to the 4")
    widget = EnergyLandscape(recall, resolution=21)
    for view in ("surface", "contour"):
        widget.view = view
        assert widget.figure().axes
        widget.save(tmp_path / f"{view}.png", dpi=60)
    bundle = widget._repr_mimebundle_()
    assert bundle is not None and bundle[0]["image/png"]


def test_it_is_saved_as_a_page(recall: Hopfield, tmp_path: Path) -> None:
    page = nnw.save_page(tmp_path / "energy.html", [EnergyLandscape(recall)])
    assert page.left_out == 0 and 1.7e6 < page.nbytes < 2.1e6  # plotly's 3-D build comes along, once


def test_what_is_no_hopfield_network_is_refused(recall: Hopfield) -> None:
    process = nnw.Process(lambda state: state * 0.9, np.ones(4), steps=3)
    with pytest.raises(TypeError, match=r"a Hopfield network, not at Process: make one with nnw\.processes\.Hopfield"):
        EnergyLandscape(process)
    with pytest.raises(TypeError, match="looks at a Hopfield network: make one"):
        EnergyLandscape()
    with pytest.raises(traitlets.TraitError, match="directions='units', but it is one of 'memories', 'path'"):
        EnergyLandscape(recall, directions="units")
    with pytest.raises(traitlets.TraitError):
        EnergyLandscape(recall, resolution=3)

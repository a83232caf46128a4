"""Distributions' Python half: real trainings, exact counts, boxes, ternary and broken layers, what a page is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import traitlets

import nnwidgets as nnw
from nnwidgets.runs import Histogram, Run, RunStore
from nnwidgets.widgets.distributions import Distributions
from nnwidgets.wire.answers import Answer
from nnwidgets.wire.codec import decode
from tests.widgets.trainings import cnn, train


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return cnn()


@pytest.fixture(scope="module")
def trained(model: torch.nn.Module) -> Iterator[Run]:
    run = train(RunStore(":memory:"), "digits", model)
    yield run
    run.close()


@pytest.fixture
def run() -> Iterator[Run]:
    recorded = RunStore(":memory:").run("made up")
    yield recorded
    recorded.close()


def arrays(answer: Answer) -> dict[str, Any]:
    return {name: decode(coded.header, coded.data) for name, coded in answer.arrays.items()}


def test_layers_and_steps_are_those_that_were_logged(trained: Run) -> None:
    widget = Distributions(trained)
    overview = widget.answer("distributions.overview", {"what": "weights"})
    assert overview.value["paths"] == ["1", "3", "7"]
    assert arrays(overview)["steps"].tolist() == [0, 20, 40]
    assert overview.value["counted"] == {"weights": 3, "gradients": 3, "activations": 5}


def test_counts_are_exact(run: Run) -> None:
    values = np.random.default_rng(0).normal(size=5000)
    run.log(0, **{"weights/fc": Histogram.of(values)})
    run.flush()
    widget = Distributions(run)
    found = arrays(widget.answer("distributions.step", {"what": "weights", "step": 0}))
    expected, edges = np.histogram(values, bins=64, range=(values.min(), values.max()))
    np.testing.assert_array_equal(found["counts"][0], expected)
    np.testing.assert_allclose(found["ranges"][0], [edges[0], edges[-1]], rtol=1e-6)
    np.testing.assert_allclose(found["boxes"][0][3], np.median(values), rtol=1e-5)
    coarse = arrays(widget.answer("distributions.step", {"what": "weights", "step": 0, "bins": 8}))
    np.testing.assert_allclose(coarse["counts"][0], expected.reshape(8, 8).sum(axis=1), rtol=1e-6)


def test_dead_units_and_zeros_of_relus(trained: Run) -> None:
    widget = Distributions(trained, what="activations")
    result = widget.result
    relu = result.paths.index("2")
    assert 0 <= result.dead[relu] <= 1 and np.isnan(result.dead[result.paths.index("1")])
    told = widget.answer("distributions.step", {"what": "activations", "step": result.step}).value["layers"]
    least, most = told[relu]["zeros"]
    histogram = result.histograms[relu]
    assert histogram is not None and histogram.minimum == 0
    assert 0 < least <= most <= 1
    assert "ternary" not in told[relu]  # that is for weights


def test_a_ternary_layer_is_found(run: Run) -> None:
    ternary = 0.02 * np.random.default_rng(0).choice([-1.0, 0.0, 1.0], size=4000)
    run.log(0, **{"weights/bit": Histogram.of(ternary), "weights/plain": Histogram.of(np.random.normal(size=4000))})
    run.flush()
    widget = Distributions(run)
    told = widget.answer("distributions.step", {"what": "weights", "step": 0}).value["layers"]
    assert [layer["ternary"] for layer in told] == [True, False]
    assert told[0]["spikes"].startswith("Ternary: 100 %") and "0.02" in told[0]["spikes"]
    spikes = widget.result.spikes(0)
    assert spikes is not None and spikes.ternary


def test_values_that_are_not_finite_are_counted(run: Run) -> None:
    run.log(0, **{"gradients/fc": Histogram.of([1.0, float("nan"), float("inf"), float("nan")])})
    run.log(0, **{"gradients/gone": Histogram.of([float("nan")])})
    run.flush()
    answer = Distributions(run, what="gradients").answer("distributions.step", {"what": "gradients", "step": 0})
    first, gone = answer.value["layers"]
    assert (first["nan"], first["infinite"], first["values"]) == (2, 1, 1)
    assert gone["mean"] is None and gone["values"] == 0
    json.dumps(dict(answer.value), allow_nan=False)


def test_a_layer_logged_later_than_others(run: Run) -> None:
    run.log(0, **{"weights/a": Histogram.of([1.0, 2.0])})
    run.log(10, **{"weights/a": Histogram.of([1.0, 2.0]), "weights/b": Histogram.of([3.0], bins=8)})
    run.flush()
    widget = Distributions(run)
    run.selection.step = 2
    assert widget.result.step == 0 and widget.result.histograms[1] is None
    told = widget.answer("distributions.step", {"what": "weights", "step": 0}).value
    assert told["layers"][1] is None
    both = arrays(widget.answer("distributions.step", {"what": "weights", "step": 10}))
    assert both["counts"].shape == (2, 64) and both["counts"].sum(axis=1).tolist() == [2, 1]


def test_one_layer_over_the_steps(trained: Run) -> None:
    widget = Distributions(trained, view="steps")
    trained.selection.layer = "3"
    over = widget.result.over
    assert over is not None and over.path == "3" and over.steps.tolist() == [0, 20, 40]
    answer = widget.answer("distributions.over", {"what": "weights", "layer": "3"})
    found = arrays(answer)
    np.testing.assert_allclose(found["shares"], over.shares, atol=1e-4)
    np.testing.assert_allclose(found["shares"].sum(axis=1), 1 - answer.value["beyond"], atol=0.02)
    with pytest.raises(ValueError, match="layer='9', but digits logged weights of '1', '3', '7'"):
        widget.answer("distributions.over", {"what": "weights", "layer": "9"})
    trained.selection.layer = None


def test_all_layers_in_one_hold_every_value(trained: Run) -> None:
    result = Distributions(trained, view="all").result
    assert result.joined is not None
    total = sum(int(each.counts.sum()) for each in result.histograms if each is not None)
    assert result.joined[1].sum() == pytest.approx(total)


def test_the_newest_weights_are_the_model_s(trained: Run, model: torch.nn.Module) -> None:
    result = Distributions(trained).result
    first = result.histograms[0]
    assert first is not None and result.step == 40
    parameters = torch.cat([each.detach().flatten() for each in model[1].parameters()])  # type: ignore[index]
    assert int(first.counts.sum()) == len(parameters)


def test_a_run_without_histograms(run: Run) -> None:
    run.log(0, loss=1.0)
    widget = Distributions(run)
    assert widget.answer("distributions.overview", {"what": "weights"}).value["paths"] == []
    assert [what for what, _ in widget.first_questions()] == ["distributions.overview"]
    assert widget.result.step is None and widget.result.joined is None and widget.figure() is not None
    with pytest.raises(ValueError, match="what='losses', but it is one of 'weights'"):
        widget.answer("distributions.overview", {"what": "losses"})


def test_options_are_checked(trained: Run) -> None:
    with pytest.raises(traitlets.TraitError, match="bins=2, but it is a number of bins from 4 to 512, or None"):
        Distributions(trained, bins=2)
    with pytest.raises(traitlets.TraitError, match="one of 'weights', 'gradients', 'activations'"):
        Distributions(trained, what="biases")
    with pytest.raises(TypeError, match="layer belongs to the selection"):
        Distributions(trained, layer="3")
    widget = Distributions(trained, bins=16)
    widget.bins = None
    assert "bins" not in widget.code()


def test_a_saved_page_answers_every_step_and_layer(trained: Run, tmp_path: Any) -> None:
    widget = Distributions(trained)
    asked = [(what, dict(arguments)) for what, arguments in widget.bake()]
    assert {arguments["step"] for what, arguments in asked if what == "distributions.step"} >= {0, 20, 40}
    layers = {(a["what"], a["layer"]) for what, a in asked if what == "distributions.over"}
    assert len(layers) == 11
    page = nnw.save_page(tmp_path / "spread.html", [widget])
    assert page.left_out == 0 and page.nbytes < 1.5e6
    bundle = widget._repr_mimebundle_()
    assert bundle is not None and bundle[0]["image/png"]

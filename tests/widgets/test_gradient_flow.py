"""GradientFlow's Python half: trainings that vanish and do not, two runs, thinned and exact, what a page is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import traitlets

import nnwidgets as nnw
from nnwidgets.analysis.gradients import MARKS
from nnwidgets.runs import Run, RunStore
from nnwidgets.source.errors import SourceClosed
from nnwidgets.widgets.gradient_flow import COLUMNS, GradientFlow
from nnwidgets.wire.answers import Answer
from nnwidgets.wire.codec import decode
from tests.widgets.trainings import normalised, sigmoids, train


@pytest.fixture(scope="module")
def trained() -> Iterator[tuple[Run, Run]]:
    store = RunStore(":memory:")
    runs = train(store, "sigmoids", sigmoids()), train(store, "normalised", normalised())
    yield runs
    for run in runs:
        run.close()


@pytest.fixture
def run() -> Iterator[Run]:
    recorded = RunStore(":memory:").run("made up")
    yield recorded
    recorded.close()


def arrays(answer: Answer) -> dict[str, Any]:
    return {name: decode(coded.header, coded.data) for name, coded in answer.arrays.items()}


def log(run: Run, steps: range, layers: int = 6) -> None:
    for step in steps:
        for layer in range(layers):
            size = 10.0 ** (layer - layers) * (1 + step % 7)
            run.record(step, {f"gradient_mean/layers.{layer}": size, f"gradient_max/layers.{layer}": 10 * size})
            run.record(step, {f"update_ratio/layers.{layer}": 1e-3})
    run.flush()


def words(marks: Any) -> list[str]:
    return [MARKS[mark] for mark in marks]


def test_sigmoids_vanish_and_normalised_layers_do_not(trained: tuple[Run, Run]) -> None:
    vanishing, healthy = trained
    result = GradientFlow(vanishing, beside=healthy).result
    first, second = result.runs
    assert first.paths == tuple(str(place) for place in range(0, 23, 2))  # the model's order, not the alphabet's
    assert words(first.marks[:, -1])[:5] == ["near zero"] * 5 and words(first.marks[:, -1])[-3:] == [""] * 3
    assert first.mean[0, -1] < 1e-3 * first.mean[-1, -1]
    assert set(words(second.marks[:, -1])) == {""}
    assert any("Gradients vanish" in sentence for sentence in result.sentences[0]) and not result.sentences[1]
    assert (first.largest >= first.mean).all() and np.isfinite(second.update).all()


def test_means_are_those_of_the_gradients(run: Run) -> None:
    log(run, range(5))
    result = GradientFlow(run).result.runs[0]
    assert result.paths == tuple(f"layers.{layer}" for layer in range(6))
    np.testing.assert_allclose(result.mean[:, 2], 3 * 10.0 ** np.arange(-6, 0))
    np.testing.assert_allclose(result.largest, 10 * result.mean)


def test_what_a_page_is_told_is_the_result(trained: tuple[Run, Run]) -> None:
    vanishing, healthy = trained
    widget = GradientFlow(vanishing, beside=healthy)
    for name, flow in ((None, widget.result.runs[0]), (healthy.id, widget.result.runs[1])):
        answer = widget.answer("gradient_flow.flow", {"run": name, "until": None})
        assert answer.value["paths"] == list(flow.paths) and answer.value["label"] == flow.label
        found = arrays(answer)
        np.testing.assert_array_equal(found["steps"], flow.steps)
        np.testing.assert_allclose(10 ** found["mean"], flow.mean, rtol=2e-3)
        np.testing.assert_array_equal(found["marks"], flow.marks)
        json.dumps(dict(answer.value), allow_nan=False)
    with pytest.raises(ValueError, match=f"this widget shows {vanishing.id}, {healthy.id}"):
        widget.answer("gradient_flow.flow", {"run": "another"})


def test_a_long_run_comes_thinned_and_the_step_exact(run: Run) -> None:
    log(run, range(0, 3000, 2))
    widget = GradientFlow(run)
    answer = widget.answer("gradient_flow.flow", {"until": None})
    found = arrays(answer)
    assert answer.value["thinned"] and found["mean"].shape[1] <= COLUMNS and answer.nbytes < 40_000
    assert found["counts"].sum() == 1500
    exact = widget.answer("gradient_flow.step", {"step": 1235})
    assert exact.value["step"] in (1234, 1236)
    at = arrays(exact)["mean"][:, 0]
    np.testing.assert_allclose(10**at, (1 + exact.value["step"] % 7) * 10.0 ** np.arange(-6, 0), rtol=1e-3)
    run.selection.step = 1234
    alone = widget.result.exact[0]
    assert alone is not None and alone.steps.tolist() == [1234]
    run.selection.step = None
    newest = widget.result.exact[0]
    assert newest is not None and newest.steps.tolist() == [2998]


def test_a_layer_that_turns_to_nan_is_said(run: Run) -> None:
    log(run, range(5))
    run.record(5, {f"gradient_mean/layers.{layer}": float("nan") for layer in range(6)})
    run.flush()
    widget = GradientFlow(run)
    assert set(words(widget.result.runs[0].marks[:, -1])) == {"not finite"}
    assert np.isnan(arrays(widget.answer("gradient_flow.flow", {}))["mean"][:, -1]).all()


def test_a_zero_gradient_is_told_from_none(run: Run) -> None:
    run.record(0, {"gradient_mean/a": 0.0, "gradient_mean/b": 1.0})
    run.flush()
    found = arrays(GradientFlow(run).answer("gradient_flow.flow", {}))
    assert np.isneginf(found["mean"][0, 0]) and words(found["marks"][:, 0]) == ["no gradient", ""]


def test_what_was_logged_since_is_seen(run: Run) -> None:
    log(run, range(3))
    widget = GradientFlow(run)
    assert len(widget.result.runs[0].steps) == 3
    log(run, range(3, 9))
    assert len(widget.result.runs[0].steps) == 9


def test_the_other_run_is_told_how_far_it_is(run: Run) -> None:
    log(run, range(3))
    other = RunStore(":memory:").run("other")
    widget = GradientFlow(run, beside=other)
    before = widget._beside["cursor"]
    log(other, range(50))
    end = time.monotonic() + 5
    while widget._beside["cursor"] == before or widget._beside["cursor"] < other.cursor:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert widget._beside["label"] == "other"
    widget.close()
    other.close()
    with pytest.raises(SourceClosed, match="load it again"):
        GradientFlow(run, beside=other)


def test_a_run_beside_that_was_closed_is_an_error_in_the_page(run: Run) -> None:
    other = RunStore(":memory:").run("other")
    widget = GradientFlow(run, beside=other)
    other.close()
    with pytest.raises(SourceClosed, match="shown beside, was closed"):
        widget.answer("gradient_flow.flow", {"run": other.id})


def test_a_run_without_gradients(run: Run) -> None:
    run.log(0, loss=1.0)
    widget = GradientFlow(run)
    assert widget.answer("gradient_flow.flow", {}).value["paths"] == []
    assert widget.result.runs[0].paths == () and widget.result.exact == (None,)
    assert widget.figure() is not None
    with pytest.raises(ValueError, match="logged no gradients"):
        widget.answer("gradient_flow.step", {"step": 3})


def test_options_and_arguments_are_checked(run: Run) -> None:
    with pytest.raises(TypeError, match="beside is of type str, but it is another Run"):
        GradientFlow(run, beside="other")  # type: ignore[arg-type]
    with pytest.raises(traitlets.TraitError, match="one of 'gradients', 'updates'"):
        GradientFlow(run, view="bars")
    with pytest.raises(TypeError, match="has no option 'colour'"):
        GradientFlow(run, colour="red")
    with pytest.raises(TypeError, match="GradientFlow looks at a Run"):
        GradientFlow()


def test_a_saved_page_and_a_display_have_all_that_they_need(trained: tuple[Run, Run], tmp_path: Any) -> None:
    vanishing, healthy = trained
    widget = GradientFlow(vanishing, beside=healthy)
    assert [arguments["run"] for _, arguments in widget.first_questions()] == [None, healthy.id]
    page = nnw.save_page(tmp_path / "flow.html", [widget])
    assert page.left_out == 0 and page.nbytes < 1e6
    bundle = widget._repr_mimebundle_()
    assert bundle is not None and bundle[0]["image/png"]
    assert len(widget._snapshot) == 2
    assert widget.code().endswith(f"beside=other)  # other = store.load({healthy.id!r})")


def test_a_loaded_run_has_its_layers_in_the_model_s_order(tmp_path: Any) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    trained = train(store, "sigmoids", sigmoids(), steps=10)
    trained.close()
    loaded = RunStore(tmp_path / "runs.sqlite").load(trained.id)
    assert GradientFlow(loaded).result.runs[0].paths == tuple(str(place) for place in range(0, 23, 2))

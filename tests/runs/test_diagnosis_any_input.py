"""Diagnosis holds for whatever is logged: any numbers, any order, any scale, thinned or whole, and quickly."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from nnwidgets.runs.diagnosis import diagnose
from nnwidgets.runs.store import RunStore
from tests.runs import provoked
from tests.runs.provoked import Logged, Run
from tests.runs.test_diagnosis_rules import falling, layers, norms, over, series, spiky, then

CURVES = {
    "healthy": {"loss": series(falling())},
    "degradation": {"loss": series(then(falling(), 0.9))},
    "divergence": {"loss": series(then(falling(), 2.3))},
    "instability": {"loss": series(spiky(5, 1.2, 6))},
    "overfitting": {"loss": series(over(0.4)[0]), "val_loss": series(over(0.4)[1])},
}


def kinds(run: Run) -> set[str]:
    return {finding.kind for finding in diagnose(run)}


def mapped(run: Run, change) -> Run:
    return {name: Logged(each.steps, change(each.values)) for name, each in run.items()}


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 7.0, 1e6])
@pytest.mark.parametrize("kind", CURVES)
def test_the_unit_of_the_loss_does_not_matter(kind, factor):
    assert kinds(CURVES[kind]) == {kind}
    assert kinds(mapped(CURVES[kind], lambda values: factor * values)) == {kind}


@pytest.mark.parametrize("constant", [-3.0, -0.5, 0.5])
@pytest.mark.parametrize("kind", CURVES)
def test_nor_does_its_zero(kind, constant):
    assert kinds(mapped(CURVES[kind], lambda values: values + constant)) == {kind}


@pytest.mark.parametrize("factor", [0.01, 1000])
@pytest.mark.parametrize("kind", CURVES)
def test_nor_do_the_numbers_of_the_steps(kind, factor):
    run = {name: Logged(1e6 + factor * each.steps, each.values) for name, each in CURVES[kind].items()}
    assert kinds(run) == {kind}


@pytest.mark.parametrize("kind", CURVES)
def test_steps_out_of_order_are_sorted(kind):
    order = np.random.default_rng(0).permutation
    run = {}
    for name, (steps, values) in CURVES[kind].items():
        mixed = order(len(steps))
        run[name] = Logged(steps[mixed], values[mixed])
    assert diagnose(run) == diagnose(CURVES[kind])


def test_steps_that_start_anew_each_epoch_are_read_in_the_order_logged():
    assert kinds({"loss": Logged(np.tile(np.arange(40.0), 10), falling(400))}) == {"healthy"}


@pytest.mark.parametrize("kind", CURVES)
def test_the_same_curves_get_the_same_findings_and_stay_as_they_are(kind):
    before = {name: each.values.copy() for name, each in CURVES[kind].items()}
    assert diagnose(CURVES[kind]) == diagnose(CURVES[kind])
    assert all((before[name] == each.values).all() for name, each in CURVES[kind].items())


@pytest.mark.parametrize("points", [10, 30, 2_000, 100_000])
def test_any_number_of_points(points):
    assert kinds({"loss": series(falling(points, noise=0.005))}) == {"healthy"}
    assert kinds({"loss": series(then(falling(points, noise=0.005), 2.3, points=points // 2))}) == {"divergence"}


def test_an_outlier_changes_nothing():
    values = falling(400)
    values[[150, 260]] = [1e30, -1e30]
    assert kinds({"loss": series(values)}) == {"healthy"}


def test_whatever_is_logged_there_is_an_answer_and_no_exception():
    rng = np.random.default_rng(5)
    names = [
        "loss",
        "val_loss",
        "train/loss",
        "accuracy",
        "val_acc",
        "d_loss",
        "g_loss",
        "diversity",
        "grad_norm",
        "lr",
    ]
    names += [
        "dead/a",
        "dead/",
        "/",
        "",
        "gradient_mean/a/b",
        *[f"gradient_mean/{at}" for at in range(6)],
        "update_ratio/x",
    ]
    for _ in range(400):
        run = {}
        for name in rng.permutation(names)[: rng.integers(0, len(names))]:
            points = int(rng.choice([0, 1, 2, 3, 7, 8, 9, 20, 70, 300]))
            values = rng.choice([1.0, 1e-3, 1e300, 1e-300]) * rng.standard_normal(points)
            values = np.abs(values) if rng.random() < 0.5 else values
            values = np.round(values) if rng.random() < 0.2 else values
            for odd in (np.nan, np.inf, -np.inf, 0.0):
                if rng.random() < 0.3:
                    values[rng.random(points) < rng.random()] = odd
            steps = np.sort(rng.standard_normal(points)) if rng.random() < 0.5 else rng.integers(-5, 50, points)
            steps = np.where(rng.random(points) < 0.02, np.nan, steps) if rng.random() < 0.2 else steps
            run[str(name)] = Logged(steps, values)
        findings = diagnose(run)
        assert findings
        for finding in findings:
            assert finding.sentence and finding.evidence and finding.cause and finding.remedy
            assert "nan" not in finding.sentence.split() and set(finding.metrics) <= set(run)
            assert finding.steps is None or finding.steps[0] <= finding.steps[1]
        json.dumps([finding.to_json() for finding in findings], allow_nan=False)


@pytest.mark.parametrize("seed", range(40))
def test_pure_noise_raises_no_alarm(seed):
    rng = np.random.default_rng(seed)
    points = int(rng.choice([10, 50, 200, 2000]))
    heavy = rng.standard_t(3, points) if seed % 2 else np.exp(rng.standard_normal(points))
    run = {"loss": series(5 + heavy), "val_loss": series(5 + rng.standard_normal(points))}
    assert kinds(run) <= {"unremarkable", "healthy"}  # ten points may well fall by chance


def test_twenty_series_of_two_thousand_points_take_some_milliseconds():
    run: Run = {
        "loss": series(falling(2000)),
        "val_loss": series(falling(2000, seed=2)),
        "accuracy": series(1 - falling(2000)),
        "learning_rate": series(np.full(2000, 0.1)),
        "gradient_norm": norms(2, [300]),
        **layers("gradient_mean", [1.0] * 8, points=2000),
        **layers("dead", [0.1] * 8, points=2000),
    }
    times = []
    for _ in range(7):
        started = time.thread_time()
        diagnose(run)
        times.append(time.thread_time() - started)
    assert min(times) < 0.020


def test_a_run_of_the_store_is_read_thinned(tmp_path: Path):
    good, bad = falling(5000, noise=0.01), then(falling(4000, noise=0.01), 2.3, points=1000)
    store = RunStore(tmp_path / "runs.sqlite")
    for name, values, kind in (("good", good, "healthy"), ("bad", bad, "divergence")):
        with store.run(name) as run:
            for step, value in enumerate(values):
                run.log(step, loss=value, note="a text")
        assert [finding.kind for finding in diagnose(run)] == [kind]
        assert [finding.kind for finding in diagnose(store.load(run.id))] == [kind]
        (finding,) = run.diagnose()
        assert str(finding).splitlines() == [
            finding.sentence, f"  Seen: {finding.evidence}", f"  Cause: {finding.cause}", f"  Try: {finding.remedy}",
        ]  # fmt: skip


def test_a_real_run_is_diagnosed_the_same_when_thinned():
    run = provoked.overfitting_wrong_labels(0)
    steps, values = run["loss"]
    few = {
        **run,
        "loss": Logged(steps[: 954 // 6 * 6].reshape(-1, 6).mean(1), values[: 954 // 6 * 6].reshape(-1, 6).mean(1)),
    }
    assert kinds(few) == kinds(run) == {"overfitting"}

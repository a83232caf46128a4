"""Hopfield networks against the definitions, unit by unit, and against theory."""

from __future__ import annotations

import threading

import joblib
import numpy as np
import pytest
import torch

from nnwidgets.processes import Hopfield, capacity
from nnwidgets.processes.basin import basin
from nnwidgets.source import Cancelled, NotStored, Source

ORTHOGONAL = np.array([[1, 1, 1, 1, 1, 1, 1, 1], [1, -1, 1, -1, 1, -1, 1, -1], [1, 1, -1, -1, 1, 1, -1, -1]])


def one_by_one(weights: np.ndarray, state: np.ndarray, seed: int, step: int) -> np.ndarray:
    """A sweep as it is written down: each unit in turn, with a full product."""
    state = state.astype(np.float64)
    for unit in np.random.default_rng((seed, step)).permutation(len(state)):
        field = weights[unit] @ state
        if field:
            state[unit] = np.sign(field)
    return state


def symmetric(random: np.random.Generator, units: int, *, whole: bool, diagonal: bool) -> np.ndarray:
    weights = random.integers(-3, 4, (units, units)).astype(float) if whole else random.standard_normal((units, units))
    weights = weights + weights.T
    np.fill_diagonal(weights, np.abs(np.diagonal(weights)) if diagonal else 0)
    return weights


def test_the_energy_never_rises_in_a_thousand_random_networks() -> None:
    random = np.random.default_rng(0)
    flips = 0
    for network in range(1000):
        units = int(random.integers(2, 24))
        weights = symmetric(random, units, whole=network % 2 == 0, diagonal=network % 3 == 0)
        cue = random.choice([-1, 1], units)
        process = Hopfield(weights=weights, cue=cue, steps=4, seed=network)
        energy = process.curve("energy")
        assert (np.diff(energy) <= 0).all(), network
        assert energy[0] == pytest.approx(-0.5 * cue @ weights @ cue, abs=1e-6)
        expected = cue
        for step in range(4):
            expected = one_by_one(process.weights, expected, network, step)
            assert np.array_equal(process.state(step + 1), expected), network
        changed = process.curve("flipped")
        flips += int(changed.sum())
        assert changed[0] == 0
    assert flips > 1000


def test_each_flip_lowers_the_energy_by_what_the_diagonal_allows() -> None:
    with pytest.raises(ValueError, match=r"weights\[1, 1\] is -0.5, but the diagonal is 0 or more"):
        Hopfield(weights=[[0, 1], [1, -0.5]], cue=[1, -1])
    process = Hopfield(weights=[[2, -3], [-3, 2]], cue=[1, 1], steps=2)
    assert process.curve("energy").tolist() == [1, -5, -5]


def test_ties_keep_the_state() -> None:
    process = Hopfield(weights=np.zeros((4, 4)), cue=[1, -1, 1, -1], steps=3)
    assert process.state(3).tolist() == [1, -1, 1, -1]
    pair = np.array([[1, 1, 1, 1], [1, 1, -1, -1]])  # the fields of a mixture are 0 where these differ
    tied = Hopfield(weights=(pair.T @ pair - 2 * np.eye(4)) / 4, cue=[-1, 1, 1, -1], steps=1)
    assert tied.energy(tied.state(0)) == 1
    for update in ("asynchronous", "synchronous"):
        floats = Hopfield(weights=np.full((3, 3), 0.1) - np.diag([0.1] * 3), cue=[1, 1, -1], steps=1, update=update)
        assert floats.state(1).tolist()[2] == 1


@pytest.mark.parametrize("storage", ["hebbian", "pseudo-inverse"])
@pytest.mark.parametrize("update", ["asynchronous", "synchronous"])
def test_orthogonal_patterns_are_fixed_points(storage: str, update: str) -> None:
    for index, pattern in enumerate(ORTHOGONAL):
        process = Hopfield(ORTHOGONAL, cue=pattern, storage=storage, update=update, steps=3, labels="abc")
        assert np.array_equal(process.state(3), pattern)
        assert process.basin().sentence == f"the memory {'abc'[index]}"
        inverse = Hopfield(ORTHOGONAL, cue=-pattern, storage=storage, update=update, steps=3, labels="abc").basin()
        assert (inverse.kind, inverse.pattern, inverse.overlap) == ("inverse", index, 1)


def test_the_pseudo_inverse_stores_correlated_patterns() -> None:
    random = np.random.default_rng(1)
    base = random.choice([-1, 1], 64)
    patterns = np.stack([base * np.where(random.random(64) < 0.15, -1, 1) for _ in range(12)])
    hebbian, inverse = (
        [
            Hopfield(patterns, cue=pattern, storage=storage, steps=5).overlaps(5)[at]
            for at, pattern in enumerate(patterns)
        ]
        for storage in ("hebbian", "pseudo-inverse")
    )
    assert min(inverse) == 1
    assert min(hebbian) < 1
    weights = Hopfield(patterns, cue=base, storage="pseudo-inverse").weights
    rows = patterns.astype(float)
    projection = rows.T @ np.linalg.inv(rows @ rows.T) @ rows
    assert np.allclose(weights, projection - np.diag(np.diagonal(projection)))


def test_synchronous_updates_may_alternate_for_ever() -> None:
    process = Hopfield(weights=[[0, -1], [-1, 0]], cue=[1, 1], update="synchronous", steps=10)
    assert [process.state(step).tolist() for step in range(3)] == [[1, 1], [-1, -1], [1, 1]]
    found = process.basin()
    assert (found.kind, found.sentence) == ("not settled", "not settled: it alternates between two states for ever")


def test_a_recall_that_is_cut_short_has_not_settled() -> None:
    random = np.random.default_rng(0)
    process = Hopfield(random.choice([-1, 1], (40, 200)), cue=random.choice([-1, 1], 200), steps=1)
    assert process.basin().kind == "not settled"
    assert "give it more steps" in process.basin().sentence


def test_a_mixture_of_three_is_named() -> None:
    patterns = np.random.default_rng(2).choice([-1, 1], (3, 501))
    mixture = np.sign(patterns[0] + patterns[1] - patterns[2])
    found = Hopfield(patterns, cue=mixture, labels=["P", "F", "L"]).basin()
    assert found.kind == "mixture"
    assert found.sentence == "spurious: a mixture of P, F and L inverted"
    assert found.mixed and set(found.mixed) == {0, 1, 2}
    assert found.overlaps[2] == pytest.approx(-0.5, abs=0.1)


def test_another_spurious_state_names_what_it_is_between() -> None:
    patterns = np.random.default_rng(3).choice([-1, 1], (60, 100))
    found = Hopfield(patterns, cue=patterns[0]).basin()
    assert found.kind == "spurious"
    assert found.sentence.startswith("spurious: nearest to ")
    assert len(found.overlaps) == 60


def test_a_noisy_cue_is_recalled_and_measured() -> None:
    random = np.random.default_rng(0)
    patterns = random.choice([-1, 1], (20, 24, 32))
    cue = np.where(random.random((24, 32)) < 0.15, -1, 1) * patterns[7]
    process = Hopfield(patterns, cue=cue, steps=6)
    assert process.shape == (24, 32)
    assert process.frame(6).shape == (24, 32)
    assert process.basin().pattern == 7
    for step in range(7):
        state = process.state(step)
        overlaps = patterns.reshape(20, -1) @ state / 768
        assert np.array_equal(process.overlaps(step), overlaps)
        assert process.measured(step)["overlap"] == overlaps.max()
        before = process.state(max(step - 1, 0))
        assert process.measured(step)["flipped"] == (state != before).sum()
        assert process.measured(step)["energy"] == process.energy(state)


def test_branches_of_a_recall() -> None:
    patterns = np.random.default_rng(0).choice([-1, 1], (3, 8, 8))
    process = Hopfield(patterns, cue=patterns[0] * np.where(np.arange(64).reshape(8, 8) % 7, 1, -1), steps=8)
    same = process.edit(2, process.state(2))
    assert all(np.array_equal(process.curve(name, same.index), process.curve(name)) for name in process.measure_names)
    other = process.edit(3, patterns[1] > 0)  # as truth values, as an image
    assert process.basin(other.index).pattern == 1
    assert process.curve("flipped", other.index)[3] == (process.state(2) != patterns[1].reshape(-1)).sum()
    with pytest.raises(ValueError, match=r"state has 5 values, but the network has 64 units"):
        process.edit(3, [1, 1, 1, -1, -1])


def test_the_bits_do_not_depend_on_the_way() -> None:
    patterns = np.random.default_rng(5).choice([-1, 1], (120, 784))
    cue = np.random.default_rng(6).choice([-1, 1], 784)
    whole = Hopfield(patterns, cue=cue, steps=40)
    states = [whole.state(step) for step in range(41)]
    pieces = Hopfield(patterns, cue=cue, steps=40, memory_limit=20_000)
    assert pieces.interval > 1
    for step in (40, 3, 39, 20, 21, 1, 0):
        assert np.array_equal(pieces.state(step), states[step])
    assert not np.array_equal(Hopfield(patterns, cue=cue, steps=40, seed=1).state(1), states[1])


@pytest.mark.parametrize("kind", [np.array, torch.tensor, list])
def test_zeros_and_ones_are_taken_as_minus_one_and_one(kind: type) -> None:
    patterns = kind([[0, 1, 1, 0], [1, 1, 0, 0]])
    process = Hopfield(patterns, cue=kind([0, 1, 1, 1]), steps=2)
    assert process.patterns.tolist() == [[-1, 1, 1, -1], [1, 1, -1, -1]]
    assert process.state(0).tolist() == [-1, 1, 1, 1]
    assert process.shape == (2, 2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cue": [1, 1, 1]}, r"cue has 3 values, but the network has 4 units"),
        ({"cue": [1, 1, 1, 2]}, r"cue\[3\] is 2, but its values are −1 and 1, or 0 and 1"),
        ({"cue": [1, 0, -1, 1]}, r"cue has −1, 0 and 1"),
        ({"cue": [1, 1, float("nan"), 1]}, r"cue\[2\] is nan"),
        ({"cue": "1111"}, r"cue is '1111', but it is an array"),
        ({"cue": [1, 1, 1, 1], "steps": 0}, r"steps=0, but it is at least 1"),
        ({"cue": [1, 1, 1, 1], "update": "both"}, r"update='both'"),
        ({"cue": [1, 1, 1, 1], "storage": "delta"}, r"storage='delta', but it is one of 'hebbian', 'pseudo-inverse'"),
        ({"cue": [1, 1, 1, 1], "labels": ["a"]}, r"labels has 1 names, but there are 2 patterns"),
        ({"cue": [1, 1, 1, 1], "shape": (2, 3)}, r"shape=\(2, 3\), but it is a height and a width of 4 units"),
        ({"cue": [1, 1, 1, 1], "patterns": [[1, 1], [1, 1, 1]]}, r"patterns have the shapes"),
        ({"cue": [1, 1, 1, 1], "patterns": [1, 1, 1, 1]}, r"patterns has the shape \(4,\)"),
        ({"cue": [1, 1, 1, 1], "patterns": None}, r"neither patterns nor weights"),
        ({"cue": [1, 1], "patterns": None, "weights": [[0, 1], [2, 0]]}, r"weights\[0, 1\] is 1 and weights\[1, 0\] 2"),
        ({"cue": [1, 1], "patterns": None, "weights": [[0, 1]]}, r"weights has the shape \(1, 2\)"),
        ({"cue": [1, 1], "weights": [[0, 1], [1, 0]]}, r"patterns have 4 units, but weights"),
    ],
)
def test_what_is_wrong_is_said_once(given: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Hopfield(**({"patterns": [[1, -1, 1, -1], [1, 1, -1, -1]]} | given))


def test_it_needs_no_idle_kernel_and_no_global_generator() -> None:
    process = Hopfield(ORTHOGONAL, cue=ORTHOGONAL[0])
    assert not process.needs_idle_kernel
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()
    process.basin()
    assert np.random.get_state()[1].tolist() == before
    fresh = Hopfield(ORTHOGONAL, cue=ORTHOGONAL[0])
    with fresh.stored_only(), pytest.raises(NotStored):
        fresh.basin()


def test_random_patterns_fail_where_theory_says() -> None:
    found = capacity(784, loads=[0.11, 0.13, 0.14, 0.15, 0.17], seeds=5, cues=6)
    assert found.critical is not None
    assert abs(found.critical / 0.138 - 1) < 0.15
    assert found.mean[0] > 0.97 and found.mean[-1] < 0.8
    assert found.overlaps.shape == (5, 5)


def test_correlated_patterns_fail_earlier() -> None:
    random = np.random.default_rng(0)
    base = random.choice([-1, 1], 100)
    pool = base * np.where(random.random((12, 100)) < 0.2, -1, 1)
    found = capacity(patterns=pool, seeds=2, cues=4)
    assert found.loads.tolist() == [count / 100 for count in range(1, 13)]
    assert found.critical is not None and found.critical < 0.07
    inverse = capacity(patterns=pool, seeds=2, cues=4, storage="pseudo-inverse", flips=0)
    assert inverse.critical is None and (inverse.mean == 1).all()


def test_the_experiment_goes_where_joblib_is_told_to_go() -> None:
    here = capacity(64, loads=[0.1, 0.2], seeds=3, cues=3)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        spread = capacity(64, loads=[0.2, 0.1], seeds=3, cues=3)
    assert np.array_equal(here.overlaps, spread.overlaps)


def test_the_experiment_as_a_job() -> None:
    source = Source()
    stages: list[tuple[float, str]] = []
    job = source.submit(lambda job: capacity(64, loads=[0.1, 0.2], seeds=2, cues=2))
    job.add_listener(lambda job: stages.append((job.progress, job.stage)))
    assert job.result(60).overlaps.shape == (2, 2)
    assert (0.5, "13 patterns in 64 units") in stages
    begun = threading.Event()
    long = source.submit(lambda job: (begun.set(), capacity(784, seeds=50)))
    assert begun.wait(10)
    long.cancel()
    with pytest.raises(Cancelled):
        long.result(30)
    source.close()


def test_the_experiment_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"flips=0.7, but it is a share of the bits from 0 to 0.5"):
        capacity(flips=0.7)
    with pytest.raises(ValueError, match=r"loads has -0.1, but a load is more than 0"):
        capacity(loads=[-0.1])
    with pytest.raises(ValueError, match=r"loads has 0.9, but a load lies between 0 and 0.375: 3 patterns"):
        capacity(patterns=ORTHOGONAL, loads=[0.9])
    monkeypatch.setitem(__import__("sys").modules, "joblib", None)
    with pytest.raises(ImportError, match="pip install joblib"):
        capacity()


def test_the_inverse_of_a_mixture_is_named_as_such() -> None:
    patterns = np.random.default_rng(0).choice([-1, 1], (3, 200))
    mixed = np.sign(patterns.sum(axis=0))
    turned = np.sign(patterns[0] + patterns[1] - patterns[2])
    sentences = {
        name: basin(state.astype(np.int8), patterns.astype(np.int8), "PFL").sentence
        for name, state in {"mixed": mixed, "inverse": -mixed, "turned": turned}.items()
    }
    assert sorted(sentences["mixed"].removeprefix("spurious: a mixture of ")) == sorted("P, F and L")
    assert sentences["inverse"].startswith("spurious: the inverse of a mixture of ")
    assert "L inverted" in sentences["turned"] and "P inverted" not in sentences["turned"]

"""The Hopfield network remembers what it stored, and its energy only falls."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nnwidgets.zoo.hopfield import Hopfield


def random_patterns(count: int, units: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 2, (count, units), generator=torch.Generator().manual_seed(seed)) * 2.0 - 1


def flipped(patterns: Tensor, share: float) -> Tensor:
    flips = torch.rand(patterns.shape, generator=torch.Generator().manual_seed(1)) < share
    return torch.where(flips, -patterns, patterns)


@pytest.mark.parametrize("rule", ["hebbian", "pseudo-inverse"])
def test_a_disturbed_memory_is_recalled(rule: str) -> None:
    model, patterns = Hopfield(400), random_patterns(10, 400)
    model.store(patterns, rule)
    assert torch.equal(model.weights, model.weights.T) and not model.weights.diagonal().any()
    states = flipped(patterns, 0.1)
    for _ in range(10):
        states = model(states)
    assert torch.equal(states, patterns)


def test_correlated_memories_need_the_pseudo_inverse() -> None:
    model = Hopfield(200)
    patterns = flipped(random_patterns(1, 200).expand(20, -1), 0.15)  # twenty of one kind
    model.store(patterns, "pseudo-inverse")
    assert torch.equal(model(patterns), patterns)
    model.store(patterns, "hebbian")
    assert not torch.equal(model(patterns), patterns)


def test_energy_is_that_of_the_definition_and_falls_with_single_updates() -> None:
    model = Hopfield(50)
    model.store(random_patterns(6, 50))
    state = random_patterns(1, 50, seed=2)[0]
    pairs = [model.weights[i, j] * state[i] * state[j] for i in range(50) for j in range(i)]
    torch.testing.assert_close(model.energy(state), -torch.stack(pairs).sum())
    for unit in torch.randperm(50, generator=torch.Generator().manual_seed(3)):
        changed = state.clone()
        changed[unit] = model(state)[unit]
        assert model.energy(changed) <= model.energy(state) + 1e-5
        state = changed


def test_a_tie_keeps_the_state() -> None:
    model, state = Hopfield(8), random_patterns(1, 8)[0]
    assert torch.equal(model(state), state)  # nothing is stored: every field is 0


def test_what_cannot_be_stored_is_told() -> None:
    model = Hopfield(8)
    with pytest.raises(ValueError, match=r"shape \(2, 7\), but this network stores \[patterns, 8\]"):
        model.store(torch.ones(2, 7))
    with pytest.raises(ValueError, match="other values than −1 and 1"):
        model.store(torch.zeros(2, 8))
    with pytest.raises(ValueError, match="rule='hebb', but it is one of 'hebbian', 'pseudo-inverse'"):
        model.store(torch.ones(2, 8), "hebb")  # type: ignore[arg-type]

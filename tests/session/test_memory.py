"""The memory limit holds, whatever is walked through, and what was dropped comes back equal."""

from __future__ import annotations

import hashlib

import torch

from nnwidgets.session import ModelSession

from .models import Heavy

MIB = 2**20


def test_walking_through_a_gibibyte_of_activations() -> None:
    layers, floats = 64, 4 * MIB  # 16 MiB each, 1 GiB in all
    session = ModelSession(Heavy(layers, floats), torch.ones(1), memory_limit="64 MiB")
    store = session._captures.store
    seen = []
    for index in [*range(layers), 0]:
        activation = session.activation(f"chain.{index}")
        assert activation.nbytes == 16 * MIB and store.nbytes <= 64 * MIB
        seen.append(hashlib.sha1(activation[:: MIB // 4].contiguous().numpy()).hexdigest())
        del activation
    assert seen[0] == seen[-1] and len(set(seen)) == layers
    assert store.nbytes == 64 * MIB, "as much as may be is kept"


def test_larger_than_the_limit_is_returned_and_not_kept() -> None:
    session = ModelSession(Heavy(2, MIB), torch.ones(1), memory_limit="1 MiB")
    small = session.outputs
    assert session.activation("chain.0").nbytes == 4 * MIB
    assert session.outputs is small, "and drops nothing"

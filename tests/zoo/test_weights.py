"""Cached weights are small, say how they came about, and fit only their own architecture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from nnwidgets.zoo.weights import about_weights, load_weights, save_weights


def test_float16_in_the_file_float32_in_the_model(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, other = (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(2))
    save_weights(model, tmp_path / "weights.safetensors", {"seed": "0"})
    assert (tmp_path / "weights.safetensors").stat().st_size < 1200
    loaded = load_weights(other, tmp_path / "weights.safetensors")
    assert loaded is other and not other.training and other[0].weight.dtype == torch.float32
    torch.testing.assert_close(other[0].weight, model[0].weight, rtol=1e-3, atol=1e-4)
    assert about_weights(tmp_path / "weights.safetensors") == {"seed": "0"}
    with pytest.raises(ValueError, match=r"weights\.safetensors does not fit this Linear"):
        load_weights(nn.Linear(3, 4), tmp_path / "weights.safetensors")


@pytest.mark.parametrize("name", ["vae", "vae_10d", "dcgan", "ddpm"])
def test_cached_weights_are_small_and_say_where_they_come_from(name: str, weights: Path) -> None:
    path = weights / f"{name}.safetensors"
    about = about_weights(path)
    assert path.stat().st_size <= 2_000_000
    assert about["command"] == f"python tools/train.py --only {name}"
    assert {"seed", "data", "epochs", "seconds", "torch"} <= about.keys()

"""ResNet-18 has the paper's size and passes its input around each block."""

from __future__ import annotations

import torch

from nnwidgets.zoo.resnet import BasicBlock, ResNet18


def test_sizes() -> None:
    model = ResNet18()
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_173_962
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_a_block_that_adds_nothing_passes_its_input_on() -> None:
    block = BasicBlock(8, 8, 1).eval()
    torch.nn.init.zeros_(block.bn2.weight)
    maps = torch.rand(2, 8, 5, 5)
    torch.testing.assert_close(block(maps), maps)

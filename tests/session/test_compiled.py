"""A compiled model: outputs are those of its compiled code, attention is seen, and it stays compiled as it was."""

from __future__ import annotations

import torch

from nnwidgets.session import ModelSession

from .models import Reader


def test_a_compiled_model() -> None:
    graphs: list[int] = []

    def backend(graph: torch.fx.GraphModule, _inputs: list[torch.Tensor]) -> object:
        graphs.append(1)
        return graph.forward

    model = Reader().eval()
    inputs = {"input_ids": torch.randint(50, (2, 5))}
    compiled = torch.compile(model, backend=backend)
    with torch.no_grad():
        expected = compiled(**inputs)["logits"]
    count = len(graphs)
    session = ModelSession(compiled, inputs)
    assert torch.equal(session.outputs["logits"], expected)
    assert torch.equal(session.submit(lambda job: session.outputs).result(30)["logits"], expected)
    assert [entry.path for entry in session.attention.layers] == [
        f"encoder.layers.{layer}.self_attn" for layer in (0, 1)
    ]
    assert session.activation("encoder.layers.0").shape == (2, 5, 32)
    session.close()
    with torch.no_grad():
        assert torch.equal(compiled(**inputs)["logits"], expected)
    assert len(graphs) == count and count > 0


def test_a_compiled_function_inside_a_model_keeps_its_bits_with_progress() -> None:
    class Inside(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(4, 4)
            self.__dict__["half"] = torch.compile(lambda x: x / 2, backend="eager")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.half(self.inner(x))

    model, x = Inside(), torch.randn(2, 4)
    session = ModelSession(model, x)
    outputs = session.submit(lambda job: session.outputs).result(30)
    with torch.no_grad():
        assert torch.equal(outputs, model(x))

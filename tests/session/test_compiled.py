"""A compiled model: outputs are those of its compiled code, attention is seen, and it stays compiled as it was."""

from __future__ import annotations

import warnings

import pytest
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


def test_the_warning_of_our_own_hooks_stays_away_and_no_other() -> None:
    class Warns(Reader):
        def forward(self, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
            warnings.warn("mind the gap", stacklevel=2)
            return super().forward(input_ids)

    compiled = torch.compile(Warns().eval(), backend="eager")
    ids = torch.randint(50, (2, 5))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        session = ModelSession(compiled, {"input_ids": ids})
        _ = session.attention.layers, session.activation("head"), session.gradient("head", 0), session.layers
        assert warnings.filters == before
    assert {str(warning.message) for warning in caught} == {"mind the gap"}
    handle = torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        with pytest.warns(UserWarning, match="when there are global hooks"):
            torch.compile(torch.nn.Linear(4, 4), backend="eager")(torch.randn(2, 4))
    finally:
        handle.remove()


def test_filters_that_others_set_during_a_run_stay() -> None:
    class Meddling(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            warnings.filterwarnings("ignore", message="theirs")
            stack.__enter__()
            return super().forward(x)

    stack, outer = warnings.catch_warnings(), warnings.catch_warnings()
    with outer:
        before = list(warnings.filters)
        _ = ModelSession(Meddling(4, 4), torch.randn(2, 4)).layers
        inside = list(warnings.filters)
        stack.__exit__()
        assert inside == warnings.filters and inside[1:] == before and inside[0][1].pattern == "theirs"

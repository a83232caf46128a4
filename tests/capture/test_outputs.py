"""Layer outputs: bit-equal to the user's own call, copied in time, whatever models take and return."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, NamedTuple

import pytest
import torch
import transformers
from torch import nn

from nnwidgets.capture import Call, modules_table, record_outputs, tensors

from .models import HUGGING_FACE, VOCABULARY, bart, bert, classifier, gpt2, token_batch


def own_call(model: nn.Module, inputs: Any) -> Any:
    model.eval()
    with torch.no_grad():
        return model(**inputs) if isinstance(inputs, dict) else model(inputs)


def assert_bit_equal(first: Any, second: Any) -> None:
    pairs, others = list(tensors(first)), list(tensors(second))
    assert type(first) is type(second)
    assert [path for path, _ in pairs] == [path for path, _ in others]
    assert pairs
    for (_, one), (_, two) in zip(pairs, others, strict=True):
        assert torch.equal(one, two)


MODELS = {
    **HUGGING_FACE,
    "padded encoder": (classifier, token_batch),
    "encoder": (classifier, lambda: {"input_ids": token_batch()["input_ids"]}),
    "encoder-decoder": (bart, lambda: {**token_batch(), "decoder_input_ids": torch.randint(1, 50, (2, 6))}),
}


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_bit_equal_to_the_users_own_call(name: str) -> None:
    build, inputs = MODELS[name]
    model, batch = build(), inputs()
    recorded = record_outputs(Call(model.train(), batch))
    plain = Call(model, batch).run()
    expected = own_call(model, batch)
    assert_bit_equal(recorded.outputs, expected)
    assert_bit_equal(plain, expected)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_the_fused_path_of_the_encoder_is_taken() -> None:
    model, batch = classifier(), token_batch()
    recorded = record_outputs(Call(model, batch), ["encoder", "encoder.layers.0", "encoder.layers.0.linear1"])
    # The fused path alone fills padded positions with zeros, and alone passes linear1 over.
    assert (recorded.layers["encoder"][1, -3:] == 0).all()
    assert recorded.layers["encoder.layers.0"].shape == (2, 9, 32)
    assert list(recorded.notes) == ["encoder.layers.0.linear1"]
    hidden = model.eval().embedding(batch["input_ids"])
    seen = []
    handle = model.encoder.layers[0].linear1.register_forward_hook(lambda m, a, output: seen.append(output))
    model(**batch)
    handle.remove()
    torch.testing.assert_close(recorded.layers["encoder.layers.0.linear1"], seen[0], atol=1e-6, rtol=0)
    assert hidden.shape == (2, 9, 32)


def test_layers_are_what_hooks_of_the_user_see() -> None:
    model, batch = gpt2().eval(), token_batch()
    paths = ["transformer.h.0.mlp", "transformer.h.1.attn", "transformer.wte"]
    seen: dict[str, Any] = {}
    handles = [
        model.get_submodule(path).register_forward_hook(lambda m, a, out, path=path: seen.update({path: out}))
        for path in paths
    ]
    with torch.no_grad():
        model(**batch)
    for handle in handles:
        handle.remove()
    recorded = record_outputs(Call(model, batch), paths)
    assert list(recorded.layers) == paths
    for path in paths:
        assert_bit_equal(recorded.layers[path], seen[path])


def test_an_output_is_copied_before_an_inplace_layer_writes_into_it() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
    x = torch.randn(3, 4)
    recorded = record_outputs(Call(model, x))
    assert torch.equal(recorded.layers["0"], model[0](x))
    assert (recorded.layers["0"] < 0).any()
    assert recorded.nbytes == 3 * (3 * 4 * 4)  # two layers and the model itself


def test_a_module_with_hooks_of_its_own_is_recorded_after_them() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    handle = model[0].register_forward_hook(lambda module, arguments, output: output + 1)
    x = torch.randn(3, 4)
    recorded = record_outputs(Call(model, x), ["0", "1"])
    expected = torch.nn.functional.linear(x, model[0].weight, model[0].bias) + 1
    assert torch.equal(recorded.layers["0"], expected)
    assert "0" not in recorded.calls
    handle.remove()


def test_a_module_that_is_called_several_times() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.cell(self.cell(self.cell(x)))

    model, x = Recurrent(), torch.randn(2, 4)
    recorded = record_outputs(Call(model, x), ["cell"])
    steps = [model.cell(x)]
    steps += [model.cell(steps[-1])]
    steps += [model.cell(steps[-1])]
    assert len(recorded.calls["cell"]) == 3
    assert all(torch.equal(one, two) for one, two in zip(recorded.calls["cell"], steps, strict=True))
    assert torch.equal(recorded.layers["cell"], steps[-1])


def test_a_path_that_was_not_called_or_does_not_exist() -> None:
    model = nn.Sequential(collections.OrderedDict(first=nn.Linear(4, 4)))
    model.first.unused = nn.Linear(4, 4)
    recorded = record_outputs(Call(model, torch.randn(1, 4)), ["first.unused"])
    assert recorded.layers == {}
    assert list(recorded.missing) == ["first.unused"]
    with pytest.raises(KeyError, match=r"no layer 'firts'.*'first'"):
        record_outputs(Call(model, torch.randn(1, 4)), ["firts"])
    with pytest.raises(TypeError, match=r"\['first'\]"):
        record_outputs(Call(model, torch.randn(1, 4)), "first")


class Pair(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor


@dataclasses.dataclass(frozen=True)
class Result:
    logits: torch.Tensor
    name: str


class Returns(nn.Module):
    def __init__(self, build: Any) -> None:
        super().__init__()
        self.linear, self.build = nn.Linear(4, 4), build

    def forward(self, x: torch.Tensor, y: torch.Tensor | None = None) -> Any:
        return self.build(self.linear(x if y is None else x + y))


@pytest.mark.parametrize(
    "build",
    [
        lambda t: t,
        lambda t: (t, None, [t]),
        lambda t: {"logits": t, "more": {"deep": t}},
        lambda t: Pair(t, t),
        lambda t: Result(t, "name"),
        lambda t: transformers.modeling_outputs.BaseModelOutput(last_hidden_state=t),
    ],
)
def test_whatever_a_model_returns(build: Any) -> None:
    model, x = Returns(build), torch.randn(2, 4)
    recorded = record_outputs(Call(model, x))
    expected = own_call(model, x)
    assert_bit_equal(recorded.outputs, expected)
    assert_bit_equal(recorded.layers[""], expected)
    assert not any(tensor.requires_grad for _, tensor in tensors(recorded.outputs))


def test_whatever_a_model_takes() -> None:
    model, x = Returns(lambda t: t), torch.randn(2, 4)
    expected = own_call(model, x)
    assert torch.equal(Call(model, x).run(), expected)
    assert torch.equal(Call(model, (x,)).run(), expected)
    assert torch.equal(Call(model, {"x": x}).run(), expected)
    assert torch.equal(Call(model, transformers.BatchEncoding({"x": x})).run(), expected)
    assert torch.equal(Call(model, [[x], 0], forward=lambda m, given: m(given[0][0])).run(), expected)
    encoding = transformers.BatchEncoding({"x": x})
    assert torch.equal(Call(model, encoding, forward=lambda m, given: m(given.x)).run(), expected)
    assert torch.equal(Call(model, {"x": x, "y": x}).run(), own_call(model, {"x": x, "y": x}))


def test_a_tensor_given_twice_stays_one_tensor() -> None:
    class Same(nn.Module):
        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return torch.tensor(first is second)

    x = torch.randn(2, 4)
    assert Call(Same(), (x, x)).run()
    assert not Call(Same(), (x, x.clone())).run()


def test_inputs_reach_the_model_expanded_as_they_are() -> None:
    class Strides(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tensor(x.stride())

    x = torch.randn(1, 3).expand(5, 3)
    assert Call(Strides(), x).run().tolist() == [0, 1]


def test_modes() -> None:
    model, x = nn.Sequential(nn.Dropout(0.5)), torch.ones(1, 100)
    assert torch.equal(Call(model, x).run(), x)
    assert not torch.equal(Call(model, x, mode="as is").run(), x)
    linear = nn.Linear(4, 4)
    assert Call(linear, torch.ones(1, 4), grad=True).run().requires_grad
    assert not Call(linear, torch.ones(1, 4)).run().requires_grad
    with pytest.raises(ValueError, match="mode='train'"):
        Call(linear, None, mode="train")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a torch.nn.Module"):
        Call(lambda x: x)  # type: ignore[arg-type]


def test_the_table_of_modules() -> None:
    rows = {row.name: row for row in modules_table(bert())}
    assert rows[""].kind == "BertModel"
    assert rows["embeddings.word_embeddings"].parameters == VOCABULARY * 32
    assert rows[""].parameters == sum(parameter.numel() for parameter in bert().parameters())

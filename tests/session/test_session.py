"""A session: outputs, activations and gradients, the table of layers, inputs of all forms, errors, and the end."""

from __future__ import annotations

import gc
import re
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nnwidgets.session import ModelError, ModelSession, SessionClosed
from nnwidgets.source import NotStored
from nnwidgets.source.tables import html_table

from .models import Counting, Picky, Picture, Reader, encoder


def test_nothing_runs_before_something_is_asked_and_then_once() -> None:
    model = Counting()
    session = ModelSession(model, torch.randn(2, 4))
    session.selection.sample = 1
    repr(session), session.label, session.version, session.samples, session.estimated_seconds(), repr(session.attention)
    assert model.runs == 0
    first = session.outputs
    assert session.outputs is first and model.runs == 1


@pytest.mark.parametrize("training", [False, True])
def test_outputs_are_bit_equal_to_a_plain_call(training: bool) -> None:
    ids = torch.randint(50, (3, 6))
    mask = torch.ones_like(ids)
    mask[1, 3:] = 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    model = Reader().train(training)
    session = ModelSession(model, inputs)
    _ = session.attention.layers, session.activation("head"), session.layers
    model.eval()
    with torch.no_grad():
        expected = model(**inputs)["logits"]
    assert torch.equal(session.outputs["logits"], expected)


def test_as_is_leaves_training_on() -> None:
    model, images = Picture().train(), torch.randn(4, 3, 8, 8)
    session = ModelSession(model, images, mode="as is")
    state = torch.get_rng_state()
    outputs = session.outputs
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(outputs, ModelSession(model, images).outputs)
    assert session.outputs is outputs and session.version == 1, "buffers that a run put back are no change"


def test_half_precision() -> None:
    session = ModelSession(encoder().bfloat16(), torch.randn(2, 5, 32, dtype=torch.bfloat16))
    weights = session.attention.weights(1, 2)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"model": "bert"}, TypeError, "model is of type str"),
        ({"mode": "train"}, ValueError, "mode='train'"),
        ({"memory_limit": "lots"}, ValueError, "memory_limit='lots'"),
        ({"name": 3}, TypeError, "name=3"),
        ({"forward": 3}, TypeError, "forward=3"),
        ({"selection": {}}, TypeError, "selection is of type dict"),
        ({"class_names": "cat"}, TypeError, "class_names='cat'"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    opened: list[ModelSession] = []
    ModelSession.opened.append(opened.append)
    try:
        with pytest.raises(error, match=words):
            ModelSession(**{"model": Counting(), "inputs": torch.zeros(1, 4)} | arguments)
    finally:
        ModelSession.opened.remove(opened.append)
    assert not opened


def test_a_model_that_raises() -> None:
    model = Picky()
    session = ModelSession(model, -torch.ones(1, 4))
    for ask in (lambda: session.outputs, lambda: session.activation("inner"), lambda: session.attention.layers):
        words = r"Picky raised ArithmeticError: no negative numbers, please, on \[1, 4\]$"
        with pytest.raises(ModelError, match=words) as caught:
            ask()
        assert isinstance(caught.value.__cause__, ArithmeticError)
    assert "Output shapes are not known: Picky raised" in repr(session.layers)
    session.set_inputs(torch.ones(1, 4))
    assert session.outputs.shape == (1, 4)
    with pytest.raises(ModelError, match="missing 1 required positional argument"):
        _ = ModelSession(model, {"y": torch.ones(1, 4)}, forward=lambda model, inputs: model()).outputs
    many = {name: torch.ones(1, 4) for name in "abcdef"}
    with pytest.raises(ModelError, match=r", on a \[1, 4\], b \[1, 4\], c \[1, 4\], d \[1, 4\], …$"):
        _ = ModelSession(model, many).outputs


def test_activation() -> None:
    model, images = Picture().eval(), torch.randn(2, 3, 8, 8)
    session = ModelSession(model, images)
    with torch.no_grad():
        expected = model.norm(model.convolution(images))
    assert torch.equal(session.activation("norm"), expected), "before the ReLU that writes into it"
    with pytest.raises(KeyError, match="no layer 'nrm' in Picture; the nearest are 'norm'"):
        session.activation("nrm")
    with pytest.raises(LookupError, match="layer 'unused' has no output: not called in this run"):
        session.activation("unused")
    for ask in (session.activation, session.gradient):
        with pytest.raises(TypeError, match="path=3, but it is the path of a module, a text: see session.layers"):
            ask(3)


def test_activation_of_a_module_that_is_called_twice() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(self.inner(x))

    session = ModelSession(Twice(), torch.randn(2, 4))
    assert torch.equal(session.activation("inner"), session.outputs)
    assert not torch.equal(session.activation("inner", call=0), session.outputs)
    with pytest.raises(IndexError, match=r"call=2, but layer 'inner' has 2 calls \(0 to 1\)"):
        session.activation("inner", call=2)


def test_activation_inside_a_fused_layer() -> None:
    session = ModelSession(encoder(), torch.randn(2, 5, 32))
    assert session.activation("layers.1.linear1").shape == (2, 5, 64)


def test_gradient() -> None:
    model, images = Picture().eval(), torch.randn(2, 3, 8, 8)
    session = ModelSession(model, images)
    gradient = session.gradient("norm", 3)
    hidden = model.norm(model.convolution(images)).detach().requires_grad_()
    model.head(torch.relu(hidden).mean((2, 3)))[:, 3].sum().backward()
    torch.testing.assert_close(gradient, hidden.grad)
    session.selection.target = 3
    assert session.gradient("norm") is gradient, "the selected class, from the store"
    session.selection.target = None
    predicted = session.outputs.argmax(-1)
    assert torch.equal(session.gradient("norm"), session.gradient("norm", predicted))
    assert torch.equal(session.gradient("norm", lambda outputs: outputs[:, 3].sum()), gradient)
    with pytest.raises(ValueError, match="9"):
        session.gradient("norm", 9)
    for target in ("cat", ["cat"], 1.5, [1, [2]], True, {}):
        with pytest.raises(TypeError, match=re.escape(f"target={target!r}, but it is a class (a whole number)")):
            session.gradient("norm", target)
    with pytest.raises(ValueError, match=r"give target=, a class or a function of the output"):
        ModelSession(encoder(), torch.randn(2, 5, 32)).gradient("layers.0")


def test_layers() -> None:
    session = ModelSession(Picture(), torch.randn(2, 3, 8, 8))
    table = session.layers
    assert [layer.name for layer in table] == ["", *(name for name, _ in session.model.named_modules() if name)]
    norm = table["norm"]
    assert (norm.kind, norm.shape, norm.parameters, norm.looks) == (
        "BatchNorm2d",
        (2, 8, 8, 8),
        16,
        ("activation", "gradient"),
    )
    assert table["unused"].looks == () and table["unused"].reason == "not called by itself in this run"
    assert table[1].name == "convolution" and len(table[1:3]) == 2
    assert "[2, 8, 8, 8]" in repr(table) and "<table>" in table._repr_html_()
    with pytest.raises(KeyError, match="no layer 'x'"):
        _ = table["x"]


def test_layers_say_where_attention_is() -> None:
    session = ModelSession(encoder(), torch.randn(2, 5, 32))
    assert "see session.attention.layers" in session.layers.note
    assert "encoder" in repr(session.attention.layers) and "<table>" in session.attention.layers._repr_html_()
    assert session.layers["layers.1.self_attn"].looks == ("activation", "gradient", "attention 1")
    assert session.layers["layers"].reason == "only holds other modules"
    assert session.layers["layers.0.linear1"].shape == (2, 5, 64), "as the run without the fused path has it"


def test_text_in_tables_is_text() -> None:
    page = html_table(("<b>",), [["<script>alert(1)</script>"], ['"><img onerror=x>']])
    assert "<script" not in page and "<img" not in page and "&lt;b&gt;" in page


def test_stored_only() -> None:
    session = ModelSession(encoder(), torch.randn(2, 5, 32))
    with session.stored_only():
        for ask in (
            lambda: session.outputs,
            lambda: session.attention.weights(0, 0),
            lambda: session.attention.notes,
            lambda: session.activation("norm"),
        ):
            with pytest.raises((NotStored, KeyError)):
                ask()
        assert "Output shapes are not known" in session.layers.note
    weights = session.attention.weights(0, 0)
    with session.stored_only():
        assert np.array_equal(session.attention.weights(0, 0), weights)
        with session.stored_only():
            pass
        with pytest.raises(NotStored, match=r"the output of 'layers\.0' is not stored"):
            session.activation("layers.0")


def test_set_inputs() -> None:
    session = ModelSession(Counting(), torch.zeros(2, 4))
    heard: list[str] = []
    session.on_change(lambda _, reason: heard.append(reason))
    session.selection.sample = 1
    before, version = session.outputs, session.version
    session.set_inputs(torch.ones(1, 4))
    assert session.version > version and heard == ["now on another input"]
    assert not torch.equal(session.outputs, before[:1])
    assert session.selection.sample == 0, "kept where it is still valid, else moved"
    with pytest.raises(ValueError, match="empty"):
        session.set_inputs(torch.ones(0, 4))
    assert session.outputs.shape == (1, 3)


def test_remember() -> None:
    session = ModelSession(Counting(), torch.zeros(2, 4), memory_limit=1000)
    made: list[int] = []

    def compute() -> np.ndarray[Any, Any]:
        made.append(1)
        return np.zeros(100, np.uint8)

    assert session.remember("a", compute) is session.remember("a", compute)
    session.remember("b", lambda: "small", nbytes=950)
    session.remember("a", compute)
    assert len(made) == 2, "it was dropped for b, which says that it is large"
    session.remember("huge", lambda: np.zeros(2000, np.uint8))
    session.refresh()
    session.remember("a", compute)
    assert len(made) == 3


def test_estimated_seconds() -> None:
    session = ModelSession(encoder(), torch.randn(2, 5, 32))
    assert 0 < session.estimated_seconds() < 0.1
    _ = session.outputs
    measured = session.estimated_seconds()
    assert measured > 0
    session.set_inputs(torch.randn(2, 500, 32))
    assert session.estimated_seconds() != measured


def test_a_broken_listener_takes_no_answer_away(caplog: pytest.LogCaptureFixture) -> None:
    session = ModelSession(Counting(), torch.zeros(2, 4))
    for listen in (session.on_change, session.on_close, session.on_job):
        listen(lambda *_: 1 / 0)
    session.refresh()
    assert session.submit(lambda job: session.outputs).result(10).shape == (2, 3)
    session.close()
    assert session.closed and caplog.text.count("ZeroDivisionError") == 3


def test_opened_name_and_label() -> None:
    opened: list[ModelSession] = []
    ModelSession.opened.append(opened.append)
    try:
        session = ModelSession(Counting(), torch.zeros(2, 4), name="mine")
    finally:
        ModelSession.opened.remove(opened.append)
    assert opened == [session] and session.label == session.name == "mine" and session.cell is None
    assert ModelSession(Counting()).label == "Counting"


def test_a_closed_session_says_so() -> None:
    x = torch.zeros(2, 4)
    with ModelSession(Counting(), x) as session:
        heard: list[Any] = []
        forget = session.on_close(lambda _: heard.append("forgotten"))
        session.on_close(lambda closing: heard.append((closing, closing.closed)))
        forget()
        attention = session.attention
        _ = session.outputs
    assert heard == [(session, True)]
    session.close()
    assert len(heard) == 1
    uses: list[Any] = [
        lambda: session.layers,
        lambda: session.outputs,
        lambda: session.activation("inner"),
        lambda: session.gradient("inner", 0),
        lambda: attention.layers,
        lambda: attention.unseen,
        lambda: attention.notes,
        lambda: attention.weights(),
        lambda: session.refresh(),
        lambda: session.check(),
        lambda: session.set_inputs(x),
        lambda: session.read("text"),
        lambda: session.submit(lambda job: 1),
        lambda: session.remember("key", int),
    ]
    for use in uses:
        with pytest.raises(SessionClosed, match="this session of Counting was closed: make a new ModelSession"):
            use()
    assert "closed" in repr(session)


def test_a_session_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        session = ModelSession(encoder(), torch.randn(2, 5, 32))
        _ = session.outputs, session.attention.layers
        gone = weakref.ref(session)
        del session
        assert gone() is None
    finally:
        gc.enable()
    assert len(ModelSession(encoder(), torch.randn(2, 5, 32)).attention.layers) == 3, "attention holds its session"

"""Several threads and jobs at once, cancel in the middle of a forward, and a session closed while a job runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from nnwidgets.session import ModelError, ModelSession
from nnwidgets.source import Cancelled, Job

from ..capture.test_no_trace import state
from .models import Gated, Narrowing, Picky, Picture, Reader, encoder


def test_eight_threads_ask_at_once() -> None:
    model, x = encoder(layers=4), torch.randn(3, 16, 32)
    alone = ModelSession(model, x)
    expected = {layer: alone.attention.weights(layer, "mean", sample=1) for layer in range(4)}
    activations = {layer: alone.activation(f"layers.{layer}") for layer in range(4)}
    outputs = alone.outputs
    session = ModelSession(model, x, memory_limit="80 kB")  # small: threads drop what others want
    barrier = threading.Barrier(8)
    errors: list[BaseException] = []

    def ask(seed: int) -> None:
        random = np.random.default_rng(seed)
        try:
            barrier.wait()
            for _ in range(15):
                layer = int(random.integers(4))
                assert torch.equal(session.outputs, outputs)
                assert torch.equal(session.activation(f"layers.{layer}"), activations[layer])
                np.testing.assert_array_equal(session.attention.weights(layer, "mean", sample=1), expected[layer])
                assert len(session.attention.tokens()["source"]) == 16
                session.selection.update(attention=layer, heads=(seed % 4,))
                assert session.remember(("norm", layer), lambda layer=layer: layer) == layer
                if seed == 0:
                    session.refresh()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors and session._captures.store.nbytes <= 80_000


def test_a_stored_answer_does_not_wait_for_the_model() -> None:
    session = ModelSession(encoder(), torch.randn(1, 4, 32))
    weights = session.attention.weights(0, 0)
    with session.lock:
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(session.attention.weights(0, 0)))
        thread.start()
        thread.join(5)
        assert np.array_equal(found[0], weights)


def test_a_job_shows_the_progress_of_the_models_run() -> None:
    session = ModelSession(Reader(), {"input_ids": torch.randint(50, (1, 5))})
    heard: list[float] = []
    announced: list[Job] = []
    session.on_job(announced.append)
    job = session.submit(lambda job: session.attention.weights(0, 0), label="Looking")
    job.add_listener(lambda job: heard.append(job.progress))
    assert job.result(10).shape == (5, 5)
    assert announced == [job] and job.label == "Looking"
    assert len(set(heard)) > 3 and heard == sorted(heard), "two runs, one bar"


def test_an_error_in_a_job_is_the_models_own() -> None:
    session = ModelSession(Picky(), -torch.ones(1, 4))
    job = session.submit(lambda job: session.outputs)
    with pytest.raises(ModelError, match="no negative numbers") as caught:
        job.result(10)
    assert isinstance(caught.value.__cause__, ArithmeticError) and job.state == "failed"


def ask_outputs(session: ModelSession) -> Any:
    return session.outputs


def ask_activation(session: ModelSession) -> Any:
    return session.activation("tail")


def ask_attention(session: ModelSession) -> Any:
    return session.attention.layers


def ask_gradient(session: ModelSession) -> Any:
    return session.gradient("tail", 0)


@pytest.mark.parametrize("ask", [ask_outputs, ask_activation, ask_attention, ask_gradient])
@pytest.mark.parametrize("mode", ["eval", "as is"])
@pytest.mark.parametrize("end", ["cancel", "close"])
def test_cancel_in_the_middle_of_a_forward(ask: Callable[[ModelSession], Any], mode: Any, end: str) -> None:
    model, x = Gated().train(), torch.randn(3, 4)
    before = state(model, x)
    session = ModelSession(model, x, mode=mode)
    job = session.submit(lambda job: ask(session))
    assert model.entered.wait(10)
    if end == "close":
        threading.Timer(0.05, model.gate.set).start()
        session.close()
        assert job.state == "cancelled"
    else:
        job.cancel()
        model.gate.set()
        with pytest.raises(Cancelled):
            job.result(10)
        assert state(model, x) == before
        assert ask(session) is not None, "the session goes on"
        session.close()
    assert state(model, x) == before


def test_close_does_not_wait_for_itself() -> None:
    """A job that waits for the model lets go when the session closes under someone who holds the lock."""
    session = ModelSession(Picture(), torch.randn(2, 3, 8, 8))
    with session.lock:
        job = session.submit(lambda job: session.outputs)
        while job.state == "waiting":
            time.sleep(0.001)
        session.close()
    assert job.state == "cancelled"


def test_a_job_may_close_its_own_session() -> None:
    session = ModelSession(Picture(), torch.randn(2, 3, 8, 8))
    job = session.submit(lambda job: session.close())
    job.wait(10)
    assert session.closed


def test_selections_from_several_threads_stay_whole() -> None:
    session = ModelSession(Narrowing(), torch.randint(50, (2, 6)))
    _ = session.attention.layers
    wrong: list[Any] = []

    def choose(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(200):
            layer = int(random.integers(2))
            session.selection.update(attention=layer, heads=(0, int(random.integers(1, 4 - 2 * layer))))
            fields = session.selection.fields()
            if fields["layer"] != ("wide", "narrow")[fields["attention"]] or fields["head"] != fields["heads"][-1]:
                wrong.append(fields)

    threads = [threading.Thread(target=choose, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong


def test_two_threads_close_once() -> None:
    session = ModelSession(encoder(), torch.randn(1, 4, 32))
    heard: list[ModelSession] = []
    session.on_close(heard.append)
    session.on_close(lambda closing: closing.close())
    barrier = threading.Barrier(4)

    def close() -> None:
        barrier.wait()
        session.close()

    threads = [threading.Thread(target=close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert heard == [session]


def test_each_kind_that_is_set_is_a_version_of_its_own() -> None:
    session = ModelSession(encoder(), torch.randn(1, 4, 32))
    entry, version = session.attention.layers[0], session.version

    def change() -> None:
        for _ in range(200):
            entry.kind = "decoder"

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert session.version == version + 800

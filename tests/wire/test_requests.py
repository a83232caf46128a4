"""Requests are always answered: with arrays, an error, or the word that a newer one took their place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from nnwidgets.runs import RunStore
from nnwidgets.session import ModelSession
from nnwidgets.widgets.attention_heads import AttentionHeads
from nnwidgets.wire import kernel, lifetime
from nnwidgets.wire.answers import acts
from nnwidgets.wire.codec import decode
from nnwidgets.wire.requests import Desk, Malformed, Request
from tests.wire.conftest import Page

WEIGHTS = {"attention": 1, "head": 2, "sample": 0, "step": None, "rows": None}


def test_answers_with_the_weights(page: Page, session: ModelSession) -> None:
    page.ask(1, "attention.weights", **WEIGHTS)
    reply = page.reply(1)
    weights = decode(reply["arrays"]["weights"], page.buffers[page.replies.index(reply)][0])
    np.testing.assert_allclose(weights, session.attention.weights(layer=1, head=2, sample=0), atol=0.004)
    assert reply["client"] == "page" and reply["version"] == session.version


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"head": 12}, "head=12, but layer 1 has 4 heads (0 to 3)"),
        ({"attention": 9}, "has 2 attention layers (0 to 1)"),
        ({"sample": 7}, "sample=7"),
        ({"head": "first"}, "head='first'"),
        ({"rows": [3, 99]}, "rows=[3, 99], but there are 5 queries"),
        ({"colour": 1}, "it takes attention, head, sample, step, rows"),
    ],
)
def test_an_error_names_the_value_and_the_bound(page: Page, arguments: dict[str, Any], sentence: str) -> None:
    page.ask(1, "attention.weights", **(WEIGHTS | arguments))
    assert sentence in page.reply(1)["error"]
    page.ask(2, "attention.weights", **WEIGHTS)  # and the next one is answered
    assert "arrays" in page.reply(2)


def test_an_unknown_question_names_those_that_there_are(page: Page) -> None:
    page.ask(1, "attention.everything")
    assert "it answers attention.exact, attention.overview" in page.reply(1)["error"]


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "weights",
        {},
        {"client": "page", "request": "1"},
        {"client": "page", "request": True, "widget": "w", "control": "c", "what": "x", "arguments": {}},
        {"client": "page", "request": 1, "widget": "w", "control": "c", "what": "x", "arguments": "none"},
        {"client": "page", "request": 1, "widget": "w", "control": "c" * 1000, "what": "x", "arguments": {}},
        {"client": "page", "request": 1, "widget": "w", "control": "c", "what": "x", "arguments": {"a": "x" * 10**6}},
    ],
)
def test_a_malformed_message_is_refused_with_a_sentence(page: Page, content: Any) -> None:
    with pytest.raises(Malformed):
        Request.read(content)
    page.say(content)
    [reply] = page.until(lambda: [reply for reply in page.replies if "error" in reply])
    assert len(reply["error"]) < 300


def test_a_closed_widget_is_answered(page: Page, session: ModelSession) -> None:
    other = AttentionHeads(session)  # keeps the twin alive
    page.widget.close()
    del other
    page.say({"client": "page", "request": 1, "widget": "gone", "control": "c", "what": "x", "arguments": {}})
    assert "closed" in page.reply(1)["error"]


def test_a_model_that_raises_is_one_sentence_and_the_session_goes_on() -> None:
    class Fragile(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ZeroDivisionError("by design")

    with ModelSession(Fragile(), torch.ones(1, 2)) as session:
        page = Page(AttentionHeads(session))
        page.ask(1, "attention.overview", sample=0)
        assert "ZeroDivisionError: by design" in page.reply(1)["error"]


def test_while_a_cell_runs_what_is_stored_is_answered(
    page: Page, session: ModelSession, cell: Callable[[str | None], None]
) -> None:
    session.attention.weights(layer=1, head=2)
    cell("training")
    page.ask(1, "attention.weights", **WEIGHTS)
    assert "arrays" in page.reply(1)


def test_while_a_cell_runs_what_needs_the_model_waits(page: Page, cell: Callable[[str | None], None]) -> None:
    cell("training")
    page.ask(1, "attention.weights", **WEIGHTS)
    assert page.parked(1) == "cell"
    cell(None)
    assert "arrays" in page.reply(1)


def test_a_newer_request_replaces_one_that_waits(page: Page, cell: Callable[[str | None], None]) -> None:
    cell("training")
    page.ask(1, "attention.weights", **WEIGHTS)
    page.parked(1)
    page.ask(2, "attention.weights", **(WEIGHTS | {"head": 3}))
    assert page.reply(1).get("superseded") is True
    page.ask(3, "attention.weights", client="another page", **WEIGHTS)  # another page replaces nothing
    page.parked(2)
    page.parked(3)
    cell(None)
    assert page.reply(2)["value"]["head"] == 3
    assert page.reply(3)["client"] == "another page"


def test_a_cell_that_begins_stops_a_run_of_the_model_and_it_is_taken_up_afterwards(
    cell: Callable[[str | None], None],
) -> None:
    running, go_on = threading.Event(), threading.Event()

    class Slow(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(torch.nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(20))
            self.runs = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for number, layer in enumerate(self.layers):
                x = layer(x, x, x)[0]
                if number == 2:
                    running.set()
                    go_on.wait(10)
            return x

    with ModelSession(Slow(), torch.randn(1, 3, 8)) as session:
        page = Page(AttentionHeads(session))
        page.ask(1, "attention.overview", sample=0)
        assert page.parked(1) == "model"
        running.wait(10)
        threading.Timer(0.2, go_on.set).start()
        cell("training")  # returns only when the run has stopped
        assert page.parked(1) == "cell"
        cell(None)
        assert len(page.reply(1)["value"]["entries"]) == 20


def test_a_cell_waits_for_a_quick_run_that_is_no_job(cell: Callable[[str | None], None]) -> None:
    running, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    class Held(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if not running.is_set():
                running.set()
                go_on.wait(10)
                ended.set()
            return self.attention(x, x, x)[0]

    with ModelSession(Held(), torch.randn(1, 3, 8)) as session:
        page = Page(AttentionHeads(session))
        [linked] = [linked for source, linked in lifetime.linked_sources() if source is session]
        linked.desk._run_seconds["attention.overview"] = 0.001  # it was quick the last time
        asking = threading.Thread(target=page.ask, args=(1, "attention.overview"), kwargs={"sample": 0})
        asking.start()
        assert running.wait(10) and not linked.desk._runs
        threading.Timer(0.2, go_on.set).start()
        cell("training")
        assert ended.is_set()
        cell(None)
        asking.join(10)
        assert len(page.reply(1)["value"]["entries"]) == 1


def test_no_run_of_the_model_overlaps_a_cell(cell: Callable[[str | None], None]) -> None:
    """Run All: requests come while cells begin and end. A run may begin in no cell, and none goes on into one."""
    in_cell, overlaps = threading.Event(), []

    class Watched(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(3):
                time.sleep(0.002)
                x = self.attention(x, x, x)[0]
                overlaps.append(in_cell.is_set())
            return x

    with ModelSession(Watched(), torch.randn(1, 3, 8), memory_limit=100) as session:
        page = Page(AttentionHeads(session))
        for number in range(1, 25):
            page.ask(number, "attention.weights", control=str(number), **(WEIGHTS | {"attention": 0, "head": 1}))
            time.sleep(0.003 * (number % 4))
            cell("training")
            in_cell.set()
            time.sleep(0.005)
            in_cell.clear()
            cell(None)
        replies = [page.reply(number, timeout=30) for number in range(1, 25)]
    assert all("arrays" in reply for reply in replies), [reply for reply in replies if "arrays" not in reply]
    assert overlaps and not any(overlaps)


def test_a_cell_shorter_than_the_end_of_a_run_makes_no_false_error(
    cell: Callable[[str | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = threading.Event()

    class Slow(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(torch.nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(30))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = layer(x, x, x)[0]
                running.set()
                time.sleep(0.01)
            return x

    ended = Desk._run_ended

    def late(desk: Desk, job: Any, request: Request) -> None:
        time.sleep(0.2)  # the cell is over before the page is told
        ended(desk, job, request)

    monkeypatch.setattr(Desk, "_run_ended", late)
    with ModelSession(Slow(), torch.randn(1, 3, 8)) as session:
        page = Page(AttentionHeads(session))
        page.ask(1, "attention.overview", sample=0)
        running.wait(10)
        cell("short")
        cell(None)
        assert len(page.reply(1, timeout=30)["value"]["entries"]) == 30


def test_a_run_that_a_newer_request_outran_is_stopped() -> None:
    running = threading.Event()

    class Slow(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList(torch.nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(50))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = layer(x, x, x)[0]
                running.set()
                time.sleep(0.05)
            return x

    with ModelSession(Slow(), torch.randn(1, 3, 8)) as session:
        page = Page(AttentionHeads(session))
        page.ask(1, "attention.weights", **(WEIGHTS | {"head": 0}))
        running.wait(10)
        began = time.monotonic()
        page.ask(2, "attention.weights", **(WEIGHTS | {"head": 1}))
        assert page.reply(1).get("superseded") is True
        assert time.monotonic() - began < 2  # a whole run takes 2.5 s
        assert page.reply(2, timeout=30)["value"]["head"] == 1


def test_ahead_only_what_was_quick_and_is_stored_is_answered(page: Page, session: ModelSession) -> None:
    def ahead(number: int) -> dict[str, Any]:
        question = {"what": "attention.weights", "arguments": WEIGHTS, "ahead": True}
        page.say({"client": "page", "request": number, "widget": page.widget._key, "control": "ahead"} | question)
        return page.reply(number)

    assert ahead(1).get("superseded") is True  # nobody knows yet how long it takes
    page.ask(2, "attention.weights", **WEIGHTS)
    assert "arrays" in page.reply(2)
    page.ask(3, "attention.weights", **WEIGHTS)  # from the store
    assert "arrays" in page.reply(3)
    assert "arrays" in ahead(4)
    session.refresh()
    version = session.version
    assert ahead(5).get("superseded") is True
    assert not [reply for reply in page.replies if reply.get("request") == 5 and "parked" in reply]
    assert session.version == version


def test_cells_can_be_nested(cell: Callable[[str | None], None]) -> None:
    cell("outer")
    cell("inner")
    cell(None)
    assert kernel.cell_is_running()
    cell(None)
    assert not kernel.cell_is_running()


def test_weights_that_a_cell_changed_are_noticed_after_it(
    page: Page, session: ModelSession, cell: Callable[[str | None], None]
) -> None:
    page.ask(1, "attention.weights", **WEIGHTS)
    before = page.reply(1)["version"]
    cell("training")
    with torch.no_grad():
        next(session.model.parameters()).data.mul_(1.5)
    cell(None)
    for _ in range(100):
        if page.twin.version > before:
            break
        time.sleep(0.05)
    assert page.twin.version > before
    assert "recomputed" in page.twin.message
    page.ask(2, "attention.weights", **WEIGHTS)
    assert page.reply(2)["version"] > before


class Actor(AttentionHeads):
    done: ClassVar[list[float]] = []

    @acts("set")
    def _set(self, value: float) -> dict[str, Any]:
        if value <= 0:
            raise ValueError(f"value={value}, but it is above 0")
        self.done.append(value)
        return {"set": value}


def test_a_reader_can_have_something_done(session: ModelSession, cell: Callable[[str | None], None]) -> None:
    page = Page(Actor(session))
    cell("busy")  # a Stop must be heard while a cell runs

    def act(number: int, what: str, **arguments: Any) -> dict[str, Any]:
        sent = {"client": "page", "request": number, "widget": page.widget._key, "act": what, "arguments": arguments}
        page.say(sent)
        return page.reply(number, timeout=0)

    assert act(1, "set", value=0.5)["value"] == {"set": 0.5}
    assert act(2, "set", value=0)["error"] == "value=0, but it is above 0"
    assert "it takes value" in act(3, "set", speed=1)["error"]
    assert "does not do 'explode': it does set" in act(4, "explode")["error"]
    assert Actor.done == [0.5]


def test_a_model_in_training_is_looked_at_while_its_cell_runs(page: Page, cell: Callable[[str | None], None]) -> None:
    cell("training")
    page.ask(1, "attention.weights", **WEIGHTS)
    assert page.parked(1) == "cell"
    run = RunStore(":memory:").run("lenet")  # what waits is taken up: there may be a training to look into
    end = time.monotonic() + 10
    while not any(reply.get("request") == 1 and "arrays" in reply for reply in page.replies):
        run.log(0, loss=1.0)
        assert time.monotonic() < end
        time.sleep(0.001)
    run.close()
    cell(None)

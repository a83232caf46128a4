"""A small real model in a session, and a desk whose replies a test can read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from nnwidgets.session import ModelSession
from nnwidgets.widgets.attention_heads import AttentionHeads
from nnwidgets.wire import kernel, lifetime


@pytest.fixture
def session() -> Iterator[ModelSession]:
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, 2)
    with ModelSession(model, torch.randn(2, 5, 16), tokens=list("abcde")) as opened:
        yield opened


class Page:
    """A page that talks to a session's desk as the browser does, without a browser."""

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self.twin = widget._source
        self.replies: list[dict[str, Any]] = []
        self.buffers: list[list[bytes]] = []
        self._arrived = threading.Condition()
        self.twin.send = self._take  # the comm of a test has no other end

    def _take(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        with self._arrived:
            self.replies.append(content)
            self.buffers.append(buffers or [])
            self._arrived.notify_all()

    def ask(self, number: int, what: str, control: str = "picker", client: str = "page", **arguments: Any) -> None:
        self.say(
            {
                "client": client,
                "request": number,
                "widget": self.widget._key,
                "control": control,
                "what": what,
                "arguments": arguments,
            }
        )

    def say(self, content: Any) -> None:
        self.twin._handle_custom_msg(content, [])

    def reply(self, number: int, timeout: float = 10, **having: Any) -> dict[str, Any]:
        """The reply to a request that is not merely "parked"."""
        return self.until(
            lambda: [reply for reply in self.replies if reply.get("request") == number and "parked" not in reply],
            timeout,
        )[0]

    def parked(self, number: int) -> str:
        found = self.until(
            lambda: [reply for reply in self.replies if reply.get("request") == number and "parked" in reply]
        )
        return str(found[-1]["parked"])

    def until(self, found: Callable[[], Any], timeout: float = 10) -> Any:
        end = time.monotonic() + timeout
        with self._arrived:
            while not (result := found()):
                if not self._arrived.wait(end - time.monotonic()):
                    raise AssertionError(f"no such reply within {timeout} s, only {self.replies}")
        return result


@pytest.fixture
def page(session: ModelSession) -> Page:
    return Page(AttentionHeads(session))


@pytest.fixture
def cell() -> Iterator[Callable[[str | None], None]]:
    """Begin a cell; `cell(None)` ends it."""

    def begin(name: str | None) -> None:
        if name is None:
            kernel._on_post_run_cell()
        else:
            info = type("Info", (), {"cell_id": name})()
            kernel._on_pre_run_cell(info)

    yield begin
    kernel._on_post_run_cell()
    for source, _ in lifetime.linked_sources():
        source.close()

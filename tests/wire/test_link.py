"""What holds for every widget: checked options, twins that follow, throttled streams, nothing half-built."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest
import torch
import traitlets

from nnwidgets.session import ModelSession, SessionClosed
from nnwidgets.widgets.attention_heads import AttentionHeads
from nnwidgets.widgets.attention_map import AttentionMap
from nnwidgets.widgets.base import Widget
from nnwidgets.wire import lifetime
from nnwidgets.wire.runtime import Silent, code, runtime, set_page_cache
from nnwidgets.wire.streams import RATE, Stream
from tests.wire.conftest import Page


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"colour": "red"}, TypeError, "AttentionMap has no option 'colour': it has color_map, height, mean"),
        ({"head": 3}, TypeError, "set session.selection.head"),
        ({"color_map": "jet"}, traitlets.TraitError, "viridis"),
        ({"height": 5}, traitlets.TraitError, "160"),
    ],
)
def test_a_wrong_option_is_refused_and_leaves_nothing(
    session: ModelSession, options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        AttentionMap(session, **options)
    assert lifetime.widgets_of(session) == ()
    assert not lifetime.linked_sources()


def test_options_are_checked_when_assigned_too(session: ModelSession) -> None:
    widget = AttentionMap(session)
    with pytest.raises(traitlets.TraitError):
        widget.scale = "cubic"
    with pytest.raises(AttributeError, match="no option 'colour'"):
        widget.colour = "red"
    assert widget.scale == "linear"


def test_a_widget_looks_at_a_session() -> None:
    with pytest.raises(TypeError, match="make one with nnw.ModelSession"):
        AttentionHeads(torch.nn.Linear(2, 2))  # type: ignore[arg-type]


def test_a_closed_session_takes_no_widget(session: ModelSession) -> None:
    session.close()
    with pytest.raises(SessionClosed, match="make a new ModelSession"):
        AttentionHeads(session)
    assert not lifetime.linked_sources()


def test_widgets_of_a_kernel_share_runtime_code_and_twins(session: ModelSession) -> None:
    one, two, three = AttentionHeads(session), AttentionHeads(session), AttentionMap(session)
    assert one._runtime is two._runtime is three._runtime is runtime()
    assert one._code is two._code is code("widgets/attention_heads") is not three._code
    assert one._source is three._source and one._selection is three._selection


def test_sessions_can_share_a_selection(session: ModelSession) -> None:
    model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2)
    other = ModelSession(model, torch.randn(2, 5, 16), selection=session.selection)
    one, two = AttentionHeads(session), AttentionHeads(other)
    assert one._selection is two._selection and one._source is not two._source
    other.close()
    assert one._selection.comm is not None  # the first session still needs it
    session.close()
    assert one._selection is None or one._selection.comm is None


def test_the_last_widget_closes_the_twins(session: ModelSession) -> None:
    one, two = AttentionHeads(session), AttentionMap(session)
    twin, selection, stream, layout = one._source, one._selection, one._stream, one.layout
    one.close()
    assert layout.comm is None
    assert all(part.comm is not None for part in (twin, selection, stream))
    two.close()
    assert all(part.comm is None for part in (twin, selection, stream))
    assert AttentionHeads(session)._source.comm is not None


def test_python_and_page_move_one_selection(session: ModelSession) -> None:
    session.attention.layers  # noqa: B018 - the layers' paths are known once the model ran
    twin = AttentionHeads(session)._selection
    session.selection.update(attention=1, heads=(2, 3))
    assert (twin.attention, twin.heads, twin.head, twin.layer) == (1, (2, 3), 3, "layers.1.self_attn")
    twin.set_state({"heads": [0, 1], "head": 1})
    assert (session.selection.heads, session.selection.head) == ((0, 1), 1)


def test_what_a_page_chose_is_not_sent_back_to_it(session: ModelSession) -> None:
    session.attention.layers  # noqa: B018 - the layers' paths are known once the model ran
    twin = AttentionHeads(session)._selection
    sent: list[Any] = []
    twin.send_state = lambda key=None: sent.append(key)
    twin.set_state({"heads": [0, 1], "head": 1})
    assert sent == []
    session.selection.head = 3
    assert set(sent) == {"heads", "head"}


def test_a_closed_widget_lets_go_of_its_model() -> None:
    model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2)
    session = ModelSession(model, torch.randn(1, 5, 16))
    widget = AttentionHeads(session)
    gone = weakref.ref(session)
    session.close()
    with pytest.raises(RuntimeError, match="was closed"):
        widget.source  # noqa: B018
    assert repr(widget) == "AttentionHeads(TransformerEncoder, closed)"
    del session
    gc.collect()
    assert gone() is None


def test_a_readers_subclass_looks_as_the_widget_that_it_extends(session: ModelSession) -> None:
    class Mine(AttentionHeads):
        """With another threshold."""

    assert Mine(session, threshold=0.5)._code is code("widgets/attention_heads")


def test_a_widget_that_is_not_whole_says_what_is_missing(session: ModelSession) -> None:
    class Half(Widget):
        module = "attention_heads"

    with pytest.raises(TypeError, match="Half does not say bake"):
        Half(session)
    assert not lifetime.linked_sources()


def test_a_page_cannot_select_what_does_not_exist(session: ModelSession) -> None:
    session.attention.layers  # noqa: B018 - bounds are known once the model ran
    twin = AttentionHeads(session)._selection
    said: list[Any] = []
    twin.send = said.append
    twin.set_state({"attention": 1, "heads": [12], "head": 12})
    assert "head=12, but layer 1 has 4 heads (0 to 3)" in said[0]["error"]
    assert session.selection.attention == twin.attention == 0
    assert (twin.heads, twin.head) == ((0,), 0)


def test_a_widget_follows_another_source(session: ModelSession) -> None:
    widget = AttentionHeads(session)
    former = widget._source
    model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 5)
    with ModelSession(model, torch.randn(1, 5, 16)) as other:
        widget.follow(other)
        assert widget.source is other and former.comm is None
        page = Page(widget)
        page.ask(1, "attention.overview", sample=0)
        assert len(page.reply(1)["value"]["entries"]) == 5


def test_a_stream_is_throttled_and_ends_with_the_newest() -> None:
    stream = Stream()
    sent: list[Any] = []
    stream.observe(lambda change: sent.append(change["new"]), "state")
    began = time.monotonic()
    for number in range(2000):
        stream.push(state={"number": number})
    took = time.monotonic() - began
    time.sleep(3 / RATE)
    assert sent[-1] == {"number": 1999}
    assert len(sent) <= (took + 3 / RATE) * RATE + 2
    stream.close()


def test_a_jobs_progress_reaches_the_pages(session: ModelSession) -> None:
    import threading

    widget = AttentionHeads(session)
    go_on = threading.Event()

    def work(job: Any) -> None:
        for done in range(100):
            job.report(done, 100)
            if go_on.wait(0.02):
                return

    job = session.submit(work, label="Sweeping")
    stream: Stream = widget._stream
    end = time.monotonic() + 5
    while not stream.jobs and time.monotonic() < end:
        time.sleep(0.02)
    [shown] = stream.jobs
    assert shown["label"] == "Sweeping" and 0 < shown["done"] < 1
    Page(widget).say({"client": "page", "cancel": shown["id"]})
    assert job.wait(5) and job.state == "cancelled"
    go_on.set()


def test_a_job_that_reports_nothing_is_shown_too(session: ModelSession) -> None:
    widget = AttentionHeads(session)
    stream: Stream = widget._stream
    job = session.submit(lambda job: [job.check() or time.sleep(0.01) for _ in range(400)], label="Silent")
    end = time.monotonic() + 3
    while not stream.jobs and time.monotonic() < end:
        time.sleep(0.02)
    [shown] = stream.jobs
    assert (shown["label"], shown["done"]) == ("Silent", None)
    job.cancel()


def test_the_page_cache_can_be_bounded() -> None:
    set_page_cache(1000)
    assert runtime().cache_limit == 1000
    with pytest.raises(ValueError, match="0 or more"):
        set_page_cache(-1)
    set_page_cache(64 * 2**20)


def test_silent_widgets_bring_no_layout() -> None:
    assert "layout" not in Silent(_esm="export default {}").keys

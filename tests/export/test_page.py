"""Saved pages as files: what they hold, how large they are, and that they are written whole or not at all."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from ipywidgets import IntSlider

from nnwidgets.export import page as page_module
from nnwidgets.export.page import SavedPage, save_page
from nnwidgets.session import ModelSession, SessionClosed
from nnwidgets.source import Cancelled, Job
from nnwidgets.widgets.attention_heads import AttentionHeads
from nnwidgets.widgets.attention_map import AttentionMap


def encoder(length: int = 5, layers: int = 2, **options: Any) -> ModelSession:
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, layers).eval()
    return ModelSession(model, torch.randn(2, length, 16), **options)


@pytest.fixture
def session() -> Iterator[ModelSession]:
    with encoder() as opened:
        yield opened


def read(path: Any) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """The page's models, and its answers by the model of their source."""
    text = Path(path).read_text(encoding="utf-8")
    scripts = re.findall(r'<script type="application/json" (id|data-answers)="([^"]*)">(.*?)</script>', text, re.DOTALL)
    loaded = {name: json.loads(content) for _, name, content in scripts}
    return loaded.pop("nnwidgets-page"), loaded


def test_a_page_holds_code_and_twins_once(session: ModelSession, tmp_path: Path) -> None:
    widgets = [AttentionHeads(session), AttentionMap(session), AttentionMap(session)]
    saved = save_page(tmp_path / "x.html", widgets)
    page, answers = read(saved)
    kinds = [model["code"] for model in page["models"].values()]
    # Loader, runtime, two browser halves, and one for all twins.
    assert len(page["codes"]) == len(set(page["codes"])) == 5
    assert len(kinds) == 3 + 1 + 2 + 3
    assert page["widgets"] == [widget.model_id for widget in widgets]
    assert list(answers) == [widgets[0]._source.model_id]
    assert len(answers[widgets[0]._source.model_id]) == saved.kept
    assert saved.nbytes == saved.path.stat().st_size


def test_a_page_holds_every_head_layer_and_sample(session: ModelSession, tmp_path: Path) -> None:
    saved = save_page(tmp_path / "x.html", [AttentionMap(session)])
    (answers,) = read(saved)[1].values()
    heads = {
        (entry["arguments"]["attention"], entry["arguments"]["head"], entry["arguments"]["sample"])
        for entry in answers
        if entry["what"] == "attention.weights"
    }
    assert heads == {(layer, head, sample) for layer in (0, 1) for head in (0, 1, 2, 3, "mean") for sample in (0, 1)}
    assert (saved.kept, saved.left_out) == (22, 0)
    assert repr(saved) == f"{saved.path}: {saved.nbytes / 1e6:.1f} MB, with all 22 views"


def test_the_budget_is_kept_and_what_is_left_out_is_said(session: ModelSession, tmp_path: Path) -> None:
    view = AttentionMap(session)
    whole = save_page(tmp_path / "all.html", [view])
    with pytest.warns(UserWarning, match="were left out to keep the views under 0.005 MB: ask for more") as warned:
        saved = save_page(tmp_path / "x.html", [view], budget=5_000)
    assert warned[0].filename == __file__
    assert (saved.kept + saved.left_out, saved.kept < 20) == (22, True)
    assert f"holds {saved.kept} of 22 views" in saved.path.read_text(encoding="utf-8")
    assert saved.nbytes < whole.nbytes
    (answers,) = read(saved)[1].values()
    assert sum(len(json.dumps(answer, separators=(",", ":"))) for answer in answers) <= 5_000


def test_the_bars_of_running_jobs_are_not_saved(session: ModelSession, tmp_path: Path) -> None:
    view = AttentionMap(session)
    view._stream.jobs = [{"id": "1", "label": "Saving x.html", "done": 0.5}]
    page, _ = read(save_page(tmp_path / "x.html", [view]))
    assert page["models"][view._stream.model_id]["state"]["jobs"] == []


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("x.png", ValueError, "a page is an .html file"),
        ("x", ValueError, "a page is an .html file"),
        ("no/where/x.html", FileNotFoundError, "no folder .*where.*: make it first"),
        ("folder.html", IsADirectoryError, "is a folder"),
    ],
)
def test_a_wrong_path_is_refused_before_anything_is_computed(
    session: ModelSession, tmp_path: Path, path: str, error: type[Exception], words: str
) -> None:
    (tmp_path / "folder.html").mkdir()
    view = AttentionMap(session)
    with pytest.raises(error, match=words):
        save_page(tmp_path / path, [view])
    assert "not captured" in repr(session.attention)


def test_what_is_no_widget_is_refused(session: ModelSession, tmp_path: Path) -> None:
    view, closed = AttentionMap(session), AttentionHeads(session)
    closed.close()
    path = tmp_path / "x.html"
    with pytest.raises(ValueError, match="at least one"):
        save_page(path, [])
    with pytest.raises(ValueError, match=r"widgets\[1\], of type AttentionHeads, was closed"):
        save_page(path, [view, closed])
    with pytest.raises(TypeError, match=r"widgets\[1\] is of type IntSlider"):
        save_page(path, [view, IntSlider()])
    with pytest.raises(ValueError, match="budget=0, but"):
        save_page(path, [view], budget=0)
    session.close()
    with pytest.raises(ValueError, match="was closed"):  # a session takes its widgets along
        save_page(path, [view])
    assert list(tmp_path.iterdir()) == []


def test_a_closed_second_source_is_an_error(session: ModelSession, tmp_path: Path) -> None:
    other = encoder()
    orphan = AttentionMap(other)
    orphan.orphaned = True
    other.close()
    with pytest.raises(SessionClosed, match="was closed"):
        save_page(tmp_path / "x.html", [AttentionMap(session), orphan])
    orphan.close()


def test_weights_that_changed_before_saving_are_those_that_are_saved(session: ModelSession, tmp_path: Path) -> None:
    view = AttentionMap(session)
    before = save_page(tmp_path / "before.html", [view])
    with torch.no_grad():
        session.model.layers[0].self_attn.in_proj_weight.mul_(3)
    after = save_page(tmp_path / "after.html", [view])
    fresh = encoder()
    fresh.model.load_state_dict(session.model.state_dict())
    with fresh:
        expected = save_page(tmp_path / "fresh.html", [AttentionMap(fresh)])

    def weights(path: SavedPage) -> list[Any]:
        (answers,) = read(path)[1].values()
        return [answer["packed"] for answer in answers if answer["what"] == "attention.weights"]

    assert weights(after) == weights(expected) != weights(before)


def test_a_model_that_is_trained_meanwhile_is_an_error(
    session: ModelSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = AttentionMap(session)
    answer, asked = AttentionMap.answer, []

    def train(self: Any, what: str, arguments: Any) -> Any:
        asked.append(what)
        if len(asked) == 5:
            with torch.no_grad():
                session.model.layers[0].self_attn.in_proj_weight.mul_(3)
        return answer(self, what, arguments)

    monkeypatch.setattr(AttentionMap, "answer", train)
    with pytest.raises(RuntimeError, match="TransformerEncoder changed while the page was being saved"):
        save_page(tmp_path / "x.html", [view])
    assert list(tmp_path.iterdir()) == []


def test_saving_twice_replaces_the_file(session: ModelSession, tmp_path: Path) -> None:
    view = AttentionMap(session)
    first = save_page(tmp_path / "x.html", [view]).path.read_bytes()
    second = save_page(str(tmp_path / "x.html"), view, title="Other").path.read_bytes()
    assert b"<title>x</title>" in first
    assert b"<title>Other</title>" in second
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_file_that_cannot_be_written_whole_is_not_written(
    session: ModelSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    (tmp_path / "x.html").write_text("the former one")

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(page_module.os, "replace", fail)
    with pytest.raises(type(error)):
        save_page(tmp_path / "x.html", [AttentionMap(session)])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the former one"]


def test_an_interrupt_ends_the_job_and_writes_nothing(
    session: ModelSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, jobs = AttentionMap(session), []
    session.on_job(jobs.append)

    def interrupt(_job: Job, _timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    slow(monkeypatch)
    monkeypatch.setattr(Job, "result", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_page(tmp_path / "x.html", [view])
    assert jobs[0].state == "cancelled"
    assert list(tmp_path.iterdir()) == []


def test_a_job_cancelled_in_a_widget_writes_nothing(
    session: ModelSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch)
    session.on_job(lambda job: threading.Timer(0.2, job.cancel).start())
    with pytest.raises(Cancelled, match="Saving x.html"):
        save_page(tmp_path / "x.html", [AttentionMap(session)])
    assert list(tmp_path.iterdir()) == []


def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = AttentionMap.answer

    def later(self: Any, what: str, arguments: Any) -> Any:
        time.sleep(0.05)
        return answer(self, what, arguments)

    monkeypatch.setattr(AttentionMap, "answer", later)


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--<script>", "a\u2028b", "\ud800", "{title}"]
)
def test_no_text_gets_out_of_its_place(tmp_path: Path, text: str) -> None:
    with encoder(name=text) as session:
        session.set_inputs(torch.randn(1, 5, 16), tokens=[text, *"bcde"])
        saved = save_page(tmp_path / "x.html", [AttentionMap(session)], title=text)
        _, answers = read(saved)
    source = saved.path.read_text(encoding="utf-8")
    assert source.count("<script") == source.count("</script>") == 3
    assert "<!--" not in source
    overview = next(iter(answers.values()))[0]["value"]
    assert overview["tokens"]["source"]["texts"][0] == text
    assert overview["label"] == text


def test_a_state_that_waits_for_its_turn_is_in_the_page(
    tmp_path: Path, session: ModelSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnwidgets.wire.requests._SHOW_AFTER", 60)  # news of the saving would take the state along
    widget = AttentionMap(session)
    widget._stream.push(state={"said": "before"})
    widget._stream.push(rest=60, state={"said": "just now"})
    page, _ = read(save_page(tmp_path / "page.html", [widget]))
    assert {"said": "just now"} in [each["state"].get("state") for each in page["models"].values()]

"""What every widget can do: figure, save, code, freeze, and the still beside the live view."""

from __future__ import annotations

import base64
import io
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

import nnwidgets as nnw
from nnwidgets.session import ModelSession
from nnwidgets.widgets.attention_heads import AttentionHeads
from nnwidgets.widgets.attention_map import AttentionMap

BOTH = pytest.mark.parametrize("kind", [AttentionHeads, AttentionMap])


@BOTH
def test_it_is_saved_in_every_form(session: ModelSession, kind: Any, tmp_path: Path) -> None:
    view = kind(session)
    session.selection.update(attention=1, heads=(1, 2))
    beginnings = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".html": b"<!doctype html>"}
    for ending, beginning in beginnings.items():
        path = view.save(tmp_path / f"x{ending}")
        assert Path(path) == tmp_path / f"x{ending}"
        assert Path(path).read_bytes().startswith(beginning)
    assert Image.open(tmp_path / "x.png").width > 500
    small = view.save(str(tmp_path / "small.png"), dpi=50)
    assert Image.open(small).width < 500


@BOTH
def test_relative_paths_are_taken_from_the_sessions_folder(kind: Any, tmp_path: Path) -> None:
    model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 1)
    with ModelSession(model, torch.randn(1, 5, 16), save_dir=tmp_path / "figures") as session:
        view = kind(session)
        assert not (tmp_path / "figures").exists()  # made when it is needed
        assert Path(view.save("x.png", dpi=50)) == tmp_path / "figures" / "x.png"
        view.figure(save_path="y.svg")
        assert Path(view.save(tmp_path / "z.html")) == tmp_path / "z.html"
        assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["x.png", "y.svg"]


@BOTH
@pytest.mark.parametrize("name", ["x.jpg", "x", "x.gif"])
def test_another_ending_is_refused_with_those_that_there_are(
    small: ModelSession, kind: Any, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=f"{name}', but a widget is saved as .png, .svg, .pdf or .html"):
        kind(small).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@BOTH
def test_the_figure_shows_the_result(session: ModelSession, kind: Any) -> None:
    view = kind(session)
    session.selection.update(attention=1, heads=(2,))
    figure = view.figure()
    words = " ".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))
    assert session.label in words
    assert session.attention.layers[1].path in words
    assert "ead 2" in words


@BOTH
def test_its_code_makes_the_same_view(session: ModelSession, kind: Any) -> None:
    last = len(session.attention.layers) - 1
    session.selection.update(attention=last, heads=(3, 1), sample=session.samples - 1, query=2, key=1)
    view = kind(session, special_tokens="hide", height=333)
    text, before = view.code(), session.selection.fields()
    session.selection.update(attention=0, heads=(0,), sample=0, query=None, key=None)
    names: dict[str, Any] = {"nnw": nnw, "session": session}
    setting, making = text.splitlines()
    exec(setting, names)
    made = eval(making, names)
    assert isinstance(made, kind)
    assert session.selection.fields() == before
    assert {name: getattr(made, name) for name in kind.option_names()} == {
        name: getattr(view, name) for name in kind.option_names()
    }
    assert made.code() == text


@BOTH
def test_freeze_shows_the_figure_in_the_cell(small: ModelSession, kind: Any) -> None:
    InteractiveShell.instance()
    with capture_output() as captured:
        kind(small).freeze(dpi=40)
    (output,) = captured.outputs
    picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert picture.width > 100


@BOTH
def test_the_still_stands_beside_the_live_view(session: ModelSession, kind: Any) -> None:
    view = kind(session)
    assert session.attention.layers
    data, _ = view._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    assert data["text/plain"].startswith(f"{kind.__name__} of {session.label}")
    assert base64.b64decode(data["image/png"]) == view._still_half().still(view.result, **view.look())
    assert {entry["what"] for entry in view._snapshot} == {"attention.overview", "attention.weights"}


@BOTH
def test_a_slow_model_is_not_run_for_a_still(kind: Any) -> None:
    class Slow(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = torch.nn.Linear(20_000, 300)  # by its size, a run takes longer than a display may
            self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise AssertionError("the display ran the model")

    with ModelSession(Slow(), torch.randn(1, 2_000, 8)) as session:
        assert session.estimated_seconds() > 0.2
        data, _ = kind(session)._repr_mimebundle_()
        assert "image/png" not in data
        assert "run the notebook to see it" in data["text/plain"]


@BOTH
def test_a_matrix_that_takes_long_to_draw_has_no_still(kind: Any) -> None:
    layer = torch.nn.MultiheadAttention(8, 1, batch_first=True)

    with ModelSession(
        layer, forward=lambda model, x: model(x, x, x, need_weights=False), inputs=torch.randn(1, 2_500, 8)
    ) as long:
        assert long.attention.layers
        view = kind(long)
        began = time.perf_counter()
        data, _ = view._repr_mimebundle_()
        assert time.perf_counter() - began < 0.2
        assert "image/png" not in data
        assert view._snapshot == []


@BOTH
def test_what_fails_is_left_to_the_live_view(kind: Any) -> None:
    class Broken(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ArithmeticError("no")

    with ModelSession(Broken(), torch.randn(1, 3)) as session:
        data, _ = kind(session)._repr_mimebundle_()
        assert set(data) == {"text/plain", "application/vnd.jupyter.widget-view+json"}


@BOTH
def test_a_still_waits_for_nobody_who_runs_the_model(small: ModelSession, kind: Any) -> None:
    assert small.attention.layers
    view, held, done = kind(small), threading.Event(), threading.Event()

    def hold() -> None:
        with small.lock:
            held.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        began = time.perf_counter()
        data, _ = view._repr_mimebundle_()
        assert time.perf_counter() - began < 1
        assert "image/png" in data  # all of it is stored
    finally:
        done.set()
        holder.join()


@BOTH
def test_wrong_options_and_sources_are_refused(small: ModelSession, kind: Any) -> None:
    with pytest.raises(TypeError, match="looks at a ModelSession, not at Linear"):
        kind(torch.nn.Linear(2, 2))
    with pytest.raises(TypeError, match="has no option 'colour'"):
        kind(small, colour="red")
    with pytest.raises(TypeError, match="set session.selection.layer"):
        kind(small, layer=2)
    with pytest.raises(Exception, match="special_tokens"):
        kind(small, special_tokens="maybe")
    view = kind(small)
    with pytest.raises(AttributeError, match="has no option 'colour'"):
        view.colour = "red"
    with pytest.raises(ValueError, match="does not answer 'no'"):
        view.answer("no", {})


def test_a_figure_of_nothing_says_why() -> None:
    with (
        ModelSession(torch.nn.Linear(4, 2), torch.randn(3, 4)) as plain,
        pytest.raises(LookupError, match="Linear has no attention"),
    ):
        AttentionMap(plain).figure()


def test_the_figure_draws_the_result(small: ModelSession) -> None:
    view = AttentionMap(small)
    image = next(image for axes in view.figure().axes for image in axes.images)
    assert np.asarray(image.get_array()) == pytest.approx(view.result.weights)

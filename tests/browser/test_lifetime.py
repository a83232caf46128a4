"""No leak and no cross-talk: cells run again, sessions closed, kernels restarted, two tabs, two sessions."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser, expect

from tests.browser.lab import Notebook
from tests.browser.models import HEADS, MAP, SESSION


def test_a_cell_run_20_times_leaves_no_widget_behind(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, HEADS, MAP)
    expect(lab.view(1)).to_be_visible()
    before = lab.comms()
    for _ in range(10):
        lab.run(1)
        lab.run(2)
    expect(lab.view(1).get_by_role("listbox").first).to_be_visible()
    expect(lab.view(2)).to_be_visible()
    assert lab.comms() == before
    for _ in range(3):
        lab.run_all()
    assert lab.comms() == before


def test_the_same_session_in_ten_cells_has_one_runtime_and_one_twin(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, *(["nnw.AttentionHeads(session)"] * 10))
    expect(lab.page.locator(".nnw[data-theme]")).to_have_count(10)
    kinds = lab.python("sorted(type(w).__name__ for w in __import__('ipywidgets').widgets.widget._instances.values())")
    assert kinds == sorted(
        ["AttentionHeads", "Layout"] * 10 + ["Runtime", "Code", "SourceTwin", "SelectionTwin", "Stream"]
    )


def test_close_takes_widgets_away_and_leaves_the_others(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(
        SESSION,
        "import ipywidgets\nslider = ipywidgets.IntSlider()\nslider",
        "other = nnw.ModelSession(model, inputs, name='other')",
        "nnw.AttentionHeads(other)",
    )
    expect(lab.view(3)).to_be_visible()
    before = lab.comms()
    lab.python("[nnw.AttentionHeads(session), nnw.AttentionMap(session)] and None")
    assert lab.comms() > before
    lab.python("session.close()")
    code_of_the_map = 1  # code widgets stay for the next widget of their class
    assert lab.comms() == tuple(count + code_of_the_map for count in before)
    lab.save()
    lab.page.reload()
    lab.open()
    expect(lab.cell(1).locator(".widget-slider")).to_be_visible()
    expect(lab.view(3).get_by_role("listbox").first).to_be_visible()


def test_two_sessions_do_not_hear_each_other(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(
        SESSION, HEADS, "other = nnw.ModelSession(model, inputs)\nothers = nnw.AttentionHeads(other)\nothers"
    )
    lab.pick(1, "Layer", "2")
    lab.until("session.selection.attention", 2)
    assert lab.python("other.selection.attention") == 0


def test_two_kernels_do_not_hear_each_other(notebook: Callable[..., Notebook]) -> None:
    one = notebook(SESSION, HEADS, name="_one")
    two = notebook(SESSION, HEADS, name="_two")
    one.pick(1, "Layer", "2")
    two.pick(1, "Layer", "1")
    for lab, layer in ((one, 2), (two, 1)):
        lab.until("session.selection.attention", layer)
        expect(lab.view(1)).to_contain_text(f"layers.{layer}.self_attn")


def test_a_restarted_kernel_leaves_the_last_picture_and_says_so(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, HEADS)
    canvas = lab.picture(1)
    expect(canvas).to_be_visible()
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(lab.view(1)).to_contain_text("The kernel is gone", timeout=20_000)
    expect(canvas).to_be_visible()
    lab.run_all()
    expect(lab.view(1)).not_to_contain_text("The kernel is gone")


def test_two_tabs_get_their_own_answers(notebook: Callable[..., Notebook], browser: Browser) -> None:
    lab = notebook(SESSION, HEADS)
    lab.save()
    second = Notebook(lab.server, browser.new_context(), lab.name).open()
    expect(second.picture(1)).to_be_visible(timeout=30_000)
    for tab, layer in ((lab, 1), (second, 2), (lab, 0)):
        tab.pick(1, "Layer", str(layer))
        lab.until("session.selection.attention", layer)
        for page in (lab, second):
            expect(page.view(1)).to_contain_text(f"layers.{layer}.self_attn")
    second.context.close()


def test_a_named_session_made_again_is_followed_by_other_cells(notebook: Callable[..., Notebook]) -> None:
    made = SESSION.replace("tokens=", "name='mine', tokens=")
    lab = notebook(made, HEADS)
    lab.run(0)
    lab.python("session.selection.update(attention=2)")
    expect(lab.view(1)).to_contain_text("layers.2.self_attn")
    assert lab.python("heads.source is session") is True


def test_an_unnamed_session_made_again_leaves_other_cells_their_picture(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, HEADS)
    lab.run(0)
    expect(lab.view(1)).to_contain_text("ran again: this is the last picture")
    expect(lab.picture(1)).to_be_visible()
    lab.run(1)
    expect(lab.view(1)).not_to_contain_text("ran again")

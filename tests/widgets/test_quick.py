"""The quick functions: every form of a history is the same run, and what is no history is told in one sentence."""

import subprocess
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

import nnwidgets as nnw
from nnwidgets.widgets.histories import as_run

LOSS, VALIDATION = [1.0, 0.6, 0.4], [1.1, 0.8, 0.7]
COLUMNS = {"loss": LOSS, "val_loss": VALIDATION}


def table():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"epoch": [1, 2, 3], **COLUMNS, "remark": ["a", "b", "c"]})


FORMS = {
    "lists": lambda: COLUMNS,
    "arrays": lambda: {name: np.array(values) for name, values in COLUMNS.items()},
    "Keras": lambda: SimpleNamespace(history=COLUMNS, epoch=[0, 1, 2]),
    "pandas": table,
    "epochs": lambda: {"epoch": [1, 2, 3], **COLUMNS},
    "Hugging Face": lambda: (
        [
            entry
            for step in range(3)
            for entry in (
                {"loss": LOSS[step], "epoch": step + 1.0, "step": step + 1},
                {"val_loss": VALIDATION[step], "eval_runtime": 0.3, "epoch": step + 1.0, "step": step + 1},
            )
        ]
        + [{"train_runtime": 3.0, "train_loss": 0.6, "step": 3}]
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_run(form):
    run, _ = as_run(FORMS[form](), "a name")
    assert run.name == "a name"
    assert run.status == "finished"
    for name, values in COLUMNS.items():
        steps, read = run.history(name)
        assert (steps.tolist(), read.tolist()) == ([1, 2, 3], values)
    assert set(run.series()) == {"loss", "val_loss", "epoch"}
    assert run.history("epoch").values[-1] == 3


def test_missing_values_are_left_out():
    run, x = as_run({"step": [0, 10, 20], "loss": [1, None, 0.5], "val_loss": [None, float("nan"), 0.7]}, "run")
    assert x == "step"
    assert run.history("loss").steps.tolist() == [0, 20]
    assert run.history("val_loss").steps.tolist() == [10, 20]


def test_a_run_is_taken_as_it_is():
    run, _ = as_run(COLUMNS, "run")
    assert as_run(run, "other") == (run, "step")


@pytest.mark.parametrize(
    ("history", "error", "says"),
    [
        ({"loss": [1, 2], "val_loss": [1]}, ValueError, "'loss' has 2, 'val_loss' has 1: leave None"),
        ({"loss": [1, "two"]}, TypeError, r"history\['loss'\]\[1\] is 'two', but it is a number"),
        ({"loss": 3}, TypeError, r"history\['loss'\] is of type int, but it is a list of numbers"),
        ({"loss": []}, ValueError, "the history is empty"),
        ({}, ValueError, "the history is empty"),
        ([], ValueError, "the history is empty"),
        ([1, 2], TypeError, r"history\[0\] is of type int"),
        ("loss", TypeError, "the history is of type str"),
        (None, TypeError, "the history is of type NoneType"),
        ({3: [1]}, TypeError, "the history has the name 3"),
        ({"step": [0.5], "loss": [1]}, ValueError, "the history has the step 0.5"),
    ],
)
def test_what_is_no_history_is_told_in_one_sentence(history, error, says):
    with pytest.raises(error, match=says):
        nnw.plot_history(history, interactive=False)


def test_a_figure_in_a_script_and_a_monitor_where_asked_for(tmp_path):
    drawn = nnw.plot_history(COLUMNS, save_path=tmp_path / "history.png", smoothing=0.3)
    assert isinstance(drawn, Figure)
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")
    (loss,) = drawn.axes
    assert loss.get_xlabel() == "epoch"
    monitor = nnw.plot_history(COLUMNS, interactive=True, title="LeNet", metrics=["loss"])
    assert isinstance(monitor, nnw.TrainingMonitor)
    assert (monitor.x, monitor.metrics, monitor.source.label) == ("epoch", ["loss"], "LeNet")
    monitor.source.close()
    with pytest.raises(TypeError, match="there is no option 'colour': there is metrics"):
        nnw.plot_history(COLUMNS, colour=3)


def test_loss_and_metrics(tmp_path):
    drawn = nnw.plot_loss(LOSS, VALIDATION, save_path=tmp_path / "loss.svg")
    assert [text.get_text() for text in drawn.axes[0].get_legend().get_texts()] == ["training", "validation", "gap"]
    assert (tmp_path / "loss.svg").read_text().startswith("<?xml")
    assert len(nnw.plot_loss(LOSS).axes[0].get_legend().get_texts()) == 1
    drawn = nnw.plot_metrics({"accuracy": [0.1, 0.8], "f1": [0.2, 0.7]})
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["Accuracy", "F1"]
    with pytest.raises(TypeError, match="metrics is of type list, but it is lists by name"):
        nnw.plot_metrics([1, 2])


def test_a_dashboard_is_one_file(tmp_path):
    saved = nnw.training_dashboard(COLUMNS, tmp_path / "dashboard.html", title="LeNet <b>")
    page = saved.path.read_text("utf-8")
    assert "LeNet &lt;b&gt;" in page
    assert "run.summary" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    live = nnw.plot_history(COLUMNS, interactive=False, save_path=tmp_path / "live.html")
    assert isinstance(live, Figure)
    assert "run.story" in (tmp_path / "live.html").read_text("utf-8")


def test_a_script_draws_without_any_widget_library(tmp_path):
    script = """
        import sys
        import nnwidgets as nnw
        nnw.plot_loss([1, 0.5], [1.2, 0.7], save_path="loss.pdf")
        assert not {"anywidget", "IPython", "torch"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "loss.pdf").read_bytes().startswith(b"%PDF")

"""One line from a training's history to its picture: interactive in a notebook, a matplotlib figure in a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnwidgets.runs import Run
from nnwidgets.source.notebook import in_notebook
from nnwidgets.widgets.histories import as_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnwidgets.export.page import SavedPage
    from nnwidgets.widgets.training_monitor import TrainingMonitor


def plot_history(
    history: Any,
    *,
    interactive: bool | None = None,
    save_path: str | PathLike[str] | None = None,
    title: str = "Training",
    **options: Any,
) -> TrainingMonitor | Figure:
    """The curves of a training: loss, accuracy and other metrics, training and validation on one chart.

        nnw.plot_history({"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]})
        nnw.plot_history(model.fit(x, y, validation_data=held_out))

    Args:
        history: lists by name; a Keras `History` or what is in it; a pandas table, a column a metric; a list of
            dictionaries (the `log_history` of a Hugging Face trainer); or a `Run`.
        interactive: whether to return a live view (True) or a figure (False); None: a live view in a notebook.
        save_path: also save it there: .png, .svg or .pdf as a figure, .html as a live page.
        title: what the training is called.
        options: of `TrainingMonitor`: metrics, smoothing, x, log_y, gradient_threshold.

    Returns the `TrainingMonitor`, or the matplotlib figure.

    Raises:
        TypeError, ValueError: the history cannot be read as one; the sentence says what is wrong with it.
    """
    run, look = _opened(history, title, options)
    page = save_path is not None and str(save_path).lower().endswith(".html")
    if interactive is None:
        interactive = in_notebook()
    if interactive or page:
        from nnwidgets.widgets.training_monitor import TrainingMonitor

        monitor = TrainingMonitor(run, **look)
        if save_path is not None:
            monitor.save(Path(save_path))
        return monitor if interactive else monitor.figure()
    from nnwidgets.figures.style import save_figure
    from nnwidgets.figures.training_monitor import figure
    from nnwidgets.runs.curves import read_curves

    drawn = figure(read_curves(run), label=run.label, **look)
    if save_path is not None:
        save_figure(drawn, save_path)
    return drawn


def plot_loss(
    train: Sequence[float],
    validation: Sequence[float] | None = None,
    *,
    interactive: bool | None = None,
    save_path: str | PathLike[str] | None = None,
    **options: Any,
) -> TrainingMonitor | Figure:
    """The loss of each epoch, of training and validation; see `plot_history`."""
    losses = {"loss": train} if validation is None else {"loss": train, "val_loss": validation}
    return plot_history(losses, interactive=interactive, save_path=save_path, **options)


def plot_metrics(
    metrics: Mapping[str, Sequence[float]],
    *,
    interactive: bool | None = None,
    save_path: str | PathLike[str] | None = None,
    **options: Any,
) -> TrainingMonitor | Figure:
    """Metrics by name, a value an epoch: `{"accuracy": […], "val_accuracy": […], "f1": […]}`; see `plot_history`."""
    if not isinstance(metrics, Mapping):
        raise TypeError(
            f"metrics is of type {type(metrics).__name__}, but it is lists by name: plot_history takes more"
        )
    return plot_history(metrics, interactive=interactive, save_path=save_path, **options)


def training_dashboard(
    history: Any, path: str | PathLike[str] = "dashboard.html", *, title: str = "Training", **options: Any
) -> SavedPage:
    """Write one HTML file with the interactive curves, the summary and the diagnosis of a history (see `plot_history`).

    It needs no kernel and no network. Returns where it is.
    """
    from nnwidgets.export.page import save_page
    from nnwidgets.widgets.training_monitor import TrainingMonitor

    run, look = _opened(history, title, options)
    monitor = TrainingMonitor(run, **look)
    try:
        return save_page(path, [monitor], title=title)
    finally:
        monitor.close()


_OPTIONS = ("metrics", "smoothing", "x", "log_y", "gradient_threshold")


def _opened(history: Any, title: str, options: Mapping[str, Any]) -> tuple[Run, dict[str, Any]]:
    """The run to look at, and how."""
    for name in options:
        if name not in _OPTIONS:
            raise TypeError(f"there is no option {name!r}: there is {', '.join(_OPTIONS)}")
    run, x = as_run(history, title)
    return run, {"x": x, **options}

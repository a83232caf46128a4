"""nnwidgets: see inside neural networks, in Jupyter.

    import nnwidgets as nnw

    session = nnw.ModelSession(model, "a sentence", tokenizer=tokenizer)
    nnw.AttentionHeads(session)

Names are loaded when they are first used (SPEC 1), so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nnwidgets import data as data
    from nnwidgets import processes as processes
    from nnwidgets.export.page import save_page as save_page
    from nnwidgets.processes import Process as Process
    from nnwidgets.runs import Histogram as Histogram
    from nnwidgets.runs import Run as Run
    from nnwidgets.runs import RunStore as RunStore
    from nnwidgets.runs import callbacks as callbacks
    from nnwidgets.session import ModelSession as ModelSession
    from nnwidgets.session.watch import watch as watch
    from nnwidgets.source import Selection as Selection
    from nnwidgets.widgets.attention_heads import AttentionHeads as AttentionHeads
    from nnwidgets.widgets.attention_map import AttentionMap as AttentionMap
    from nnwidgets.widgets.diffusion_scrubber import DiffusionScrubber as DiffusionScrubber
    from nnwidgets.widgets.distributions import Distributions as Distributions
    from nnwidgets.widgets.energy_landscape import EnergyLandscape as EnergyLandscape
    from nnwidgets.widgets.gradient_flow import GradientFlow as GradientFlow
    from nnwidgets.widgets.hopfield_scrubber import HopfieldScrubber as HopfieldScrubber
    from nnwidgets.widgets.latent_interpolation import LatentInterpolation as LatentInterpolation
    from nnwidgets.widgets.latent_map import LatentMap as LatentMap
    from nnwidgets.widgets.latent_sliders import LatentSliders as LatentSliders
    from nnwidgets.widgets.live_plot import LivePlot as LivePlot
    from nnwidgets.widgets.quick import plot_history as plot_history
    from nnwidgets.widgets.quick import plot_loss as plot_loss
    from nnwidgets.widgets.quick import plot_metrics as plot_metrics
    from nnwidgets.widgets.quick import training_dashboard as training_dashboard
    from nnwidgets.widgets.sample_timeline import SampleTimeline as SampleTimeline
    from nnwidgets.widgets.step_scrubber import StepScrubber as StepScrubber
    from nnwidgets.widgets.training_monitor import TrainingMonitor as TrainingMonitor
    from nnwidgets.wire.runtime import set_page_cache as set_page_cache

_HOME = {
    "Histogram": "nnwidgets.runs",
    "ModelSession": "nnwidgets.session",
    "Process": "nnwidgets.processes",
    "Run": "nnwidgets.runs",
    "RunStore": "nnwidgets.runs",
    "Selection": "nnwidgets.source",
    "AttentionHeads": "nnwidgets.widgets.attention_heads",
    "AttentionMap": "nnwidgets.widgets.attention_map",
    "DiffusionScrubber": "nnwidgets.widgets.diffusion_scrubber",
    "Distributions": "nnwidgets.widgets.distributions",
    "EnergyLandscape": "nnwidgets.widgets.energy_landscape",
    "GradientFlow": "nnwidgets.widgets.gradient_flow",
    "HopfieldScrubber": "nnwidgets.widgets.hopfield_scrubber",
    "LatentInterpolation": "nnwidgets.widgets.latent_interpolation",
    "LatentMap": "nnwidgets.widgets.latent_map",
    "LatentSliders": "nnwidgets.widgets.latent_sliders",
    "LivePlot": "nnwidgets.widgets.live_plot",
    "SampleTimeline": "nnwidgets.widgets.sample_timeline",
    "StepScrubber": "nnwidgets.widgets.step_scrubber",
    "TrainingMonitor": "nnwidgets.widgets.training_monitor",
    "plot_history": "nnwidgets.widgets.quick",
    "plot_loss": "nnwidgets.widgets.quick",
    "plot_metrics": "nnwidgets.widgets.quick",
    "save_page": "nnwidgets.export.page",
    "set_page_cache": "nnwidgets.wire.runtime",
    "training_dashboard": "nnwidgets.widgets.quick",
    "watch": "nnwidgets.session.watch",
}
_ROOMS = {
    "analysis": "nnwidgets.analysis",
    "callbacks": "nnwidgets.runs.callbacks",
    "data": "nnwidgets.data",
    "processes": "nnwidgets.processes",
}

__all__ = [
    "AttentionHeads",
    "AttentionMap",
    "DiffusionScrubber",
    "Distributions",
    "EnergyLandscape",
    "GradientFlow",
    "Histogram",
    "HopfieldScrubber",
    "LatentInterpolation",
    "LatentMap",
    "LatentSliders",
    "LivePlot",
    "ModelSession",
    "Process",
    "Run",
    "RunStore",
    "SampleTimeline",
    "Selection",
    "StepScrubber",
    "TrainingMonitor",
    "callbacks",
    "data",
    "plot_history",
    "plot_loss",
    "plot_metrics",
    "processes",
    "save_page",
    "set_page_cache",
    "training_dashboard",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _ROOMS:
        return import_module(_ROOMS[name])
    raise AttributeError(f"module 'nnwidgets' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

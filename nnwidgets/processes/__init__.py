"""The processes room: everything that goes step by step, with checkpoints, measures and branches."""

from __future__ import annotations

from nnwidgets.processes.basin import Basin
from nnwidgets.processes.branches import Branch
from nnwidgets.processes.capacity import Capacity, capacity
from nnwidgets.processes.diffusion import Diffusion
from nnwidgets.processes.errors import ProcessError
from nnwidgets.processes.hopfield import Hopfield
from nnwidgets.processes.landscape import Landscape, energy_landscape
from nnwidgets.processes.process import Process
from nnwidgets.processes.schedules import Schedule, cosine, linear

__all__ = [
    "Basin",
    "Branch",
    "Capacity",
    "Diffusion",
    "Hopfield",
    "Landscape",
    "Process",
    "ProcessError",
    "Schedule",
    "capacity",
    "cosine",
    "energy_landscape",
    "linear",
]

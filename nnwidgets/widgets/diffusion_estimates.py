"""What a diffusion model sees at each step, as pages get it: clean images and noise, one run of the model for both."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from nnwidgets.processes import Diffusion

Floats = npt.NDArray[np.float32]

KEPT_BYTES = 8 * 2**20
"""Of clean images that are kept for each process: the noise of the chunk that a page shows is asked for next."""

_Place = tuple[int, int, int]


class Estimates:
    """The last clean images that were asked for, by branch and steps. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: OrderedDict[_Place, Floats] = OrderedDict()

    def predicted(self, process: Diffusion, start: int, stop: int, branch: int) -> Floats:
        """x̂₀ of the steps from `start` to before `stop`: [steps, samples, c, h, w]. Raises as `predictions` does."""
        place = (branch, start, stop)
        with self._guard:
            found = self._kept.get(place)
            if found is not None:
                self._kept.move_to_end(place)
                return found
        made: Floats = np.stack([each.numpy() for each in process.predictions(start, stop, branch)])
        with self._guard:
            self._kept[place] = made
            while sum(each.nbytes for each in self._kept.values()) > KEPT_BYTES and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return made

    def noise(self, process: Diffusion, start: int, stop: int, branch: int) -> Floats:
        """ε̂ of those steps, shaped as they are: what is left of xₜ = √ᾱₜ x̂₀ + √(1 − ᾱₜ) ε̂; 0 at the last step."""
        images = self.predicted(process, start, stop, branch)
        states = np.stack([each.numpy() for each in process.frames(start, stop, branch)])
        bars = alphas_bar(process)[start:stop].reshape(-1, 1, 1, 1, 1)
        spread = np.sqrt(1 - bars)
        noise = (states - np.sqrt(bars) * images) / np.where(spread > 0, spread, 1.0)
        return np.where(spread > 0, noise, 0.0).astype(np.float32)


_known: weakref.WeakKeyDictionary[Diffusion, Estimates] = weakref.WeakKeyDictionary()


def estimates(process: Diffusion) -> Estimates:
    """Those of a process, shared by its widgets."""
    return _known.setdefault(process, Estimates())


def alphas_bar(process: Diffusion) -> npt.NDArray[np.float64]:
    """The share of the image's variance at each step, 1 at the last: [steps + 1]."""
    return np.append(process.schedule.alphas_bar[list(process.timesteps)], 1.0)

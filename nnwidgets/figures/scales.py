"""From a weight to a place between 0 and 1, linear or logarithmic, with its ticks, as in the browser half."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ScaleKind = Literal["linear", "log"]

_DECADES = 4
"""Decades below the maximum that a logarithmic scale shows."""


@dataclass(frozen=True)
class Scale:
    """Magnitudes from `low` to `high`; what lies outside is held at the ends."""

    kind: ScaleKind
    low: float
    high: float

    @classmethod
    def of(cls, kind: ScaleKind, maximum: float) -> Scale:
        """From 0 to `maximum`; a logarithmic one starts four decades below it."""
        if kind not in ("linear", "log"):
            raise ValueError(f'scale="{kind}", but it is "linear" or "log"')
        high = maximum if math.isfinite(maximum) and maximum > 0 else 1.0
        return cls(kind, 0.0 if kind == "linear" else high * 10.0**-_DECADES, high)

    def places(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """0 at `low`, 1 at `high`; NaN for NaN."""
        held = np.clip(values, np.float32(self.low), np.float32(self.high))
        if self.kind == "log":
            held = np.log(held / np.float32(self.low)) * np.float32(self.high / math.log(self.high / self.low))
        places: NDArray[np.float32] = held / np.float32(self.high)
        return places

    def ticks(self, count: int) -> list[float]:
        """About `count` round values within the scale; whole decades on a logarithmic one."""
        if self.kind == "log":
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1)]
        rough = self.high / max(1, count)
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next((nice for nice in (1, 2, 5) if nice * power >= rough * 0.999), 10)
        return [index * step for index in range(math.floor(self.high / step + 1e-9) + 1)]

    def tick_text(self, tick: float) -> str:
        """A tick's label: plain where short, a power of ten where small; `≤` where smaller values lie too."""
        below = "≤ " if self.kind == "log" and tick <= self.low * (1 + 1e-6) else ""
        return below + (f"{tick:.3g}" if tick == 0 or tick >= 0.001 else f"{tick:.0e}".replace("e-0", "e−"))

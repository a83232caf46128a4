"""What a chart of curves shows, before anything draws it: for print and for the notebook's still alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nnwidgets.figures.raster import Color

Floats = NDArray[np.float64]
Dash = Literal["solid", "dashed", "dotted"]

_FARTHEST, _NEAREST = 1e300, 1e-290  # what is larger or smaller than these lies at the edge: an axis must have a range
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, eq=False)
class Curve:
    """One series. `low` and `high`: between them lie the values that a thinned one stands for.

    A `faint` one stands back, without a place in the legend: values as logged, behind the smoothed ones.
    """

    name: str
    x: Floats
    y: Floats
    color: Color
    kind: Literal["line", "scatter"] = "line"
    width: float = 1.4
    dash: Dash = "solid"
    faint: bool = False
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True)
class Mark:
    """A point with a word: the best value, say."""

    x: float
    y: float
    text: str
    color: Color


@dataclass(frozen=True)
class Span:
    """A part of the x axis that stands out, with a short name at its top."""

    start: float
    stop: float
    name: str
    color: Color


@dataclass(frozen=True, eq=False)
class Gap:
    """The area from one line up to another, where the other is above."""

    name: str
    x: Floats
    low: Floats
    high: Floats
    color: Color


@dataclass(frozen=True)
class Level:
    """A threshold across the chart."""

    name: str
    y: float
    color: Color


@dataclass(frozen=True)
class Chart:
    """Curves on common axes, and what is marked on them."""

    title: str
    x_label: str
    y_label: str = ""
    curves: tuple[Curve, ...] = ()
    log_x: bool = False
    log_y: bool = False
    whole_x: bool = False
    """Whether ticks between whole numbers mean nothing, as between steps."""
    marks: tuple[Mark, ...] = ()
    spans: tuple[Span, ...] = ()
    gaps: tuple[Gap, ...] = ()
    levels: tuple[Level, ...] = ()

    def x_axis(self) -> Axis:
        """From the first to the last x of what is drawn."""
        return replace(Axis.over((curve.x for curve in self.curves), self.log_x, 0.02), whole=self.whole_x)

    def y_axis(self) -> Axis:
        """From the lowest to the highest y of what is drawn; thresholds count where the chart is logarithmic."""
        drawn: list[Floats] = []
        for curve in self.curves:
            drawn += [curve.y] if curve.low is None or curve.high is None else [curve.y, curve.low, curve.high]
        if self.log_y:
            drawn += [np.array([level.y]) for level in self.levels]
        return Axis.over(drawn, self.log_y, 0.06)


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` on a line; a logarithmic one shows positive values alone."""

    low: float
    high: float
    log: bool
    whole: bool = False

    @classmethod
    def over(cls, arrays: Iterable[Floats], log: bool, margin: float) -> Axis:
        """The axis that shows all finite values (positive ones, if logarithmic), with a margin around."""
        low, high = math.inf, -math.inf
        for array in arrays:
            fitting = array[np.isfinite(array) & ((array > 0) | (not log))]
            if len(fitting):
                low, high = min(low, float(fitting.min())), max(high, float(fitting.max()))
        if low > high:
            return cls(0.1, 1.0, True) if log else cls(0.0, 1.0, False)
        if log:
            low, high = (min(max(end, _NEAREST), _FARTHEST) for end in (low, high))
            around = min(max(margin * (math.log10(high) - math.log10(low)), 0.03), 6.0)
            return cls(low / 10**around, high * 10**around, True)
        low, high = (min(max(end, -_FARTHEST), _FARTHEST) for end in (low, high))
        around = next((room for room in ((high - low) * margin, abs(high) * 0.05) if room > _NEAREST), 0.5)
        return cls(low - around, high + around, False)

    def places(self, values: Floats) -> Floats:
        """0 at `low`, 1 at `high`; NaN for what cannot be drawn."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if self.log:
                shown = np.where(values > 0, values, np.nan)
                places = (np.log10(shown) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
            else:
                places = (values - self.low) / (self.high - self.low)
            return np.where(np.isfinite(places), places, np.nan)

    def ticks(self, count: int) -> dict[float, str]:
        """About `count` round values within the axis, with their texts."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            if last - first >= 1:
                every = -(-(last - first + 1) // max(2, count))
                return {10.0**power: tick_text(10.0**power) for power in range(first, last + 1, every)}
        rough = (self.high - self.low) / max(1, count)
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next((nice for nice in _STEPS if nice * power >= rough * 0.8), 10)
        step = max(step, 1.0) if self.whole else step
        numbers = range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
        return {number * step: tick_text(number * step, step) for number in numbers if not self.log or number > 0}


def tick_text(value: float, step: float = 0.0) -> str:
    """A tick's label, with as many digits as neighbours at a distance of `step` need to be told apart."""
    size = abs(value)
    if size and (size >= 1e6 or size < 1e-3):
        digits = max(0, math.floor(math.log10(size) + 1e-9) - math.floor(math.log10(step) + 1e-9)) if step else 0
        mantissa, exponent = f"{value:.{min(digits, 6)}e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step else 0
    text = f"{value:,.{decimals}f}" if step else f"{value:,.6g}"
    return text.replace("-", "−")


def smoothed(x: Floats, y: Floats, strength: float, unit: float) -> Floats:
    """An exponential moving average, as in the browser half: of it `strength` is kept over a distance of `unit` in x.

    So a validation logged once an epoch is not smoothed over all epochs. `x` rises. It starts at the first value, and
    what is not finite is left out and breaks the line.
    """
    if not strength:
        return y
    mean, weight, last = 0.0, 0.0, 0.0
    said = []
    for place, value in zip(x.tolist(), y.tolist(), strict=True):
        if not math.isfinite(value):
            said.append(value)
            continue
        kept = strength ** ((place - last) / unit) if weight else 0.0
        weight = kept * weight + 1.0
        mean += (value - mean) / weight
        last = place
        said.append(mean)
    return np.array(said, dtype=np.float64)


def spacing(arrays: Iterable[Floats]) -> float:
    """The distance in x between neighbours of the densest series: what smoothing counts in."""
    gaps = [float(x[-1] - x[0]) / (len(x) - 1) for x in arrays if len(x) > 1]
    return min((gap for gap in gaps if 0 < gap < math.inf), default=1.0)

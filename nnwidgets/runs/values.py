"""What can be logged: which kind a value is, and its bytes. Every error here comes before anything is written."""

from __future__ import annotations

import operator
from typing import Any, Final

import numpy as np

from nnwidgets.runs.encoding import to_bytes, to_text
from nnwidgets.runs.histograms import Histogram
from nnwidgets.runs.images import Image, is_pillow
from nnwidgets.runs.records import Kind

MOST_TEXT: Final = 1_000_000  # bytes
LAST_STEP: Final = 2**63 - 1


def whole_step(step: Any) -> int:
    """`step` as a Python int; numpy's integers are welcome."""
    try:
        if isinstance(step, bool):
            raise TypeError
        number = operator.index(step)
    except TypeError:
        raise TypeError(f"step={step!r}, but it must be a whole number, 0 or more") from None
    if not 0 <= number <= LAST_STEP:
        raise ValueError(f"step={number}, but it must be a whole number from 0 to {LAST_STEP}")
    return number


def classify(name: str, value: Any) -> tuple[Kind, float | bytes]:
    """The kind of a value and what is kept of it: a float, or bytes."""
    if isinstance(value, str):
        data = to_bytes(value)
        if len(data) > MOST_TEXT:
            raise ValueError(
                f"{name!r} is a text of {len(data):,} bytes, but a run keeps at most {MOST_TEXT:,}: log a part of it"
            )
        return "text", data
    if isinstance(value, Histogram):
        return "histogram", value.to_bytes()
    if isinstance(value, Image):
        return "image", value.png
    number = _number(name, value)
    if number is not None:
        return "scalar", number
    if is_pillow(value) or getattr(value, "ndim", None) in (2, 3):
        try:
            return "image", Image.of(value).png
        except ValueError as error:
            raise ValueError(f"{name!r} cannot be kept as an image: {error}") from None
    shape = getattr(value, "shape", None)
    if shape is not None:
        raise TypeError(
            f"{name!r} is an array of shape {tuple(shape)}, but a metric is one number: log its mean, "
            f"or Histogram.of(…) for how its values are spread"
        )
    raise TypeError(
        f"{name}={_short(value)}, of type {type(value).__name__}, but what can be logged is a number, a text, "
        f"an image or a Histogram: leave it out, or log float(…) of it"
    )


def decode(kind: Kind, data: bytes) -> Any:
    """What people get back of a value that is no number."""
    if kind == "histogram":
        return Histogram.from_bytes(data)
    return Image(data) if kind == "image" else to_text(data)


def _number(name: str, value: Any) -> float | None:
    """`value` as a float; None if it is no number."""
    if isinstance(value, float | int):
        pass
    elif hasattr(value, "ndim"):
        if np.prod(value.shape, dtype=np.int64) != 1:
            return None
        value = value.item()  # numpy's scalars and tensors of one value
        if isinstance(value, complex):
            raise TypeError(f"{name}={value!r} is complex, but a metric is a real number: log its abs() or its parts")
        if not isinstance(value, float | int):
            return None
    elif not hasattr(value, "__float__"):
        return None
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is a whole number of {value.bit_length():,} bits, too large for a float64") from None
    except (TypeError, ValueError):
        return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"

"""Arrays as bytes for the browser: little-endian, C order, exact or quantised, with what is needed to read them back.

What must be exact travels `raw`. What is only looked at travels as 8 or 16 bits with its range: `linear8`,
`linear16`, or square-root coded (`sqrt8`, `sqrt16`) for attention weights, half of which a linear byte would round to
zero.

Types that a browser's typed arrays lack are converted: float16, bfloat16 (given as float32) and float64 to float32;
bool to uint8; 64-bit integers to int32 where they fit, else to float32.

NaN, +infinity and -infinity keep a code of their own in the quantised forms (the three highest), so they arrive as
such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nnwidgets.wire.filters import unfiltered

Coding = Literal["raw", "linear8", "linear16", "sqrt8", "sqrt16"]

_RAW_DTYPES = frozenset({"float32", "int32", "uint32", "int16", "uint16", "int8", "uint8"})
_SPECIALS = 3  # NaN, +inf, -inf: the highest codes, in this order from the top


@dataclass(frozen=True)
class Coded:
    """One array on the wire: `header` is JSON, `data` the bytes.

    `header`: dtype, shape, coding; the quantised codings add `range` ([low, high] of the finite values), and
    `specials` (true where the three highest codes mean NaN, +infinity, -infinity). Saved pages add `filter` where the
    bytes are differences (`wire/filters.py`).
    """

    header: dict[str, Any]
    data: bytes


def encode(array: npt.ArrayLike, coding: Coding = "raw") -> Coded:
    """Code an array of any shape. Raises ValueError for an unknown coding, and for negative values in a `sqrt`
    coding.
    """
    values = np.asarray(array)
    if coding == "raw":
        return _encode_raw(values)
    if coding not in ("linear8", "linear16", "sqrt8", "sqrt16"):
        raise ValueError(f"coding={coding!r}, but it is one of raw, linear8, linear16, sqrt8, sqrt16")
    return _encode_quantised(values.astype(np.float32, copy=False), coding)


def _encode_raw(values: npt.NDArray[Any]) -> Coded:
    name = values.dtype.name
    if name == "bool":
        values = values.astype(np.uint8)
    elif name in ("int64", "uint64"):
        fits = values.size == 0 or (values.min() >= -(2**31) and values.max() < 2**31)
        values = values.astype(np.int32 if fits else np.float32)
    elif name not in _RAW_DTYPES:
        if not np.issubdtype(values.dtype, np.floating):
            raise ValueError(f"an array of dtype {name} cannot be sent: numbers and booleans can")
        with np.errstate(over="ignore"):  # a float64 beyond float32 is an infinity there
            values = values.astype(np.float32)
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return Coded({"dtype": values.dtype.name, "shape": list(values.shape), "coding": "raw"}, little.tobytes())


def _encode_quantised(values: npt.NDArray[np.float32], coding: Coding) -> Coded:
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    specials = not (np.isfinite(low) and np.isfinite(high))  # NaN spreads through min and max: one pass finds it
    if specials:
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    square_root = coding.startswith("sqrt")
    if square_root and low < 0:
        raise ValueError(f"{coding} codes values of zero and more, but the smallest here is {low:g}: use linear")
    if square_root:
        low = 0.0  # small weights keep the most codes
    dtype = np.uint8 if coding.endswith("8") else np.uint16
    top = int(np.iinfo(dtype).max)
    levels = top - _SPECIALS if specials else top
    span = high - low
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = values / np.float32(span) if square_root and span else values - np.float32(low)
        if square_root:
            scaled = np.sqrt(scaled) if span else np.zeros_like(values)
            scaled *= np.float32(levels)
        else:
            scaled *= np.float32(levels / span if span else 0.0)
        scaled += np.float32(0.5)  # truncation then rounds
        if specials:
            finite_mask = np.isfinite(values)
            scaled = np.where(finite_mask, scaled, np.float32(0))
    codes = scaled.astype(dtype)
    if square_root:
        codes = np.maximum(codes, (values > 0).astype(dtype))  # only a true zero reads as zero: it is masked
    if specials:
        codes[np.isnan(values)] = top
        codes[np.isposinf(values)] = top - 1
        codes[np.isneginf(values)] = top - 2
    little = np.ascontiguousarray(codes, dtype=codes.dtype.newbyteorder("<"))
    header = {
        "dtype": codes.dtype.name,
        "shape": list(values.shape),
        "coding": coding,
        "range": [low, high],
        "specials": specials,
    }
    return Coded(header, little.tobytes())


def decode(header: dict[str, Any], data: bytes) -> npt.NDArray[Any]:
    """Read an array back: what the browser does, for tests and for pages that are read in Python."""
    if "filter" in header:
        data = unfiltered(np.frombuffer(data, np.uint8), header["filter"]).tobytes()
    codes = np.frombuffer(data, np.dtype(header["dtype"]).newbyteorder("<")).reshape(header["shape"])
    if header["coding"] == "raw":
        return codes
    low, high = header["range"]
    top = int(np.iinfo(codes.dtype).max)
    levels = top - _SPECIALS if header["specials"] else top
    unit = codes.astype(np.float32) / np.float32(levels)
    if header["coding"].startswith("sqrt"):
        unit = unit * unit
    values = (np.float32(low) + unit * np.float32(high - low)).astype(np.float32)
    if header["specials"]:
        values[codes == top] = np.nan
        values[codes == top - 1] = np.inf
        values[codes == top - 2] = -np.inf
    return values

"""The little of protocol buffers that logs of other tools need: the fields of a message, by number."""

from __future__ import annotations

import struct
from collections import defaultdict

import numpy as np

from nnwidgets.runs.records import Floats

Value = int | bytes
Fields = defaultdict[int, list[Value]]


def fields(data: bytes) -> Fields:
    """The fields of a message: whole numbers as `int`, all else as the bytes they are. Raises `ValueError`."""
    found: Fields = defaultdict(list)
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        value: Value
        if kind == 0:
            value, at = _varint(data, at)
        else:
            if kind == 2:
                size, at = _varint(data, at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise ValueError(f"a field of wire type {kind}")
            value = data[at : at + size]
            if len(value) < size:
                raise ValueError("a field that ends early")
            at += size
        found[key >> 3].append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number that does not end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def text(values: list[Value]) -> str:
    """The last of a field's values as text."""
    last = values[-1] if values else b""
    return last.decode("utf-8", "surrogateescape") if isinstance(last, bytes) else str(last)


def message(values: list[Value]) -> Fields:
    """The last of a field's values as a message; an empty one where there is none."""
    last = values[-1] if values else b""
    if not isinstance(last, bytes):
        raise ValueError("a message that is a number")
    return fields(last)


def whole(values: list[Value]) -> int:
    """The last of a field's values as a signed number."""
    last = values[-1] if values else 0
    if not isinstance(last, int):
        raise ValueError("a number that is a message")
    return last - 2**64 if last >= 2**63 else last


def double(values: list[Value]) -> float:
    """The last of a field's values as a float64."""
    last = values[-1] if values else bytes(8)
    if not isinstance(last, bytes) or len(last) != 8:
        raise ValueError("a double of another size")
    return float(struct.unpack("<d", last)[0])


def numbers(values: list[Value], kind: str) -> Floats:
    """All of a repeated field's numbers of one type (as numpy names it), packed or not."""
    data = b"".join(value for value in values if isinstance(value, bytes))
    return np.frombuffer(data, kind).astype(np.float64)

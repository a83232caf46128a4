"""Sizes of memory as people write them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "b": 1} | {
    f"{prefix}{kind}": base**power
    for power, prefix in enumerate("kmgt", start=1)
    for kind, base in (("b", 1000), ("ib", 1024))
}


def parse_size(size: int | str) -> int:
    """Bytes of a memory limit: a whole number, or text such as "64 MiB", "1 GiB" or "1.5 GB"."""
    if isinstance(size, int) and not isinstance(size, bool) and size >= 0:
        return size
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", size.lower()) if isinstance(size, str) else None
    if match is None or match[2] not in _UNITS:
        raise ValueError(f'memory_limit={size!r}, but it is a number of bytes or text such as "64 MiB" or "1 GiB"')
    return int(float(match[1]) * _UNITS[match[2]])

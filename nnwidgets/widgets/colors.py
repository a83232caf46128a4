"""Colours as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Color = tuple[int, int, int]


def parse_color(color: Any) -> Color:
    """Red, green and blue from 0 to 255, of a name ("tomato"), a code ("#d55e00") or three parts from 0 to 1."""
    from PIL import ImageColor

    if isinstance(color, str):
        try:
            red, green, blue = ImageColor.getrgb(color)[:3]
        except ValueError:
            raise ValueError(f"color={color!r}, {_WAYS}") from None
        return red, green, blue
    if isinstance(color, Sequence) and len(color) == 3:
        try:
            red, green, blue = (round(255 * float(part)) for part in color if 0 <= part <= 1)
        except (TypeError, ValueError):
            raise ValueError(f"color={color!r}, {_WAYS}") from None
        return red, green, blue
    raise ValueError(f"color={color!r}, {_WAYS}")


_WAYS = 'but it is a name ("tomato"), a code ("#d55e00") or red, green and blue from 0 to 1'

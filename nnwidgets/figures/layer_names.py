"""Names of layers where there is little room: a module path keeps its beginning and its end."""

from __future__ import annotations

from nnwidgets.figures.labels import display_token


def shortened(path: str, longest: int = 26) -> str:
    """At most `longest` characters of a module path, cut in the middle: its ends tell most."""
    shown = display_token(path, 400)
    if len(shown) <= longest:
        return shown
    front = (longest - 1) * 2 // 5
    return f"{shown[:front]}…{shown[len(shown) - (longest - 1 - front) :]}"

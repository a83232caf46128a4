"""Pins the route of a comm, so that a widget is heard while a cell blocks.

ipykernel 7.4 sends a front-end message on a comm to the loop that last published on it. A cell that pushes to a
widget, or displays it and then blocks, so makes it deaf until the cell ends. The front end names the loop that it
wants (a subshell); with the route pinned, that is where the message goes. Older kernels have no such method, and
nothing is done.
"""

from __future__ import annotations

from typing import Any


def pin(comm: Any) -> None:
    """Send what the page says over `comm` to the loop that the page names."""
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = _as_the_page_names


def _as_the_page_names(_data: object, default: object) -> object:
    return default

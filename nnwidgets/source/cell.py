"""Which notebook cell is running: what a cell made is closed when it runs again."""

from __future__ import annotations

import sys


def current_cell() -> str | None:
    """The id of the notebook cell that runs now; None outside of a kernel and where none is sent (nbclient)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    cell = (kernel.get_parent("shell").get("metadata") or {}).get("cellId")
    return cell if isinstance(cell, str) else None

"""What the wire must know of the kernel: is a cell running, and what is to be done before and after one."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

_before_cell: list[Callable[[str | None], None]] = []
_after_cell: list[Callable[[], None]] = []
_depth = 0  # of cells: a cell may run another with `run_cell`
_shell: Any = None


def watch_cells() -> None:
    """Listen to the shell's cells; once a kernel, and nothing outside of IPython."""
    global _shell, _depth
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or shell is _shell:
        return
    _shell = shell
    shell.events.register("pre_run_cell", _on_pre_run_cell)
    shell.events.register("post_run_cell", _on_post_run_cell)
    _depth = int(_is_in_a_cell(shell))  # a cell that brought us here began before we listened


def cell_is_running() -> bool:
    """Whether a cell runs now, by which the model may be in use."""
    return _depth > 0


def ipykernel_version() -> str:
    """The version of the kernel that we run in; "" outside of one."""
    ipykernel = sys.modules.get("ipykernel")
    return str(getattr(ipykernel, "__version__", ""))


def has_subshells() -> bool:
    """Whether pages are heard while a cell blocks."""
    return bool(getattr(getattr(_shell, "kernel", None), "_supports_kernel_subshells", False))


def before_cell(callback: Callable[[str | None], None]) -> None:
    """Call `callback(cell_id)` before each cell; the id is None where the front end gives none (nbclient)."""
    _before_cell.append(callback)


def after_cell(callback: Callable[[], None]) -> None:
    """Call `callback()` after each cell, also one that raised."""
    _after_cell.append(callback)


def _is_in_a_cell(shell: Any) -> bool:
    """Whether this thread runs a cell now, and not, say, the callback of a button."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None or threading.current_thread() is not threading.main_thread():
        return False
    return bool(kernel.get_parent("shell").get("header", {}).get("msg_type") == "execute_request")


def _on_pre_run_cell(info: Any = None) -> None:
    global _depth
    _depth += 1
    for callback in _before_cell:
        callback(getattr(info, "cell_id", None))


def _on_post_run_cell(_result: Any = None) -> None:
    global _depth
    _depth = max(0, _depth - 1)
    for callback in _after_cell:
        callback()

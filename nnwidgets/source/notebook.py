"""Whether widgets are seen here: in a notebook they are, in a plain script or a terminal they are not."""

from __future__ import annotations

import sys


def in_notebook() -> bool:
    """Whether a Jupyter kernel or marimo runs this code. Loads neither."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and (hasattr(shell, "kernel") or type(shell).__module__.startswith("pyodide_kernel")):
        return True
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())

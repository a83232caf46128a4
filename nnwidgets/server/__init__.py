"""The Jupyter Server extension. Today it does one thing: small answers of a kernel reach the browser without delay."""

from nnwidgets.server.extension import _jupyter_server_extension_points, _load_jupyter_server_extension

__all__ = ["_jupyter_server_extension_points", "_load_jupyter_server_extension"]

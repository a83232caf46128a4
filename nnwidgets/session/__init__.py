"""The session room: a model, its input, what was captured and where people look. Loads torch only for a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnwidgets.session.errors import ModelError as ModelError
    from nnwidgets.session.errors import SessionClosed as SessionClosed
    from nnwidgets.session.session import ModelSession as ModelSession

_HOME = {
    "ModelSession": "session",
    "ModelError": "errors",
    "SessionClosed": "errors",
}

__all__ = ["ModelError", "ModelSession", "SessionClosed"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

"""The errors of a session: what went wrong, with which value, and the way out."""

from __future__ import annotations

from nnwidgets.source.errors import SourceClosed


class SessionClosed(SourceClosed):
    """The session was closed and answers nothing any more."""


class ModelError(RuntimeError):
    """The model itself raised; its own exception, with its traceback, is the cause."""


class NoInputs(ValueError):
    """The session has no inputs yet."""


class NoAttention(LookupError):
    """The model has no attention that can be seen."""


class NoLatent(LookupError):
    """The session was made without what its latent space needs."""


class TokensError(ValueError):
    """The tokens do not fit the input."""

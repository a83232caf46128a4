"""The errors of a session: what went wrong, with which value, and the way out."""

from __future__ import annotations


class SessionClosed(RuntimeError):
    """The session was closed and answers nothing any more."""


class NotStored(LookupError):
    """What was asked is not in the store, and the model must not run now (`session.stored_only()`)."""


class ModelError(RuntimeError):
    """The model itself raised; its own exception, with its traceback, is the cause."""


class NoInputs(ValueError):
    """The session has no inputs yet."""


class NoAttention(LookupError):
    """The model has no attention that can be seen."""


class TokensError(ValueError):
    """The tokens do not fit the input."""

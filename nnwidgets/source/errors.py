"""The errors that every source has."""

from __future__ import annotations


class SourceClosed(RuntimeError):
    """The source was closed and answers nothing any more."""


class NotStored(LookupError):
    """What was asked is not at hand, and nothing may be computed now (`source.stored_only()`)."""

"""The error of a process whose function raised."""

from __future__ import annotations


class ProcessError(RuntimeError):
    """A function of the process raised, or gave what cannot be used; the message names the step."""

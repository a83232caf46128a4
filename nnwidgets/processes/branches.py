"""Branches: a process run on from a step with another state, beside what it was."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Branch:
    """One way that a process went. Branch 0 is the original, of no parent.

    Before `step` its states are those of its parent; `step` is the first of its own.
    """

    index: int
    parent: int | None
    step: int
    label: str

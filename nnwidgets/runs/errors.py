"""What a run raises: to end a training by hand, and where it cannot record or a file cannot be read."""

from __future__ import annotations


class StopTraining(Exception):
    """The training is to end, because a person said so. Raised at a step boundary; `with store.run(…)` takes it."""


class NotRecording(RuntimeError):
    """The run does not record here: it has ended, it was loaded to be read, or another process records it."""


class StoreError(RuntimeError):
    """The store cannot be used, or what is asked is not in it."""

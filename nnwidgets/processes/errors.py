"""The error of a process whose function raised."""

from __future__ import annotations


class ProcessError(RuntimeError):
    """A function of the process raised, or gave what cannot be used, at `step`, which the message names too."""

    def __init__(self, words: str, step: int) -> None:
        super().__init__(words)
        self.step = step

    def __reduce__(self) -> tuple[type[ProcessError], tuple[str, int]]:
        return type(self), (str(self), self.step)

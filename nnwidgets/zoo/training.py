"""What the training loops of the zoo share: where they log, and a bar that says how long they take."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Protocol, TextIO

WIDTH = 30  # characters of the bar
PERIOD = 0.5  # seconds between two drawings


class Log(Protocol):
    """What a training needs of a run: that of `nnw.RunStore`, or any object with its `log`."""

    def log(self, step: int, /, **values: object) -> object: ...


class Bar:
    """A progress bar in one line of text: `train(…, progress=Bar("vae"))` prints "vae ━━━─── 43 %  1:12 of about 2:48".

    Args:
        name: what stands before it.
        file: where it is printed; the standard output.
    """

    def __init__(self, name: str, file: TextIO | None = None) -> None:
        self.name = name
        self.file = file if file is not None else sys.stdout
        self.began = perf_counter()
        self.shown = 0.0

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return perf_counter() - self.began

    def __call__(self, done: int, total: int) -> None:
        seconds = self.seconds
        if done < total and seconds - self.shown < PERIOD:
            return
        self.shown = seconds
        full = WIDTH * done // total
        if done < total:
            time = f"{clock(seconds)} of about {clock(seconds * total / max(done, 1))}"
        else:
            time = f"{clock(seconds)}            \n"  # over the longer text that stood there
        bar = "━" * full + "─" * (WIDTH - full)
        print(f"\r{self.name} {bar} {100 * done // total:3d} %  {time}", end="", file=self.file, flush=True)


def clock(seconds: float) -> str:
    """72.4 → "1:12"."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"

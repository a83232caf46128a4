"""What a run hands out: its series, and batches of new points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["scalar", "histogram", "image", "text"]

Status = Literal["running", "finished", "stopped", "failed", "interrupted"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """One metric of a run as it stands: `first_step` and `last_step` are its smallest and largest step.

    `last` is the value logged last, where it is a number.
    """

    name: str
    kind: Kind
    count: int
    first_step: int | None
    last_step: int | None
    last: float | None


@dataclass(frozen=True, eq=False)
class Points:
    """New points of a series, as logged; `first_index` is how many came before; times in s since the start."""

    first_index: int
    steps: Whole
    values: Floats
    times: Floats

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, eq=False)
class Batch:
    """What is new in a run: points by series name, and which series of other kinds grew. `cursor` rises."""

    series: Mapping[str, Points]
    grown: frozenset[str]
    cursor: int

"""What happens to runs that are still being recorded when Python ends."""

from __future__ import annotations

import atexit
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnwidgets.runs.writer import Writer

writers: weakref.WeakSet[Writer] = weakref.WeakSet()
"""The writers of this process."""


# Imported before `training`, so that trainings are stopped first: what they log last is kept, and how they ended.
@atexit.register
def _end_all() -> None:
    for writer in list(writers):
        writer.end_all("its process ended before the run was finished")

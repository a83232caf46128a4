"""What happens to runs that are being recorded when Python ends, or forks."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnwidgets.runs.database import Database
    from nnwidgets.runs.writer import Writer

writers: weakref.WeakSet[Writer] = weakref.WeakSet()
"""The writers of this process."""

databases: weakref.WeakSet[Database] = weakref.WeakSet()
"""Its databases."""


# Imported before `training`, so that trainings are stopped first: what they log last is kept, and how they ended.
@atexit.register
def _end_all() -> None:
    for writer in list(writers):
        writer.end_all("its process ended before the run was finished")


def _forked() -> None:
    for writer in list(writers):
        writer.forked()
    for database in list(databases):
        database.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

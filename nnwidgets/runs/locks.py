"""A lock on an open file that dies with its process: how others tell whether a run's process still lives."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt
    import os

    _PLACE = 2**40  # far beyond the contents: on Windows what is locked cannot be read

    def take(file: int, *, shared: bool = False) -> bool:
        """Lock the open file; False if another has it. Raises `OSError` where files cannot be locked."""
        before = os.lseek(file, 0, os.SEEK_CUR)
        os.lseek(file, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            os.lseek(file, before, os.SEEK_SET)
        return True

else:
    import fcntl

    def take(file: int, *, shared: bool = False) -> bool:
        """Lock the open file; False if another has it. Raises `OSError` where files cannot be locked."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

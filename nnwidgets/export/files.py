"""Writes a file whole or not at all: a reader that opens it meanwhile sees the former one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> int:
    """Write the text as UTF-8; returns the file's size in bytes."""
    data = text.encode("utf-8", errors="replace")  # a title may hold half a character
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return len(data)

"""The cache on disk: complete and checked folders only, whoever else writes at the same time."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MANIFEST = "nnwidgets.json"  # written last into each folder: what it is, and the SHA-256 of every file


def cache_folder() -> Path:
    """NNWIDGETS_DATA where it is set, else ~/.cache/nnwidgets."""
    chosen = os.environ.get("NNWIDGETS_DATA")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "nnwidgets"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differing(folder: Path, files: Mapping[str, str]) -> str | None:
    """The first of `files` (name → SHA-256) that `folder` lacks or has otherwise, in words."""
    for name, expected in files.items():
        if not (folder / name).is_file():
            return f"{name} is missing"
        if (found := sha256(folder / name)) != expected:
            return f"{name} has SHA-256 {found[:12]}…, not {expected[:12]}…"
    return None


def find(folder: str) -> Path | None:
    """The cached folder, if it is complete and unharmed; a harmed one is taken away, so that it is fetched again."""
    path = cache_folder() / folder
    if not path.exists():
        return None
    try:
        files = json.loads((path / MANIFEST).read_text("utf-8"))["files"]
        unharmed = bool(files) and differing(path, files) is None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # the manifest itself is harmed
        unharmed = False
    if unharmed:
        return path
    shutil.rmtree(path, ignore_errors=True)
    return None


@contextmanager
def staging() -> Iterator[Path]:
    """A folder on the cache's own disk, so that `keep` is one rename; it is gone afterwards."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=cache_folder(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def keep(filled: Path, folder: str, about: Mapping[str, str]) -> Path:
    """Move `filled` (inside a `staging` folder) into the cache as `folder`, in one step that is done or not done."""
    files = {str(path.relative_to(filled)): sha256(path) for path in sorted(filled.rglob("*")) if path.is_file()}
    (filled / MANIFEST).write_text(json.dumps({**about, "files": files}, indent=2), "utf-8")
    target = cache_folder() / folder
    try:
        filled.rename(target)
    except OSError:
        if find(folder) is None:  # nobody else kept the same folder meanwhile: the disk's own complaint
            raise
    return target

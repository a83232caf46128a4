"""The journal of one recording run: what was logged is there before `log` returns, also when the process is killed.

Beside the store lie, for each run that is being recorded, three files: `<run>.journal`, whose lock tells that the
process lives and which says what the numbers in the records stand for, and two halves, `<run>.0` and `<run>.1`, which
are mapped into memory. Records go into one half while the writer brings what the other holds into the store. A shared
mapping outlives its process: writing to it costs no system call, and a killed process loses nothing.

A half begins with the number of its valid bytes, set after each record: what was torn lies behind it. Each record has a
checksum too, for a power cut, which keeps no order between pages.

    half:    valid bytes u64 | 8 bytes unused | records
    record:  crc32 of the body u32 | body
    body:    size u32 | sequence number u64 | shape u32 | step i64 | time f64 | values f64…, or the bytes of an item
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from nnwidgets.runs.locks import take

BODY: Final = struct.Struct("=IQIqd")
CHECKSUM: Final = struct.Struct("=I")
START: Final = 16
ITEM: Final = 0x8000_0000
"""Set in a body's shape where it is an item (a histogram, an image, a text); the rest is then the series' number."""

_FIRST_SIZE = 256 * 1024
_KEPT_SIZE = 16 * _FIRST_SIZE  # larger ones are cut again when they are empty
_HEAD = struct.Struct("=QQ")
_BINARY = getattr(os, "O_BINARY", 0)  # Windows
_ANEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC | _BINARY
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Half:
    """One of the two files that records go to.

    Attributes:
        at: where the next record begins.
        room: where the mapping ends; -1 where there is none and records are written plainly.
        last: sequence number of its last record.
    """

    __slots__ = ("at", "file", "head", "last", "map", "mapped", "path", "room")

    def __init__(self, path: Path, *, mapped: bool) -> None:
        self.path = path
        self.file = os.open(path, _ANEW, 0o666)
        self.at = START
        self.last = 0
        self.room = -1
        self.map: Any = None
        self.head: Any = None
        self.mapped = mapped
        try:
            if mapped:
                _reserve(self.file, 0, _FIRST_SIZE)
                self._map(_FIRST_SIZE)
            _write_at(self.file, _HEAD.pack(START, 0), 0)
        except BaseException:
            self.close()
            raise

    def append(self, bodies: list[bytes]) -> None:
        """Add records, all of them or none; also where there is no mapping, or no room in it. Raises `OSError`."""
        data = b"".join(CHECKSUM.pack(crc32(body)) + body for body in bodies)
        end = self.at + len(data)
        if not self.mapped:
            _write_at(self.file, data, self.at)
            _write_at(self.file, _HEAD.pack(end, 0), 0)
        else:
            if end > self.room:
                size = max(2 * self.room, end + _FIRST_SIZE)
                _reserve(self.file, self.room, size - self.room)
                self._map(size)
            self.map[self.at : end] = data
            self.head[0] = end
        self.at = end

    def reset(self) -> None:
        """Forget all records. Raises `OSError`."""
        if self.mapped:
            self.head[0] = START
            if self.room > _KEPT_SIZE:
                self._map(_FIRST_SIZE)
                os.ftruncate(self.file, _FIRST_SIZE)
        else:
            _write_at(self.file, _HEAD.pack(START, 0), 0)
        self.at, self.last = START, 0

    def close(self) -> None:
        """Let go of the file, which stays."""
        self.room = -1
        self._unmap()
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    def _map(self, size: int) -> None:
        mapping = mmap.mmap(self.file, size)
        self._unmap()
        self.map, self.room = mapping, size
        self.head = memoryview(mapping)[:8].cast("Q")  # stored by one instruction, never half

    def _unmap(self) -> None:
        if self.head is not None:
            self.head.release()
        if self.map is not None:
            self.map.close()
        self.map = self.head = None


class Journal:
    """The files of a run that this process records. Raises `OSError` where they cannot be made.

    Attributes:
        notes: what does not work here as it should, one sentence each.
    """

    def __init__(self, folder: Path, run: str, record: dict[str, Any]) -> None:
        self.folder = folder
        self.run = run
        self.notes: list[str] = []
        self.halves: list[Half] = []
        # Locked before it has the name that others look for, so that nobody takes it for a dead one; Windows renames no
        # open file.
        early = folder / (f"{run}.journal" if os.name == "nt" else f"{run}.new")
        self._open_locked(early)
        try:
            self.define(record)
            for number in (0, 1):
                self.halves.append(self._half(number))
            os.replace(early, folder / f"{run}.journal")
        except BaseException:
            self.close()
            with contextlib.suppress(OSError):
                early.unlink()
            raise

    def _open_locked(self, path: Path) -> None:
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.file = os.open(path, _ANEW, 0o666)
            try:
                taken = take(self.file)
            except OSError as error:
                self.notes.append(
                    f"files cannot be locked here ({error.strerror}): whether a run's process lives is told by its id"
                )
                return
            # Somebody who clears up may have come between the two steps.
            if taken and self._is_at(path):
                return
            os.close(self.file)

    def _half(self, number: int) -> Half:
        path = self.folder / f"{self.run}.{number}"
        if not self.halves or self.halves[0].mapped:
            try:
                return Half(path, mapped=True)
            except (OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno in _FULL:
                    raise
                self.notes.append(f"files cannot be mapped into memory here ({error}): each log writes to the disk")
        return Half(path, mapped=False)

    def define(self, what: dict[str, Any]) -> None:
        """Add to what the records' numbers stand for. Raises `OSError`."""
        body = json.dumps(what).encode()
        line = struct.pack("=II", len(body), crc32(body)) + body
        start = os.lseek(self.file, 0, os.SEEK_END)
        try:
            _write_at(self.file, line, start)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self.file, start)
            raise

    def exists(self) -> bool:
        """Whether the files are still at their place."""
        return self._is_at(self.folder / f"{self.run}.journal")

    def _is_at(self, path: Path) -> bool:
        try:
            return os.path.samestat(os.fstat(self.file), os.stat(path))
        except OSError:
            return False

    def close(self, *, delete: bool = False) -> None:
        """Let go of the files, and of the lock; `delete` them where nothing is left in them."""
        for half in self.halves:
            half.close()
        if delete and os.name != "nt":  # before the lock goes: nobody shall find it
            remove(self.folder, self.run)
        if self.file >= 0:
            os.close(self.file)
            self.file = -1
        if delete:
            remove(self.folder, self.run)


class Left:
    """The journal of a run whose process is dead, or `alive`. To be closed; it holds the lock where it got it."""

    def __init__(self, folder: Path, run: str, *, shared: bool) -> None:
        self.folder = folder
        self.run = run
        path = folder / f"{run}.journal"
        self.file = os.open(path, (os.O_RDONLY if shared else os.O_RDWR) | _BINARY)
        try:
            self.alive = not take(self.file, shared=shared)
            # Another may have taken it up and removed it between our two steps.
            self.gone = not path.exists() or not os.path.samestat(os.fstat(self.file), path.stat())
        except OSError:
            self.alive = self.gone = False
            self.alive = _process_lives(self.definitions())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the lock."""
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    def definitions(self) -> list[dict[str, Any]]:
        """What was defined; the first is the run's own record."""
        os.lseek(self.file, 0, os.SEEK_SET)
        found, at, data = [], 0, os.read(self.file, os.fstat(self.file).st_size)
        while at + 8 <= len(data):
            size, checksum = struct.unpack_from("=II", data, at)
            body = data[at + 8 : at + 8 + size]
            if len(body) < size or crc32(body) != checksum:
                break
            found.append(json.loads(body))
            at += 8 + size
        return found

    def bodies(self, after: int) -> list[bytes]:
        """The records with a sequence number above `after`, in the order logged."""
        found = [
            (sequence, body)
            for number in (0, 1)
            for sequence, body in _records(self.folder / f"{self.run}.{number}")
            if sequence > after
        ]
        return [body for _, body in sorted(found, key=lambda pair: pair[0])]


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    end = min(_HEAD.unpack_from(data)[0], len(data)) if len(data) >= _HEAD.size else 0
    at = START
    while at + CHECKSUM.size + BODY.size <= end:
        size, sequence, *_ = BODY.unpack_from(data, at + CHECKSUM.size)
        body = data[at + CHECKSUM.size : at + CHECKSUM.size + size]
        if size < BODY.size or len(body) < size or CHECKSUM.unpack_from(data, at)[0] != crc32(body):
            return
        yield sequence, body
        at += CHECKSUM.size + size


def pending(folder: Path) -> list[str]:
    """The runs that have a journal in the folder."""
    try:
        return sorted(name.removesuffix(".journal") for name in os.listdir(folder) if name.endswith(".journal"))
    except OSError:
        return []


def clear_up(folder: Path) -> None:
    """Remove what processes left that died while they made a journal."""
    with contextlib.suppress(OSError):
        for path in [folder / name for name in os.listdir(folder) if name.endswith(".new")]:
            file = os.open(path, os.O_RDWR | _BINARY)
            try:
                if take(file) and path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                    if path.with_suffix(".journal").exists():  # it was to be made anew
                        path.unlink()
                    else:
                        remove(folder, path.stem)
            finally:
                os.close(file)


def remove(folder: Path, run: str) -> None:
    """Remove a run's journal, and the folder with the last one."""
    for end in ("0", "1", "journal", "new"):
        with contextlib.suppress(OSError):
            (folder / f"{run}.{end}").unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _process_lives(definitions: list[dict[str, Any]]) -> bool:
    """Where locks do not work: whether a process of that number runs on this host (of other hosts: yes)."""
    record = definitions[0] if definitions else {}
    import socket

    if record.get("host") != socket.gethostname():
        return True
    try:
        os.kill(int(record.get("process", 0)), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _reserve(file: int, start: int, size: int) -> None:
    """Have the disk hold the room from `start` on: a full one is met here, and never in the mapping."""
    try:
        os.posix_fallocate(file, start, size)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            os.ftruncate(file, max(start, START))
            raise
        _write_at(file, bytes(size), start)


def _write_at(file: int, data: bytes, at: int) -> None:
    os.lseek(file, at, os.SEEK_SET)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]

"""Offline runs of Weights & Biases read, without the package: the numbers that their history logged.

A `.wandb` file is a log of LevelDB's form (blocks of 32 KiB with records in parts), whose records are messages of
wandb/proto/wandb_internal.proto.
"""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from nnwidgets.runs.exchange.importing import Importer, own_name
from nnwidgets.runs.exchange.protobuf import Fields, Value, fields, message, text, whole

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run
    from nnwidgets.runs.store import RunStore

_HEAD = b":W&B"
_BLOCK = 32 * 1024
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def read_wandb(store: RunStore, path: Path, name: str | None) -> Run:
    """Bring a `.wandb` file, or the folder of an offline run, into a store: the numbers of its history and its config.

    Images, tables and other media are left out, with a warning. Raises `ValueError` where it is no such file.
    """
    files = sorted(path.glob("*.wandb")) if path.is_dir() else [path]
    if len(files) != 1:
        raise ValueError(f"{path} holds {len(files)} .wandb files, but a run is one")
    data = files[0].read_bytes()
    if not data.startswith(_HEAD):
        raise ValueError(f"{files[0]} is no file of Weights & Biases")
    importer = Importer(store, own_name(name, path))
    started: float | None = None
    failed = False
    left_out: set[str] = set()
    for record in _records(data):
        content = fields(record)
        if content[17]:  # the run: what it is called and when it began
            run = message(content[17])
            importer.record.name = name or text(run[8]) or importer.record.name
            importer.record.host = text(run[11]) or importer.record.host
            seconds = message(run[17])
            if started is None and run[17]:
                started = importer.record.started = whole(seconds[1]) + whole(seconds[2]) / 1e9
            _configure(importer, message(run[4]))
        elif content[5]:
            _configure(importer, message(content[5]))
        elif content[2]:
            row = _items(message(content[2])[1])
            time = float(row.get("_timestamp", importer.record.started)) - importer.record.started
            step = int(row.get("_step", whole(message(message(content[2])[2])[1])))
            left_out |= set(_take(importer, row, step, max(0.0, time)))
        elif content[18]:
            failed = whole(message(content[18])[1]) != 0
    if left_out:
        warnings.warn(f"{path}: what is no number was left out: {', '.join(sorted(left_out))}", stacklevel=3)
    return importer.done("failed" if failed else "finished")


def _take(importer: Importer, row: dict[str, Any], step: int, time: float) -> Iterator[str]:
    """Bring in a row of the history; the names of what is no number."""
    for name, value in _flat("", row):
        if name.startswith("_"):
            continue
        if isinstance(value, bool | int | float) or value in ("NaN", "Infinity", "-Infinity"):
            importer.add_point(name, step, float(value), time)
        else:
            yield name


def _flat(prefix: str, row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict) and "_type" not in value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield prefix + name, value


def _configure(importer: Importer, config: Fields) -> None:
    items = _items(config[1])
    importer.record.config |= {name: value for name, value in items.items() if not name.startswith("_")}


def _items(values: list[Value]) -> dict[str, Any]:
    """Items of a key, or a nested one, and a value as JSON."""
    found: dict[str, Any] = {}
    for value in values:
        assert isinstance(value, bytes)
        item = fields(value)
        nested = [part.decode("utf-8", "replace") for part in item[2] if isinstance(part, bytes)]
        found[".".join(nested) or text(item[1])] = json.loads(text(item[16]) or "null")
    return found


def _records(data: bytes) -> Iterator[bytes]:
    """The records of the log; one that is torn or damaged ends it."""
    at, parts = 7, b""  # behind the file's own head
    while at + 7 <= len(data):
        rest = _BLOCK - at % _BLOCK
        if rest < 7:
            at += rest
            continue
        checksum, size, kind = struct.unpack_from("<IHB", data, at)
        part = data[at + 7 : at + 7 + size]
        if kind == 0 and size == 0:
            at += rest
            continue
        if len(part) < size or crc32(bytes([kind]) + part) != checksum:
            return
        at += 7 + size
        parts = part if kind in (_FULL, _FIRST) else parts + part
        if kind in (_FULL, _LAST):
            yield parts

"""TensorBoard's event files read, without TensorBoard: scalars, histograms, images and texts.

A file is a row of records: length u64, its checksum, data, its checksum (masked CRC-32C); the data is an `Event`
message of tensorflow/core/util/event.proto, with a `Summary` whose values come in an old form and as tensors.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnwidgets.runs.encoding import to_bytes
from nnwidgets.runs.exchange.importing import Importer, own_name
from nnwidgets.runs.exchange.protobuf import Fields, double, fields, message, numbers, text, whole
from nnwidgets.runs.histograms import MOST_BINS, QUANTILES, Histogram
from nnwidgets.runs.images import Image
from nnwidgets.runs.records import Floats

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run
    from nnwidgets.runs.store import RunStore

_PNG = b"\x89PNG\r\n\x1a\n"
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 6: "i1", 9: "<i8", 10: "?", 19: "<f2", 23: "<u8"}
_FIELDS = {1: 5, 2: 6, 3: 7, 9: 10, 10: 11}


def read_tensorboard(store: RunStore, path: Path, name: str | None) -> Run:
    """Bring an event file, or all in a folder and the folders within, into a store as one run.

    A file that ends early (its writer was killed) is read as far as it goes, and so is one with a wrong checksum, with
    a warning. Raises `ValueError` where there is no event file.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*tfevents*"))
    if not files:
        raise ValueError(f"{path} holds no event files: their names contain 'tfevents'")
    importer: Importer | None = None
    plugins: dict[str, str] = {}
    skipped: dict[str, int] = {}
    for file in files:
        folder = "" if file == path else file.parent.relative_to(path).as_posix()
        prefix = "" if folder in ("", ".") else f"{folder}/"
        for data in _records(file):
            event = fields(data)
            if importer is None:
                importer = Importer(store, own_name(name, path), double(event[1]))
            time = double(event[1]) - importer.record.started
            summary = message(event[5])
            for value in summary[1]:
                assert isinstance(value, bytes)
                kind = _take(importer, prefix, whole(event[2]), time, fields(value), plugins)
                if kind is not None:
                    skipped[kind] = skipped.get(kind, 0) + 1
    if importer is None:
        raise ValueError(f"{path} holds no events")
    if skipped:
        listed = ", ".join(f"{count:,} of {kind}" for kind, count in skipped.items())
        warnings.warn(f"{path}: what is no scalar, histogram, image or text was left out: {listed}", stacklevel=3)
    return importer.done()


def _take(
    importer: Importer, prefix: str, step: int, time: float, value: Fields, plugins: dict[str, str]
) -> str | None:
    """Bring in one value; what it is where it cannot be."""
    name = prefix + text(value[1])
    plugin = text(message(message(value[9])[1])[1])
    plugin = plugins.setdefault(name, plugin) if plugin else plugins.get(name, "")
    if value[2]:
        importer.add_point(name, step, float(numbers(value[2], "<f4")[-1]), time)
    elif value[5]:
        importer.add_item(name, "histogram", step, time, _old_histogram(message(value[5])).to_bytes())
    elif value[4]:
        _add_image(importer, name, step, time, message(value[4])[4][-1])
    elif value[8] and plugin == "scalars":
        importer.add_point(name, step, float(_tensor(message(value[8]))[0]), time)
    elif value[8] and plugin == "histograms":
        importer.add_item(
            name, "histogram", step, time, _histogram(_tensor(message(value[8])).reshape(-1, 3)).to_bytes()
        )
    elif value[8] and plugin == "images":
        _, _, *images = message(value[8])[8]  # width, height, then a picture for each sample
        for image in images[:1]:
            _add_image(importer, name, step, time, image)
    elif value[8] and plugin == "text":
        words = [word.decode("utf-8", "replace") for word in message(value[8])[8] if isinstance(word, bytes)]
        # Writers add this to the name to keep plugins apart.
        importer.add_item(name.removesuffix("/text_summary"), "text", step, time, to_bytes("\n".join(words)))
    else:
        return plugin or "an unknown kind"
    return None


def _add_image(importer: Importer, name: str, step: int, time: float, data: int | bytes) -> None:
    assert isinstance(data, bytes)
    if not data.startswith(_PNG):
        from PIL import Image as pillow

        with pillow.open(io.BytesIO(data)) as picture:
            data = Image.of(picture.convert("RGB")).png
    importer.add_item(name, "image", step, time, data)


def _tensor(tensor: Fields) -> Floats:
    kind = whole(tensor[1])
    if kind not in _TYPES:
        raise ValueError(f"a tensor of the type numbered {kind}")
    if tensor[4]:
        return numbers(tensor[4], _TYPES[kind])
    values = tensor[_FIELDS.get(kind, 5)]
    if values and isinstance(values[0], int):
        return np.array([float(value) for value in values])
    return numbers(values, _TYPES[kind])


def _old_histogram(old: Fields) -> Histogram:
    """`HistogramProto`: the buckets' upper limits and counts; the first bucket begins at the minimum, the last ends at
    the maximum."""
    low, high, count, total, squares = (double(old[number]) for number in (1, 2, 3, 4, 5))
    limits, counts = numbers(old[6], "<f8"), numbers(old[7], "<f8")
    lefts = np.concatenate([[-np.inf], limits[:-1]])
    rows = np.stack([np.clip(lefts, low, high), np.clip(limits, low, high), counts], axis=1)
    mean = total / count if count else np.nan
    spread = max(0.0, squares / count - mean * mean) ** 0.5 if count else np.nan
    return _histogram(rows, moments=(low, high, mean, spread))


def _histogram(rows: Floats, moments: tuple[float, float, float, float] | None = None) -> Histogram:
    """From rows of left edge, right edge and count. Quantiles, and without `moments` those too, follow from the
    bins."""
    rows = rows[np.isfinite(rows).all(axis=1)]
    if len(rows) and rows[:, 2].sum() > 0:
        filled = np.flatnonzero(rows[:, 2])
        rows = rows[filled[0] : filled[-1] + 1]
    else:
        return Histogram.of([])
    lefts, rights, counts = rows.T
    total = counts.sum()
    middles = (lefts + rights) / 2
    mean = float((middles * counts).sum() / total)
    spread = float((((middles - mean) ** 2) * counts).sum() / total) ** 0.5
    low, high, mean, spread = moments or (float(lefts[0]), float(rights[-1]), mean, spread)
    below = np.concatenate([[0.0], np.cumsum(counts)]) / total
    places = np.concatenate([lefts[:1], rights])
    quantiles = tuple(np.interp(QUANTILES, below, places))
    # A value that many share is a bin without a width: it goes into the next one.
    edges = np.concatenate([lefts[:1], rights])
    wide = np.flatnonzero(np.diff(edges) > 0)
    if not len(wide):
        one = Histogram.of([low], bins=1)
        return Histogram(one.edges, np.array([total]), low, high, mean, spread, quantiles)
    starts = np.concatenate([[0], wide[:-1] + 1])
    joined = np.add.reduceat(counts, starts)
    joined[-1] += counts[wide[-1] + 1 :].sum() if starts[-1] > wide[-1] else 0
    edges = np.concatenate([edges[:1], edges[wide + 1]])
    joined, edges = joined[:MOST_BINS], edges[: MOST_BINS + 1]
    return Histogram(edges, np.rint(joined), low, high, mean, spread, quantiles)


def _records(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while len(head := file.read(12)) == 12:
            size, checksum = struct.unpack("<QI", head)
            if _masked(head[:8]) != checksum:
                break
            data = file.read(size + 4)
            if len(data) < size + 4:
                return  # its writer was killed, or still writes
            if _masked(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
                break
            yield data[:-4]
        else:
            return
    warnings.warn(f"{path} is damaged: it was read up to the first wrong checksum", stacklevel=4)


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_CRC = _table()


def _masked(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF

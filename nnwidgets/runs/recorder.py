"""`Recorder`: takes what a run logs, keeps it safe in the journal, and brings it into the store when the writer asks.

`log` is what a training step waits for: it packs the numbers, adds them to the journal's mapping and to a list, and is
done in a few microseconds, without a system call. All else (arrays, SQL, listeners) is the writer's work, ten times a
second.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from zlib import crc32

import numpy as np

from nnwidgets.runs.errors import NotRecording
from nnwidgets.runs.journal import BODY, CHECKSUM, ITEM, START, Half, Journal
from nnwidgets.runs.lines import Line
from nnwidgets.runs.records import Batch, Kind, Points, Series, Status
from nnwidgets.runs.values import classify, whole_step

_MOST_SHAPES = 1000  # sets of names; beyond, what is logged together is kept one by one
_PLAIN = frozenset((float, int))


class Shape:
    """A set of names that are logged together, as numbers."""

    __slots__ = ("dtype", "lines", "number", "pack", "rows", "size")

    def __init__(self, number: int, lines: list[Line]) -> None:
        self.number = number
        self.lines = lines
        self.pack = struct.Struct(f"={len(lines)}d").pack
        self.size = BODY.size + 8 * len(lines)
        self.rows: list[bytes] = []
        fields: list[Any] = [("size", "<u4"), ("sequence", "<u8"), ("shape", "<u4"), ("step", "<i8"), ("time", "<f8")]
        self.dtype = np.dtype([*fields, ("values", "<f8", (len(lines),))])


class Items:
    """A series of histograms, images or texts: how many there are, and those that wait to be saved."""

    def __init__(self, name: str, kind: Kind, number: int) -> None:
        self.name = name
        self.kind: Kind = kind
        self.number = number
        self.key: int | None = None
        self.count = 0
        self.low_step: int | None = None
        self.high_step: int | None = None
        self.waiting: list[tuple[int, float, bytes]] = []
        self.fresh = False

    def extend(self, step: int, time: float, data: bytes) -> None:
        """Add one."""
        self.waiting.append((step, time, data))
        self.count += 1
        self.low_step = step if self.low_step is None else min(step, self.low_step)
        self.high_step = step if self.high_step is None else max(step, self.high_step)
        self.fresh = True


@dataclass
class Record:
    """What a run is, apart from what it logged."""

    id: str
    name: str
    config: dict[str, Any]
    started: float
    host: str
    process: int
    commit: str | None
    seeds: dict[str, Any]
    status: Status = "running"
    ended: float | None = None
    message: str | None = None


class Recorder:
    """Records one run. `log` may be called from any thread; `gather` and what follows only under `gathering`."""

    def __init__(self, record: Record, wake: Callable[[], None]) -> None:
        self.record = record
        self.key: int | None = None  # of the run in the store
        self.saved_config = dict(record.config)  # as the store has it
        self.lines: dict[str, Line] = {}
        self.items: dict[str, Items] = {}
        self.step: int | None = None
        self.last_time = 0.0  # of the last record that was replayed
        self.drained = 0  # sequence number of the last record in the store
        self.gathered = 0  # … in the lines
        self.packed = 0  # … in chunks
        self.told = 0  # … that listeners were told of
        self.ending = self.complete = self.ended = False  # the run has ended; all was gathered; the store knows it
        self.gathering = threading.RLock()
        self.awake = False  # whether the writer is at work for us
        self.journal: Journal | None = None
        self._wake = wake
        self._lock = threading.Lock()
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._numbers = 0
        self._by_number: list[Items] = []
        self._queue: list[tuple[int, int, float, bytes]] = []  # items: number of the series, step, time, data
        self._sequence = 0
        self._zero = perf_counter()
        self._half: Half | None = None
        self._folder: Path | None = None
        self._notes: list[str] = []
        self._ended: str | None = None

    # What the training thread does.

    def log(self, step: int, values: dict[str, Any]) -> None:
        """Take what was logged at a step. Raises before anything is taken where a value cannot be."""
        shape = self._shapes.get(tuple(values))
        if shape is None or step.__class__ is not int or not 0 <= step < 2**63:
            return self._log_slowly(step, values)
        given: Iterable[Any] = values.values()
        if not _PLAIN.issuperset(map(type, given)):
            given = map(_detached, given)
        try:
            numbers = shape.pack(*given)
        except (struct.error, TypeError, ValueError, OverflowError, RuntimeError):
            return self._log_slowly(step, values)
        with self._lock:
            if self._ended is not None:
                raise NotRecording(self._ended)
            self._sequence = sequence = self._sequence + 1
            body = BODY.pack(shape.size, sequence, shape.number, step, perf_counter() - self._zero) + numbers
            shape.rows.append(body)
            half = self._half
            if half is not None:
                at = half.at
                end = at + shape.size + 4
                if end <= half.room:
                    mapped = half.map
                    mapped[at + 4 : end] = body
                    CHECKSUM.pack_into(mapped, at, crc32(body))
                    half.head[0] = half.at = end
                else:
                    self._append(half, [body])
            self.step = step
        if not self.awake:
            self._wake()
        return None

    def _append(self, half: Half, bodies: list[bytes]) -> None:
        try:
            half.append(bodies)
        except OSError:
            self._half = None  # on in memory; the writer finds out and says what is wrong

    def _log_slowly(self, step: Any, values: dict[str, Any]) -> None:
        step = whole_step(step)
        kinds = {name: classify(name, value) for name, value in values.items()}
        with self._lock:
            if self._ended is not None:
                raise NotRecording(self._ended)
            for name, (kind, _) in kinds.items():
                self._check_kind(name, kind)
            numbers = {name: value for name, (kind, value) in kinds.items() if kind == "scalar"}
            names = tuple(numbers)
            if names in self._shapes or len(self._shapes) < _MOST_SHAPES:
                groups = [names] if names else []
            else:
                groups = [(name,) for name in names]
            time = perf_counter() - self._zero
            bodies = []
            for group in groups:
                shape = self._shape(group)
                self._sequence += 1
                body = BODY.pack(shape.size, self._sequence, shape.number, step, time)
                body += shape.pack(*(numbers[name] for name in group))
                shape.rows.append(body)
                bodies.append(body)
            for name, (kind, data) in kinds.items():
                if isinstance(data, bytes):
                    items = self._items(name, kind)
                    self._sequence += 1
                    head = BODY.pack(BODY.size + len(data), self._sequence, ITEM | items.number, step, time)
                    self._queue.append((items.number, step, time, data))
                    bodies.append(head + data)
            if self._half is not None:
                self._append(self._half, bodies)
            self.step = step
        self._wake()

    def _check_kind(self, name: str, kind: Kind) -> None:
        known: Kind | None = "scalar" if name in self.lines else None
        if name in self.items:
            known = self.items[name].kind
        if known is not None and known != kind:
            raise TypeError(f"{name!r} is a series of {known}s, but this is a {kind}: log it under a name of its own")

    def _shape(self, names: tuple[str, ...]) -> Shape:
        shape = self._shapes.get(names)
        if shape is None:
            lines = [self.lines.setdefault(name, Line(name)) for name in names]
            shape = Shape(self._numbers, lines)
            self._numbers += 1
            self._define({"shape": shape.number, "names": names})
            self._shapes[names] = shape
        return shape

    def add_items(self, name: str, kind: Kind) -> Items:
        """A series of items that is new here."""
        items = self.items[name] = Items(name, kind, len(self._by_number))
        self._by_number.append(items)
        return items

    def _items(self, name: str, kind: Kind) -> Items:
        items = self.items.get(name)
        if items is None:
            items = self.add_items(name, kind)
            self._define({"items": items.number, "name": name, "kind": kind})
        return items

    def _define(self, what: dict[str, Any]) -> None:
        if self.journal is not None and self._half is not None:
            try:
                self.journal.define(what)
            except OSError:
                self._half = None

    # What the writer does.

    def gather(self, *, flip: bool = False) -> None:
        """Bring what was logged since into the lines. Under `gathering`.

        `flip` turns to the journal's other half: what the first one holds is then what is brought into the store.
        """
        with self._lock:
            if flip and self._half is not None and self.journal is not None:
                other = self.journal.halves[self._half is self.journal.halves[0]]
                if other.at == START < self._half.at:
                    self._half.last = self._sequence
                    self._half = other
            taken = []
            for shape in self._shapes.values():
                if shape.rows:
                    taken.append((shape, shape.rows))
                    shape.rows = []
            queue, self._queue = self._queue, []
            gathered = self._sequence
            self.complete = self.ending
        found: dict[str, list[tuple[Any, ...]]] = {}
        lines: dict[str, Line] = {}
        for shape, rows in taken:
            table = np.frombuffer(b"".join(rows), shape.dtype)
            steps, times, values, order = table["step"].copy(), table["time"], table["values"], table["sequence"]
            bounds = int(steps.min()), int(steps.max())
            for column, line in enumerate(shape.lines):
                lines[line.name] = line
                found.setdefault(line.name, []).append((order, steps, values[:, column], times, bounds))
        for name, parts in found.items():
            order, steps, values, times, bounds = parts[0]
            if len(parts) > 1:
                order, steps, values, times = (np.concatenate([part[each] for part in parts]) for each in range(4))
                logged = np.argsort(order, kind="stable")
                lines[name].extend(steps[logged], values[logged], times[logged])
            else:
                lines[name].extend(steps, values, times, bounds)
        for number, step, time, data in queue:
            self._by_number[number].extend(step, time, data)
        self.gathered = gathered

    def replay(self, definitions: list[dict[str, Any]], bodies: list[bytes]) -> None:
        """Take what another process's journal holds, as if it were logged here."""
        shapes: dict[int, Shape] = {}
        items: dict[int, Items] = {}
        for what in definitions:
            if "shape" in what:
                shapes[what["shape"]] = self._shape(tuple(what["names"]))
            elif "items" in what:
                items[what["items"]] = self._items(what["name"], what["kind"])
        for body in bodies:
            _, self._sequence, number, step, time = BODY.unpack_from(body)
            if number & ITEM:
                self._queue.append((items[number & ~ITEM].number, step, time, body[BODY.size :]))
            else:
                shapes[number].rows.append(body)
            self.step, self.last_time = step, time
        if bodies:
            self.gather()

    def batch(self) -> Batch | None:
        """What listeners were not told of yet. Under `gathering`."""
        if self.gathered == self.told:
            return None
        series: dict[str, Points] = {}
        for line in list(self.lines.values()):
            if line.count > line.told:
                series[line.name] = line.points(line.told)
                line.told = line.count
        grown = frozenset(items.name for items in list(self.items.values()) if items.fresh)
        for name in grown:
            self.items[name].fresh = False
        self.told = self.gathered
        return Batch(series, grown, self.told)

    def forget_store(self) -> None:
        """The store it was written to is gone: nothing that is held here is saved. Under `gathering`."""
        self.key = None
        for line in list(self.lines.values()):
            line.key, line.packed, line.saved = None, line.base, line.base
        for items in list(self.items.values()):
            items.key = None
        self.drained = self.packed = 0

    def lose_journal(self) -> None:
        """Its files were deleted: to be made anew with the next commit."""
        with self._lock:
            self._half = None

    def waits(self) -> bool:
        """Whether something was logged that no `gather` has seen."""
        return self._sequence != self.gathered

    def is_saved(self) -> bool:
        """Whether the store has all there is, and how it ended."""
        return self.key is not None and self.drained == self.gathered and (not self.ending or self.ended)

    def changed_config(self) -> dict[str, Any] | None:
        """The configuration, where something was set in it that the store does not have; of what lies deeper in it only
        the run's end tells."""
        config, known = dict(self.record.config), self.saved_config
        same = config.keys() == known.keys() and all(config[name] is known[name] for name in config)
        return None if same else config

    def settle(self) -> None:
        """The store has all that was gathered: free the journal's half that held it; mend a journal that broke."""
        if self.complete:
            self.ended = True
            if self.journal is not None:
                self.journal.close(delete=True)
                self.journal = None
            return
        if self._folder is None:
            return
        with self._lock:
            if self._half is None or self.journal is None:
                self._start_journal(self._folder)
            assert self.journal is not None
            for half in self.journal.halves:
                if half is not self._half and half.at != START and half.last <= self.drained:
                    half.reset()

    def start_journal(self, folder: Path, notes: list[str]) -> None:
        """Have what is logged from now on be safe before `log` returns. Raises `OSError`.

        `notes` is told what does not work there as it should. Where the journal cannot be made, or breaks, it is made
        with the next thing that the store takes.
        """
        self._folder, self._notes = folder, notes
        with self._lock:
            self._start_journal(folder)

    def _start_journal(self, folder: Path) -> None:
        if self.journal is not None:
            self.journal.close()
        self.journal = Journal(folder, self.record.id, asdict(self.record))
        self._notes.extend(note for note in self.journal.notes if note not in self._notes)
        for names, shape in self._shapes.items():
            self.journal.define({"shape": shape.number, "names": names})
        for items in self._by_number:
            self.journal.define({"items": items.number, "name": items.name, "kind": items.kind})
        self._half = self.journal.halves[0]

    def end(self, status: Status, message: str | None, reason: str) -> None:
        """Take no more: `log` raises `NotRecording(reason)`."""
        with self._lock:
            if self._ended is not None:
                return
            self._ended = reason
            self.record.status, self.record.message = status, message
            self.record.ended = self.record.started + perf_counter() - self._zero
            self._define({"end": {"status": status, "message": message, "ended": self.record.ended}})
            self.ending = True

    def forked(self) -> None:
        """In a process that was forked: the run is the other one's, and so is its journal."""
        self._lock, self.gathering = threading.Lock(), threading.RLock()
        self._half = None
        if self.journal is not None:
            self.journal.close()
            self.journal = None
        self._ended = (
            f"the run {self.record.name!r} is recorded by the process {self.record.process}, from which this one was "
            f"forked: log there, or begin a run of its own here"
        )
        self.ending = self.ended = True

    def waiting(self) -> int:
        """How many points and items are not in the store."""
        points = sum(line.count - line.saved for line in list(self.lines.values()))
        items = sum(len(items.waiting) for items in list(self.items.values()))
        return points + items

    def series(self) -> dict[str, Series]:
        """All series as they stand. Under `gathering`."""
        table = {
            line.name: Series(line.name, "scalar", line.count, line.low_step, line.high_step, line.last)
            for line in list(self.lines.values())
            if line.count
        }
        for items in list(self.items.values()):
            table[items.name] = Series(items.name, items.kind, items.count, items.low_step, items.high_step, None)
        return table


def _detached(value: Any) -> Any:
    """A tensor of the loss without its graph: torch warns where that becomes a number."""
    return value.detach() if getattr(value, "requires_grad", False) else value

"""`Run`: one training run, as it is recorded here or as it is read back."""

from __future__ import annotations

import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from nnwidgets.runs.control import Control
from nnwidgets.runs.errors import NotRecording, StopTraining, StoreError
from nnwidgets.runs.following import Follower
from nnwidgets.runs.histograms import Histogram
from nnwidgets.runs.history import History, check_points
from nnwidgets.runs.images import Image
from nnwidgets.runs.lines import Line
from nnwidgets.runs.reading import (
    BLOCK,
    Row,
    evenly,
    joined,
    read_history,
    read_item,
    read_item_keys,
    read_lines,
    read_points,
    read_run,
    read_series,
    series_key,
)
from nnwidgets.runs.recorder import Recorder
from nnwidgets.runs.records import Batch, Kind, Points, Series, Status
from nnwidgets.runs.training import Trains
from nnwidgets.runs.values import decode
from nnwidgets.runs.writer import Told
from nnwidgets.source.base import Source, call, listen
from nnwidgets.source.selection import Selection

if TYPE_CHECKING:
    from nnwidgets.runs.diagnosis import Finding
    from nnwidgets.runs.store import RunStore

_PATIENCE = 30.0  # seconds that finish waits for a store that does not take what is left, and close for a training


class Run(Trains, Source):
    """A training run. `RunStore.run` makes one that records, `RunStore.load` one that reads.

        with store.run("lenet", config={"lr": 0.1}) as run:
            for step, batch in enumerate(batches):
                run.log(step, loss=train(batch))

    Attributes:
        id: of the run, unique in all stores.
        started: when, in seconds since 1970.
        host, commit, seeds: where it was recorded, the git commit that was checked out, the seeds that are known.
        control: hands on the training: pause, resume, stop, learning rate.
        entered: whether a `with` block, or `train`, will end it.
    """

    def __init__(
        self,
        store: RunStore,
        row: Row,
        recorder: Recorder | None,
        *,
        selection: Selection | None = None,
        save_dir: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__(name=row.name, selection=selection, save_dir=save_dir)
        self.store = store
        self.id = row.id
        self.entered = False
        self.started = row.started
        self.host = row.host
        self.commit = row.commit
        self.seeds = row.seeds
        self._row = row
        self._recorder = recorder
        self._power = recorder is not None and store.durable == "power"
        self._follower: Follower | None = None
        self._following = threading.Lock()
        self._cursor = row.drained
        # What its dead process left, where it cannot be brought into the store.
        self._left = store.read_left(row) if recorder is None else None
        self._on_points: list[Callable[[Batch], object]] = []
        self._on_status: list[Callable[[Run], object]] = []
        self._at_step: list[Callable[[int], object]] = []
        self._trouble: str | None = None
        if recorder is None:
            self.control = Control(
                row.name, elsewhere=f"the run {row.name!r} was loaded to be read, and may be recorded elsewhere"
            )
        else:
            self.control = Control(row.name, self)
            store.writer.add(recorder, Told(self._tell_points, self._tell_status))
            self.control.on_change(lambda _: self._tell_status())
        self._opened()

    def __repr__(self) -> str:
        step = "" if self.step is None else f", step {self.step:,}"
        return f"Run({self.name!r}, {self.status}{step}, id={self.id!r})"

    # Recording

    def log(self, step: int, /, **values: Any) -> None:
        """Keep values of a step: numbers, texts, `Histogram`s and images, each under a name of your own.

        What it took is safe when it returns: it survives a killed process, with `durable="power"` a power cut too. A
        name keeps its kind. A step is a whole number from 0 on; steps may come in any order, be left out, and come
        twice. It is a step boundary: a training that is to pause or to stop does so here (`StopTraining`).

        What widgets and diagnosis look for by name: `loss`, `accuracy` and other metrics, with `val_` or `test_` in
        front where they are not the training's; `epoch`, `learning_rate`, `samples_per_second`; `gradient_norm` and
        what else `nnw.watch` logs; of a GAN `generator_loss` and `discriminator_loss`, and `diversity`, how far
        generated samples spread (0: all are one), with `data_diversity`, the same of the data: of these alone a mode
        collapse is told. Short names will do (`acc`, `lr`, `grad_norm`, `g_loss`, `d_loss`). `config["total_steps"]`
        or `config["total_epochs"]` tells how much is left.

        Raises:
            TypeError, ValueError: a value or step that cannot be kept; nothing of this call was then.
            NotRecording: the run has ended, or another process records it.
        """
        self.record(step, values)
        if self._at_step:
            self._tell_step(step)
        self.control.boundary(step)

    def record(self, step: int, values: dict[str, Any]) -> None:
        """Keep values as `log` does, without a step boundary: for hooks that see more of a step than the loop does."""
        recorder = self._recorder
        if recorder is None:
            raise NotRecording(f"the run {self.name!r} was loaded to be read: store.run(…) begins one that records")
        recorder.log(step, values)
        if self._power:
            self.store.writer.flush()

    def boundary(self, step: int) -> None:
        """A step has ended, as `log` says it: for those who see steps in another way (an optimizer's hook)."""
        if self._at_step:
            self._tell_step(step)
        self.control.boundary(step)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was logged is in the store and told to listeners; False where it is not yet."""
        if self._recorder is None:
            return True
        done = self.store.writer.flush(timeout)
        return done and self._recorder.waiting() == 0 and not self._recorder.waits()

    def finish(self, status: Status = "finished", message: str | None = None) -> None:
        """End the recording; widgets stay open. What `with` calls at its end. Does nothing where it has ended."""
        recorder = self._recorder
        if recorder is None or recorder.ending:
            return
        recorder.end(status, message, f"the run {self.name!r} has ended ({status}): store.run(…) begins another")
        self.store.writer.flush(_PATIENCE)
        self.control.close()
        if not recorder.ended:
            warnings.warn(
                f"the run {self.name!r} has ended, but {self.trouble or 'the store was not written yet'}", stacklevel=2
            )

    def __enter__(self) -> Self:
        self.entered = True
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if error is None and self.control.state == "stopping":  # a library's loop that ended when it was told to
            self.finish("stopped", "stopped by hand")
        elif error is None:
            self.finish()
        elif isinstance(error, KeyboardInterrupt):
            self.finish("stopped", "KeyboardInterrupt")
        elif isinstance(error, StopTraining):
            self.finish("stopped", str(error) or None)
            return True
        else:
            text = str(error)
            self.finish("failed", f"{type(error).__name__}: {text}" if text else type(error).__name__)
        return None

    def _let_go(self) -> None:
        self._stop_training(_PATIENCE)
        self.finish()
        with self._following:
            if self._follower is not None:
                self._follower.stop()

    # How it stands

    @property
    def recording(self) -> bool:
        """Whether this object records: its process trains."""
        return self._recorder is not None and not self._recorder.ending

    @property
    def status(self) -> Status:
        """ "running", "finished", "stopped" (by hand), "failed" (by an exception), "interrupted" (its process died)."""
        return self._recorder.record.status if self._recorder is not None else self._refresh().status

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration. While it records, what is set in it is kept too."""
        return self._recorder.record.config if self._recorder is not None else self._refresh().config

    @property
    def message(self) -> str | None:
        """Why it failed or stopped."""
        return self._recorder.record.message if self._recorder is not None else self._refresh().message

    @property
    def ended(self) -> float | None:
        """When it ended, in seconds since 1970."""
        return self._recorder.record.ended if self._recorder is not None else self._refresh().ended

    @property
    def step(self) -> int | None:
        """The step that was logged last."""
        recorder = self._recorder or self._left
        return recorder.step if recorder is not None else self._refresh().step

    @property
    def cursor(self) -> int:
        """Rises with every batch of points that listeners are told."""
        return self._recorder.told if self._recorder is not None else self._cursor

    @property
    def trouble(self) -> str | None:
        """What keeps the run from being written, in a sentence that also says how much waits; None when all is well."""
        recorder = self._recorder
        if recorder is None or recorder.ended:
            return None
        return self.store.writer.trouble(recorder)

    def series(self) -> dict[str, Series]:
        """All series of the run by name, as they stand."""
        recorder = self._recorder or self._left
        if recorder is not None:
            with recorder.gathering:
                recorder.gather()
                return recorder.series()
        with self._reading() as connection:
            return read_series(connection, self._stored(connection))

    def history(
        self, name: str, *, points: int | None = None, start: float | None = None, stop: float | None = None
    ) -> History:
        """A metric's points, in the order logged; those with `start` <= step < `stop`.

        Args:
            name: of the metric.
            points: at most so many buckets, each with its mean, lowest and highest value; None for every point.
            start, stop: a range of steps.

        Raises `KeyError` where there is no such metric, and `StoreError` where the store cannot be read now.
        """
        check_points(points)
        with self._points(name) as (connection, key, rest):
            return read_history(connection, key, name, rest, points=points, start=start, stop=stop)

    def blocks(self, name: str) -> Iterator[Points]:
        """All points of a metric in the order logged, some ten thousand at a time: for series too long for memory."""
        with self._points(name) as (_, key, rest):
            pass
        for first in range(0, rest.first_index, BLOCK):
            with self._reading() as connection:
                assert key is not None
                block = joined(first, read_points(connection, key, first, min(first + BLOCK, rest.first_index)))
            yield block
        yield rest

    def histograms(
        self, name: str, *, start: int | None = None, stop: int | None = None, points: int | None = None
    ) -> list[tuple[int, Histogram]]:
        """The histograms of a series with their steps, by step; at most `points` of them, evenly taken."""
        return [(step, load()) for step, _, load in self._items(name, "histogram", start, stop, points)]

    def images(
        self, name: str, *, start: int | None = None, stop: int | None = None, points: int | None = None
    ) -> list[tuple[int, Image]]:
        """The images of a series with their steps, likewise."""
        return [(step, load()) for step, _, load in self._items(name, "image", start, stop, points)]

    def texts(
        self, name: str, *, start: int | None = None, stop: int | None = None, points: int | None = None
    ) -> list[tuple[int, str]]:
        """The texts of a series with their steps, likewise."""
        return [(step, load()) for step, _, load in self._items(name, "text", start, stop, points)]

    def items(self, name: str) -> Iterator[tuple[int, float, Histogram | Image | str]]:
        """All histograms, images or texts of a series, one at a time: step, time in s since the start, and value."""
        series = self.series().get(name)
        if series is None or series.kind == "scalar":
            raise KeyError(f"the run {self.name!r} has no histograms, images or texts named {name!r}")
        for step, time, load in self._items(name, series.kind, None, None, None):
            yield step, time, load()

    def diagnose(self) -> tuple[Finding, ...]:
        """What its curves show, the gravest first, each with evidence, likely cause and what to try; print them."""
        from nnwidgets.runs.diagnosis import diagnose

        return diagnose(self)

    # Out of the store

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the metrics as a table: a row a step, a column a metric; `RunStore.import_csv` reads it."""
        from nnwidgets.runs.exchange.tables import write_csv

        write_csv(self, Path(path))

    def to_json(self, path: str | PathLike[str]) -> None:
        """Write all of the run; `RunStore.import_json` reads it."""
        from nnwidgets.runs.exchange.documents import write_json

        write_json(self, Path(path))

    # Listening

    def on_points(self, callback: Callable[[Batch], object]) -> Callable[[], None]:
        """Call `callback(batch)` with what is new, at most ten times a second, in a thread of the run's own.

        The function returned takes it back.
        """
        forget = listen(self._on_points, callback)
        self._follow()
        return forget

    def on_status(self, callback: Callable[[Run], object]) -> Callable[[], None]:
        """Call `callback(run)` after its status, message, trouble or control changed."""
        forget = listen(self._on_status, callback)
        self._follow()
        return forget

    def at_step(self, callback: Callable[[int], object]) -> Callable[[], None]:
        """Call `callback(step)` in the training's thread at each step boundary: inside `log`.

        What it raises is logged, and no error of the training; `StopTraining` ends it.
        """
        return listen(self._at_step, callback)

    # Inner parts

    def __reduce__(self) -> tuple[Any, ...]:
        if self.store.path is None:
            raise TypeError(f"the run {self.name!r} lies in memory and cannot be sent to another process")
        from nnwidgets.runs.store import load_run

        return load_run, (str(self.store.path.absolute()), self.id)

    def _tell_points(self, batch: Batch) -> None:
        for callback in tuple(self._on_points):
            call(callback, batch)

    def _tell_status(self) -> None:
        for callback in tuple(self._on_status):
            call(callback, self)

    def _tell_step(self, step: int) -> None:
        for callback in tuple(self._at_step):
            try:
                callback(step)
            except StopTraining:
                raise
            except Exception:
                call(_raise_again, callback)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self.store.database.reading() as connection:
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the store {self.store.path} cannot be read now: {error}") from None

    def _stored(self, connection: sqlite3.Connection) -> Row:
        row = read_run(connection, self.id)
        if row is None:
            raise StoreError(f"the run {self.name!r} is not in {self.store.path} any more")
        return row

    def _refresh(self) -> Row:
        if self._row.status == "running":
            try:
                with self.store.database.reading() as connection:
                    self._row = self.store.as_it_is(self._stored(connection))
            except (sqlite3.Error, OSError, StoreError):
                pass  # the last that is known
        return self._row

    def _no_series(self, name: str, kind: Kind, series: dict[str, Series]) -> NoReturn:
        there = series.get(name)
        if there is not None:
            raise KeyError(f"{name!r} is a series of {there.kind}s: run.{_READS[there.kind]}({name!r}) reads it")
        names = [each.name for each in series.values() if each.kind == kind]
        has = ", ".join(map(repr, names)) or "none"
        raise KeyError(f"the run {self.name!r} has no {kind} named {name!r}; it has {has}")

    @contextmanager
    def _points(self, name: str) -> Iterator[tuple[sqlite3.Connection | None, int | None, Points]]:
        """Where the points of a metric are: those in full chunks, under a key, and the rest."""
        recorder = self._recorder or self._left
        if recorder is not None:
            with recorder.gathering:
                recorder.gather()
                line = recorder.lines.get(name)
                key, rest = self._loose(name, line, recorder.series)
            with self._reading() if rest.first_index else nullcontext() as connection:
                yield connection, key, rest
        else:
            with self._reading() as connection:
                row = self._stored(connection)
                line = read_lines(connection, row).get(name)
                yield connection, *self._loose(name, line, partial(read_series, connection, row))

    def _loose(
        self, name: str, line: Line | None, series: Callable[[], dict[str, Series]]
    ) -> tuple[int | None, Points]:
        if line is None or not line.count:
            self._no_series(name, "scalar", series())
        return line.key, line.points(line.base)

    def _items(
        self, name: str, kind: Kind, start: int | None, stop: int | None, points: int | None
    ) -> list[tuple[int, float, Callable[[], Any]]]:
        """Items by step: step, time, and what reads it."""
        check_points(points)
        series = self.series()
        if name not in series or series[name].kind != kind:
            self._no_series(name, kind, series)
        recorder = self._recorder or self._left
        if recorder is None:
            with self._reading() as connection:
                stored = read_item_keys(connection, series_key(connection, self._stored(connection).key, name))
            waiting = []
        else:
            # Held while the store is asked, so that nothing is there twice, or not at all, in between.
            with recorder.gathering:
                items = recorder.items[name]
                waiting, stored = list(items.waiting), []
                if items.count > len(waiting):
                    with self._reading() as connection:
                        stored = read_item_keys(connection, items.key)
        found = [(step, time, partial(self._read_item, kind, key)) for step, time, key in stored]
        found += [(step, time, partial(decode, kind, data)) for step, time, data in waiting]
        inside = [each for each in found if _is_within(each[0], start, stop)]
        return evenly(sorted(inside, key=lambda each: each[0]), points)

    def _read_item(self, kind: Kind, key: int) -> Any:
        with self._reading() as connection:
            return decode(kind, read_item(connection, key))

    def _follow(self) -> None:
        if self._recorder is not None or self._refresh().status != "running":
            return
        with self._following:
            if self._follower is None or not self._follower.alive:
                self._follower = Follower(
                    self.store.database, self.id, self._take_batch, self._look, lambda: self._goes_on()
                )
                self._cursor = max(self._cursor, self._follower.cursor)

    def _goes_on(self) -> bool:
        return bool(self._on_points or self._on_status) and self._row.status == "running"

    def _take_batch(self, batch: Batch) -> None:
        self._cursor = batch.cursor
        self._tell_points(batch)

    def _look(self, row: Row) -> None:
        before = self._row
        self._row = self.store.as_it_is(row)
        if (self._row.status, self._row.message) != (before.status, before.message):
            self._tell_status()


def _is_within(step: int, start: int | None, stop: int | None) -> bool:
    return (start is None or step >= start) and (stop is None or step < stop)


_READS = {"scalar": "history", "histogram": "histograms", "image": "images", "text": "texts"}


def _raise_again(callback: Callable[..., object]) -> None:
    raise

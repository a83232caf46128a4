"""`RunStore`: one file with training runs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import socket
import sqlite3
import time
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, get_args

from nnwidgets.runs.database import Database, Durable, why
from nnwidgets.runs.errors import StoreError
from nnwidgets.runs.exchange.appending import CsvFile
from nnwidgets.runs.provenance import as_config, git_commit
from nnwidgets.runs.provenance import seeds as known_seeds
from nnwidgets.runs.reading import Row, read_run, read_runs, row_of
from nnwidgets.runs.recorder import Record, Recorder
from nnwidgets.runs.recovery import is_alive, read_left, take_up
from nnwidgets.runs.run import Run
from nnwidgets.runs.table import RunTable
from nnwidgets.runs.writer import Writer
from nnwidgets.source.selection import Selection


class RunStore:
    """Training runs in one SQLite file; any number of processes write and read it at once, without a server.

        store = nnw.RunStore("runs.sqlite")
        with store.run("lenet", config={"lr": 0.1}) as run:
            run.log(0, loss=2.3)
        store.runs()

    Args:
        path: of the file, made where there is none; ":memory:" keeps all in memory.
        durable: what `run.log` survives when it has returned: "process", a killed process; "power", a power cut too,
            for which it waits for the disk.

    Attributes:
        notes: what does not work here as it should, one sentence each.

    Raises:
        StoreError: the file is no store of runs, or it cannot be opened or made.
    """

    def __init__(self, path: str | PathLike[str], *, durable: Durable = "process") -> None:
        if durable not in get_args(Durable):
            raise ValueError(f"durable={durable!r}, but it is one of {', '.join(map(repr, get_args(Durable)))}")
        self.durable: Durable = durable
        self.path = (
            None if os.fspath(path) == ":memory:" else Path(path).absolute()
        )  # the training may change its folder
        self.folder = None if self.path is None else self.path.with_name(f"{self.path.name}.pending")
        writing = Database(self.path, durable=durable)
        self.database = writing if self.path is None else Database(self.path, writable=False)
        self.writer = Writer(writing)
        self.notes = writing.notes
        self._open(writing)

    def __repr__(self) -> str:
        return f"RunStore({':memory:' if self.path is None else str(self.path)!r})"

    @property
    def read_only(self) -> bool:
        """Whether the store cannot be written now."""
        return self.path is not None and self.path.exists() and not os.access(self.path, os.W_OK)

    def run(
        self,
        name: str,
        *,
        config: Any = None,
        seeds: int | Mapping[str, Any] | None = None,
        csv: str | PathLike[str] | None = None,
        selection: Selection | None = None,
        save_dir: str | PathLike[str] | None = None,
    ) -> Run:
        """Begin a run. A second one of that name is a run of its own.

        Args:
            name: what people call it.
            config: a mapping, a dataclass or an `argparse.Namespace`; what JSON cannot hold is kept by its repr.
            seeds: a number or named numbers, kept with torch's seed.
            csv: path of a table that gets a row for each step, while it is recorded.
            selection, save_dir: see `Source`.
        """
        if not isinstance(name, str):
            raise TypeError(f"name={name!r}, but it is a text")
        record = Record(
            id=secrets.token_hex(6),
            name=name,
            config=as_config(config),
            started=time.time(),
            host=socket.gethostname(),
            process=os.getpid(),
            commit=git_commit(Path.cwd()),
            seeds=known_seeds(seeds),
        )
        recorder = Recorder(record, self.writer.wake)
        if self.folder is not None:
            with contextlib.suppress(OSError):  # the writer tries again, and says what is wrong
                recorder.start_journal(self.folder, self.notes)
        file = None if csv is None else CsvFile(Path(csv))
        run = Run(self, _row(record), recorder, selection=selection, save_dir=save_dir)
        if file is not None:
            run.on_points(file.take)
            run.on_status(lambda run: None if run.recording else file.end())
        self.writer.flush()
        if run.trouble is not None:
            warnings.warn(f"the run {name!r} is not recorded yet: {run.trouble}", stacklevel=2)
        return run

    def runs(self) -> RunTable:
        """All runs, newest first."""
        with self.database.reading() as connection:
            rows = read_runs(connection)
        return RunTable(rows, lambda row: self.as_it_is(row_of(row)))

    def load(self, run: str, *, selection: Selection | None = None, save_dir: str | PathLike[str] | None = None) -> Run:
        """The run of that id, to be read, also while another process records it. Raises `KeyError`."""
        with self.database.reading() as connection:
            row = read_run(connection, run)
        if row is None:
            named = [each.id for each in self.runs() if each.name == run]
            hint = f"the newest of that name is {named[0]!r}" if named else "store.runs() lists them"
            raise KeyError(f"there is no run with the id {run!r} in {self}; {hint}")
        return Run(self, self.as_it_is(row), None, selection=selection, save_dir=save_dir)

    def read_left(self, row: Row) -> Recorder | None:
        """What a dead process left of a run that cannot be brought into the store, which cannot be written."""
        if not self.read_only or self.folder is None or row.status != "interrupted":
            return None
        return read_left(self.folder, self.database, row)

    def import_csv(self, path: str | PathLike[str], *, name: str | None = None) -> Run:
        """Bring in a table with a column for each metric, and `step` and `time` where it has them; as a run of its
        own."""
        from nnwidgets.runs.exchange.tables import read_csv

        return read_csv(self, Path(path), name)

    def import_json(self, path: str | PathLike[str], *, name: str | None = None) -> Run:
        """Bring in what `Run.to_json` wrote; as a run of its own id."""
        from nnwidgets.runs.exchange.documents import read_json

        return read_json(self, Path(path), name)

    def import_tensorboard(self, path: str | PathLike[str], *, name: str | None = None) -> Run:
        """Bring in an event file of TensorBoard's, or a folder of them, as one run: scalars, histograms, images, texts.

        What lies in a folder within has that folder's name in front: "train/loss".
        """
        from nnwidgets.runs.exchange.tensorboard import read_tensorboard

        return read_tensorboard(self, Path(path), name)

    def import_wandb(self, path: str | PathLike[str], *, name: str | None = None) -> Run:
        """Bring in an offline run of Weights & Biases: its `.wandb` file, or the folder; the numbers of its history."""
        from nnwidgets.runs.exchange.wandb import read_wandb

        return read_wandb(self, Path(path), name)

    def as_it_is(self, row: Row) -> Row:
        """A row whose process died says so."""
        if row.status == "running" and self.folder is not None and not is_alive(self.folder, row):
            return dataclasses.replace(row, status="interrupted")
        return row

    def _open(self, database: Database) -> None:
        if self.path is None:
            return
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder, but a store is a file")
        there = self.path.exists()
        try:
            if self.read_only:
                with self.database.reading():
                    return
            with database.lock:
                _ = database.connection
            assert self.folder is not None
            take_up(self.folder, database)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the store {self.path} cannot be {'opened' if there else 'made'}: {why(error, self.path)}"
            ) from None


def load_run(path: str, run: str) -> Run:
    """A run by its store's path: how a run comes to another process, which reads it."""
    return RunStore(path).load(run)


def _row(record: Record) -> Row:
    return Row(key=0, drained=0, packed=0, step=None, **dataclasses.asdict(record))

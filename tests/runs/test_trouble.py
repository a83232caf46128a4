"""A store that cannot be written: the training goes on, the person is told, and nothing is lost when it is back."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from nnwidgets.runs import Histogram, Run, RunStore, StoreError, database
from nnwidgets.runs.journal import Half

root_on_linux = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounts a file system, which needs root on Linux"
)


@contextmanager
def mounted(place: Path, size: str) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def check_whole(path: Path, run: Run, count: int) -> None:
    """A fresh look into the file finds everything."""
    again = RunStore(path).load(run.id)
    history = again.history("loss")
    assert np.array_equal(history.steps, np.arange(count))
    assert np.array_equal(history.values, np.arange(count) / 2)
    assert again.status == run.status


@root_on_linux
def test_the_disk_is_full_and_has_room_again(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "4m") as place:
        store = RunStore(place / "runs.sqlite")
        told = []
        with store.run("full") as run:
            run.on_status(lambda run: told.append(run.trouble))
            for step in range(5_000):
                run.log(step, loss=step / 2)
            assert run.flush()
            (place / "ballast").write_bytes(bytes(os.statvfs(place).f_bavail * os.statvfs(place).f_frsize))
            for step in range(5_000, 80_000):
                run.log(step, loss=step / 2)
            wait_for(lambda: run.trouble is not None)
            assert run.trouble.startswith("the disk is full: ")
            assert "wait in memory" in run.trouble
            assert told[-1].startswith("the disk is full")
            # Who looks on sees all of it.
            assert run.series()["loss"].count == 80_000
            assert run.history("loss", points=100).counts.sum() == 80_000

            (place / "ballast").unlink()
            wait_for(lambda: run.trouble is None)
            for step in range(80_000, 90_000):
                run.log(step, loss=step / 2)
            assert run.flush()
            wait_for(lambda: told[-1] is None)
        assert run.status == "finished"
        check_whole(store.path, run, 90_000)


@root_on_linux
def test_killed_after_the_disk_was_full(tmp_path: Path) -> None:
    """When there is room again the journal is made anew: from then on a killed process loses nothing."""
    with mounted(tmp_path / "small", "4m") as place:
        script = f"""
import os, signal
from pathlib import Path
from nnwidgets.runs import RunStore
place = Path({str(place)!r})
run = RunStore(place / "runs.sqlite").run("killed")
run.log(0, loss=0.0)
run.flush()
(place / "ballast").write_bytes(bytes(os.statvfs(place).f_bavail * os.statvfs(place).f_frsize))
for step in range(1, 50_000):
    run.log(step, loss=step / 2)
run.flush()
assert run.trouble, "the disk is not full"
(place / "ballast").unlink()
while run.trouble:
    run.flush()
for step in range(50_000, 60_000):
    run.log(step, loss=step / 2)
os.kill(os.getpid(), signal.SIGKILL)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.returncode == -9, done.stderr
        store = RunStore(place / "runs.sqlite")
        run = store.load(store.runs()[0].id)
        assert run.status == "interrupted"
        assert np.array_equal(run.history("loss").steps, np.arange(60_000))


@root_on_linux
def test_mounted_read_only_while_it_trains(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "32m") as place:
        store = RunStore(place / "runs.sqlite")
        with store.run("read-only") as run:
            run.log(0, loss=0.0)
            assert run.flush()
            # Remounting waits for no writer: what is open for writing keeps it from being read-only.
            store.writer.database.close()
            run._recorder.journal.close()
            run._recorder.lose_journal()
            remount(place, "ro")
            for step in range(1, 1000):
                run.log(step, loss=step / 2)
            assert not run.flush()
            waiting = "999 points wait in memory (24.0 kB) and will be written when it can be"
            assert run.trouble == f"the store cannot be written (read-only): {waiting}"
            assert RunStore(store.path).load(run.id).history("loss").steps.tolist() == [0]
            remount(place, "rw")
            wait_for(lambda: run.trouble is None)
        check_whole(store.path, run, 1000)


@root_on_linux
def test_a_store_that_is_read_only_from_the_start(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "32m") as place:
        path = place / "runs.sqlite"
        script = f"""
from nnwidgets.runs import RunStore
with RunStore({str(path)!r}).run("before") as before:
    before.log(0, loss=1.0, text="hello")
"""
        subprocess.run([sys.executable, "-c", script], check=True)
        remount(place, "ro")
        store = RunStore(path)
        assert store.read_only
        assert [row.name for row in store.runs()] == ["before"]
        assert store.load(store.runs()[0].id).history("loss").values.tolist() == [1.0]
        with pytest.warns(UserWarning, match="read-only"):
            run = store.run("during")
        for step in range(10):
            run.log(step, loss=step / 2)
        assert "read-only" in run.trouble
        assert run.history("loss").values.tolist() == [step / 2 for step in range(10)]
        remount(place, "rw")
        wait_for(lambda: run.trouble is None)
        run.finish()
        check_whole(path, run, 10)


@pytest.mark.parametrize("with_folder", [False, True])
def test_deleted_while_it_trains(tmp_path: Path, with_folder: bool) -> None:
    path = tmp_path / "folder" / "runs.sqlite"
    store = RunStore(path)
    with store.run("an earlier one") as earlier:
        earlier.log(0, loss=0.0)
    with store.run("deleted", config={"lr": 0.1}) as run:
        for step in range(10_000):
            run.log(step, loss=step / 2)
        run.log(10_000, loss=5_000.0, weights=Histogram.of([1.0, 2.0]), note="before")
        assert run.flush()
        if with_folder:
            shutil.rmtree(path.parent)
        else:
            for each in path.parent.glob("runs.sqlite*"):
                if each.is_file():
                    each.unlink()
        for step in range(10_001, 20_000):
            run.log(step, loss=step / 2)
        run.log(20_000, loss=10_000.0, weights=Histogram.of([3.0]), note="after")
        wait_for(lambda: run.flush() and path.exists())
        assert run.trouble is None
    check_whole(path, run, 20_001)
    again = RunStore(path).load(run.id)
    assert again.config == {"lr": 0.1}
    assert again.texts("note") == [(10_000, "before"), (20_000, "after")]
    assert again.histograms("weights") == [(10_000, Histogram.of([1.0, 2.0])), (20_000, Histogram.of([3.0]))]
    assert [row.name for row in RunStore(path).runs()] == ["deleted"], "what others deleted stays deleted"


def test_killed_after_it_was_deleted(tmp_path: Path) -> None:
    """The new store has a journal too."""
    path = tmp_path / "folder" / "runs.sqlite"
    script = f"""
import os, shutil, signal, time
from nnwidgets.runs import RunStore
run = RunStore({str(path)!r}).run("killed")
for step in range(3000):
    run.log(step, loss=step / 2)
run.flush()
shutil.rmtree({str(path.parent)!r})
run.log(3000, loss=1500.0)
while not os.path.exists({str(path)!r}):
    time.sleep(0.05); run.log(3001, other=1)
run.flush()
for step in range(3001, 9000):
    run.log(step, loss=step / 2)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    store = RunStore(path)
    run = store.load(store.runs()[0].id)
    assert run.status == "interrupted"
    assert np.array_equal(run.history("loss").steps, np.arange(9000))


def test_locked_by_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PATIENCE", 0.05)
    store = RunStore(tmp_path / "runs.sqlite")
    with store.run("locked") as run:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        store.writer.database.close()
        for step in range(3000):
            run.log(step, loss=step / 2)
        wait_for(lambda: run.trouble is not None)
        assert run.trouble.startswith("another program holds the store locked: 3,000 points wait in memory")
        other.execute("COMMIT")
        other.close()
        wait_for(lambda: run.trouble is None)
    check_whole(store.path, run, 3000)


def test_a_run_that_ends_in_trouble_is_taken_up_later(tmp_path: Path) -> None:
    """The journal has it: also how it ended."""
    path = tmp_path / "runs.sqlite"
    script = f"""
import sqlite3, warnings
from nnwidgets.runs import RunStore, database, run
database._PATIENCE = 0.05
store = RunStore({str(path)!r})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with store.run("locked") as run:
        other = sqlite3.connect({str(path)!r}, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        for step in range(3000):
            run.log(step, loss=step / 2)
        raise_it = True
print(caught[-1].message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "the run 'locked' has ended, but another program holds the store locked: 3,000 points wait" in done.stdout
    store = RunStore(path)
    run = store.load(store.runs()[0].id)
    assert run.status == "finished"
    assert np.array_equal(run.history("loss").steps, np.arange(3000))


def test_without_write_ahead_logging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's "unix-dotfile" has no shared memory, like some network file systems: no write-ahead logging."""
    uri = database.uri
    monkeypatch.setattr(database, "uri", lambda path, mode: f"{uri(path, mode)}&vfs=unix-dotfile")
    store = RunStore(tmp_path / "runs.sqlite")
    assert len(store.notes) == 1
    assert "write-ahead logging does not work on this file system" in store.notes[0]
    assert "DELETE" in store.notes[0]
    with store.run("dotfile") as run:
        for step in range(5000):
            run.log(step, loss=step / 2)
        assert run.flush()
        assert run.trouble is None
    check_whole(store.path, run, 5000)


def test_without_mappings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files cannot be mapped each log is written plainly: killed, it is there too."""

    def refuse(self: Half, size: int) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(Half, "_map", refuse)
    store = RunStore(tmp_path / "runs.sqlite")
    with store.run("plain") as run:
        assert any("cannot be mapped into memory" in note for note in store.notes)
        for step in range(3000):
            run.log(step, loss=step / 2)
        assert run.flush()
    check_whole(store.path, run, 3000)
    script = f"""
import os, signal
from nnwidgets.runs import RunStore
from nnwidgets.runs.journal import Half
def refuse(self, size):
    raise OSError(19, "No such device")
Half._map = refuse
run = RunStore({str(store.path)!r}).run("killed")
for step in range(500):
    run.log(step, loss=step / 2)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    again = RunStore(store.path)
    assert again.load(again.runs()[0].id).history("loss").steps.tolist() == list(range(500))


def test_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files cannot be locked, whether a process lives is told by its id."""

    def refuse(file: int, *, shared: bool = False) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("nnwidgets.runs.journal.take", refuse)
    path = tmp_path / "runs.sqlite"
    script = f"""
import os, signal, nnwidgets.runs.journal as journal
from nnwidgets.runs import RunStore
def refuse(file, *, shared=False):
    raise OSError(37, "No locks available")
journal.take = refuse
run = RunStore({str(path)!r}).run("killed")
run.log(0, loss=0.5)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    store = RunStore(path)
    killed = store.load(store.runs()[0].id)
    assert killed.status == "interrupted"
    assert killed.history("loss").values.tolist() == [0.5]
    with store.run("alive") as run:
        assert any("cannot be locked here" in note for note in store.notes)
        assert RunStore(path).load(run.id).status == "running"


def test_what_is_no_store_says_so(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("no database at all " * 100)
    with pytest.raises(StoreError, match="text.sqlite is no store of runs: it is no SQLite file"):
        RunStore(text)
    other = tmp_path / "other.sqlite"
    sqlite3.connect(other).execute("CREATE TABLE theirs(x)")
    with pytest.raises(StoreError, match="it is an SQLite file of something else"):
        RunStore(other)
    with pytest.raises(StoreError, match="is a folder, but a store is a file"):
        RunStore(tmp_path)
    newer = RunStore(tmp_path / "newer.sqlite")
    newer.writer.database.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99, but this nnwidgets reads version 1"):
        RunStore(newer.path)
    with pytest.raises(StoreError, match="cannot be made"):
        RunStore("/proc/nothing/runs.sqlite")
    with pytest.raises(ValueError, match="durable='paper', but it is one of 'process', 'power'"):
        RunStore(tmp_path / "x.sqlite", durable="paper")  # type: ignore[arg-type]

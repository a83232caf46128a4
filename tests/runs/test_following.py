"""A run that another process records is followed through the store; many processes share one."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nnwidgets.runs import Batch, Run, RunStore, following

TRAINING = """
import sys, time
from nnwidgets.runs import RunStore
with RunStore(sys.argv[1]).run("other", config={"lr": 0.1}) as run:
    print(run.id, flush=True)
    sys.stdin.readline()
    for step in range(6000):
        run.log(step, loss=step)
        if step % 1000 == 999:
            run.log(step, note="x", late=step)
            time.sleep(0.3)
    run.flush()
    sys.stdin.readline()
"""


def start(path: Path, script: str = TRAINING) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("interval", [0.05, 1.0])
def test_followed_from_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interval: float) -> None:
    """Also by a follower so slow that what it has not read is packed meanwhile."""
    monkeypatch.setattr(following, "_INTERVAL", interval)
    path = tmp_path / "runs.sqlite"
    process = start(path)
    run = RunStore(path).load(first_line(process))
    assert (run.status, run.recording, run.series()) == ("running", False, {})
    batches: list[Batch] = []
    statuses: list[str] = []
    run.on_points(batches.append)
    run.on_status(lambda run: statuses.append(run.status))
    say(process)

    def count() -> int:
        return sum(len(batch.series["loss"]) for batch in batches if "loss" in batch.series)

    wait_for(lambda: count() == 6000)
    assert run.cursor == batches[-1].cursor
    assert run.step == 5999
    say(process)
    assert process.wait(20) == 0
    wait_for(lambda: statuses)
    assert statuses == ["finished"]
    for name, expected in (("loss", list(range(6000))), ("late", list(range(999, 6000, 1000)))):
        parts = [batch.series[name] for batch in batches if name in batch.series]
        assert len(parts) > 1
        assert np.concatenate([part.values for part in parts]).tolist() == expected
        assert [part.first_index for part in parts] == np.cumsum([0, *(len(part) for part in parts[:-1])]).tolist()
    assert any("note" in batch.grown for batch in batches)
    wait_for(lambda: not [each for each in threading.enumerate() if each.name == "nnwidgets follows a run"])


def test_a_dead_one_is_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    process = start(path)
    run = RunStore(path).load(first_line(process))
    statuses: list[str] = []
    run.on_status(lambda run: statuses.append(run.status))
    say(process)
    wait_for(lambda: run.step)
    process.kill()
    process.wait()
    wait_for(lambda: statuses)
    assert statuses == ["interrupted"] == [run.status]
    assert RunStore(path).runs()[0].status == "interrupted"
    # It was taken up when the store was opened once more.
    assert run.series()["loss"].count >= 1000


def test_nobody_who_listens_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    process = start(path)
    run = RunStore(path).load(first_line(process))
    forget = run.on_points(lambda batch: None)
    assert [each for each in threading.enumerate() if each.name == "nnwidgets follows a run"]
    forget()
    wait_for(lambda: not [each for each in threading.enumerate() if each.name == "nnwidgets follows a run"])
    process.kill()
    process.wait()


WRITING = """
import json, sys, time
from nnwidgets.runs import RunStore
run = RunStore(sys.argv[1]).run("writer")
print(run.id, flush=True)
end, step, longest = time.monotonic() + 3, 0, 0.0
while time.monotonic() < end:
    for _ in range(20):
        run.log(step, loss=step, accuracy=-step)
        step += 1
    time.sleep(0.001)
run.finish()
print(json.dumps({"steps": step, "trouble": run.trouble}), flush=True)
"""

READING = """
import sys, time
from nnwidgets.runs import RunStore
store = RunStore(sys.argv[1])
while not sys.stdin.closed:
    for row in store.runs():
        run = store.load(row.id)
        for name in run.series():
            history = run.history(name, points=100)
            assert history.counts.sum() >= 0
    time.sleep(0.05)
"""


def test_eight_write_and_twenty_read(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    RunStore(path)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READING, path], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(20)
    ]
    writers = [start(path, WRITING) for _ in range(8)]
    try:
        answers = [process.communicate(timeout=120)[0].splitlines() for process in writers]
        assert all(process.poll() is None for process in readers), "a reader failed"
    finally:
        for process in readers:
            process.kill()
            process.communicate()
    store = RunStore(path)
    assert len(store.runs()) == 8
    for run_id, answer in answers:
        told = json.loads(answer)
        assert told["trouble"] is None
        run = store.load(run_id)
        assert run.status == "finished"
        assert told["steps"] > 0
        for name, sign in (("loss", 1), ("accuracy", -1)):
            assert np.array_equal(run.history(name).values, sign * np.arange(told["steps"])), run_id


def test_a_reader_that_holds_a_snapshot_blocks_no_writer(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    with store.run("blocked") as run:
        run.log(0, loss=0)
        run.flush()
        with RunStore(store.path).database.reading() as connection:
            connection.execute("SELECT count(*) FROM tail").fetchone()
            for step in range(1, 20_000):
                run.log(step, loss=step)
            assert run.flush(20)
            assert run.trouble is None
        assert run.history("loss").values.tolist() == list(range(20_000))


def test_a_store_that_only_can_be_read_shows_what_a_dead_run_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal cannot be taken up there, but it is read."""
    path = tmp_path / "runs.sqlite"
    script = """
import os, signal, sys
from nnwidgets.runs import RunStore, writer
run = RunStore(sys.argv[1]).run("killed")
run.log(0, loss=0.0)
run.flush()
writer._INTERVAL = 100
run.store.writer._round = lambda: False
for step in range(1, 3000):
    run.log(step, loss=step)
run.log(3000, late=1.0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    process = start(path, script)
    assert process.wait(30) == -signal.SIGKILL
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
    store = RunStore(path)
    assert store.read_only
    run: Run = store.load(store.runs()[0].id)
    assert run.status == "interrupted"
    assert run.history("loss").values.tolist() == list(range(3000))
    assert run.series()["late"].count == 1
    assert run.step == 3000
    monkeypatch.undo()
    again = RunStore(path).load(run.id)
    assert again.history("loss").values.tolist() == list(range(3000))

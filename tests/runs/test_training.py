"""`run.train`: a training in a thread, how it ends, and who hears of it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from typing import Any

import pytest
import torch
from jupyter_client.manager import start_new_kernel

from nnwidgets.runs import NotRecording, Run, RunStore, StopTraining

PATIENCE = 20.0


@pytest.fixture
def run() -> Run:
    return RunStore(":memory:").run("lenet")


def endless(run: Run) -> None:
    step = 0
    while True:
        run.log(step, loss=1.0)
        step += 1
        time.sleep(0.001)


def test_it_returns_at_once_and_trains_in_another_thread(run: Run) -> None:
    seen: dict[str, Any] = {}
    go = threading.Event()

    def train(run: Run) -> None:
        assert go.wait(PATIENCE)
        seen.update(
            thread=threading.current_thread(), grad=torch.is_grad_enabled(), mine=run.control.is_training_thread()
        )
        run.log(0, loss=0.5)

    with torch.no_grad():  # of the cell, not of the training
        assert run.train(train) is run
    assert run.status == "running" and not run.control.is_training_thread()
    assert run.wait(0.01) is False
    go.set()
    assert run.wait(PATIENCE) is True
    assert run.status == "finished" and list(run.history("loss").values) == [0.5]
    assert seen["thread"] is not threading.current_thread() and seen["grad"] and seen["mine"]
    assert run.wait() is True, "again"


def test_a_function_that_needs_no_argument_gets_none(run: Run) -> None:
    called: list[Any] = []

    def train(epochs: int = 3) -> None:
        called.append(epochs)

    run.train(train).wait(PATIENCE)
    assert called == [3]
    other = RunStore(":memory:").run("b")
    other.train(partial(lambda run, called: called.append(run), called=called)).wait(PATIENCE)
    assert called == [3, other]


@pytest.mark.parametrize("function", [None, lambda a, b: None, lambda *, key: None])
def test_what_cannot_be_called_is_refused_before_a_thread_begins(run: Run, function: Any) -> None:
    with pytest.raises(TypeError):
        run.train(function)
    assert run.status == "running"

    async def train() -> None: ...

    with pytest.raises(TypeError, match="coroutine"):
        run.train(train)


def test_one_training_at_a_time_and_none_after_the_end(run: Run) -> None:
    with pytest.raises(NotRecording, match="no training"):
        run.wait()
    run.train(endless)
    with pytest.raises(NotRecording, match="is running"):
        run.train(endless)
    run.control.stop()
    assert run.wait(PATIENCE) and run.status == "stopped"
    with pytest.raises(NotRecording, match="another"):
        run.train(endless)
    with pytest.raises(NotRecording, match="another"):
        run.store.load(run.id).train(endless)


def test_pause_and_resume_from_another_thread(run: Run) -> None:
    run.train(endless)
    while run.step is None:
        time.sleep(0.001)
    run.control.pause()
    end = time.monotonic() + PATIENCE
    while run.control.state != "paused":
        assert time.monotonic() < end
        time.sleep(0.001)
    step = run.step
    time.sleep(0.05)
    assert run.step == step
    run.control.resume()
    while run.step == step:
        assert time.monotonic() < end
        time.sleep(0.001)
    run.control.pause()
    run.control.stop()
    assert run.wait(PATIENCE) and run.status == "stopped"


def fails(run: Run) -> None:
    run.log(0, loss=1.0)
    raise ZeroDivisionError("the loss was zero")


def test_an_exception_is_raised_where_someone_waits_and_not_printed(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = threading.Event()

    def train(run: Run) -> None:
        gate.wait(PATIENCE)
        fails(run)

    run.train(train)
    threading.Timer(0.1, gate.set).start()
    with pytest.raises(ZeroDivisionError, match="the loss was zero") as caught:
        run.wait(PATIENCE)
    assert run.status == "failed" and run.message == "ZeroDivisionError: the loss was zero"
    assert any(entry.name == "fails" for entry in caught.traceback)
    assert capsys.readouterr().err == ""


def test_an_exception_is_printed_where_nobody_waits_and_raised_to_who_comes_late(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    run.train(fails)
    training = run._training
    assert training is not None
    training._thread.join(PATIENCE)
    printed = capfd.readouterr().err
    assert "ZeroDivisionError: the loss was zero" in printed and "in fails" in printed
    with pytest.raises(ZeroDivisionError):
        run.wait()
    assert capfd.readouterr().err == ""


def test_stop_training_of_the_function_itself_is_a_stop(run: Run) -> None:
    def train(run: Run) -> None:
        raise StopTraining("early stopping")

    assert run.train(train).wait(PATIENCE)
    assert run.status == "stopped" and run.message == "early stopping"


@pytest.mark.parametrize("paused", [False, True])
def test_an_interrupt_stops_the_training_and_is_raised_after_it(run: Run, paused: bool) -> None:
    run.train(endless)
    if paused:
        run.control.pause()
    threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        run.wait()
    assert run.status == "stopped"


def test_waiting_holds_up_no_event_loop(run: Run) -> None:
    ticks: list[int] = []

    async def main() -> bool:
        run.train(endless)
        assert await run.wait_async(timeout=0.01) is False

        async def stop_after_ticks() -> None:
            for tick in range(10):
                await asyncio.sleep(0.005)
                ticks.append(tick)
            run.control.stop()

        task = asyncio.create_task(stop_after_ticks())
        done = await run.wait_async()
        await task
        return done and await run.wait_async()

    assert asyncio.run(main()) and len(ticks) == 10 and run.status == "stopped"


def test_cancelling_an_asynchronous_wait_stops_the_training(run: Run) -> None:
    async def main() -> None:
        task = asyncio.create_task(run.train(endless).wait_async())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert run.status == "stopped"


def test_an_exception_is_raised_by_an_asynchronous_wait(run: Run) -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run.train(fails).wait_async())


def test_closing_the_run_stops_its_training(run: Run) -> None:
    run.train(endless)
    run.close()
    assert run.status == "stopped"


def test_a_training_may_close_its_own_run(run: Run) -> None:
    run.train(lambda run: run.close())
    assert run.wait(PATIENCE) and run.status == "finished"


def test_the_end_of_python_stops_the_training(tmp_path: Any) -> None:
    script = f"""
import time
from nnwidgets.runs import RunStore

run = RunStore({str(tmp_path / "runs.sqlite")!r}).run("lenet")

def train(run):
    step = 0
    while True:
        run.log(step, loss=1.0)
        step += 1
        time.sleep(0.001)

run.train(train)
while run.step is None:
    time.sleep(0.001)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""
    (found,) = RunStore(tmp_path / "runs.sqlite").runs()
    assert found.status == "stopped"


CELLS = (
    """
import threading, time
from nnwidgets.runs import RunStore
run = RunStore(":memory:").run("lenet")
go, others = threading.Event(), []
def train(run):
    print("from the training")
    go.wait(20)
    for step in range(5):
        run.log(step, loss=1.0)
    print("to the end")
    raise ZeroDivisionError("told here")
run.train(train); print("started")
""",
    "print('the next cell'); go.set(); run._training._thread.join(20)",
    """
import asyncio
async def tick():
    while True:
        await asyncio.sleep(0)
        others.append(1)
task = asyncio.ensure_future(tick())
other = RunStore(":memory:").run("b")
await other.train(lambda: time.sleep(0.1)).wait_async()
task.cancel()
print(other.status, len(others) > 0)
""",
)


def test_what_it_prints_goes_to_the_cell_that_began_it() -> None:
    manager, client = start_new_kernel()
    try:
        cells = [client.execute(source) for source in CELLS]
        printed: dict[str, dict[str, str]] = {cell: {"stdout": "", "stderr": ""} for cell in cells}
        idle = 0
        while idle < len(cells) or "told here" not in printed[cells[0]]["stderr"]:
            message = client.get_iopub_msg(timeout=PATIENCE)
            content, cell = message["content"], message["parent_header"].get("msg_id")
            idle += cell in cells and content.get("execution_state") == "idle"
            assert message["msg_type"] != "error", content
            if message["msg_type"] == "stream":
                printed[cell][content["name"]] += content["text"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    first, second, third = (printed[cell] for cell in cells)
    for words in ("from the training", "started", "to the end"):  # two threads print at once: lines may be mixed
        assert words in first["stdout"]
    assert "ZeroDivisionError: told here" in first["stderr"]
    assert second == {"stdout": "the next cell\n", "stderr": ""}
    assert third["stdout"] == "finished True\n"

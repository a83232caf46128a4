"""Hands on a training: pause, resume, stop and learning rate, from other threads, at step boundaries."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from nnwidgets.runs import NotRecording, RunStore, StopTraining
from nnwidgets.runs.control import Control, recording_controls

PATIENCE = 20.0


@pytest.fixture
def control() -> Iterator[Control]:
    control = Control("lenet")
    yield control
    control.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never did"
        time.sleep(0.001)


class Loop:
    """A loop of step boundaries in a thread."""

    def __init__(self, control: Control) -> None:
        self.steps = 0
        self.error: BaseException | None = None
        self.go_on = True
        self.control = control
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            while self.go_on:
                self.steps += 1
                self.control.boundary(self.steps)
                time.sleep(0)
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self.go_on = False
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


def test_pause_holds_the_loop_and_resume_lets_it_go(control: Control) -> None:
    heard: list[str] = []
    control.on_change(lambda control: heard.append(control.state))
    control.pause()
    assert control.state == "pausing"
    loop = Loop(control)
    until(lambda: control.state == "paused")
    assert loop.steps == 1 and control.step == 1
    time.sleep(0.05)
    assert loop.steps == 1
    control.resume()
    assert control.state == "running"
    until(lambda: loop.steps > 5)
    control.pause()
    until(lambda: control.state == "paused")
    held = loop.steps
    control.pause()  # again
    time.sleep(0.05)
    assert loop.steps == held
    control.resume()
    until(lambda: loop.steps > held)
    loop.end()
    assert loop.error is None and heard[:3] == ["pausing", "paused", "running"]


def test_stop_raises_at_every_boundary_from_then_on(control: Control) -> None:
    control.stop()
    assert control.state == "stopping"
    for _ in range(2):  # a loop that takes every exception for one of its own must not go on unasked
        with pytest.raises(StopTraining):
            control.boundary(1)


def test_stop_ends_a_pause(control: Control) -> None:
    control.pause()
    loop = Loop(control)
    until(lambda: control.state == "paused")
    control.stop()
    loop.end()
    assert isinstance(loop.error, StopTraining)


def test_the_learning_rate_is_set_by_the_training_thread_and_groups_keep_their_ratios(control: Control) -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    optimizer = torch.optim.SGD(
        [{"params": first.parameters(), "lr": 0.1}, {"params": second.parameters(), "lr": 0.01}]
    )
    assert not control.can_set_learning_rate and control.learning_rate is None
    with pytest.raises(NotRecording, match="watch"):
        control.set_learning_rate(0.5)
    forget = control.add_optimizer(optimizer)
    assert control.can_set_learning_rate and control.learning_rate == 0.1
    control.set_learning_rate(0.5)
    assert control.learning_rate == 0.1, "not before the boundary"
    control.boundary()
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, pytest.approx(0.05)]
    forget()
    assert not control.can_set_learning_rate


def test_the_learning_rate_of_a_pausing_training_is_set_at_once(control: Control) -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    control.add_optimizer(optimizer)
    control.pause()
    loop = Loop(control)
    until(lambda: control.state == "paused")
    control.set_learning_rate(0.3)
    until(lambda: control.learning_rate == 0.3)
    assert control.state == "paused" and loop.steps == 1
    control.resume()
    loop.end()


def test_a_learning_rate_that_is_a_tensor_stays_that_tensor(control: Control) -> None:
    rate = torch.tensor(0.1)
    optimizer = torch.optim.Adam(nn.Linear(2, 2).parameters(), lr=rate, capturable=False, foreach=False)
    control.add_optimizer(optimizer)
    control.set_learning_rate(0.25)
    control.boundary()
    assert optimizer.param_groups[0]["lr"] is rate and float(rate) == 0.25
    for _ in range(3):
        control.boundary()
    assert control.note == ""
    rate.mul_(0.5)
    control.boundary()
    assert "0.125" in control.note


def test_several_optimizers_follow_the_first(control: Control) -> None:
    optimizers = [torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=lr) for lr in (0.0, 0.2)]
    for optimizer in optimizers:
        control.add_optimizer(optimizer)
    control.set_learning_rate(0.1)  # from 0 there is no ratio to keep
    control.boundary()
    assert [each.param_groups[0]["lr"] for each in optimizers] == [0.1, 0.1]


def test_what_has_no_parameter_groups_is_read_and_set_by_functions(control: Control) -> None:
    rates = [0.1]
    control.add_learning_rate(lambda: rates, lambda new: rates.__setitem__(slice(None), new))
    control.set_learning_rate(0.02)
    control.boundary()
    assert rates == [0.02] and control.learning_rate == 0.02
    with pytest.raises(TypeError, match="list"):
        control.add_optimizer([])


def test_a_scheduler_that_sets_it_again_is_told_of(control: Control) -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 if step < 3 else 0.01)
    control.add_optimizer(optimizer)
    control.set_learning_rate(0.7)
    heard: list[str] = []
    control.on_change(lambda control: heard.append(control.note))
    control.boundary()
    for _ in range(4):
        control.boundary()
    assert control.note == ""
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    control.boundary()
    assert "0.7" in control.note and "0.001" in control.note and control.note == heard[-1]
    control.set_learning_rate(0.5)
    assert control.note == "", "it is about what was asked last"


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf"), True])
def test_a_learning_rate_is_positive_and_finite(control: Control, rate: float) -> None:
    control.add_optimizer(torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1))
    with pytest.raises(ValueError, match=repr(rate)):
        control.set_learning_rate(rate)
    with pytest.raises(TypeError, match="'fast'"):
        control.set_learning_rate("fast")  # type: ignore[arg-type]
    control.boundary()
    assert control.learning_rate == 0.1


def test_a_task_is_done_by_the_training_thread_also_while_it_is_paused(control: Control) -> None:
    threads: list[int] = []
    control.pause()
    loop = Loop(control)
    until(lambda: control.state == "paused")
    assert control.ask(lambda: threads.append(threading.get_ident()))
    until(lambda: bool(threads))
    assert control.ask(lambda: 1 / 0), "an error is that of who asked"
    control.resume()
    assert control.ask(lambda: threads.append(threading.get_ident()))
    until(lambda: len(threads) == 2)
    loop.end()
    assert set(threads) == {loop.thread.ident} and loop.error is None


def test_what_other_threads_log_is_no_boundary_of_a_training_whose_thread_is_known(control: Control) -> None:
    control.set_thread(threading.get_ident())
    control.stop()
    loop = Loop(control)
    until(lambda: loop.steps > 3)
    loop.end()
    assert loop.error is None and control.boundaries == 0
    with pytest.raises(StopTraining):
        control.boundary()


def test_a_stopper_is_told_instead_of_an_exception(control: Control) -> None:
    told: list[int] = []
    forget = control.set_stopper(lambda: told.append(control.boundaries))
    control.boundary()
    control.stop()
    for _ in range(2):
        control.boundary()
    assert (told, control.state) == ([2, 3], "stopping")
    control.set_stopper(lambda: told.append(0))
    forget()  # a training that ends late takes nothing from the next one
    control.boundary()
    assert told == [2, 3, 0]
    control.set_stopper(lambda: None)()
    with pytest.raises(StopTraining):
        control.boundary()


def test_after_the_end_nothing_can_be_asked(control: Control) -> None:
    assert control in recording_controls()
    control.close()
    assert control.state == "ended" and control not in recording_controls()
    for ask in (control.pause, control.resume, lambda: control.set_learning_rate(0.1)):
        with pytest.raises(NotRecording, match="ended"):
            ask()
    control.stop()  # a hand may be late
    assert not control.ask(lambda: None)


def test_the_end_lets_a_paused_thread_go(control: Control) -> None:
    control.pause()
    loop = Loop(control)
    until(lambda: control.state == "paused")
    control.close()
    loop.end()
    assert loop.error is None


def test_a_run_that_is_read_has_a_control_that_says_so() -> None:
    store = RunStore(":memory:")
    with store.run("lenet") as run:
        read = store.load(run.id)
        assert read.control.state == "elsewhere" and not read.control.can_set_learning_rate
        assert read.control not in recording_controls() and run.control in recording_controls()
        for ask in (read.control.pause, read.control.stop):
            with pytest.raises(NotRecording, match="'lenet'"):
                ask()
    assert run.control not in recording_controls()


def test_stop_ends_the_block_of_a_run() -> None:
    with RunStore(":memory:").run("lenet") as run:
        for step in range(100):
            if step == 7:
                run.control.stop()
            run.log(step, loss=1.0)
    assert run.status == "stopped" and run.step == 7, "what was logged is kept"
    assert run.control.state == "ended"


def test_a_training_that_was_stopped_can_log_a_last_word() -> None:
    with RunStore(":memory:").run("lenet") as run:
        try:
            run.control.stop()
            run.log(0, loss=1.0)
        except StopTraining:
            run.log(1, loss=0.5)
    assert run.status == "stopped" and list(run.history("loss").values) == [1.0, 0.5]


def test_a_paused_loop_in_the_main_thread_can_be_interrupted(control: Control) -> None:
    control.pause()
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        control.boundary()
    assert control.state == "pausing"

"""A process of a reader's own: the same bits on every way to a step, bounded memory, branches, errors, no trace."""

from __future__ import annotations

import random
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
import traitlets

import nnwidgets as nnw
from nnwidgets.processes import Process, ProcessError
from nnwidgets.source import Cancelled, NotStored, SourceClosed

PICTURE = (64, 64, 3)


class Noisy:
    """Draws from all three global generators, works in place, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, state: np.ndarray, step: int) -> np.ndarray:
        self.calls += 1
        state *= 0.9
        state += np.random.randn(*state.shape).astype(np.float32)
        state[0] += torch.randn(()).item() + random.random() + 0.001 * step
        return state


def pictures(steps: int = 200, **keywords: Any) -> tuple[Process, Noisy]:
    noisy = Noisy()
    return Process(noisy, np.zeros(PICTURE, np.float32), steps=steps, seed=3, **keywords), noisy


def straight(steps: int) -> list[np.ndarray]:
    """A plain loop, with generators seeded as the process's are."""
    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)
    noisy, states = Noisy(), [np.zeros(PICTURE, np.float32)]
    for step in range(steps):
        states.append(noisy(states[-1].copy(), step))
    return states


def test_any_order_gives_the_bits_of_a_plain_loop() -> None:
    expected = straight(200)
    process, _ = pictures()
    assert process.interval == 32
    order = [200, 0, 31, 32, 33, 199, 64, 63, 1, 150, 151, 149, *np.random.default_rng(0).integers(0, 201, 20)]
    for step in order:
        assert np.array_equal(process.state(int(step)), expected[step]), step
    for frame, state in zip(process.frames(50, 120), expected[50:120], strict=True):
        assert np.array_equal(frame, state)


def test_a_step_back_costs_at_most_an_interval() -> None:
    process, noisy = pictures()
    process.state(200)
    assert noisy.calls == 200
    for step in (199, 17, 64, 95, 63, 62, 40, 2):
        before = noisy.calls
        process.state(step)
        assert noisy.calls - before < 32, step
    process.state(63)
    before = noisy.calls
    process.frames(32, 64)
    assert noisy.calls == before  # one segment, already there


def test_playing_forward_takes_each_step_once() -> None:
    process, noisy = pictures()
    for step in range(100):
        process.state(step)
    assert noisy.calls == 99


def test_small_states_are_all_kept_and_never_computed_again() -> None:
    noisy = Noisy()
    process = Process(noisy, np.zeros(5, np.float32), steps=300)
    process.state(300)
    for step in (0, 299, 150):
        process.state(step)
    assert process.interval == 1
    assert noisy.calls == 300
    assert process.nbytes < 2**20  # the random states too: at every 32nd step alone


def test_memory_is_a_tenth_of_all_frames() -> None:
    def advance(state: np.ndarray) -> np.ndarray:
        return state + np.float32(1)

    process = Process(advance, np.zeros(PICTURE, np.float32), steps=1000, measures={"sum": np.sum})
    tracemalloc.start()
    process.state(1000)
    process.state(500)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    everything = 1001 * np.prod(PICTURE) * 4
    assert taken <= everything / 10
    assert process.nbytes <= everything / 10


def test_memory_limit_stretches_the_interval_and_keeps_the_bits() -> None:
    expected = straight(200)
    process, _ = pictures(memory_limit="500 kB")
    for step in (200, 3, 130, 131, 64):
        assert np.array_equal(process.state(step), expected[step])
        assert process.nbytes <= 500_000
    assert process.interval > 32


def test_states_that_grow_stay_within_the_limit() -> None:
    process = Process(lambda text: text + "x" * 2000, "", steps=300, memory_limit="1 MB", draw=lambda text: text[:5])
    assert process.interval == 1
    assert len(process.state(300)) == 600_000
    assert process.interval > 1
    assert process.nbytes <= 1_200_000  # the last state alone takes 0.6 MB
    assert len(process.state(7)) == 14_000


def test_branches_share_the_memory_limit() -> None:
    process, _ = pictures(memory_limit="1 MB")
    process.state(200)
    for step in range(0, 200, 20):
        process.state(200, process.edit(step, process.state(step)).index)
        edited = 50_000 * len(process.branches)  # what somebody put there is kept in any case
        assert process.nbytes <= 1_000_000 + edited
    assert process.interval > 32
    assert np.array_equal(process.state(200, 5), process.state(200))


@pytest.mark.parametrize("limit", ["500 kB", "256 MiB"])
@pytest.mark.parametrize("step", [0, 1, 31, 32, 45, 200])
def test_a_branch_without_an_edit_has_the_same_bits(step: int, limit: str) -> None:
    process, _ = pictures(memory_limit=limit, measures={"mean": np.mean})
    branch = process.edit(step, process.state(step))
    assert np.array_equal(process.state(200, branch.index), process.state(200))
    assert np.array_equal(process.curve("mean", branch.index), process.curve("mean"))


def test_a_branch_of_a_branch_shares_what_was_before() -> None:
    process = Process(lambda state: state + 1, 0.0, steps=10, measures={"value": float})
    first = process.edit(4, 100, label="up")
    second = process.edit(7, 1000.0, branch=first.index)
    early = process.edit(2, -50.0, branch=second.index)
    assert [each.parent for each in process.branches] == [None, 0, 1, 0]
    assert (first.label, second.label) == ("up", "edited at step 7")
    assert process.curve("value", second.index).tolist() == [0, 1, 2, 3, 100, 101, 102, 1000, 1001, 1002, 1003]
    assert process.frames(1, 6, early.index) == [1, -50, -49, -48, -47]
    assert process.state(10) == 10


def test_listeners_hear_of_branches() -> None:
    process = Process(lambda state: state, np.zeros(2), steps=2)
    heard: list[int] = []
    forget = process.on_branches(lambda process: heard.append(len(process.branches)))
    process.edit(1, [1, 2])
    forget()
    process.edit(1, [1, 2])
    assert heard == [2]


def test_states_are_safe_from_whoever_holds_them() -> None:
    start = np.zeros(3)

    def spoils(state: np.ndarray) -> float:
        value = float(state.sum())
        state[:] = 99
        return value

    process = Process(lambda state: state + 1, start, steps=3, measures={"sum": spoils}, draw=lambda state: state)
    start[:] = 7
    process.frame(1)[:] = 55
    process.state(2)[:] = 66
    assert process.curve("sum").tolist() == [0, 3, 6, 9]
    assert process.state(3).tolist() == [3, 3, 3]


def test_a_function_that_returns_its_own_buffer() -> None:
    buffer = np.zeros(2)

    def advance(state: np.ndarray) -> np.ndarray:
        np.add(state, 1, out=buffer)
        return buffer

    process = Process(advance, np.zeros(2), steps=5)
    process.state(5)
    assert [process.state(step)[0] for step in range(6)] == [0, 1, 2, 3, 4, 5]


def test_nested_states_of_tensors_keep_what_needs_gradients() -> None:
    def advance(state: dict[str, Any]) -> dict[str, Any]:
        weights, (count,) = state["weights"], state["count"]
        loss = (weights**2).sum()
        loss.backward()
        return {"weights": weights - 0.1 * weights.grad, "count": (count + 1,)}

    start = {"weights": torch.ones(3, requires_grad=True), "count": (0,)}
    process = Process(advance, start, steps=4, measures={"norm": lambda state: state["weights"].norm()})
    end = process.state(4)
    assert end["count"] == (4,)
    assert torch.allclose(end["weights"], torch.full((3,), 0.8**4))
    assert end["weights"].grad_fn is None and end["weights"].requires_grad
    assert start["weights"].grad is None
    assert process.curve("norm")[0] == pytest.approx(3**0.5)


def test_the_callers_generators_are_left_as_they_were() -> None:
    process, _ = pictures(draw=lambda state: state * np.random.rand(), measures={"any": lambda state: random.random()})
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    process.frames(0, 70)
    process.curve("any")
    with pytest.raises(ProcessError):
        Process(lambda state: 1 / 0, 0.0, steps=3).state(1)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])


def test_what_draw_and_measures_draw_changes_no_state() -> None:
    expected = straight(100)
    process, _ = pictures(
        100, draw=lambda state: state + torch.rand(1).item(), measures={"noise": lambda state: random.random()}
    )
    first = process.frames(0, 101)
    assert np.array_equal(process.state(100), expected[100])
    assert np.array_equal(process.frame(40), first[40])
    other, _ = pictures(100, measures={"noise": lambda state: random.random()})
    assert np.array_equal(process.curve("noise"), other.curve("noise"))


def test_the_step_is_given_to_those_who_want_it() -> None:
    assert Process(lambda state, step: state + step, 0, steps=4).state(4) == 6
    assert Process(lambda state, rate=10: state + rate, 0, steps=4).state(4) == 40
    assert Process(lambda state, step=None: state + step, 0, steps=4).state(4) == 6
    assert Process(np.negative, np.ones(1), steps=3).state(3) == -1
    process = Process(lambda s: s, 0, steps=4, measures={"step": lambda s, step: step}, draw=lambda s, step: str(step))
    assert process.curve("step").tolist() == [0, 1, 2, 3, 4]
    assert process.frame(3) == "3"


def raises_at_17(state: float, step: int) -> float:
    if step + 1 == 17:
        raise ValueError("no more")
    return state + 1


def test_a_process_that_raises_at_step_17() -> None:
    process = Process(raises_at_17, 0.0, steps=50, measures={"value": float}, name="stairs")
    for _ in range(2):
        with pytest.raises(ProcessError, match=r"step 17 of stairs raised ValueError: no more"):
            process.state(30)
    assert process.state(16) == 16
    assert process.failure() == (17, "step 17 of stairs raised ValueError: no more")
    assert process.curve("value", stop=17).tolist() == list(range(17))
    with pytest.raises(ProcessError):
        process.curve("value")
    branch = process.edit(10, 100.0)
    with pytest.raises(ProcessError):
        process.state(17, branch.index)
    late = process.edit(16, -1.0)
    assert process.failure(late.index) is None
    assert process.state(16, late.index) == -1


def test_measures_and_draws_that_fail_name_the_step() -> None:
    process = Process(lambda state: state + 1, 0, steps=9, measures={"inverse": lambda state: 1 / (3 - state)})
    with pytest.raises(ProcessError, match=r"measuring step 3 of Process raised ZeroDivisionError"):
        process.curve("inverse")
    assert process.measured(2) == {"inverse": 1.0}
    process = Process(lambda state: state, np.zeros(3), steps=2, measures={"all": lambda state: state})
    with pytest.raises(ProcessError, match=r"the measure 'all' gave array.*one number"):
        process.measured(0)
    process = Process(lambda state: state, 0, steps=2, draw=lambda state: state.image)
    with pytest.raises(ProcessError, match=r"drawing step 1 of Process raised AttributeError"):
        process.frame(1)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match=r"steps=0, but it is at least 1"):
        Process(lambda state: state, 0, steps=0)
    with pytest.raises(TypeError, match=r"steps=2.5, but it is a whole number"):
        Process(lambda state: state, 0, steps=2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"advance is 3, but it is a function"):
        Process(3, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"start=None"):
        Process(lambda state: state, None)
    with pytest.raises(ValueError, match=r"seed=-1, but it lies between 0 and 4294967295"):
        Process(lambda state: state, 0, seed=-1)
    with pytest.raises(ValueError, match=r"value_range=\(1, 0\)"):
        Process(lambda state: state, 0, value_range=(1, 0))
    with pytest.raises(ValueError, match=r"value_range=\(0, inf\), but it is two finite numbers"):
        Process(lambda state: state, 0, value_range=(0, float("inf")))
    with pytest.raises(ProcessError, match=r"advance returned None"):
        Process(lambda state: None, 0).state(1)
    process = Process(lambda state: state, np.zeros((2, 3)), steps=5)
    for step in (-1, 6):
        with pytest.raises(IndexError, match=r"step=-?\d, but in Process it lies between 0 and 5"):
            process.state(step)
    with pytest.raises(IndexError, match=r"branch=1, but it lies between 0 and 0"):
        process.state(0, 1)
    with pytest.raises(ValueError, match=r"state has the shape \(3,\), but the state there is of shape \(2, 3\)"):
        process.edit(1, [1, 2, 3])
    with pytest.raises(KeyError, match=r"'energy' is not measured"):
        process.curve("energy")
    assert len(process.branches) == 1


def test_the_selected_step_is_within_the_process() -> None:
    selection = nnw.Selection(step=80)
    process = Process(lambda state: state, 0, steps=50, selection=selection)
    assert selection.step == 50
    with pytest.raises(traitlets.TraitError, match=r"step=51, but Process has the steps 0 to 50"):
        process.selection.step = 51
    process.selection.step = 20


def test_stored_only_computes_nothing() -> None:
    process, noisy = pictures(draw=lambda state: state[..., 0])
    with process.stored_only(), pytest.raises(NotStored):
        process.state(5)
    process.state(40)
    calls = noisy.calls
    with process.stored_only():
        assert process.state(35).shape == PICTURE
        with pytest.raises(NotStored):
            process.frame(35)  # a reader's function may draw random numbers, and a cell may be running
        with pytest.raises(NotStored):
            process.state(3)
    assert noisy.calls == calls


def test_a_job_reports_its_progress_and_can_be_cancelled() -> None:
    reached = threading.Event()

    def slow(state: int) -> int:
        if state == 10:
            reached.set()
            threading.Event().wait(0.3)
        return state + 1

    process = Process(slow, 0, steps=1000)
    job = process.submit(lambda job: process.state(1000))
    assert reached.wait(10)
    assert 0 < job.progress < 0.1
    job.cancel()
    with pytest.raises(Cancelled):
        job.result(10)
    assert process.failure() is None
    assert process.state(1000) == 1000


def test_many_threads_see_the_same_bits() -> None:
    expected = straight(120)
    process, _ = pictures(120, memory_limit="500 kB")
    wrong: list[int] = []

    def look(seed: int) -> None:
        for step in np.random.default_rng(seed).integers(0, 121, 12):
            if not np.array_equal(process.state(int(step)), expected[step]):
                wrong.append(int(step))

    threads = [threading.Thread(target=look, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_a_closed_process_says_so() -> None:
    with Process(lambda state: state, 0, steps=3) as process:
        process.state(2)
    with pytest.raises(SourceClosed, match="closed"):
        process.state(2)
    with pytest.raises(SourceClosed):
        process.edit(1, 5)


def test_repr_and_estimate() -> None:
    process = Process(lambda state: state, 0, steps=3, name="still")
    assert repr(process) == "Process(still, 3 steps)"
    assert process.estimated_seconds() < 1

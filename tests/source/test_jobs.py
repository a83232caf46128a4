"""Jobs: progress, cancel, answers and errors, and no thread left behind."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nnwidgets.source.jobs import _THREADS, Cancelled, Job, JobPool, current_job


@pytest.fixture
def pool() -> Iterator[JobPool]:
    pool = JobPool()
    yield pool
    pool.close(5)


def submitted(pool: JobPool, function: Callable[[Job], Any], label: str = "work") -> Job:
    job = Job(function, label)
    pool.submit(job)
    return job


def until_cancelled(job: Job) -> None:
    while True:
        job.check()
        time.sleep(0.001)


def test_answer_progress_and_listeners(pool: JobPool) -> None:
    heard: list[tuple[str, float, str]] = []
    gate = threading.Event()

    def work(job: Job) -> int:
        gate.wait(5)
        assert current_job() is job and threading.current_thread() is not threading.main_thread()
        job.report(1, 4)
        job.report(3, 4, "almost")
        return 42

    job = submitted(pool, work)
    job.add_listener(lambda job: heard.append((job.state, job.progress, job.stage)))
    gate.set()
    assert job.result(5) == 42
    assert heard[-1] == ("done", 1.0, "almost")
    assert ("running", 0.25, "") in heard and ("running", 0.75, "almost") in heard
    assert job.label == "work" and repr(job) == "Job('work', done, 100%, 'almost')"
    assert current_job() is None


def test_a_listener_that_comes_late_is_called(pool: JobPool) -> None:
    job = submitted(pool, lambda job: None)
    job.result(5)
    heard: list[Job] = []
    job.add_listener(heard.append)
    assert heard == [job]


def test_a_broken_listener_does_not_end_the_work(pool: JobPool) -> None:
    gate = threading.Event()
    job = submitted(pool, lambda job: gate.wait(5) and 1)
    job.add_listener(lambda job: 1 / 0)
    gate.set()
    assert job.result(5) == 1


def test_an_error_comes_back_with_its_traceback(pool: JobPool) -> None:
    def breaks_here(job: Job) -> None:
        raise ArithmeticError("broken\nin many words")

    job = submitted(pool, breaks_here)
    for _ in range(2):  # asking again does not pile up frames
        with pytest.raises(ArithmeticError, match="broken") as caught:
            job.result(5)
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "breaks_here" in frames and frames.count("result") == 1
    assert job.state == "failed" and repr(job) == "Job('work', failed: ArithmeticError: broken)"


def test_cancel_running_and_waiting(pool: JobPool) -> None:
    running = [submitted(pool, until_cancelled) for _ in range(_THREADS)]
    waiting = submitted(pool, lambda job: 1)
    while any(job.state != "running" for job in running):
        time.sleep(0.001)
    assert waiting.state == "waiting"
    waiting.cancel()
    assert waiting.state == "cancelled" and waiting.finished
    for job in (*running, waiting):
        job.cancel()
        with pytest.raises(Cancelled):
            job.result(5)


def test_result_has_patience_only_so_long(pool: JobPool) -> None:
    job = submitted(pool, until_cancelled)
    with pytest.raises(TimeoutError, match=r"0\.01 seconds"):
        job.result(0.01)
    job.cancel()


def test_jobs_may_wait_for_jobs(pool: JobPool) -> None:
    def outer(job: Job) -> int:
        inner = [submitted(pool, lambda job, number=number: number) for number in range(5)]
        return sum(job.result() for job in inner)

    assert [job.result(5) for job in [submitted(pool, outer) for _ in range(2 * _THREADS)]] == [10] * 2 * _THREADS


def test_cancel_reaches_a_job_inside_a_job(pool: JobPool) -> None:
    started = threading.Event()

    def inner(job: Job) -> None:
        started.set()
        until_cancelled(job)

    job = submitted(pool, lambda job: Job(inner).result())
    started.wait(5)
    job.cancel()
    with pytest.raises(Cancelled):
        job.result(5)


def test_runs_of_the_model_show_unless_the_job_itself_reports(pool: JobPool) -> None:
    seen: list[float] = []

    def work(job: Job) -> None:
        job.report_run(1, 2)
        seen.append(job.progress)
        job.report(1, 10)
        job.report_run(2, 2)
        seen.append(job.progress)

    submitted(pool, work).result(5)
    assert seen == [0.5, 0.1]


def test_close_cancels_waits_and_leaves_no_thread() -> None:
    pool = JobPool()
    before = threading.active_count()
    jobs = [submitted(pool, until_cancelled) for _ in range(_THREADS + 2)]
    pool.close()
    assert {job.state for job in jobs} == {"cancelled"}
    assert threading.active_count() <= before  # an earlier test's may have ended meanwhile
    late = submitted(pool, lambda job: 1)
    assert late.state == "cancelled"


def test_threads_end_with_the_work(pool: JobPool) -> None:
    before = threading.active_count()
    for job in [submitted(pool, lambda job: None) for _ in range(10)]:
        job.result(5)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert threading.active_count() <= before  # an earlier test's may have ended meanwhile

"""Runs the model when something is asked that is not stored, one run at a time, and notices what is stale."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Literal, TypeVar
from weakref import WeakMethod

from torch import nn

from nnwidgets.capture import (
    AttentionCapture,
    AttentionRecord,
    Call,
    Fingerprint,
    fingerprint,
    record_attention,
    record_gradients,
    record_outputs,
)
from nnwidgets.session.errors import ModelError, SessionClosed
from nnwidgets.session.inputs import Inputs, require
from nnwidgets.session.layers import Shape
from nnwidgets.session.plain import run_plain, run_shapes
from nnwidgets.session.store import MISSING, Store, storages
from nnwidgets.session.subject import Subject
from nnwidgets.session.targets import Target
from nnwidgets.source.errors import NotStored
from nnwidgets.source.jobs import Cancelled, check_cancelled, current_job

Mode = Literal["eval", "as is"]
Result = TypeVar("Result")

_POLL = 0.05  # seconds between two looks whether a job that waits for the model was cancelled
_SPEED = 2e10  # multiply-adds a second, before the first run was measured


class Captures:
    """What was captured of one model on one input.

    `lock` is held while the model runs. `changed(reason)` is called, without the lock, after captures were dropped
    because the weights changed; `version` has risen then.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Inputs,
        forward: Callable[[nn.Module, Any], Any] | None,
        mode: Mode,
        limit: int,
        label: str,
        changed: Callable[[str], None],
    ) -> None:
        self.model = model
        self.inputs = inputs
        self.label = label
        self.lock = threading.RLock()
        self.store = Store(limit)
        self.subject = Subject(model, self._news)
        self.version = 1
        self._counting = threading.Lock()
        self.forward = forward
        self._mode: Mode = mode
        self._changed = WeakMethod(changed)  # or a session would be freed only by the garbage collector's late rounds
        self._fingerprint: Fingerprint | None = None
        self._seconds: float | None = None
        self._parameters = sum(parameter.numel() for parameter in model.parameters())
        self._thread = threading.local()
        self._closed = False

    # What can be asked

    def outputs(self, parts: int = 1) -> Any:
        """What the model returns; the run is the first of `parts` that someone waits for."""
        run = partial(self._run, lambda call: run_plain(call, _progress(0, parts)))
        return self._stored(("outputs",), "the model's outputs", run)

    def shapes(self) -> dict[str, tuple[Shape, ...]]:
        """The shapes of what each module puts out, without those that the run does not call."""
        run = partial(self._run, lambda call: run_shapes(call, _progress()))
        return self._stored(("shapes",), "the shapes of the layers' outputs", run)

    def activation(self, path: str) -> list[Any]:
        """What the layer returned, for each of its calls in the run."""

        def run() -> list[Any]:
            recorded = self._run(lambda call: record_outputs(call, [path], progress=_progress()))
            if path in recorded.missing:
                raise LookupError(f"layer {path!r} has no output: {recorded.missing[path]}")
            return recorded.calls.get(path) or [recorded.layers[path]]

        return self._stored(("activation", path), f"the output of {path!r}", run)

    def gradient(self, path: str, target: Target) -> Any:
        """The gradient of the target with respect to what the layer returned."""

        def run() -> Any:
            return self._run(lambda call: record_gradients(call, [path], target, progress=_progress()))[path]

        return self._stored(("gradient", path, target), f"the gradient at {path!r}", run)

    def attention(self) -> tuple[Any, AttentionCapture]:
        """What the model returns in the plain run, and a run that shows its attention; each record is stored."""
        parts = 1 if ("outputs",) in self.store else 2
        plain = self.outputs(parts)
        capture = self._run(lambda call: record_attention(call, progress=_progress(parts - 1, parts)))
        for record in capture.records:
            self.store.put(("attention", record.path, record.call), record, record.storages(), self.store.generation)
        return plain, capture

    def record(self, path: str, call: int) -> AttentionRecord:
        """One attention with what its weights are computed from; captured alone where it was dropped from the store."""
        what = f"the attention of {path or 'the model'!r}"
        key = ("attention", path, call)
        # Whoever asks for one has looked at the weights just before; a loop over heads should not do so twice for each.
        return self._stored(key, what, lambda: self._run_record(path, call), AttentionRecord.storages, check=False)

    def full_receipt(self, path: str, call: int) -> tuple[float, ...] | None:
        """The receipt of one attention over every row instead of a sample, from a run of its own."""
        with self.alone(f"the receipt of {path or 'the model'!r}"):
            return self._run_record(path, call, all_rows=True).receipt

    def remember(
        self, key: Hashable, compute: Callable[[], Result], nbytes: int | None = None, *, looks: bool = False
    ) -> Result:
        """`compute()`, kept in the store as long as the weights and the input stay the same.

        `looks` says that `compute` runs the model, and so looks itself whether the weights changed: once is enough.
        """
        key = ("derived", key)
        if not looks or key in self.store:
            self.check()
        generation = self.store.generation
        value: Result = self.store.get(key)
        if value is MISSING:
            value = compute()
            self.store.put(key, value, storages(value) if nbytes is None else {key: nbytes}, generation)
        return value

    def call(self, what: str, function: Callable[[nn.Module, Any], Any], value: Any) -> Any:
        """`function(model, value)`, run as the model itself is: alone, in its mode, without a trace; not stored.

        A `ModelError` that it raises is passed on.
        """
        with self.alone(what):
            return self._run(lambda call: call.run(), Inputs(value), function)

    # When it may run

    @contextlib.contextmanager
    def stored_only(self) -> Iterator[None]:
        """In this thread, what is not stored raises `NotStored` instead of running the model."""
        before, self._thread.stored_only = self.is_stored_only, True
        try:
            yield
        finally:
            self._thread.stored_only = before

    @property
    def is_stored_only(self) -> bool:
        """Whether this thread is inside `stored_only`."""
        return getattr(self._thread, "stored_only", False)

    @contextlib.contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """With the model to oneself, and nothing stored that is stale. Raises `NotStored` where it must not run now."""
        if self.is_stored_only:
            raise NotStored(f"{what} is not stored, and the model must not run now")
        if not self._inside:
            self.subject.prepare()  # without the lock: the training thread, for which it waits, may want it too
        while not self.lock.acquire(timeout=_POLL):
            check_cancelled()
        reason = None
        try:
            self.check_open()
            reason = self._look()
            self._thread.inside = self._inside + 1
            try:
                yield
            finally:
                self._thread.inside = self._inside - 1
        finally:
            self.lock.release()
            self._tell(reason)

    def check(self) -> None:
        """Drop what is stored if the weights changed since; takes milliseconds, does nothing while the model runs."""
        self.check_open()
        # Whoever runs the model has looked before; a training cell changes the weights all the time.
        if self.is_stored_only or not self.lock.acquire(blocking=False):
            return
        try:
            reason = self._look()
        finally:
            self.lock.release()
        self._tell(reason)
        self.subject.follow()

    def outdate(self) -> None:
        """Another version: answers of an earlier one no longer hold. Needs no `lock`."""
        with self._counting:
            self.version += 1

    def drop(self) -> None:
        """Forget everything that was captured."""
        self.store.clear()
        self._fingerprint = None
        self.outdate()  # last: who reads meanwhile finds nothing, and never old things under the new version

    def close(self) -> None:
        """Forget everything and answer nothing any more."""
        with self.lock:
            self._closed = True
            self.drop()
            self.subject.close()

    def seconds(self) -> float:
        """How long one run of the model takes: measured, or before that guessed from its size."""
        if self._seconds is not None:
            return self._seconds
        return self._parameters * self.inputs.positions / _SPEED

    def forget_seconds(self) -> None:
        """The input is another one."""
        self._seconds = None

    # How it runs

    def _stored(
        self,
        key: Hashable,
        what: str,
        run: Callable[[], Result],
        sizes: Callable[[Result], Any] = storages,
        *,
        check: bool = True,
    ) -> Result:
        if check:
            self.check()
        value: Result = self.store.get(key)
        if value is MISSING:
            with self.alone(what):
                value = self.store.get(key)  # another thread may have been here first
                if value is MISSING:
                    value = run()
                    self.store.put(key, value, sizes(value), self.store.generation)
        return value

    def _run_record(self, path: str, call: int, all_rows: bool = False) -> AttentionRecord:
        site = (path, call)
        capture = self._run(lambda run: record_attention(run, keep=[site], all_rows=all_rows, progress=_progress()))
        for record in capture.records:
            if (record.path, record.call) == site:
                return record
        raise LookupError(f"the attention of {path!r} (call {call}) did not happen in another run of {self.label}")

    def _run(
        self,
        record: Callable[[Call], Result],
        inputs: Inputs | None = None,
        function: Callable[[nn.Module, Any], Any] | None = None,
    ) -> Result:
        """Run the model under the lock; its own exception becomes the cause of a `ModelError`.

        On the session's inputs, unless there are others for a `function` of the model.
        """
        own, inputs, forward = inputs is None, inputs or self.inputs, function or self.forward
        value = inputs.value if forward is not None else require(inputs)
        model = self.subject.model
        before = self._fingerprint or fingerprint(model)
        began = time.perf_counter()
        try:
            result = record(Call(model, value, forward, self._mode, random=self.subject.random))
            if own:
                self._seconds = time.perf_counter() - began
        except (Cancelled, ModelError, NotStored):
            raise
        except Exception as error:
            if not _is_the_models(error.__traceback__):
                raise
            shapes = inputs.described
            on = f", on {shapes}" if shapes else ""
            raise ModelError(f"{self.label} raised {type(error).__name__}: {error}{on}") from error
        finally:
            # A run puts buffers back, which moves their version counters; if values moved, someone else changed them.
            after = fingerprint(model)
            self._fingerprint = after if after.samples == before.samples else before
        return result

    def _look(self) -> str | None:
        """Under the lock: compare the weights with those that were captured; drop everything if they differ."""
        # What runs stays the same until whoever holds the lock is done.
        reason = self.subject.settle() if not self._inside else None
        if reason is None and self._fingerprint is not None:
            reason = self._fingerprint.changed(self.subject.model)
        if reason:
            self.drop()
        return reason

    def _news(self) -> None:
        """The training has gone on, or is over."""
        with contextlib.suppress(SessionClosed):
            self.check()

    @property
    def _inside(self) -> int:
        """How many times this thread is inside `alone`."""
        return getattr(self._thread, "inside", 0)

    def _tell(self, reason: str | None) -> None:
        changed = self._changed()
        if reason and changed is not None:
            changed(reason)

    def check_open(self) -> None:
        """Raise `SessionClosed` if it was closed."""
        if self._closed:
            raise SessionClosed(f"this session of {self.label} was closed: make a new ModelSession")


def _progress(part: int = 0, parts: int = 1) -> Callable[[int, int], None] | None:
    """What tells the job of this thread, if there is one, how far a run is that is one of several."""
    job = current_job()
    if job is None:
        return None
    return lambda done, total: job.report_run(part * total + done, parts * total)


def _is_the_models(traceback: TracebackType | None) -> bool:
    """Whether an exception came out of the call of the model, not out of the capture around it."""
    while traceback is not None:
        if traceback.tb_frame.f_code is Call._invoke.__code__:
            return True
        traceback = traceback.tb_next
    return False

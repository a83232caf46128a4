"""What a session runs: the model itself, or a private copy of it while another thread may be training it.

A training must not notice that someone looks. So the training thread copies the model at a step boundary, only when
someone asks, and requests run on that copy, with random numbers of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from weakref import WeakMethod

from torch import nn

from nnwidgets.capture import Fingerprint, fingerprint
from nnwidgets.capture.private_random import PrivateRandom
from nnwidgets.runs.control import Control, recording_controls
from nnwidgets.session.private_copy import private_copy
from nnwidgets.source.errors import NotStored
from nnwidgets.source.jobs import check_cancelled

_SECONDS_BETWEEN = 2.0  # two copies, while people look
_SHARE = 0.05  # of the training's time that copies may take
_PATIENCE = 0.5  # seconds that a request waits for a step boundary where there is an older copy to answer from
_FIRST_PATIENCE = 2.0  # seconds, where there is none
_POLL = 0.05


@dataclass(frozen=True, eq=False)
class _Copy:
    """A copy, and what the live model was when it was taken."""

    model: nn.Module
    random: PrivateRandom
    live: Fingerprint
    control: Control
    step: int | None
    taken: float
    seconds: float

    @property
    def words(self) -> str:
        of = f" of {self.control.name}" if self.control.name else ""
        return f"at step {self.step:,}{of}" if self.step is not None else f"before the first step{of}"

    @property
    def age(self) -> float:
        """Seconds since it was taken, beyond those for which it serves; negative while it does."""
        return time.monotonic() - self.taken - max(_SECONDS_BETWEEN, self.seconds / _SHARE)


class Subject:
    """Decides what a session runs, and has copies taken.

    `model` is what is to be run, `random` what it draws random numbers from (None: the global generators), `step` the
    step of the training that it shows (None: it is not in training, or at no step yet). They change in `settle` alone.

    Args:
        live: the user's model.
        news: called without the session's lock when there may be something to `settle`; held weakly.
    """

    def __init__(self, live: nn.Module, news: Callable[[], None]) -> None:
        self.live = self.model = live
        self.random: PrivateRandom | None = None
        self.step: int | None = None
        self._news = WeakMethod(news)
        self._guard = threading.Lock()
        self._newest: _Copy | None = None
        self._shown: _Copy | None = None
        self._asked: threading.Event | None = None  # set when the training thread has done what it was asked
        self._error: Exception | None = None
        self._timer: threading.Timer | None = None
        self._followed: Control | None = None
        self._unfollow: Callable[[], None] | None = None

    @property
    def trained_by(self) -> Control | None:
        """The control of a run that may be training the model in another thread than this; None where there is none."""
        found = None
        for control in recording_controls():
            if control.is_training_thread():
                continue
            if any(_share(model, self.live) for model in control.models):
                return control
            found = found or control
        return found

    def prepare(self) -> None:
        """See that there is a copy where one is needed; waits for the training's next step boundary, for a while.

        Raises `NotStored` where there is none and the training comes to no boundary, `TypeError` where the model cannot
        be copied.
        """
        control = self.trained_by
        if control is None:
            return
        newest = self._copy_of(control)
        if newest is not None and (newest.age < 0 or newest.live.changed(self.live) is None):
            return
        asked = self._ask(control)
        until = time.monotonic() + (_PATIENCE if newest is not None else _FIRST_PATIENCE)
        while not asked.wait(_POLL) and not control.ended and time.monotonic() < until:
            check_cancelled()
        error, self._error = self._error, None
        if error is not None:
            raise error
        if self._copy_of(control) is None and not control.ended:
            self._take_here(control)

    def follow(self) -> None:
        """Someone looks: have a newer copy taken as soon as it is time for one; `news` tells of it."""
        control = self.trained_by
        self._listen_to(control)
        newest = None if control is None else self._copy_of(control)
        if control is None or newest is None:
            return
        if newest.age >= 0:
            self._ask(control)
        else:
            self._tell(-newest.age)

    def settle(self) -> str | None:
        """Choose what is run from now on, under the session's lock; says why, where that is something else."""
        control, shown = self.trained_by, self._shown
        if control is None:
            self.model, self.random, self.step = self.live, None, None
            self._shown = self._newest = None
            return None if shown is None else "the weights as they are now, not in training"
        newest = self._copy_of(control)
        if newest is None or newest is shown:
            return None
        same = shown is not None and shown.live.samples == newest.live.samples
        if same and shown is not None:  # what was captured still holds
            newest = replace(newest, model=shown.model, random=shown.random)
        self._shown = self._newest = newest
        self.model, self.random, self.step = newest.model, newest.random, newest.step
        return None if same else newest.words

    def close(self) -> None:
        """Look at nothing any more."""
        self._listen_to(None)
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
            self._newest = self._shown = None
            self.model = self.live

    def _copy_of(self, control: Control) -> _Copy | None:
        newest = self._newest
        return newest if newest is not None and newest.control is control else None

    def _ask(self, control: Control) -> threading.Event:
        """Ask the training thread for a copy; the event is set when it was there."""
        with self._guard:
            if self._asked is None or self._asked.is_set():
                asked = self._asked = threading.Event()
                if not control.ask(lambda: self._take(control, asked)):
                    asked.set()
            return self._asked

    def _take(self, control: Control, asked: threading.Event) -> None:
        """In the training thread, at a step boundary."""
        try:
            newest = self._copy_of(control)
            if newest is None or newest.live.changed(self.live) is not None:
                self._newest = self._copied(control)
                self._tell(0.0)
        except Exception as error:
            self._error = error
        finally:
            asked.set()

    def _take_here(self, control: Control) -> None:
        """The training is somewhere else, or nobody trains: copy what holds still."""
        copied = self._copied(control)
        if copied.live.changed(self.live) is not None:
            raise NotStored(
                f"{control.name or 'The training'} is in the middle of a step: this is answered at the next one"
            )
        self._newest = copied

    def _copied(self, control: Control) -> _Copy:
        began = time.perf_counter()
        live, random = fingerprint(self.live), PrivateRandom(self.live)
        model = private_copy(self.live)
        seconds = time.perf_counter() - began
        return _Copy(model, random, live, control, control.step, time.monotonic(), seconds)

    def _tell(self, seconds: float) -> None:
        """Call `news` after a while, in a thread of its own: the training must not wait for those who are told."""
        with self._guard:
            if seconds and self._timer is not None and self._timer.is_alive():
                return
            self._timer = threading.Timer(seconds, _call, [self._news])
            self._timer.daemon = True
            self._timer.start()

    def _listen_to(self, control: Control | None) -> None:
        """Hear when the training goes on after a pause, and when it ends."""
        with self._guard:
            if control is self._followed:
                return
            if self._unfollow is not None:
                self._unfollow()
            self._followed = control
            self._unfollow = None if control is None else control.on_change(lambda _: self._tell(0.0))


def _call(reference: WeakMethod[Callable[[], None]]) -> None:
    news = reference()
    if news is not None:
        news()


def _share(first: nn.Module, second: nn.Module) -> bool:
    """Whether two models have a part in common."""
    parts = {id(part) for part in (*first.modules(), *first.parameters())}
    return any(id(part) in parts for part in (*second.modules(), *second.parameters()))

"""Requests: a page asks over a twin's comm and is always answered, with arrays or with an error that it shows.

A message is `{client, request, widget, control, what, arguments}`, or `{client, request, widget, act, arguments}` for
something that is to be done. Its handler must return within 20 ms, for all comms
of a notebook share one subshell: it answers what is stored and was quick the last time; one thread answers what is
stored and slow. What needs a run of the model becomes a job of the source, with progress and cancel, unless that took
less than 20 ms the last time: then it is run at once, for a job and its news take longer. While a cell runs, which
may be using the model, it waits for the cell and the page is told.

Latest wins: of one client, widget and control, a newer request replaces one that waits.

A request with `ahead` comes before anybody asked, while a hand still goes down. It is answered where that is quick and
needs the store alone; else it is `superseded`, and nothing else happens.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnwidgets.source import Cancelled, Job, NotStored, SourceClosed
from nnwidgets.wire import kernel
from nnwidgets.wire.answers import Answer

if TYPE_CHECKING:
    from nnwidgets.wire.streams import Stream
    from nnwidgets.wire.twins import SourceTwin

MOST_CHARACTERS = 64 * 1024
_IDLE = 0.15  # seconds without a request: by then the page has painted what it was answered
_QUICK = 0.02  # seconds: what was answered faster is answered by the handler itself the next time
_PATIENCE = 1.0  # seconds that a cell waits for such a run
_SHOW_AFTER = 0.4  # seconds that a job runs before pages show its progress

_log = logging.getLogger(__name__)


class Malformed(ValueError):
    """A message that is no request; `str` says what is wrong with it."""


@dataclass(frozen=True)
class Request:
    """One question of one page. `number` counts within the page; `control` names what was touched."""

    client: str
    number: int
    widget: str
    control: str
    what: str
    arguments: Mapping[str, Any]
    ahead: bool = False

    @property
    def slot(self) -> tuple[str, str, str]:
        return self.client, self.widget, self.control

    @classmethod
    def read(cls, content: Any) -> Request:
        """Check a message of a page. Raises `Malformed`."""
        if not isinstance(content, dict):
            raise Malformed(
                f"a request is an object with client, request, widget, what and arguments, not {content!r:.80}"
            )
        fields: dict[str, Any] = {}
        for name, key, kind in _FIELDS:
            value = content.get(key)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise Malformed(f"the request's {key} is {value!r:.80}, but it must be {_KINDS[kind]}")
            if isinstance(value, str) and len(value) > 200:
                raise Malformed(f"the request's {key} has {len(value)} characters, but at most 200 are taken")
            fields[name] = value
        size = len(json.dumps(fields["arguments"], default=str))
        if size > MOST_CHARACTERS:
            raise Malformed(f"the request's arguments have {size} characters, but at most {MOST_CHARACTERS} are taken")
        return cls(**fields, ahead=content.get("ahead") is True)


_FIELDS: tuple[tuple[str, str, type], ...] = (
    ("client", "client", str),
    ("number", "request", int),
    ("widget", "widget", str),
    ("control", "control", str),
    ("what", "what", str),
    ("arguments", "arguments", dict),
)
_KINDS = {str: "text", int: "a whole number", dict: "an object"}


class Desk:
    """Answers the pages of one source. Holds the source weakly, as its twin does."""

    def __init__(self, twin: SourceTwin, stream: Stream, source: Any) -> None:
        self._twin = twin
        self._stream = stream
        self._source = weakref.ref(source)
        self._guard = threading.Lock()
        self._widgets: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
        self._newest: dict[tuple[str, str, str], int] = {}
        self._waiting: list[Request] = []
        self._jobs: dict[str, tuple[Job, float]] = {}
        self._runs: dict[Job, Request] = {}
        self._stopped: set[Job] = set()
        self._seconds: dict[str, float] = {}  # that the last answer from the store took, by what was asked
        self._here = threading.Lock()  # held during a run that is no job
        self._run_seconds: dict[str, float] = {}  # that the last answer took for which the model was run
        twin.on_msg(self._receive)
        self._ignore_jobs = source.on_job(self.show)

    def close(self) -> None:
        """The twin is closed: nobody looks any more."""
        self._ignore_jobs()

    def register(self, key: str, widget: Any) -> None:
        """Let requests that name `key` reach `widget`."""
        self._widgets[key] = widget

    def show(self, job: Job) -> None:
        """Show a job's progress in the source's widgets once it has taken a while."""
        with self._guard:
            self._jobs[f"job-{id(job)}"] = (job, time.monotonic())
        job.add_listener(self._job_changed)
        look = threading.Timer(_SHOW_AFTER, self._job_changed, [job])  # a job that reports nothing is shown too
        look.daemon = True
        look.start()

    def check(self) -> None:
        """Look, in the reader's thread, whether the model's weights changed."""
        _reader.put(self._check)

    def resume(self) -> None:
        """The cell is over, or a run has begun beside which a copy of the model can be run: take up what waited."""
        with self._guard:
            waiting, self._waiting = self._waiting, []
        for request in waiting:
            _reader.put(lambda request=request: self._answer(request))

    def pause(self) -> list[Job]:
        """A cell begins, which may use the model: stop our runs of it, to be taken up after the cell; returns them."""
        with self._guard:
            runs = list(self._runs)
            self._stopped.update(runs)
        for job in runs:
            job.cancel()
        if self._here.acquire(timeout=_PATIENCE):  # a run that is no job is over in a moment
            self._here.release()
        return runs

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict) and content.get("ping"):
            return  # a page tries whether the comm still lives
        if isinstance(content, dict) and "cancel" in content:
            with self._guard:
                found = self._jobs.get(str(content["cancel"]))
            if found is not None:
                found[0].cancel()
            return
        act = isinstance(content, dict) and "act" in content
        try:
            request = Request.read(content | {"what": content["act"], "control": ""} if act else content)
        except Malformed as error:
            # Answered if it can be addressed at all; nobody else must take it for theirs.
            address = content if isinstance(content, dict) else {}
            self._send({"client": address.get("client"), "request": address.get("request"), "error": str(error)})
            return
        if act:
            return self._act(request)
        with self._guard:
            self._newest[request.slot] = request.number
            replaced = [waiting for waiting in self._waiting if waiting.slot == request.slot]
            self._waiting = [waiting for waiting in self._waiting if waiting.slot != request.slot]
            outrun = [
                job for job, run in self._runs.items() if run.slot == request.slot and run.number != request.number
            ]
        for waiting in replaced:
            self._reply(waiting, {"superseded": True})
        for job in outrun:
            job.cancel()
        if self._seconds.get(request.what, 1.0) < _QUICK or self._runs_quickly(request):
            self._answer(request)
        elif request.ahead:
            self._reply(request, {"superseded": True})
        else:
            _reader.put(lambda: self._answer(request))

    def _act(self, request: Request) -> None:
        """Do what a reader asks for, here and now: a Stop must not wait behind answers."""
        widget = self._widgets.get(request.widget)
        try:
            if widget is None:
                raise ValueError("this widget was closed: run its cell again")
            self._reply(request, {"value": widget.act(request.what, request.arguments)})
        except Exception as error:
            self._reply(request, {"error": sentence(error)})

    def _answer(self, request: Request) -> None:
        """Answer from the store or, where that does not do, begin a job or wait for the cell."""
        if self._newest.get(request.slot) != request.number:
            return self._reply(request, {"superseded": True})
        source, widget = self._source(), self._widgets.get(request.widget)
        if source is None or widget is None:
            return self._reply(request, {"error": "this widget was closed: run its cell again"})
        try:
            began = time.perf_counter()
            with source.stored_only():
                answer, version = _answered(source, widget, request)
            self._seconds[request.what] = time.perf_counter() - began
        except NotStored:
            if request.ahead:
                self._reply(request, {"superseded": True})
            elif self._must_wait():
                self._park(request)
            elif self._runs_quickly(request):
                self._run_here(request, source, widget)
            else:
                self._reply(request, {"parked": "model"})
                self._run(request, source, widget)
        except Exception as error:
            self._reply(request, {"error": sentence(error)})
        else:
            self._reply_with(request, answer, version)
            # Looking whether the weights changed takes longer than a stored answer: after it, and the page asks again
            # if they did.
            _reader.put_idle(self._check)

    def _must_wait(self) -> bool:
        """Whether a cell runs that may be using the model, and not a training beside which a copy of it is run."""
        source = self._source()
        return kernel.cell_is_running() and (source is None or source.needs_idle_kernel)

    def _park(self, request: Request) -> None:
        """Let the request wait for the end of the cell."""
        self._reply(request, {"parked": "cell"})
        with self._guard:
            self._waiting.append(request)
        if not self._must_wait():
            self.resume()  # the cell ended meanwhile

    def _runs_quickly(self, request: Request) -> bool:
        """Whether a run for such a question took less than a job and the news of it do, and nobody else runs one."""
        return not self._runs and self._run_seconds.get(request.what, 1.0) < _QUICK

    def _run_here(self, request: Request, source: Any, widget: Any) -> None:
        """Run the model in this thread: of a latent that a hand drags, a picture takes a millisecond or two."""
        try:
            with self._here:
                if self._must_wait():  # a cell that begins after this look waits in `pause`
                    return self._park(request)
                answer, version = self._timed(source, widget, request)
        except NotStored:  # what takes long is done in a job alone, however quick it was the last time
            self._reply(request, {"parked": "model"})
            self._run(request, source, widget)
        except Exception as error:
            self._reply(request, {"error": sentence(error)})
        else:
            self._reply_with(request, answer, version)
            _reader.put_idle(self._check)

    def _timed(self, source: Any, widget: Any, request: Request) -> tuple[Answer, int]:
        began = time.perf_counter()
        found = _answered(source, widget, request)
        self._run_seconds[request.what] = time.perf_counter() - began
        return found

    def _run(self, request: Request, source: Any, widget: Any) -> None:
        def work(job: Job) -> tuple[Answer, int]:
            with self._guard:
                self._runs[job] = request
            # Only now: a cell that begins after this look finds the run, and stops it.
            if self._must_wait() or self._newest.get(request.slot) != request.number:
                raise Cancelled("not now")
            return self._timed(source, widget, request)

        job = source.submit(work, label=f"Running {source.label}")
        told = threading.Lock()  # a listener that comes while the job ends may be called twice

        def changed(job: Job) -> None:
            if job.finished and told.acquire(blocking=False):
                self._run_ended(job, request)

        job.add_listener(changed)

    def _run_ended(self, job: Job, request: Request) -> None:
        with self._guard:
            self._runs.pop(job, None)
            stopped = job in self._stopped
            self._stopped.discard(job)
        try:
            answer, version = job.result()
        except Cancelled:
            if self._newest.get(request.slot) != request.number:
                self._reply(request, {"superseded": True})
            elif stopped or self._must_wait():
                self._park(request)
            else:
                self._reply(request, {"error": "cancelled: choose it again to run the model"})
        except Exception as error:
            self._reply(request, {"error": sentence(error)})
        else:
            self._reply_with(request, answer, version)

    def _job_changed(self, job: Job) -> None:
        with self._guard:
            self._jobs = {name: (known, since) for name, (known, since) in self._jobs.items() if not known.finished}
            shown = [
                {"id": name, "label": _words(known), "done": known.progress or None}
                for name, (known, since) in self._jobs.items()
                if known.state == "running" and time.monotonic() - since >= _SHOW_AFTER
            ]
        if shown or self._stream.jobs:
            self._stream.push(jobs=shown)

    def _check(self) -> None:
        source = self._source()
        if source is not None and not self._must_wait():
            with contextlib.suppress(SourceClosed):  # closed meanwhile: its widgets know
                source.check()

    def _reply_with(self, request: Request, answer: Answer, version: int) -> None:
        content = {"version": version, "value": dict(answer.value), "arrays": answer.headers()}
        self._reply(request, content, answer.buffers())

    def _reply(self, request: Request, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if "parked" not in content:
            with self._guard:
                if self._newest.get(request.slot) == request.number:
                    del self._newest[request.slot]
        self._send({"client": request.client, "request": request.number, **content}, buffers)

    def _send(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if self._twin.comm is not None:
            self._twin.send(content, buffers)


def _answered(source: Any, widget: Any, request: Request) -> tuple[Answer, int]:
    """The answer, with the version before it: where the captures changed meanwhile, the page asks again."""
    version = source.version
    return widget.answer(request.what, request.arguments), version


def _words(job: Job) -> str:
    return f"{job.label}: {job.stage}" if job.stage else job.label


class _Reader:
    """One thread that answers from the stores, for all sources of the kernel."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._idle: dict[Any, None] = {}  # in order, each once
        self._thread: threading.Thread | None = None

    def put(self, task: Any) -> None:
        self._queue.put(task)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="nnwidgets answers", daemon=True)
            self._thread.start()

    def put_idle(self, task: Any) -> None:
        """Do this once nothing has been asked for a moment: it would hold up the thread that sends the answer."""
        with self._guard:
            self._idle[task] = None
        self.put(_nothing)

    def _work(self) -> None:
        while True:
            try:
                task = self._queue.get(timeout=_IDLE if self._idle else None)
            except queue.Empty:
                with self._guard:
                    task = next(iter(self._idle))
                    del self._idle[task]
            try:
                task()
            except Exception:
                _log.exception("a request could not be answered")


def _nothing() -> None:
    """Wakes the reader, so that it takes up waiting."""


def sentence(error: BaseException) -> str:
    """What a page shows of an error: its own words, with the type where they alone say little."""
    words = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if isinstance(error, (ValueError, LookupError, RuntimeError, TypeError)) and words:
        return words
    _log.error("a widget's request failed", exc_info=error)
    return f"{type(error).__name__}: {words}"


_reader = _Reader()

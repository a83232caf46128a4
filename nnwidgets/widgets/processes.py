"""What the widgets of a process share: the questions about its frames and measures that a page asks, and answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnwidgets.processes import Branch, Process, ProcessError
from nnwidgets.source.errors import SourceClosed
from nnwidgets.widgets.base import Question, Widget
from nnwidgets.widgets.process_frames import FrameKind, frame_kind
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import encode

_MOST_BRANCHES = 4  # that a figure shows: the original and the newest


class ProcessWidget(Widget):
    """A widget that shows a process."""

    source: Process
    _selected: tuple[str, ...] = ("step",)
    _called = "process"

    def __init__(self, source: Process | None = None, **options: Any) -> None:
        if not isinstance(source, Process):
            other = "" if source is None else f", not at {type(source).__name__}"
            raise TypeError(
                f"{type(self).__name__} looks at a Process{other}: make one with nnw.Process(advance, start, steps=…)"
            )
        if source.closed:
            raise SourceClosed(f"the process {source.label} was closed: make it again")
        super().__init__(source, **options)

    @answers("process.story")
    def _story(self) -> Answer:
        """How the process is drawn and measured, and how many of its frames come at once."""
        process, kind = self.source, frame_kind(self.source)
        samples, height, width, channels = kind.shape if kind.kind == "images" else (1, 0, 0, 0)
        value = {
            "label": process.label,
            "steps": process.steps,
            "measures": list(process.measure_names),
            "kind": kind.kind,
            "samples": samples,
            "height": height,
            "width": width,
            "channels": channels,
            "length": kind.shape[1] if kind.kind == "curve" else 0,
            "bytes": kind.frame_bytes,
            "chunk": kind.chunk,
            "low": kind.low,
            "high": kind.high,
        }
        return Answer(value)

    @answers("process.frames")
    def _frames(self, branch: int, start: int, stop: int) -> Answer:
        """The frames and measures of a chunk. Where the process fails inside it, those before, and the words for it."""
        process, kind = self.source, frame_kind(self.source)
        if stop - start > kind.chunk:
            raise ValueError(f"stop={stop}, but at most {kind.chunk} frames come at once, from start={start} on")
        value: dict[str, Any] = {"stop": stop}
        try:
            frames = process.frames(start, stop, branch)
        except ProcessError as error:
            if error.step <= start:
                raise
            stop = error.step
            value = {"stop": stop, "error": str(error)}
            frames = process.frames(start, stop, branch)
        arrays = {} if kind.kind == "text" else {"frames": encode(kind.pack(frames, start))}
        if kind.kind == "text":
            value["texts"] = list(map(str, frames))
        for index, name in enumerate(process.measure_names):
            arrays[f"m.{index}"] = encode(process.curve(name, branch, stop=stop)[start:])
        return Answer(value, arrays)

    def is_quick(self) -> bool:
        return True  # `estimated_seconds` says the rest

    def first_questions(self) -> Iterator[Question]:
        yield "process.story", {}
        yield self._chunk(frame_kind(self.source), 0, self.step // frame_kind(self.source).chunk)

    def bake(self) -> Iterator[Question]:
        """The story, the chunks near the selected step and the last one, then the others; those of a branch from where
        it begins.
        """
        yield from self.first_questions()
        kind, steps = frame_kind(self.source), self.source.steps
        chosen, last = self.step // kind.chunk, steps // kind.chunk
        chunks = [(branch, chunk) for branch in self.source.branches for chunk in self._own(branch, kind, last)]
        chunks.sort(key=lambda each: (each[1] != last, abs(each[1] - chosen), each[0].index))
        for branch, chunk in chunks:
            yield self._chunk(kind, branch.index, chunk)

    @property
    def step(self) -> int:
        """The step that is looked at: that of the selection, else the first."""
        step: int | None = self.selection.step
        return 0 if step is None else min(step, self.source.steps)

    @property
    def _shown_branches(self) -> tuple[Branch, ...]:
        """Those of a figure: the original and, of many, the newest."""
        branches = self.source.branches
        return branches[:1] + branches[1:][-(_MOST_BRANCHES - 1) :]

    def _own(self, branch: Branch, kind: FrameKind, last: int) -> range:
        return range(branch.step // kind.chunk, last + 1)

    def _chunk(self, kind: FrameKind, branch: int, chunk: int) -> Question:
        start = chunk * kind.chunk
        stop = min(start + kind.chunk, self.source.steps + 1)
        return "process.frames", {"branch": branch, "start": start, "stop": stop}

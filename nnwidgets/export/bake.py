"""Answers ahead what readers of a saved page could ask, most likely first, as many as a budget allows."""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from nnwidgets.processes import ProcessError
from nnwidgets.source import Job, NotStored
from nnwidgets.wire.answers import Answer
from nnwidgets.wire.codec import Coded
from nnwidgets.wire.filters import filtered

Question = tuple[str, Mapping[str, Any]]

_LEAST_PICTURE = 256  # bytes under which there is nothing to gain


class Bakeable(Protocol):
    """What baking must know of a widget."""

    source: Any

    def answer(self, what: str, arguments: Mapping[str, Any]) -> Answer: ...
    def bake(self) -> Iterable[Question]: ...


@dataclass
class Baked:
    """The answers as JSON texts, by the source that gave them; what did not fit was only counted."""

    answers: dict[Any, list[str]] = field(default_factory=dict)
    kept: int = 0
    left_out: int = 0
    characters: int = 0


def bake(widgets: Sequence[Bakeable], budget: int, job: Job) -> Baked:
    """Ask the widgets in turn what their readers could ask, until the next answer would not fit the budget.

    The budget counts characters of the page. Raises `RuntimeError` if a model's weights changed meanwhile: the page
    would show two models as one.
    """
    baked = Baked({widget.source: [] for widget in widgets})
    for source in baked.answers:
        source.check()
    versions = {source: source.version for source in baked.answers}
    questions = list(_in_turn(widgets))
    for done, (widget, (what, arguments)) in enumerate(questions):
        job.report(max(done / len(questions), baked.characters / budget), 1)
        try:
            answer = _ask(widget, what, arguments)
        except ProcessError:  # steps that a process does not reach: what it answers of those before says why
            continue
        text = _text(what, arguments, answer, versions[widget.source])
        if baked.characters + len(text) > budget:
            baked.left_out = len(questions) - done
            break
        baked.answers[widget.source].append(text)
        baked.kept += 1
        baked.characters += len(text)
    for source, version in versions.items():
        source.check()
        if source.version != version:
            raise RuntimeError(f"{source.label} changed while the page was being saved: save it again afterwards")
    return baked


def _in_turn(widgets: Sequence[Bakeable]) -> Iterator[tuple[Bakeable, Question]]:
    """The first questions of all widgets, then their second ones, and so on; none twice."""
    seen: set[tuple[int, str, str]] = set()
    for turn in itertools.zip_longest(*(widget.bake() for widget in widgets)):
        for widget, question in zip(widgets, turn, strict=True):
            if question is None:
                continue
            what, arguments = question
            key = (id(widget.source), what, repr(sorted(arguments.items())))
            if key not in seen:
                seen.add(key)
                yield widget, question


def _ask(widget: Bakeable, what: str, arguments: Mapping[str, Any]) -> Answer:
    """From the store where that does: looking at all weights before each answer would take longer than the answer."""
    try:
        with widget.source.stored_only():
            return widget.answer(what, arguments)
    except NotStored:
        return widget.answer(what, arguments)


def _text(what: str, arguments: Mapping[str, Any], answer: Answer, version: int) -> str:
    packed = {name: _packed(coded) for name, coded in answer.arrays.items()}
    entry = {
        "what": what,
        "arguments": arguments,
        "value": answer.value,
        "arrays": {name: coded.header for name, coded in packed.items()},
        "version": version,
        "packed": [base64.b64encode(coded.data).decode("ascii") for coded in packed.values()],
    }
    return json.dumps(entry, separators=(",", ":"))


def _packed(coded: Coded) -> Coded:
    """The array in raw deflate, which a browser's DecompressionStream reads; of pictures, their differences where those
    are smaller.
    """
    # Runs alone: quantised weights hold zeros, but no words that come again; it is smaller and ten times faster so.
    plain = _deflate(coded.data, 6, zlib.Z_RLE)
    distances = _best_filter(coded)
    if distances is None:
        return Coded(coded.header, plain)
    data = filtered(np.frombuffer(coded.data, np.uint8), distances).tobytes()
    small = _deflate(data, 9, zlib.Z_DEFAULT_STRATEGY)
    if len(small) >= len(plain):
        return Coded(coded.header, plain)
    return Coded({**coded.header, "filter": distances} if distances else coded.header, small)


def _best_filter(coded: Coded) -> list[int] | None:
    """By a quick try, the filter under which pictures become smallest; None for what is no picture, or hardly one.

    Pictures are bytes [..., height, width, channels], with frames first where there are several.
    """
    shape = coded.header["shape"]
    if coded.header["dtype"] != "uint8" or coded.header["coding"] != "raw" or len(shape) < 3:
        return None
    if len(coded.data) < _LEAST_PICTURE:
        return None
    data = np.frombuffer(coded.data, np.uint8)
    pixel, line, frame = shape[-1], shape[-1] * shape[-2], len(data) // shape[0]
    tries = [[], [pixel], [line], [pixel, 1]]
    if len(shape) > 3 and shape[0] > 1:
        tries += [[frame], [frame, pixel]]
    return min(tries, key=lambda each: len(_deflate(filtered(data, each).tobytes(), 1, zlib.Z_DEFAULT_STRATEGY)))


def _deflate(data: bytes, level: int, strategy: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    return packer.compress(data) + packer.flush()

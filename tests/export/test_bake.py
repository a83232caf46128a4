"""Baking: most likely first, none twice, under a budget, and never two models in one page."""

from __future__ import annotations

import base64
import contextlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnwidgets.export.bake import Baked, bake
from nnwidgets.source import Cancelled, Job
from nnwidgets.wire.answers import Answer
from nnwidgets.wire.codec import decode, encode
from nnwidgets.wire.filters import filtered, unfiltered

FILTERS = json.loads((Path(__file__).parent.parent / "fixtures" / "filters.json").read_text())


class Source:
    """A source whose weights a test can change."""

    label = "Net"

    def __init__(self) -> None:
        self.version = 3

    def check(self) -> None:
        pass

    def stored_only(self) -> Any:
        return contextlib.nullcontext()


class View:
    """A widget that a reader can ask for so many matrices."""

    def __init__(self, source: Source, count: int, name: str = "weights") -> None:
        self.source, self.count, self.name = source, count, name
        self.asked: list[Any] = []

    def bake(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for head in range(self.count):
            yield self.name, {"head": head}

    def answer(self, what: str, arguments: Mapping[str, Any]) -> Answer:
        self.asked.append(arguments["head"])
        noise = np.random.default_rng(arguments["head"]).random((16, 16))
        return Answer({"head": arguments["head"]}, {"weights": encode(noise, "sqrt8")})


def baked(*views: View, budget: float = 10**6, job: Job | None = None) -> Baked:
    return bake(views, budget, job or Job(lambda job: None))


def heads(result: Baked, source: Source) -> list[int]:
    return [json.loads(text)["arguments"]["head"] for text in result.answers[source]]


def test_an_answer_can_be_read_back() -> None:
    view = View(Source(), 1)
    (text,) = baked(view).answers[view.source]
    entry = json.loads(text)
    assert (entry["what"], entry["value"], entry["version"]) == ("weights", {"head": 0}, 3)
    data = zlib.decompress(base64.b64decode(entry["packed"][0]), -zlib.MAX_WBITS)
    assert decode(entry["arrays"]["weights"], data) == pytest.approx(
        np.random.default_rng(0).random((16, 16)), abs=4e-3
    )


def test_widgets_take_turns_and_the_same_question_is_answered_once() -> None:
    source = Source()
    first, same, other = View(source, 3), View(source, 4), View(source, 2, "lines")
    result = baked(first, same, other)
    assert heads(result, source) == [0, 0, 1, 1, 2, 3]
    assert (first.asked, same.asked, other.asked) == ([0, 1, 2], [3], [0, 1])
    assert (result.kept, result.left_out) == (6, 0)


def test_equal_questions_of_two_sources_are_two() -> None:
    one, two = View(Source(), 2), View(Source(), 2)
    result = baked(one, two)
    assert heads(result, one.source) == heads(result, two.source) == [0, 1]


def test_what_does_not_fit_is_counted_and_not_computed() -> None:
    view = View(Source(), 100)
    whole = baked(View(Source(), 100)).characters
    result = baked(view, budget=whole / 4)
    assert heads(result, view.source) == list(range(result.kept))
    assert result.kept + result.left_out == 100
    assert 0.9 * whole / 4 < result.characters <= whole / 4
    assert len(view.asked) == result.kept + 1


def test_a_model_that_changes_meanwhile_is_an_error() -> None:
    source = Source()
    view = View(source, 3)
    source.check = lambda: setattr(source, "version", 3 + len(view.asked))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="Net changed while the page was being saved"):
        baked(view)


def test_the_job_tells_how_far_it_is_and_can_be_cancelled() -> None:
    seen: list[float] = []
    job = Job(lambda job: None)
    job.add_listener(lambda job: seen.append(job.progress))
    view = View(Source(), 10)
    baked(view, job=job)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(0.9)
    job.add_listener(lambda job: job.cancel() if job.progress > 0.5 else None)
    with pytest.raises(Cancelled):
        baked(view, job=job)


class Frames(View):
    """Frames of pictures: a picture that moves, noise, cells that live or do not, or a few bytes."""

    def answer(self, what: str, arguments: Mapping[str, Any]) -> Answer:
        return Answer({}, {"frames": encode(FRAMES[what]), "m.0": encode(np.arange(8.0))})


def wave(count: int, channels: int) -> np.ndarray[Any, Any]:
    across, down, step = np.arange(24), np.arange(24)[:, None], np.arange(count)[:, None, None]
    shades = 120 + 60 * np.sin(0.3 * across + 0.2 * down + 0.05 * step) + 40 * np.cos(0.1 * down * step)
    return np.repeat(shades.round().astype(np.uint8)[:, None, ..., None], channels, axis=-1)


NOISE = np.random.default_rng(0).integers(0, 256, (6, 2, 16, 16, 3), dtype=np.uint8)
FRAMES = {
    "colour": wave(8, 3),
    "grey": wave(8, 1),
    "one frame": wave(1, 3),
    "noise": NOISE,
    "the same": np.repeat(NOISE[:1], 8, axis=0),
    "small": NOISE[0, 0, :2, :2],
    "none": NOISE[:0],
}


@pytest.mark.parametrize("name", FRAMES)
def test_pictures_become_smaller_and_are_read_back(name: str) -> None:
    view = Frames(Source(), 1, name)
    (text,) = baked(view).answers[view.source]
    entry = json.loads(text)
    packed = base64.b64decode(entry["packed"][0])
    header = entry["arrays"]["frames"]
    np.testing.assert_array_equal(decode(header, zlib.decompress(packed, -zlib.MAX_WBITS)), FRAMES[name])
    runs = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=zlib.Z_RLE)
    plain = runs.compress(FRAMES[name].tobytes()) + runs.flush()
    assert len(packed) <= len(plain)
    if name in ("colour", "grey", "one frame", "the same"):
        assert len(packed) < 0.6 * len(plain) and header["filter"]
    else:
        assert "filter" not in header


@pytest.mark.parametrize("case", FILTERS, ids=[case["name"] for case in FILTERS])
def test_filters_are_as_in_the_browser(case: dict[str, Any]) -> None:
    data, distances = base64.b64decode(case["data"]), case["header"]["filter"]
    assert decode(case["header"], data).ravel().tolist() == case["decoded"]
    assert filtered(np.array(case["decoded"], np.uint8), distances).tobytes() == data
    assert unfiltered(np.frombuffer(data, np.uint8), distances).tolist() == case["decoded"]

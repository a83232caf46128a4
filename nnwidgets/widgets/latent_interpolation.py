"""LatentInterpolation: the way from one latent to another, as what is decoded along it."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import traitlets

from nnwidgets.analysis.latent import LatentPath, Method, interpolate, smoothness
from nnwidgets.session.latent import Drawn
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.latent import Floats, LatentWidget, packed, short
from nnwidgets.widgets.options import Choice
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import encode

_MOST_LATENTS = 262_144  # numbers of the way's latents that go to the page, which sets the selection by them
_TILE = 256  # px of a picture


class End(traitlets.TraitType[Any, Any]):
    """One end of the way: {"sample": 3}, {"seed": 7} or {"latent": […]}; a number, a text or a list stand for these."""

    def validate(self, obj: Any, value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        try:
            if isinstance(value, Mapping) and len(value) == 1:
                ((kind, what),) = value.items()
                if kind in ("sample", "seed"):
                    return {kind: _natural(what)}
                if kind == "latent":
                    return {"latent": _numbers(what)}
            elif isinstance(value, str) and value.startswith("random"):
                return {"seed": _natural(int(value.removeprefix("random") or 0))}
            elif isinstance(value, int | np.integer) and not isinstance(value, bool):
                return {"sample": _natural(value)}
            elif hasattr(value, "__iter__") and not isinstance(value, str | Mapping):
                return {"latent": _numbers(value)}
        except (TypeError, ValueError):
            pass
        raise traitlets.TraitError(
            f'{self.name}={value!r:.100}, but it is a sample (3), a random draw ("random 7", by its seed) or a latent '
            "(a list of numbers)"
        )


class LatentInterpolation(LatentWidget):
    """A strip of what is decoded on the way from one latent to another, with a scrubber, and how evenly it changes.

    The first and the last picture are the reconstructions of the two inputs, or what is decoded from the two draws.
    "spherical" turns the direction evenly and changes the norm linearly (White, 2016, "Sampling Generative Networks").
    The place that is looked at is the widget's own (`at`); a hand that moves it moves the selection's latent along.

    Args:
        source: the `ModelSession`, with `decode=`, and `encode=` for inputs.
        start, end: a sample (its number), a random draw ("random 7": the seed), or a latent (numbers). None: the first
            two samples, or draws where nothing encodes inputs.
        method: "linear" or "spherical".
        count: pictures, 2 to 101.
        at: the place that is looked at, 0 (start) to 1 (end).
    """

    _selected = ()
    start = End(None, allow_none=True).tag(sync=True, option=True)
    end = End(None, allow_none=True).tag(sync=True, option=True)
    method = Choice("linear", "spherical", default="linear")
    count = traitlets.Int(11, min=2, max=101).tag(sync=True, option=True)
    at = traitlets.Float(0.0, min=0.0, max=1.0).tag(sync=True, option=True)

    @property
    def result(self) -> LatentPath:
        """The way, what is decoded along it, and how evenly that changes."""
        asked = self._asked()
        latents = self._way(**asked)
        drawn = self._latent_space().drawn(latents)
        return LatentPath(
            latents=latents,
            method=asked["method"],
            decoded=drawn.items,
            smoothness=_smoothness(drawn),
            start=self._name(asked["start"]),
            end=self._name(asked["end"]),
        )

    def look(self) -> dict[str, Any]:
        return {"label": self.source.label, "at": self.at}

    @answers("latent.path")
    def _path(self, start: dict[str, Any], end: dict[str, Any], method: Method, count: int) -> Answer:
        """The pictures along the way, and how evenly they change."""
        if not 2 <= count <= 101:
            raise ValueError(f"count={count}, but it is 2 to 101 pictures")
        latents = self._way(start, end, method, count)
        drawn = self._latent_space().drawn(latents)
        value, arrays = packed(drawn, _TILE)
        even = _smoothness(drawn)
        value |= {"start": self._name(start), "end": self._name(end), "smoothness": None}
        if even is not None:
            detour = even.detour if np.isfinite(even.detour) else None
            value["smoothness"] = {"sentence": even.sentence, "ratio": even.ratio, "pathLength": even.path_length}
            value["smoothness"]["detour"] = detour
            arrays["steps"] = encode(even.steps)
        if latents.size <= _MOST_LATENTS:
            arrays["latents"] = encode(latents)
        return Answer(value, arrays)

    def is_quick(self) -> bool:
        return self._is_quick(self.count)

    def first_questions(self) -> Iterator[Question]:
        yield "latent.overview", {}
        yield "latent.path", self._asked()

    def bake(self) -> Iterator[Question]:
        """The way as it is, the other way of going it, and both back."""
        yield from self.first_questions()
        asked = self._asked()
        other: Method = "spherical" if self.method == "linear" else "linear"
        back = asked | {"start": asked["end"], "end": asked["start"]}
        for each in (back, asked | {"method": other}, back | {"method": other}):
            try:
                self._way(**each)
            except ValueError:  # there is no such way, and the page would say so
                continue
            yield "latent.path", each

    def _asked(self) -> dict[str, Any]:
        ends: list[dict[str, Any]] = []
        kind = "sample" if self._latent_space().encodes else "seed"
        for place, end in enumerate((self.start, self.end)):
            ends.append({kind: place} if end is None else end)
        if kind == "sample" and len(self._latent_space().points) < 2 and self.end is None:
            ends[1] = {"seed": 1}
        return {"start": ends[0], "end": ends[1], "method": self.method, "count": self.count}

    def _way(self, start: dict[str, Any], end: dict[str, Any], method: Method, count: int) -> Floats:
        return interpolate(self._latent_of(start), self._latent_of(end), count, method)

    def _latent_of(self, end: Any) -> Floats:
        """The latent of an end, to the bit that of the encoded input."""
        kind, what = next(iter(end.items())) if isinstance(end, Mapping) and len(end) == 1 else (None, None)
        if kind == "sample":
            latent: Floats = self._latent_space().points[self._index(_natural(what))]
            return latent
        if kind == "seed":
            return self._random_latent(_natural(what))
        if kind == "latent":
            return self._at(what)
        raise ValueError(f"an end is {{'sample': 3}}, {{'seed': 7}} or {{'latent': […]}}, not {end!r:.80}")

    def _name(self, end: Mapping[str, Any]) -> str:
        if "sample" in end:
            labels, names, sample = self._latent_space().labels, self.source.class_names, end["sample"]
            if labels is None:
                return f"sample {sample}"
            label = int(labels[sample])
            return f"sample {sample}, {names[label] if names is not None and label < len(names) else f'class {label}'}"
        if "seed" in end:
            return f"random draw, seed {end['seed']}"
        return f"({', '.join(f'{value:.3g}' for value in end['latent'][:3])}{', …' if len(end['latent']) > 3 else ''})"


def _smoothness(drawn: Drawn) -> Any:
    """How evenly what is drawn changes; None for texts."""
    values = drawn.pixels if drawn.pixels is not None else drawn.curves
    return None if values is None else smoothness(values)


def _natural(value: Any) -> int:
    number = operator.index(value)
    if isinstance(value, bool) or number < 0:
        raise ValueError(f"{value!r}, but it is a whole number from 0")
    return number


def _numbers(value: Any) -> list[float]:
    numbers = [float(each) for each in value]
    if not numbers or not np.isfinite(numbers).all():
        raise ValueError("a latent is a list of finite numbers")
    return short(numbers)

"""What the widgets of a latent space share: the questions that a page asks of it, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnwidgets.session import ModelSession
from nnwidgets.session.bounds import out_of
from nnwidgets.session.latent import Drawn, Latent
from nnwidgets.widgets.arguments import whole
from nnwidgets.widgets.base import Question, Widget
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import Coded, encode

Floats = NDArray[np.float32]

_PAIR_BYTES = 256 * 1024  # of the inputs and reconstructions that come together
_MOST_PAIRS = 64
_CURVE = 256  # points of a curve that go to the page
_QUICK = 0.2  # seconds that a display may take


class LatentWidget(Widget):
    """A widget that looks at the latent space of a session."""

    source: ModelSession
    _selected: tuple[str, ...] = ("latent", "sample")

    def __init__(self, source: ModelSession | None = None, **options: Any) -> None:
        if not isinstance(source, ModelSession):
            other = "" if source is None else f", not at {type(source).__name__}"
            raise TypeError(
                f"{type(self).__name__} looks at a ModelSession{other}: make one with "
                "nnw.ModelSession(model, inputs, encode=…, decode=…)"
            )
        source.latent.check()
        super().__init__(source, **options)

    @answers("latent.overview")
    def _overview(self) -> Answer:
        """The space: its size, mean and deviation, what is decoded there, and the classes of the points."""
        latent = self._latent_space()
        mean, std = latent.spread
        one = latent.drawn(mean)
        arrays = {"mean": encode(mean), "std": encode(std)}
        labels = latent.labels
        if labels is not None:
            arrays["labels"] = encode(labels)
        names = self.source.class_names
        value = {
            "label": self.source.label,
            "size": latent.size,
            "count": len(latent.points) if latent.encodes else 0,
            "classNames": None if names is None else list(names),
            "pairs": self._pairs_in_a_chunk(one),
            "notes": self._notes(latent),
            "kind": one.kind,
        }
        return Answer(value, arrays)

    @answers("latent.decode")
    def _decode(self, latent: list[float] | None) -> Answer:
        """What a latent looks like; without one, the mean."""
        return shown(self._latent_space().drawn(self._at(latent)))

    @answers("latent.sample")
    def _sample(self, sample: int) -> Answer:
        """Where an input lies."""
        point = self._latent_space().points[self._index(sample)]
        if not np.isfinite(point).all():
            raise ValueError(f"sample={sample}, but that input is encoded as {point.tolist()}: it has no place here")
        return Answer({}, {"latent": encode(point)})

    @answers("latent.pairs")
    def _pairs(self, chunk: int) -> Answer:
        """Some of the inputs, and what is decoded where they lie."""
        latent = self._latent_space()
        points = latent.points
        size = self._pairs_in_a_chunk(latent.drawn(latent.spread[0]))
        start = size * whole("chunk", chunk)
        if not 0 <= start < len(points):
            raise ValueError(out_of("chunk", chunk, "the input", -(-len(points) // size), "chunks"))
        stop = min(start + size, len(points))
        # What has no place is decoded where the mean is: the notes say which inputs these are.
        placed = np.where(np.isfinite(points[start:stop]).all(axis=1, keepdims=True), points[start:stop], self._mean())
        back, given = latent.drawn(placed.astype(np.float32)), latent.inputs_drawn(start, stop)
        value, arrays = packed(back)
        if given is not None:
            more, pictures = packed(given)
            value |= {f"input.{name}": each for name, each in more.items()}
            arrays |= {f"input.{name}": each for name, each in pictures.items()}
        return Answer(value, arrays)

    @answers("latent.random")
    def _random(self, seed: int) -> Answer:
        """A random draw: normal, with the points' mean and deviations."""
        return Answer({}, {"latent": encode(self._random_latent(whole("seed", seed)))})

    def _random_latent(self, seed: int) -> Floats:
        """`mean + std * numpy.random.default_rng(seed).standard_normal(d)`."""
        mean, std = self._latent_space().spread
        drawn = mean + std * np.random.default_rng(seed).standard_normal(len(mean))
        return drawn.astype(np.float32)

    def _latent_space(self) -> Latent:
        return self.source.latent

    def _mean(self) -> list[float]:
        return short(self._latent_space().spread[0])

    def _at(self, latent: list[float] | None) -> Floats:
        """A latent [d] as the page gives it; the mean for none."""
        if latent is None:
            return np.asarray(self._mean(), np.float32)
        if not isinstance(latent, list) or not all(isinstance(each, int | float) for each in latent):
            raise ValueError(f"latent={latent!r:.80}, but it is a list of numbers")
        return np.asarray(latent, np.float32)

    def _selected_latent(self) -> list[float] | None:
        """The selected latent as a page asks for it; None where there is none, or one of another space."""
        latent = self.selection.latent
        return None if latent is None or len(latent) != self._latent_space().size else short(latent)

    def _index(self, sample: int) -> int:
        count = len(self._latent_space().points)
        if not 0 <= whole("sample", sample) < count:
            raise ValueError(out_of("sample", sample, "the input", count, "samples"))
        return sample

    @staticmethod
    def _pairs_in_a_chunk(one: Drawn) -> int:
        size = one.pixels.nbytes if one.pixels is not None else 4 * _CURVE
        return max(1, min(_MOST_PAIRS, _PAIR_BYTES // (2 * size)))

    def _notes(self, latent: Latent) -> list[str]:
        notes = []
        if not latent.encodes:
            notes.append("No encode: the inputs have no place here, and deviations are those of a normal distribution.")
        elif self.source.targets is not None and latent.labels is None:
            notes.append("The session's targets are not one class for each input: the points have one colour.")
        count = len(latent.points) if latent.encodes else 0
        lost = sorted(set(range(count)) - set(self._placed().tolist())) if count else []
        if lost:
            shown = ", ".join(map(str, lost[:5])) + (" …" if len(lost) > 5 else "")
            notes.append(
                f"{len(lost)} of {count:,} inputs are encoded as NaN or infinity and have no place here "
                f"(sample {shown}); their reconstruction is that of the mean."
            )
        return notes

    def _placed(self) -> NDArray[np.intp]:
        """The inputs that have a place in the space: those that are not encoded as NaN or infinity."""
        return np.flatnonzero(np.isfinite(self._latent_space().points).all(axis=1))

    def _is_quick(self, count: int) -> bool:
        return self._latent_space().estimated_seconds(count) <= _QUICK

    def _decode_question(self) -> Question:
        return "latent.decode", {"latent": self._selected_latent()}


def packed(drawn: Drawn, most: int | None = None, shape: Sequence[int] = ()) -> tuple[dict[str, Any], dict[str, Coded]]:
    """What is drawn as JSON and arrays; pictures no larger than `most` px, in rows of `shape` where there is one."""
    value: dict[str, Any] = {"kind": drawn.kind, "broken": drawn.broken}
    if drawn.pixels is not None:
        pixels = drawn.pixels if most is None else smaller(drawn.pixels, most)
        return value, {"pictures": encode(pixels.reshape(*shape, *pixels.shape[1:]) if shape else pixels)}
    if drawn.curves is not None:
        curves = drawn.curves[:, :: max(1, -(-drawn.curves.shape[1] // _CURVE))]
        return value, {"curves": encode(curves.reshape(*shape, curves.shape[1]) if shape else curves)}
    return value | {"texts": list(drawn.texts or ())}, {}


def shown(drawn: Drawn, most: int | None = None, **more: Any) -> Answer:
    """What is drawn as an answer."""
    value, arrays = packed(drawn, most)
    return Answer(value | more, arrays)


def smaller(pixels: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """Pictures [n, h, w, c] no larger than about `most` px: the mean of each block of pixels."""
    count, height, width, channels = pixels.shape
    by = -(-max(height, width) // max(most, 1))
    if by <= 1:
        return pixels
    pad = (-height % by, -width % by)
    full = np.pad(pixels, ((0, 0), (0, pad[0]), (0, pad[1]), (0, 0)), mode="edge") if any(pad) else pixels
    blocks = full.reshape(count, full.shape[1] // by, by, full.shape[2] // by, by, channels)
    means: NDArray[np.uint8] = (blocks.sum(axis=(2, 4), dtype=np.uint32) // (by * by)).astype(np.uint8)
    return means


def short(latent: Any) -> list[float]:
    """A latent as pages ask for it: six digits, as in the browser half, for requests are bounded."""
    return [float(f"{value:.6g}") for value in np.asarray(latent, dtype=np.float64).tolist()]

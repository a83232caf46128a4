"""LatentSliders: one slider a dimension of the latent space, with what it does to the output beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import traitlets

from nnwidgets.analysis.latent import Direction, LatentTraversals, attribute_direction
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.latent import Floats, LatentWidget, packed, short
from nnwidgets.widgets.options import Choice
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import encode

PAGE = 8
"""Dimensions that are shown at once."""
_TILE = 64  # px of a picture in a strip
_MOST_CLASSES = 40  # whose directions have a slider
_SAMPLES = 20  # inputs to begin from that a saved page holds
_SEEDS = 5  # random draws that a saved page holds


class LatentSliders(LatentWidget):
    """A slider for each dimension, each with a strip of what it does while the others stay as they are.

    They are ordered by how much a dimension changes the output: the root mean square difference between one standard
    deviation below and above the mean. Where the session has `targets`, a slider goes along the direction of each
    class, the difference between the mean of its points and that of the others (Larsen et al., 2016, "Autoencoding
    beyond pixels"). Begin from the mean, an encoded input or a random draw.

    Args:
        source: the `ModelSession`, with `decode=`, and `encode=` for the inputs and the deviations.
        dimensions: those that are shown, in this order; None for all.
        spread: how far the sliders go to each side of the mean, in standard deviations.
        strip: pictures of each strip, 2 to 15.
        order: "effect" or "number".
    """

    dimensions = traitlets.Tuple(allow_none=True, default_value=None).tag(sync=True, option=True)
    spread = traitlets.Float(3.0, min=0.1, max=20.0).tag(sync=True, option=True)
    strip = traitlets.Int(7, min=2, max=15).tag(sync=True, option=True)
    order = Choice("effect", "number", default="effect")

    @traitlets.validate("dimensions")
    def _check_dimensions(self, proposal: Any) -> Any:
        chosen = proposal["value"]
        if chosen is None:
            return None
        whole = all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in chosen)
        if not chosen or not whole or len(set(chosen)) < len(chosen):
            raise traitlets.TraitError(f"dimensions={chosen}, but they are different whole numbers from 0")
        return tuple(chosen)

    @property
    def result(self) -> LatentTraversals:
        """The strips of the first page, from the latent that is looked at."""
        latent, shown = self._latent_space(), self._page()
        here = self._at(self._selected_latent())
        latents, values = self._traversed(shown, self.spread, self.strip, here)
        decoded = latent.drawn(latents.reshape(-1, latent.size)).items
        change = latent.importance().change if self.order == "effect" else None
        count = self.strip
        return LatentTraversals(
            dimensions=tuple(shown),
            change=None if change is None else change[list(shown)],
            values=values,
            decoded=[decoded[start : start + count] for start in range(0, len(decoded), count)],
            latent=here,
            picture=latent.drawn(here).items[0],
        )

    def look(self) -> dict[str, Any]:
        return {"label": self.source.label}

    @answers("latent.traversals")
    def _traversals(self, dimensions: list[int], spread: float, strip: int, at: list[float] | None = None) -> Answer:
        """The strips of some dimensions, from a latent; from the mean without one."""
        latent = self._latent_space()
        self._check_within(dimensions)
        if not 2 <= strip <= 15 or len(dimensions) > 64:
            raise ValueError(f"strip={strip} of {len(dimensions)} dimensions, but it is 2 to 15 of at most 64")
        latents, values = self._traversed(dimensions, spread, strip, self._at(at))
        value, arrays = packed(latent.drawn(latents.reshape(-1, latent.size)), _TILE)
        return Answer(value, {**arrays, "values": encode(values)})

    @answers("latent.importance")
    def _importance(self) -> Answer:
        """How much each dimension changes the output."""
        return Answer({}, {"change": encode(self._latent_space().importance().change)})

    @answers("latent.directions")
    def _directions(self) -> Answer:
        """The direction of each class: unit vectors, where the points lie along them, and how well that parts them."""
        latent = self._latent_space()
        found: dict[int, tuple[Direction, Floats]] = {}
        labels, points = np.empty(0, np.int32), np.empty((0, latent.size), np.float32)
        if latent.labels is not None:
            placed = self._placed()
            labels, points = latent.labels[placed], latent.points[placed]
        for label in np.unique(labels)[:_MOST_CLASSES]:
            try:
                direction = attribute_direction(points, labels == label)
            except ValueError:  # all points are of this class
                continue
            found[int(label)] = direction, points @ direction.vector
        separation = [float(min(direction.separation, 1e6)) for direction, _ in found.values()]
        spread = [[float(along.mean()), float(along.std()) or 1.0] for _, along in found.values()]
        vectors = np.stack([each.vector for each, _ in found.values()]) if found else np.zeros((0, latent.size))
        value = {"labels": list(found), "separation": separation, "spread": spread}
        return Answer(value, {"vectors": encode(vectors.astype(np.float32))})

    def is_quick(self) -> bool:
        size = self._latent_space().size
        return self._is_quick(PAGE * self.strip + (2 * size if self.order == "effect" else 0))

    def first_questions(self) -> Iterator[Question]:
        yield "latent.overview", {}
        if self.order == "effect":
            yield "latent.importance", {}
        yield "latent.traversals", self._strips(self._page())
        yield self._decode_question()
        yield "latent.directions", {}

    def bake(self) -> Iterator[Question]:
        """First what is shown, then random draws, the other pages, and some inputs to begin from."""
        latent = self._latent_space()
        yield from self.first_questions()
        yield "latent.importance", {}
        for seed in range(_SEEDS):
            yield "latent.random", {"seed": seed}
            yield "latent.decode", {"latent": short(self._random_latent(seed))}
        everything = self._ordered()
        for start in range(0, len(everything), PAGE):
            yield "latent.traversals", self._strips(everything[start : start + PAGE])
        for sample in map(int, self._placed()[:_SAMPLES] if latent.encodes else ()):
            yield "latent.sample", {"sample": sample}
            yield "latent.decode", {"latent": short(latent.points[sample])}

    def _strips(self, dimensions: Sequence[int]) -> dict[str, Any]:
        return {
            "dimensions": [int(each) for each in dimensions],
            "spread": short([self.spread])[0],
            "strip": self.strip,
            "at": self._selected_latent(),
        }

    def _ordered(self) -> list[int]:
        """The dimensions that are shown, in their order."""
        latent = self._latent_space()
        if self.dimensions is not None:
            self._check_within(self.dimensions)
            return list(self.dimensions)
        return [int(each) for each in latent.importance().order] if self.order == "effect" else list(range(latent.size))

    def _page(self) -> list[int]:
        return self._ordered()[:PAGE]

    def _check_within(self, dimensions: Sequence[int]) -> None:
        size = self._latent_space().size
        for each in dimensions:
            if not isinstance(each, int) or not 0 <= each < size:
                raise ValueError(
                    f"dimension {each!r}, but the latents of {self.source.label} have {size} (0 to {size - 1})"
                )

    def _traversed(self, dimensions: Sequence[int], spread: float, strip: int, at: Floats) -> tuple[Floats, Floats]:
        """Latents [k, strip, d] with one dimension varied in each row, and the values [k, strip] that it takes."""
        mean, std = self._latent_space().spread
        steps = np.linspace(-spread, spread, strip, dtype=np.float32)
        chosen = list(dimensions)
        values = mean[chosen, None] + steps * std[chosen, None]
        latents = np.broadcast_to(at, (len(chosen), strip, len(at))).copy()
        for row, dimension in enumerate(chosen):
            latents[row, :, dimension] = values[row]
        return latents, values

"""LatentMap: what a decoder makes of a plane of its latent space, with the inputs' places on it and a cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import traitlets

from nnwidgets.analysis.latent import Grid, LatentMapped, check_axes, grid
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.latent import LatentWidget, short, shown
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import encode

MOST = 40
"""Pictures along each side of the map."""
_SIDE = 650  # px of all pictures along a side: more is not seen
_KEPT = 600_000  # bytes of a manifold that a saved notebook keeps


class LatentMap(LatentWidget):
    """A map of two dimensions of the latent space: what is decoded over a grid, and where the inputs lie.

    Drag the cursor, or move it with the arrow keys, and what is decoded there follows; point at an input's place for
    that input beside its reconstruction, click to go there. The latent is the selection's, which all widgets of the
    session share; dimensions that the map does not show stay as they are there. After Kingma and Welling (2014),
    "Auto-Encoding Variational Bayes", figure 4.

    Args:
        source: the `ModelSession`, with `decode=`, and `encode=` for the points.
        axes: the two dimensions, to the right and upwards.
        grid: pictures along each side, 2 to 40.
        spread: how far the map goes to each side of the points' mean, in their standard deviations.
        points: whether the encoded inputs are shown.
        density: whether shading shows how densely the points lie.
        height: of the map, in px.
    """

    axes = traitlets.Tuple(traitlets.Int(min=0), traitlets.Int(min=0), default_value=(0, 1)).tag(sync=True, option=True)
    grid = traitlets.Int(20, min=2, max=MOST).tag(sync=True, option=True)
    spread = traitlets.Float(3.0, min=0.1, max=20.0).tag(sync=True, option=True)
    points = traitlets.Bool(True).tag(sync=True, option=True)
    density = traitlets.Bool(False).tag(sync=True, option=True)
    height = traitlets.Int(480, min=160, max=2000).tag(sync=True, option=True)

    @traitlets.validate("axes")
    def _check_axes(self, proposal: Any) -> Any:
        if proposal["value"][0] == proposal["value"][1]:
            raise traitlets.TraitError(f"axes={proposal['value']}, but they are two different dimensions")
        return proposal["value"]

    @property
    def result(self) -> LatentMapped:
        """The manifold, the points and the latent that is looked at."""
        latent = self._latent_space()
        axes = check_axes(self.axes, latent.size)
        asked = self._manifold_arguments()
        plane = self._grid(asked["axes"], asked["grid"], asked["spread"], asked["at"])
        here = self._at(self._selected_latent())
        return LatentMapped(
            grid=plane,
            decoded=latent.drawn(plane.latents).items,
            points=latent.points[:, list(axes)] if latent.encodes else None,
            labels=latent.labels,
            latent=here,
            picture=latent.drawn(here).items[0],
        )

    def look(self) -> dict[str, Any]:
        return {
            "label": self.source.label,
            "points": self.points,
            "class_names": self.source.class_names,
        }

    @answers("latent.manifold")
    def _manifold(self, axes: list[int], grid: int, spread: float, at: list[float] | None = None) -> Answer:
        """What is decoded over the grid, in rows from the top; pictures as small as they are seen."""
        if not 2 <= grid <= MOST:
            raise ValueError(f"grid={grid}, but it is 2 to {MOST} pictures along each side")
        plane = self._grid(axes, grid, spread, at)
        answer = shown(self._latent_space().drawn(plane.latents), -(-_SIDE // grid))
        return Answer(answer.value, {**answer.arrays, "x": encode(plane.x), "y": encode(plane.y)})

    @answers("latent.points")
    def _points(self, axes: list[int]) -> Answer:
        """Where the inputs lie along the two axes."""
        latent = self._latent_space()
        return Answer({}, {"points": encode(latent.points[:, list(check_axes(axes, latent.size))])})

    def is_quick(self) -> bool:
        return self._is_quick(self.grid**2 + 1)

    def first_questions(self) -> Iterator[Question]:
        yield "latent.overview", {}
        one = self._latent_space().drawn(self._mean())
        if one.pixels is None or one.pixels.nbytes * self.grid**2 <= _KEPT:
            yield "latent.manifold", self._manifold_arguments()
        if self._latent_space().encodes:
            yield "latent.points", {"axes": list(self.axes)}
        yield self._decode_question()

    def bake(self) -> Iterator[Question]:
        """First what is shown, then the inputs beside their reconstructions, then other densities of the grid."""
        latent = self._latent_space()
        manifold = self._manifold_arguments()
        yield from self.first_questions()
        yield "latent.manifold", manifold
        yield from (("latent.manifold", manifold | {"grid": count}) for count in (10, 30) if count != self.grid)
        if latent.encodes:
            count = len(latent.points)
            for chunk in range(-(-count // self._pairs_in_a_chunk(latent.drawn(self._mean())))):
                yield "latent.pairs", {"chunk": chunk}
            if latent.size > 2:
                yield from (("latent.sample", {"sample": sample}) for sample in map(int, self._placed()))

    def _manifold_arguments(self) -> dict[str, Any]:
        """As the page asks: the dimensions that do not vary are those of the selection, the two that do are zero."""
        axes, at = check_axes(self.axes, self._latent_space().size), None
        if self._latent_space().size > 2:
            at = self._selected_latent() or self._mean()
            at = [0.0 if dimension in axes else value for dimension, value in enumerate(at)]
        return {"axes": list(axes), "grid": self.grid, "spread": short([self.spread])[0], "at": at}

    def _grid(self, axes: list[int], count: int, spread: float, at: list[float] | None) -> Grid:
        mean, std = self._latent_space().spread
        base = mean if at is None else np.asarray(at, np.float32)
        if base.shape != mean.shape:
            raise ValueError(f"at has {len(base)} numbers, but the latents have {len(mean)} dimensions")
        return grid(base, mean, std, axes=axes, count=count, spread=spread)

"""EnergyLandscape: a Hopfield network's energy over two directions, as a surface or contours, and the path on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import traitlets

from nnwidgets.processes import Hopfield
from nnwidgets.processes.landscape import Landscape, energy_landscape
from nnwidgets.source.errors import SourceClosed
from nnwidgets.widgets.base import Question, Widget
from nnwidgets.widgets.options import Choice
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import Coded, encode


class EnergyLandscape(Widget):
    """The energy over the plane of the memories' two leading directions, with the memories and the path of every
    branch of the recall on it. A picture to think with: two of many dimensions (Hopfield 1982).

    The surface has the true energies of memories and path where they lie; see `nnwidgets.processes.landscape`.
    The step is the selection's: the arrow keys move it, and all widgets of the process follow.

    Args:
        source: the `nnw.processes.Hopfield`.
        directions: "memories", or "path": what the plane lies through.
        resolution: points of the plane along each side.
        view: "surface" in 3-D, or "contour".
        height: of the picture, in px.

    Raises:
        TypeError: a source that is no Hopfield network, an option that there is not.
    """

    source: Hopfield
    library = "plotly"
    directions = Choice("memories", "path", default="memories")
    resolution = traitlets.Int(61, min=5, max=201).tag(sync=True, option=True)
    view = Choice("surface", "contour", default="surface")
    height = traitlets.Int(420, min=200, max=2000).tag(sync=True, option=True)
    _selected = ("step",)
    _called = "process"

    def __init__(self, source: Hopfield | None = None, **options: Any) -> None:
        if not isinstance(source, Hopfield):
            other = "" if source is None else f", not at {type(source).__name__}"
            raise TypeError(
                f"EnergyLandscape looks at a Hopfield network{other}: make one with "
                f"nnw.processes.Hopfield(patterns, cue=…)"
            )
        if source.closed:
            raise SourceClosed(f"the process {source.label} was closed: make it again")
        super().__init__(source, **options)

    @property
    def result(self) -> Landscape:
        """The energies over the plane, the memories and the paths of all branches."""
        return self._landscape(self.directions, self.resolution)

    def look(self) -> dict[str, Any]:
        names = tuple(branch.label or "original" for branch in self.source.branches)
        return {"label": self.source.label, "view": self.view, "step": self._step(), "names": names}

    @answers("energy_landscape.plane")
    def _plane(self, directions: str, resolution: int, branches: int) -> Answer:
        """The whole picture; `branches` is how many the page knows of: with more of them it asks again."""
        process, found = self.source, self._landscape(directions, resolution)
        arrays: dict[str, Coded] = {
            "x": encode(found.columns),
            "y": encode(found.rows),
            "energies": encode(found.energy),
            "memories": encode(found.memories),
        }
        arrays |= {f"path.{index}": encode(path) for index, path in enumerate(found.paths[: max(branches, 1)])}
        shown = process.branches[: len(arrays) - 4]
        value = {
            "label": process.label,
            "words": found.note[:1].upper() + found.note[1:] + ".",
            "axes": [f"{directions}: direction 1", f"{directions}: direction 2"],
            "steps": process.steps,
            "memories": list(found.labels),
            "branches": [{"index": branch.index, "label": branch.label} for branch in shown],
        }
        return Answer(value, arrays)

    def is_quick(self) -> bool:
        return True

    def first_questions(self) -> Iterator[Question]:
        known = len(self.source.branches)
        yield (
            "energy_landscape.plane",
            {"directions": self.directions, "resolution": self.resolution, "branches": known},
        )

    def bake(self) -> Iterator[Question]:
        yield from self.first_questions()

    def _landscape(self, directions: str, resolution: int) -> Landscape:
        return energy_landscape(self.source, directions=directions, size=resolution)

    def _step(self) -> int:
        step: int | None = self.selection.step
        return 0 if step is None else step

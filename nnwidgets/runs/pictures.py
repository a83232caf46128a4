"""The images of a run by step, for those who look at few of many: none is read that is not asked for."""

from __future__ import annotations

from collections.abc import Iterable

from nnwidgets.runs.images import Image
from nnwidgets.runs.reading import evenly
from nnwidgets.runs.run import Run


def image_steps(run: Run, name: str, most: int) -> list[int]:
    """The steps at which a series of images was logged, rising, each once; of more than `most` so many, evenly taken.

    The first and the last are among them. Raises as `Run.images` does.
    """
    found: list[int] = evenly(sorted({step for step, _, _ in run._items(name, "image", None, None, None)}), most)
    return found


def images_at(run: Run, name: str, steps: Iterable[int]) -> dict[int, Image]:
    """The images of a series at these steps, as far as there are some; of a step that came twice, the last."""
    wanted = sorted(set(steps))
    if not wanted:
        return {}
    load = {step: read for step, _, read in run._items(name, "image", wanted[0], wanted[-1] + 1, None)}
    return {step: load[step]() for step in wanted if step in load}

"""SampleTimeline: images that a run logged from fixed noise, over its training: scrubbed, played, watched."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from nnwidgets.analysis.pictures import contact_sheet, picture_style, to_pixels
from nnwidgets.figures.sample_timeline import Samples
from nnwidgets.runs.images import Image
from nnwidgets.runs.pictures import image_steps, images_at
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.distributions import nearest
from nnwidgets.widgets.moving import MOST_FRAMES, MovingWidget
from nnwidgets.widgets.training import RunWidget
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import Coded, encode

CHUNK_BYTES = 512 * 1024
_MOST_AT_ONCE = 64
_STRIP = 6  # images of a strip, where nobody says how many


class SampleTimeline(RunWidget, MovingWidget):
    """What a generator makes of the same noise as it learns: the images that a run logged under one name.

        noise = torch.randn(16, 64)                               # once, before the training
        sheet = nnw.SampleTimeline.sheet(generator(noise))        # every so many steps
        run.log(step, samples=sheet)
        nnw.SampleTimeline(run)

    The step is that of the run's selection, so it follows the `TrainingMonitor`, and that follows it; without a step
    the newest image is shown, and new ones as they come. Of more than 300 images so many are taken, evenly. As .gif
    it is saved with all of them.

    Args:
        source: the `Run`, recorded here or by another process, going on or over.
        name: of the series of images.
        columns: images of the strip beside each other, in the page and in a figure; None: 6.
        fps: images a second that it plays, 1 to 30.
        loop: whether it begins again at the end.
    """

    name = traitlets.Unicode("samples").tag(sync=True, option=True)
    columns = traitlets.Int(None, allow_none=True, min=1, max=16).tag(sync=True, option=True)

    library = None

    @staticmethod
    def sheet(images: Any, columns: int | None = None, *, gap: int = 2) -> NDArray[np.uint8]:
        """A batch of images as one to be logged: uint8 [height, width, 1 or 3].

        Args:
            images: [n, h, w], [n, h, w, channels] or [n, channels, h, w], −1 to 1, 0 to 1 or 0 to 255: told from them.
            columns: images side by side; None: as many as rows.
            gap: pixels between two.

        Raises ValueError, naming the shape, for what is no batch of images.
        """
        pixels = to_pixels(images, picture_style(images))
        return contact_sheet(pixels, columns or int(np.ceil(np.sqrt(len(pixels)))), gap)

    @property
    def result(self) -> Samples:
        """A few images over the training, the one that is looked at among them."""
        run, steps = self.source, self._steps(self.name)
        step = nearest(steps, self.selection.step) if steps else None
        key = _strip(steps, step, self.columns or _STRIP)
        images = images_at(run, self.name, key)
        shown = tuple(each for each in key if each in images)
        count = run.series()[self.name].count if steps else 0
        pixels = tuple(_pixels(images[each]) for each in shown)
        return Samples(label=run.label, name=self.name, step=step, count=count, steps=shown, images=pixels)

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The images in the order of their steps; smaller ones lie on white. Raises ValueError where there are none."""
        steps = self._steps(self.name)
        if not steps:
            raise ValueError(f"{self.source.label} has no images named {self.name!r}: {self._named()}")
        sizes = {step: _pixels(image).shape for step, image in images_at(self.source, self.name, steps).items()}
        height, width, channels = (max(shape[axis] for shape in sizes.values()) for axis in range(3))
        for step in sizes:
            pixels = _pixels(images_at(self.source, self.name, [step])[step])
            page = np.full((height, width, channels), 255, np.uint8)
            page[: pixels.shape[0], : pixels.shape[1]] = pixels
            yield page

    def look(self) -> dict[str, Any]:
        return {}

    @answers("samples.story")
    def _story_of_samples(self, name: str, until: int | None = None) -> Answer:
        """The steps at which images were logged, and how many of them come at once."""
        run, cursor = self.source, self.source.cursor
        steps = self._steps(name)
        size = 1
        if steps:
            size = _pixels(images_at(run, name, steps[-1:])[steps[-1]]).size
        series = run.series()
        value = {
            "label": run.label,
            "cursor": cursor,
            "count": series[name].count if steps else 0,
            "names": [each.name for each in series.values() if each.kind == "image"],
            "chunk": max(1, min(_MOST_AT_ONCE, CHUNK_BYTES // size)),
        }
        return Answer(value, {"steps": encode(np.array(steps, np.int64))})

    @answers("samples.images")
    def _images(self, name: str, steps: list[int]) -> Answer:
        """The images at steps that the story lists: one array of all where they are of one size, else one for each."""
        if len(steps) > _MOST_AT_ONCE:
            raise ValueError(f"{len(steps)} steps, but at most {_MOST_AT_ONCE} images come at once")
        found = images_at(self.source, name, steps)
        if missing := [step for step in steps if step not in found]:
            raise ValueError(f"step {missing[0]}, but no image named {name!r} was logged there")
        pixels = [_pixels(found[step]) for step in steps]
        arrays: dict[str, Coded] = {}
        if len({each.shape for each in pixels}) == 1:
            arrays["images"] = encode(np.stack(pixels))
        else:
            arrays |= {str(index): encode(each) for index, each in enumerate(pixels)}
        return Answer({}, arrays)

    def first_questions(self) -> Iterator[Question]:
        yield "samples.story", {"name": self.name, "until": None}
        chunks = self._chunks()
        if chunks:
            step = nearest(self._steps(self.name), self.selection.step)
            yield "samples.images", {"name": self.name, "steps": next(each for each in chunks if step <= each[-1])}

    def bake(self) -> Iterator[Question]:
        yield from self.first_questions()
        for steps in reversed(self._chunks()):
            yield "samples.images", {"name": self.name, "steps": steps}

    def _chunks(self) -> list[list[int]]:
        """The steps as the page asks for them."""
        steps = self._steps(self.name)
        size = self._story_of_samples(self.name).value["chunk"]
        return [steps[first : first + size] for first in range(0, len(steps), size)]

    def _steps(self, name: str) -> list[int]:
        series = self.source.series()
        there = name in series and series[name].kind == "image" and series[name].count > 0
        return image_steps(self.source, name, MOST_FRAMES) if there else []

    def _named(self) -> str:
        names = [each.name for each in self.source.series().values() if each.kind == "image"]
        return f"it has {', '.join(map(repr, names)) or 'none'}; run.log(step, {self.name}=image) logs one"


def _pixels(image: Image) -> NDArray[np.uint8]:
    """A logged image as uint8 [h, w, 1 or 3]; what is transparent lies on white."""
    from PIL import Image as pillow

    with pillow.open(io.BytesIO(image.png)) as opened:
        if opened.mode in ("1", "L"):
            return np.asarray(opened.convert("L"))[..., None]
        clear = opened.mode in ("LA", "RGBA") or "transparency" in opened.info
        array = np.asarray(opened.convert("RGBA" if clear else "RGB"))
    return to_pixels(array[None], picture_style(array[None], "channels last"))[0] if clear else array


def _strip(steps: list[int], step: int | None, most: int) -> list[int]:
    """So many of the steps, evenly taken but for the one that is looked at."""
    if not steps:
        return []
    taken = [steps[place] for place in np.unique(np.linspace(0, len(steps) - 1, most).round().astype(int))]
    if step is not None and step not in taken:
        taken[min(range(len(taken)), key=lambda place: abs(taken[place] - step))] = step
    return sorted(taken)

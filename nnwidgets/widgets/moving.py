"""What widgets whose picture moves can do beside the others: be saved as a GIF."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import traitlets
from numpy.typing import NDArray

from nnwidgets.widgets.base import ENDINGS, Widget

MOST_FRAMES = 300
"""Frames of a GIF: of a longer story so many are taken, evenly."""


class MovingWidget(Widget):
    """A widget that plays frames. Subclasses say which."""

    endings = (*ENDINGS, ".gif")
    fps = traitlets.Int(20, min=1, max=30).tag(sync=True, option=True)
    loop = traitlets.Bool(False).tag(sync=True, option=True)

    @abstractmethod
    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The pictures one after the other, uint8 [height, width, 1 or 3], all of one size; at most `MOST_FRAMES`."""

    def save(
        self,
        path: str | Path,
        *,
        dpi: float = 300,
        fps: float | None = None,
        loop: bool = True,
        scale: int | None = None,
    ) -> os.PathLike[str]:
        """Save as `Widget.save` does, and .gif: all frames, at most 300, evenly taken of more.

        `fps` (1 to 50; None: the widget's), `loop` and `scale` (how many times as large; None: small pictures are
        enlarged to about 256 px) count for the GIF alone.
        """
        if Path(path).suffix.lower() != ".gif":
            return super().save(path, dpi=dpi)
        from nnwidgets.export.gif import save_gif
        from nnwidgets.figures.style import check_folder

        target = self._place(path)
        check_folder(target)  # before the frames are computed
        return save_gif(target, self.frames(), fps=self.fps if fps is None else fps, loop=loop, scale=scale)

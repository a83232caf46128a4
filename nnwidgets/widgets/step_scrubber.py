"""StepScrubber: any process, step by step: play it, scrub it, see what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from nnwidgets.analysis.pictures import contact_sheet, same_channels
from nnwidgets.export.gif import thinned
from nnwidgets.figures.latent_tiles import tiles
from nnwidgets.figures.step_scrubber import BranchSteps, KeySteps
from nnwidgets.processes import Branch, ProcessError
from nnwidgets.widgets.moving import MOST_FRAMES, MovingWidget
from nnwidgets.widgets.process_frames import frame_kind
from nnwidgets.widgets.processes import ProcessWidget

KEY_STEPS = 8
"""Steps of a strip."""
_CURVE_SIZE = 192  # px of a curve in a GIF


class StepScrubber(ProcessWidget, MovingWidget):
    """Any process of your own, step by step: its frames, played or scrubbed, and curves of what is measured.

        process = nnw.Process(advance, start, steps=200, measures={"energy": energy}, draw=draw)
        nnw.StepScrubber(process)

    Space plays, arrows step, Home and End go to the ends, + and − change the speed; a press on a curve goes to that
    step. The step is that of the selection: other widgets follow, and `process.selection.step = 17` moves this one.
    Frames come to the page in chunks, once: what fits 48 MB plays without the kernel. Branches (`process.edit`) are
    shown beside the original. As .gif it is saved with all frames.

    Args:
        source: the `Process`.
        fps: frames a second that it plays, 1 to 30.
        loop: whether it begins again at the end.
        columns: samples side by side; None: as many as there is room for.
        measures: the names of the measures that have a curve; None: all of them.
    """

    columns = traitlets.Int(None, allow_none=True, min=1, max=64).tag(sync=True, option=True)
    measures = traitlets.List(traitlets.Unicode(), default_value=None, allow_none=True).tag(sync=True, option=True)

    @traitlets.validate("measures")
    def _known_measures(self, proposal: Any) -> Any:
        known = self._measure_names
        for name in proposal["value"] or ():
            if known is not None and name not in known:
                listed = ", ".join(map(repr, known)) or "nothing"
                raise traitlets.TraitError(f"measures={proposal['value']!r}, but {self._label} measures {listed}")
        return proposal["value"]

    @property
    def _measure_names(self) -> tuple[str, ...] | None:
        return None if self._looks_at is None else self.source.measure_names

    @property
    def result(self) -> KeySteps:
        """A few steps over all that was reached, the one that is looked at among them, and the measures of all."""
        process, shown = self.source, self._shown_branches
        reached = {branch.index: self._reached(branch.index) for branch in shown}
        most = max(last for last, _ in reached.values())
        step = min(self.step, most)
        key = _key_steps(most, step)
        return KeySteps(
            label=process.label,
            step=step,
            steps=process.steps,
            kind=frame_kind(process).kind,
            key=key,
            branches=tuple(self._at(branch, key, reached[branch.index][0]) for branch in shown),
            failure=next((words for _, words in reached.values() if words), None),
        )

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The samples of a step side by side, the branches under each other. Raises ValueError for texts."""
        process, kind = self.source, frame_kind(self.source)
        if kind.kind == "text":
            raise ValueError(f"{process.label} is drawn as text, which a GIF does not hold: save it as .html")
        reached = min(self._reached(branch.index)[0] for branch in process.branches)
        columns = self.columns or min(kind.shape[0], 8)
        for step in thinned(reached + 1, MOST_FRAMES):
            rows = []
            for branch in process.branches:
                frame = kind.pack([process.frame(step, branch.index)], step)[0]
                pixels = tiles(frame, _CURVE_SIZE) if kind.kind == "curve" else frame
                rows.append(contact_sheet(pixels, columns))
            yield contact_sheet(np.stack(same_channels(rows)), 1)

    def look(self) -> dict[str, Any]:
        return {"measures": self.measures}

    def _reached(self, branch: int) -> tuple[int, str | None]:
        """The last step that a branch reaches, and why it is not the process's last."""
        process = self.source
        try:
            process.measured(process.steps, branch)
        except ProcessError as error:
            failed = process.failure(branch)
            if failed is None or failed[0] == 0:
                raise
            return failed[0] - 1, str(error)
        return process.steps, None

    def _at(self, branch: Branch, key: tuple[int, ...], last: int) -> BranchSteps:
        process, kind = self.source, frame_kind(self.source)
        steps = [step for step in key if step <= last]
        drawn = [process.frame(step, branch.index) for step in steps]
        name = branch.label or "original"
        return BranchSteps(
            name=name if branch.parent is None else f"{name} (left at step {branch.step})",
            index=branch.index,
            frames=tuple(map(str, drawn))
            if kind.kind == "text"
            else np.concatenate([kind.pack([frame], step) for frame, step in zip(drawn, steps, strict=True)]),
            curves={each: process.curve(each, branch.index, stop=last + 1) for each in process.measure_names},
        )


def _key_steps(last: int, step: int) -> tuple[int, ...]:
    """At most `KEY_STEPS` steps from 0 to `last`, evenly taken but for the one that is looked at."""
    steps = list(thinned(last + 1, KEY_STEPS))
    inner = range(1, len(steps) - 1) if step not in (0, last) else range(0)
    if step not in steps and inner:
        nearest = min(inner, key=lambda place: abs(steps[place] - step))
        steps[nearest] = step
    return tuple(sorted(set(steps)))

"""HopfieldScrubber: a Hopfield network that recalls, step by step, from a cue that a hand draws."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from typing import Any, Literal, cast

import numpy as np
import traitlets
from numpy.typing import NDArray

from nnwidgets.export.gif import thinned
from nnwidgets.figures.hopfield_scrubber import Recall, Recalls
from nnwidgets.processes import Basin, Branch, Hopfield
from nnwidgets.processes.capacity import Capacity, capacity
from nnwidgets.processes.dynamics import orders
from nnwidgets.source.errors import NotStored
from nnwidgets.source.jobs import current_job
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.moving import MOST_FRAMES, MovingWidget
from nnwidgets.widgets.processes import ProcessWidget
from nnwidgets.wire.answers import Answer, acts, answers
from nnwidgets.wire.codec import encode

Kind = Literal["random", "own"]

_KINDS: tuple[Kind, ...] = ("random", "own")
_PSEUDO_INVERSE_LOADS = (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)  # Hebb's rule fails long before these
_MOST_ORDERS = 2**20  # bytes of the orders that a saved page takes along to recall by itself

_experiments: weakref.WeakKeyDictionary[Hopfield, dict[Kind, Capacity]] = weakref.WeakKeyDictionary()


class HopfieldScrubber(ProcessWidget, MovingWidget):
    """The state of a Hopfield network at every step, with its energy, the bits that flip, and the overlap with each
    memory; in words, what it fell into.

        process = nnw.processes.Hopfield(digits, cue=noisy, labels="0123456789")
        nnw.HopfieldScrubber(process)

    Draw on the picture with the pointer, or with arrow keys and Space; flip a share of the bits at random; take a
    memory: then run, and the recall goes on from there as a branch beside the one that was. Python has the branch too
    (`process.branches`). The capacity experiment stores more and more patterns, and shows where recall fails.

    Args:
        source: the `Hopfield` process.
        fps: frames a second that it plays, 1 to 30.
        loop: whether it begins again at the end.
        experiments: the capacity experiments that are shown: of "random" patterns, of the network's "own".
    """

    source: Hopfield
    experiments = traitlets.List(traitlets.Enum(_KINDS)).tag(sync=True, option=True)

    def __init__(self, source: Hopfield | None = None, **options: Any) -> None:
        if not isinstance(source, Hopfield):
            other = "" if source is None else f", not at {type(source).__name__}"
            raise TypeError(
                f"HopfieldScrubber looks at a Hopfield process{other}: make one with "
                "nnw.processes.Hopfield(patterns, cue=…)"
            )
        super().__init__(source, **options)

    # The capacity experiment

    def capacity(self, patterns: Kind = "random") -> Capacity:
        """Run the capacity experiment (or take its kept result), and show it in the widget.

        Args:
            patterns: "random" ones in a network of as many units, or the network's "own".

        Raises:
            ValueError: another word; "own" of a network that was given by its weights alone.
        """
        self._check_kind(patterns)
        kept = _experiments.setdefault(self.source, {})
        if patterns not in kept:
            kept[patterns] = _run_experiment(self.source, patterns)
        if patterns not in self.experiments:
            self.experiments = [*self.experiments, patterns]
        return kept[patterns]

    def _check_kind(self, patterns: str) -> None:
        if patterns not in _KINDS:
            raise ValueError(f"patterns={patterns!r}, but it is one of {', '.join(map(repr, _KINDS))}")
        if patterns == "own" and not len(self.source.patterns):
            raise ValueError("patterns='own', but this network was given by its weights: its patterns are not known")

    # What a page asks, and does

    @answers("hopfield.network")
    def _network(self) -> Answer:
        """What the network stores, and how it is updated."""
        process = self.source
        height, width = process.shape
        pictures = np.where(process.patterns > 0, 255, 0).astype(np.uint8).reshape(-1, height, width, 1)
        value = {
            "units": process.units,
            "height": height,
            "width": width,
            "labels": list(process.labels),
            "update": process.update,
            "storage": process.storage,
            "steps": process.steps,
            "orders": self._travels(),
        }
        return Answer(value, {"memories": encode(pictures)})

    @answers("hopfield.recall")
    def _recall(self, branch: int) -> Answer:
        """A branch's overlap with each memory at each step, and what it fell into."""
        process = self.source
        found = process.basin(branch)
        value = {"kind": found.kind, "pattern": found.pattern, "words": words(found)}
        return Answer(value, {"overlaps": encode(self._overlaps(branch).astype(np.float32))})

    @answers("hopfield.orders")
    def _orders(self) -> Answer:
        """The order of each step's sweep: with it a page recalls by itself, to the same bits."""
        process = self.source
        made = [orders(process.seed, step, process.units) for step in range(process.steps)]
        return Answer({}, {"orders": encode(np.stack(made).astype(np.uint16))})

    @answers("hopfield.capacity")
    def _capacity(self, patterns: str) -> Answer:
        """The capacity experiment; the first time it is a job."""
        self._check_kind(patterns)
        kind = cast(Kind, patterns)
        kept = _experiments.setdefault(self.source, {})
        if kind not in kept:
            if current_job() is None:
                raise NotStored(f"the capacity of {kind} patterns was not tried yet")
            kept[kind] = _run_experiment(self.source, kind)
        found = kept[kind]
        value = {
            "units": found.units,
            "storage": found.storage,
            "flips": found.flips,
            "threshold": found.threshold,
            "critical": found.critical,
        }
        return Answer(value, {"loads": encode(found.loads), "overlaps": encode(found.overlaps)})

    @acts("hopfield.edit")
    def _edit(self, branch: int, step: int, state: str, label: str = "") -> dict[str, Any]:
        """Run on from a state that was drawn: "0" and "1" for each unit."""
        process = self.source
        if not isinstance(state, str):
            raise TypeError(f"state={state!r:.80}, but it is a text: a 0 or a 1 for each of the {process.units} units")
        if odd := state.strip("01"):
            raise ValueError(f"state has {odd[0]!r}, but it is a 0 or a 1 for each of the {process.units} units")
        if len(state) != process.units:
            raise ValueError(f"state has {len(state)} units, but the network has {process.units}")
        made = process.edit(step, np.frombuffer(state.encode(), np.uint8) - ord("0"), branch=branch, label=label)
        return {"branch": made.index}

    # The still half

    @property
    def result(self) -> Recalls:
        """Every branch at the step that is looked at (of many, the original and the newest), and the experiments."""
        process = self.source
        kept = _experiments.get(process, {})
        return Recalls(
            label=process.label,
            step=self.step,
            steps=process.steps,
            update=process.update,
            storage=process.storage,
            labels=process.labels,
            memories=process.patterns.reshape(-1, *process.shape),
            recalls=tuple(self._recalled(branch) for branch in self._shown_branches),
            capacities={kind: kept[kind] for kind in self.experiments if kind in kept},
        )

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The states of the original, and beside it of the newest branch: uint8 [height, width, 1]."""
        process = self.source
        branches = [0] if len(process.branches) == 1 else [0, process.branches[-1].index]
        for step in thinned(process.steps + 1, MOST_FRAMES):
            pictures = [np.where(process.frame(step, branch) > 0, 255, 0) for branch in branches]
            gap = np.full((process.shape[0], 1), 128)
            row = [part for picture in pictures for part in (picture, gap)][:-1]
            yield np.hstack(row).astype(np.uint8)[..., None]

    def look(self) -> dict[str, Any]:
        return {}

    def first_questions(self) -> Iterator[Question]:
        yield from super().first_questions()
        yield "hopfield.network", {}
        yield "hopfield.recall", {"branch": 0}
        for kind in self.experiments:
            if kind in _experiments.get(self.source, {}):
                yield "hopfield.capacity", {"patterns": kind}

    def bake(self) -> Iterator[Question]:
        yield from self.first_questions()
        for branch in self.source.branches[1:]:
            yield "hopfield.recall", {"branch": branch.index}
        if self._travels() and self.source.update == "asynchronous":
            yield "hopfield.orders", {}
        yield from super().bake()

    def _travels(self) -> bool:
        """Whether a saved page can recall by itself: under Hebb's rule the weights follow from the patterns, so that
        only the orders need to come along.
        """
        process = self.source
        return process.storage == "hebbian" and 2 * process.steps * process.units <= _MOST_ORDERS

    def _overlaps(self, branch: int) -> NDArray[np.float64]:
        """With each memory at each step: [steps + 1, patterns]."""
        process = self.source
        states = np.stack(process.frames(0, process.steps + 1, branch)).reshape(process.steps + 1, -1)
        overlaps: NDArray[np.float64] = states.astype(np.float64) @ process.patterns.T.astype(np.float64)
        return overlaps / process.units

    def _recalled(self, branch: Branch) -> Recall:
        process, index = self.source, branch.index
        return Recall(
            name=branch.label or ("original" if branch.parent is None else f"branch {index}"),
            index=index,
            basin=words(process.basin(index)),
            picture=process.frame(self.step, index),
            overlaps=process.overlaps(self.step, index),
            energy=process.curve("energy", index),
            flipped=process.curve("flipped", index),
        )


def words(basin: Basin) -> str:
    """A basin as a sentence: "fell into the memory 3 (overlap 1.00)"."""
    overlap = f"(overlap {math.floor(100 * basin.overlap + 1e-9) / 100:.2f})"  # 0.997 is no 1.00
    sentence = basin.sentence.removesuffix(f" (overlap {basin.overlap:.2f})")
    if basin.kind in ("memory", "inverse"):
        return f"fell into {sentence} {overlap}"
    if basin.kind == "mixture":
        return f"{sentence} {overlap}"
    return basin.sentence


def _run_experiment(process: Hopfield, patterns: Kind) -> Capacity:
    storage = process.storage or "hebbian"
    if patterns == "own":
        return capacity(patterns=process.patterns, storage=storage)
    loads = _PSEUDO_INVERSE_LOADS if storage == "pseudo-inverse" else None
    return capacity(process.units, loads=loads, storage=storage)

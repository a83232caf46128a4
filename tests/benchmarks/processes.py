"""Step-wise processes: the memory of a long trajectory, a step back in it, and sweeps of a Hopfield network."""

from __future__ import annotations

import itertools
import statistics
import tracemalloc
from typing import Any

import numpy as np

from tests.benchmarks.capture import in_turn
from tests.benchmarks.row import Row, judged, milliseconds
from tests.benchmarks.workshop import Workshop

STEPS = 1000
PICTURE = (64, 64, 3)
UNITS = 784
SWEEPS = 100
PATTERNS = 60
TIMES = 5


def measure(_workshop: Workshop) -> list[Row]:
    return [memory(), step_back(), hopfield()]


def memory() -> Row:
    """Everything that a process of 1,000 pictures holds, as the interpreter counts it, after a look at other places."""
    tracemalloc.start()
    process = _pictures()
    for step in (STEPS, 500, 17):
        process.state(step)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    everything = (STEPS + 1) * int(np.prod(PICTURE)) * 4
    measured = f"{taken / 1e6:.1f} MB, all frames {everything / 1e6:.1f} MB"
    return judged("1,000-step trajectory of 64×64 colour images: memory", measured, taken / everything, 1 / 10)


def step_back() -> Row:
    """Back to a chunk that is not kept, as the page asks for it, against 32 runs of the model that makes the steps."""
    import torch

    import nnwidgets as nnw
    from nnwidgets.widgets.step_scrubber import StepScrubber

    torch.manual_seed(0)
    widths = (3, 32, 32, 3)
    convolutions = [torch.nn.Conv2d(*pair, 3, padding=1) for pair in itertools.pairwise(widths)]
    model = torch.nn.Sequential(*convolutions, torch.nn.Tanh())

    def advance(state: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model(state)

    start = torch.rand(1, 3, 64, 64)
    process = nnw.Process(advance, start, steps=STEPS, value_range=(-1, 1))
    process.state(process.steps)
    widget = StepScrubber(process)
    chunk = widget.answer("process.story", {}).value["chunk"]
    places = iter(np.random.default_rng(0).permutation(process.steps // chunk))

    def back() -> None:
        start = int(next(places)) * chunk
        widget.answer("process.frames", {"branch": 0, "start": start, "stop": start + chunk})

    def plain() -> None:
        state = start
        for _ in range(32):
            state = advance(state)

    asked, stepped = in_turn((back, plain), TIMES)
    widget.close()
    measured = f"{milliseconds(asked)}, 32 steps {milliseconds(stepped)}"
    ratio = statistics.median(asked) / statistics.median(stepped)
    return judged("1,000-step trajectory of 64×64 colour images: any step back", measured, ratio, 1)


def hopfield() -> Row:
    """All measures of 100 sweeps, against the sweeps alone, unit by unit: same orders, same end."""
    from nnwidgets.processes import Hopfield

    random = np.random.default_rng(0)
    patterns = random.choice([-1, 1], (PATTERNS, UNITS))
    cue = patterns[0] * np.where(random.random(UNITS) < 0.25, -1, 1)
    ends: dict[str, Any] = {}
    weights = Hopfield(patterns, cue=cue).weights
    couplings = (patterns.T @ patterns).astype(np.float64)
    np.fill_diagonal(couplings, 0)

    def ours() -> None:
        process = Hopfield(patterns, cue=cue, steps=SWEEPS)
        for name in process.measure_names:
            process.curve(name)
        for step in range(SWEEPS + 1):
            process.overlaps(step)
        ends["ours"] = process.state(SWEEPS)

    def plain() -> None:
        state = cue.astype(np.float64)
        for step in range(SWEEPS):
            for unit in np.random.default_rng((0, step)).permutation(UNITS):
                field = couplings[unit] @ state
                if field:
                    state[unit] = 1.0 if field > 0 else -1.0
        ends["plain"] = state

    kept, alone = in_turn((ours, plain), 3)
    assert np.allclose(weights * UNITS, couplings)
    assert np.array_equal(ends["ours"], ends["plain"])
    measured = f"{milliseconds(kept)}, sweeps alone {milliseconds(alone)}"
    ratio = statistics.median(kept) / statistics.median(alone)
    return judged("Hopfield 784 units, 100 asynchronous sweeps, all measures", measured, ratio, 1)


def _pictures() -> Any:
    import nnwidgets as nnw

    start = np.zeros(PICTURE, np.float32)
    return nnw.Process(lambda state: state + np.float32(0.001), start, steps=STEPS, measures={"mean": np.mean})

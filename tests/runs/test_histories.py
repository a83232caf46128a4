"""Many series read at once are what each is read alone: while recording, and from the store, going on and over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nnwidgets.runs import Histogram, Run, RunStore
from nnwidgets.runs.histories import read_histograms, read_histories

NAMES = ["b", "gone", "a", "weights/fc"]


def log(run: Run, steps: range) -> None:
    for step in steps:
        run.log(step, a=step / 2, b=-float(step))
        if step % 1000 == 0:
            run.log(step, **{"weights/fc": Histogram.of(np.arange(step + 1.0))})
            run.log(step, **{"weights/fc": Histogram.of(np.arange(step + 2.0))})


def same(run: Run, **part: float) -> None:
    found = read_histories(run, NAMES, **part)  # type: ignore[arg-type]
    assert list(found) == ["b", "a"]
    for name, history in found.items():
        alone = run.history(name, **part)  # type: ignore[arg-type]
        for field in ("steps", "values", "times", "low", "high", "counts"):
            np.testing.assert_array_equal(getattr(history, field), getattr(alone, field))
    for step in (0, 2000):
        last = [each for at, each in run.histograms("weights/fc") if at == step][-1]
        assert read_histograms(run, ["weights/fc", "gone", "a"], step) == {"weights/fc": last}
    assert read_histograms(run, ["weights/fc"], 1) == {}


@pytest.mark.parametrize("part", [{}, {"points": 50}, {"start": 1500.0, "stop": 1600.0}, {"points": 7, "start": 100.0}])
def test_many_are_read_as_one_is(tmp_path: Path, part: dict[str, float]) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    run = store.run("many")
    log(run, range(3000))
    same(run, **part)
    reader = RunStore(tmp_path / "runs.sqlite").load(run.id)
    run.flush()
    same(run, **part)
    same(reader, **part)
    run.finish()
    same(run, **part)
    same(reader, **part)


def test_a_store_in_memory() -> None:
    with RunStore(":memory:").run("many") as run:
        log(run, range(2500))
        same(run, points=20)
    same(run)
    with pytest.raises(ValueError, match="points=0"):
        read_histories(run, NAMES, points=0)

"""Long series are read back thinned: against brute force."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from nnwidgets.runs import History, Run, RunStore
from nnwidgets.runs.exchange.importing import Importer


def brute_force(steps: np.ndarray, values: np.ndarray, times: np.ndarray, thin: History) -> None:
    """The buckets, of consecutive points, are what their points are; all points, where they were few enough."""
    if not thin.thinned:
        assert np.array_equal(thin.steps, steps)
        assert np.array_equal(thin.values, values, equal_nan=True)
        return
    assert thin.counts.sum() == len(steps)
    assert thin.counts.min() >= 1
    ends = np.cumsum(thin.counts)
    expected = np.full((len(thin), 5), np.nan)
    for bucket, (start, end) in enumerate(zip(ends - thin.counts, ends, strict=True)):
        part = values[start:end]
        finite = part[np.isfinite(part)]
        expected[bucket, :2] = steps[start:end].mean(), times[start:end].mean()
        if len(finite):
            # The mean of huge values does not overflow.
            expected[bucket, 2:] = (finite / len(finite)).sum(), finite.min(), finite.max()
    found = np.stack([thin.steps, thin.times, thin.values, thin.low, thin.high], axis=1)
    assert np.array_equal(found[:, 3:], expected[:, 3:], equal_nan=True)
    assert np.allclose(found[:, :2], expected[:, :2], rtol=1e-9, atol=1e-12)
    scale = np.nanmax(np.abs(expected[:, 3:]), axis=1, initial=0.0, keepdims=False) + 1e-300
    assert np.array_equal(np.isnan(found[:, 2]), np.isnan(expected[:, 2]))
    assert np.all(np.nan_to_num(np.abs(found[:, 2] - expected[:, 2]) / scale) < 1e-9)


def logged(store: RunStore, steps: np.ndarray, values: np.ndarray, pause: int) -> Run:
    run = store.run("thinned")
    for number, (step, value) in enumerate(zip(steps.tolist(), values.tolist(), strict=True)):
        run.log(step, loss=value)
        if number % pause == pause - 1:
            run.flush()
    return run


@pytest.mark.parametrize("seed", range(12))
def test_thinned_like_brute_force(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 12_000))
    steps = np.arange(count) * int(rng.integers(1, 5))
    if seed % 3 == 1:
        steps = rng.permutation(steps)
    if seed % 3 == 2:
        steps = rng.integers(0, 50, count)
    values = rng.normal(size=count) * 10.0 ** rng.integers(-300, 300)
    odd = rng.random(count)
    values[odd < 0.1] = np.nan
    values[odd > 0.95] = np.inf
    if seed == 5:
        values[: count // 2] = np.nan
    store = RunStore(tmp_path / "runs.sqlite")
    run = logged(store, steps, values, int(rng.integers(100, 3000)))
    run.flush()
    reading = store.load(run.id)
    for stage in ("recording", "ended"):
        for each in (run, reading):
            whole = each.history("loss")
            assert np.array_equal(whole.steps, steps)
            assert np.array_equal(whole.values, values, equal_nan=True)
            assert not whole.thinned
            for points in (1, 2, 3, 7, 100, count // 2 + 1, count - 1, count, count + 1):
                if points < 1:
                    continue
                thin = each.history("loss", points=points)
                assert len(thin) <= points
                assert len(thin) >= min(points, count) / 3, (stage, points, len(thin))
                assert thin.thinned == (points < count)
                brute_force(steps, values, whole.times, thin)
            for _ in range(6):
                start, stop = sorted(rng.integers(-5, steps.max() + 5, 2).tolist())
                bounds = {} if rng.random() < 0.2 else {"start": start}
                bounds |= {} if rng.random() < 0.2 else {"stop": stop}
                inside = (steps >= bounds.get("start", -9)) & (steps < bounds.get("stop", 10**9))
                part = each.history("loss", **bounds)
                assert np.array_equal(part.steps, steps[inside])
                assert np.array_equal(part.values, values[inside], equal_nan=True)
                if inside.any():
                    points = int(rng.integers(1, 30))
                    thin = each.history("loss", points=points, **bounds)
                    assert len(thin) <= points
                    brute_force(steps[inside], values[inside], whole.times[inside], thin)
                else:
                    assert len(each.history("loss", points=5, **bounds)) == 0
        run.finish()


def test_buckets_are_of_about_one_size(tmp_path: Path) -> None:
    run = logged(RunStore(tmp_path / "runs.sqlite"), np.arange(50_000), np.arange(50_000.0), 9000)
    for points in (10, 60, 500, 3000):
        counts = run.history("loss", points=points).counts
        assert len(counts) >= 0.6 * points
        assert counts.max() <= 2.5 * 50_000 / points + 1, points


def test_two_million_points(tmp_path: Path) -> None:
    count = 2_000_000
    store = RunStore(tmp_path / "runs.sqlite")
    importer = Importer(store, "long")
    importer.add_points("loss", np.arange(count), np.arange(count), np.arange(count) / 100)
    reading = importer.done()
    assert reading.series()["loss"].count == count
    tracemalloc.start()
    for points in (1, 1000, 20_000):
        thin = reading.history("loss", points=points)
        assert thin.counts.sum() == count
        assert points / 3 <= len(thin) <= points
        ends = np.cumsum(thin.counts)
        assert np.array_equal(thin.low, ends - thin.counts)
        assert np.array_equal(thin.high, ends - 1)
        assert np.allclose(thin.values, (thin.low + thin.high) / 2)
    closer = reading.history("loss", start=1_000_500, stop=1_001_500)
    assert np.array_equal(closer.steps, np.arange(1_000_500, 1_001_500))
    closer = reading.history("loss", start=500_123, stop=1_700_321, points=1000)
    assert closer.counts.sum() == 1_700_321 - 500_123
    assert (closer.low[0], closer.high[-1]) == (500_123, 1_700_320)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30e6, f"{peak / 1e6:.0f} MB of memory; all points are {count * 24 / 1e6:.0f} MB"
    assert np.array_equal(reading.history("loss").values, np.arange(count))


def test_many_runs_and_points_in_bulk(tmp_path: Path) -> None:
    """What was brought in as a whole is read as what was logged."""
    store = RunStore(tmp_path / "runs.sqlite")
    importer = Importer(store, "bulk")
    importer.add_points("loss", np.arange(2000), np.arange(2000) / 3, np.arange(2000) / 10)
    for step in range(2000, 4000):
        importer.add_point("loss", step, step / 3, step / 10)
    importer.add_points("loss", np.arange(4000, 5000), np.arange(4000, 5000) / 3, np.arange(4000, 5000) / 10)
    run = importer.done()
    assert np.array_equal(run.history("loss").values, np.arange(5000) / 3)
    assert run.history("loss", points=10).counts.sum() == 5000


@pytest.mark.parametrize("points", [0, -1, True])
def test_points_are_checked(tmp_path: Path, points: int) -> None:
    run = logged(RunStore(tmp_path / "runs.sqlite"), np.arange(3), np.arange(3.0), 100)
    with pytest.raises(
        ValueError, match=f"points={points!r}, but it is a whole number of buckets, at least 1, or None"
    ):
        run.history("loss", points=points)

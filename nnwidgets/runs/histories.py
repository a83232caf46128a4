"""Many series of a run at once: the store is looked into once, where `Run.history` does so for each."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from nnwidgets.runs.histograms import Histogram
from nnwidgets.runs.history import History, check_points
from nnwidgets.runs.reading import read_history, read_item, read_item_keys, read_lines, series_key

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run


def read_histories(
    run: Run,
    names: Iterable[str],
    *,
    points: int | None = None,
    start: float | None = None,
    stop: float | None = None,
) -> dict[str, History]:
    """The histories of those of the names that the run has as metrics, in the order of `names`; see `Run.history`."""
    check_points(points)
    recorder = run._recorder or run._left
    if recorder is not None:
        with recorder.gathering:
            recorder.gather()
            lines = [recorder.lines[name] for name in names if name in recorder.lines]
            found = {line.name: (line.key, line.points(line.base)) for line in lines if line.count}
        in_chunks = any(rest.first_index for _, rest in found.values())
        with run._reading() if in_chunks else nullcontext() as connection:
            return {
                name: read_history(connection, key, name, rest, points=points, start=start, stop=stop)
                for name, (key, rest) in found.items()
            }
    with run._reading() as connection:
        known = read_lines(connection, run._stored(connection))
        lines = [known[name] for name in names if name in known]
        return {
            line.name: read_history(
                connection, line.key, line.name, line.points(line.base), points=points, start=start, stop=stop
            )
            for line in lines
            if line.count
        }


def read_histograms(run: Run, names: Iterable[str], step: int) -> dict[str, Histogram]:
    """The histograms of a step by name; of one that was logged twice, the last."""
    recorder, names = run._recorder or run._left, list(names)
    found: dict[str, bytes] = {}
    with nullcontext() if recorder is None else recorder.gathering:
        if recorder is not None:
            recorder.gather()
        with run._reading() as connection:
            key = None if recorder is not None else run._stored(connection).key
            for name in names:
                if recorder is None:
                    series = None if key is None else series_key(connection, key, name)
                    waiting: list[bytes] = []
                elif name in recorder.items:
                    items = recorder.items[name]
                    series = items.key
                    waiting = [data for at, _, data in items.waiting if at == step]
                else:
                    continue
                if waiting:
                    found[name] = waiting[-1]
                    continue
                keys = [number for at, _, number in read_item_keys(connection, series) if at == step]
                if keys:
                    found[name] = read_item(connection, keys[-1])
    return {name: Histogram.from_bytes(data) for name, data in found.items()}

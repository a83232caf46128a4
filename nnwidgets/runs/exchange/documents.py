"""JSON out and in: a whole run, to the last bit."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from nnwidgets.runs.encoding import to_bytes
from nnwidgets.runs.exchange.importing import Importer
from nnwidgets.runs.histograms import Histogram
from nnwidgets.runs.images import Image
from nnwidgets.runs.provenance import plain
from nnwidgets.runs.records import Status

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run
    from nnwidgets.runs.store import RunStore

_FORMAT = "nnwidgets run"
_VERSION = 1
_ABOUT = ("name", "status", "message", "started", "ended", "host", "commit", "config", "seeds")


def write_json(run: Run, path: Path) -> None:
    """Write all of a run, also its histograms, images (PNG in base64) and texts; series by series."""
    early = path.with_name(f"{path.name}.new")
    with open(early, "w", encoding="ascii") as file:  # JSON escapes the rest, lone surrogates too
        about = {name: plain(getattr(run, name)) for name in _ABOUT}
        file.write(json.dumps({"format": _FORMAT, "version": _VERSION, "id": run.id} | _plain(about))[:-1])
        file.write(', "series": [')
        for number, (name, series) in enumerate(run.series().items()):
            file.write(f"{',' if number else ''}\n" + json.dumps({"name": name, "kind": series.kind})[:-1])
            if series.kind == "scalar":
                _write_points(run, name, file)
            else:
                _write_items(run, name, file)
            file.write("}")
        file.write("\n]}\n")
    os.replace(early, path)


def _write_points(run: Run, name: str, file: TextIO) -> None:
    for column in ("steps", "values", "times"):
        file.write(f', "{column}": [')
        for number, block in enumerate(run.blocks(name)):
            file.write(", " if number else "")
            file.write(json.dumps(_plain(getattr(block, column).tolist()))[1:-1])
        file.write("]")


def _write_items(run: Run, name: str, file: TextIO) -> None:
    for number, (step, time, value) in enumerate(run.items(name)):
        file.write(', "items": [' if not number else ",")
        file.write("\n  " + json.dumps({"step": step, "time": time, "value": _plain(_as_json(value))}))
    file.write("]")


def _as_json(value: Histogram | Image | str) -> Any:
    if isinstance(value, Histogram):
        return {name: each.tolist() if isinstance(each, np.ndarray) else each for name, each in vars(value).items()}
    return value if isinstance(value, str) else base64.b64encode(value.png).decode()


def read_json(store: RunStore, path: Path, name: str | None) -> Run:
    """Bring a run that `Run.to_json` wrote into a store; it gets an id of its own."""
    with open(path, encoding="utf-8") as file:
        try:
            document = json.load(file)
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError(f"{path} is no run: run.to_json(path) writes one")
    if document.get("version") != _VERSION:
        raise ValueError(f"{path} is of version {document.get('version')}, but this nnwidgets reads {_VERSION}")
    importer = Importer(store, document["name"] if name is None else name, float(document["started"]))
    record = importer.record
    record.config, record.seeds = document["config"], document["seeds"]
    record.host, record.commit = document["host"], document["commit"]
    for series in document["series"]:
        if series["kind"] == "scalar":
            values, times = ([float(value) for value in series[column]] for column in ("values", "times"))
            importer.add_points(series["name"], series["steps"], values, times)
        else:
            for item in series["items"]:
                data = _bytes(series["kind"], item["value"])
                importer.add_item(series["name"], series["kind"], item["step"], float(item["time"]), data)
    status: Status = "interrupted" if document["status"] == "running" else document["status"]
    ended = document["ended"]
    return importer.done(status, document["message"], None if ended is None else float(ended))


def _bytes(kind: str, value: Any) -> bytes:
    if kind == "text":
        return to_bytes(value)
    if kind == "image":
        return base64.b64decode(value)
    numbers = {name: float(value[name]) for name in ("minimum", "maximum", "mean", "std")}
    low, quarter, half, three, high = (float(each) for each in value["quantiles"])
    edges, counts = np.array(value["edges"], np.float64), np.array(value["counts"], np.int64)
    histogram = Histogram(
        edges,
        counts,
        **numbers,
        quantiles=(low, quarter, half, three, high),
        nan=value["nan"],
        infinite=value["infinite"],
    )
    return histogram.to_bytes()


def _plain(value: Any) -> Any:
    """What is not finite as text: JSON has no such numbers."""
    if isinstance(value, float):
        return value if np.isfinite(value) else repr(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value

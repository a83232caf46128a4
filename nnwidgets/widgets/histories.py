"""Histories of finished trainings, in the forms that libraries give them, as runs in memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nnwidgets.runs import Run, RunStore

Row = tuple[int, dict[str, float]]
"""A step and what was logged there."""

_FORMS = (
    "a history is lists by name, a Keras History, a pandas table, a list of dictionaries or a Run: "
    'for example {"loss": [0.9, 0.5], "val_loss": [1.0, 0.7]}'
)
_MEASURED = ("_runtime", "_samples_per_second", "_steps_per_second")  # what Hugging Face adds to each evaluation
_PLACES = ("step", "steps", "epoch", "epochs")


def as_run(history: Any, name: str) -> tuple[Run, str]:
    """The history as a run that has ended, and what its x axis is: "step" or "epoch"."""
    if isinstance(history, Run):
        return history, "step"
    if isinstance(history, Mapping):
        rows, x = _of_columns(history)
    elif hasattr(history, "columns") and hasattr(history, "to_dict"):
        rows, x = _of_columns({str(column): history[column].tolist() for column in history.columns}, numbers_only=True)
    elif isinstance(getattr(history, "history", None), Mapping):
        rows, x = _of_columns(history.history)
    elif isinstance(history, Sequence) and not isinstance(history, str | bytes):
        rows, x = _of_dictionaries(history)
    else:
        raise TypeError(f"the history is of type {type(history).__name__}, but {_FORMS}")
    if not any(values for _, values in rows):
        raise ValueError(f"the history is empty, but {_FORMS}")
    with RunStore(":memory:").run(name) as run:
        for step, values in rows:
            run.log(step, **values)
    return run, x


def _of_columns(columns: Mapping[Any, Any], *, numbers_only: bool = False) -> tuple[list[Row], str]:
    """A value an epoch; a column of steps or epochs says where they are."""
    read: dict[str, list[float | None]] = {}
    for name, column in columns.items():
        if not isinstance(name, str):
            raise TypeError(f"the history has the name {name!r}, but names are texts")
        try:
            read[name] = _numbers(name, column)
        except TypeError:
            if not numbers_only:  # a table may have a column of remarks
                raise
    lengths = {name: len(column) for name, column in read.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name!r} has {length:,}" for name, length in lengths.items())
        raise ValueError(f"the lists of a history are of one length, but {said}: leave None where a value is missing")
    place = next((name for name in _PLACES if name in read), None)
    epochs = place is None or place.startswith("epoch")
    count = next(iter(lengths.values()), 0)
    places = read.pop(place) if place is not None else [float(number) for number in range(1, count + 1)]
    # An epoch is its own step, where it can be one.
    whole = len(set(places)) == len(places) and all(at is not None and at >= 0 and at.is_integer() for at in places)
    rows: list[Row] = []
    for number, at in enumerate(places):
        values = {name: value for name, column in read.items() if (value := column[number]) is not None}
        if epochs and at is not None and values:
            values["epoch"] = at
        rows.append((_step(at) if whole or not epochs else number, values))
    return rows, "epoch" if epochs else "step"


def _of_dictionaries(history: Sequence[Any]) -> tuple[list[Row], str]:
    """What was logged at each step, as Hugging Face's trainer keeps it; texts and nested things are left out."""
    rows: list[Row] = []
    for number, logged in enumerate(history):
        if not isinstance(logged, Mapping):
            raise TypeError(f"history[{number}] is of type {type(logged).__name__}, but {_FORMS}")
        if "train_runtime" in logged:
            continue  # Hugging Face's last word: means over the whole training
        at = logged.get("step", logged.get("steps", number))
        values = {
            str(name): value
            for name, given in logged.items()
            if name not in ("step", "steps")
            and not str(name).endswith(_MEASURED)
            and (value := _number(given)) is not None
        }
        rows.append((_step(_number(at)), values))
    return rows, "step"


def _numbers(name: str, column: Any) -> list[float | None]:
    if hasattr(column, "detach"):
        column = column.detach().cpu()
    if isinstance(column, np.ndarray) or hasattr(column, "tolist"):
        column = column.tolist()
    if isinstance(column, str | bytes | Mapping) or not isinstance(column, Iterable):
        raise TypeError(f"history[{name!r}] is of type {type(column).__name__}, but it is a list of numbers")
    numbers: list[float | None] = []
    for place, given in enumerate(column):
        number = _number(given)
        if number is None and given is not None:
            raise TypeError(f"history[{name!r}][{place}] is {_short(given)}, but it is a number")
        numbers.append(number)
    return numbers


def _number(value: Any) -> float | None:
    """The value as a number; None where it is none."""
    if isinstance(value, str | bytes) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _step(at: float | None) -> int:
    if at is None or not math.isfinite(at) or at < 0 or at != int(at):
        raise ValueError(f"the history has the step {at!r}, but a step is a whole number, 0 or more")
    return int(at)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"

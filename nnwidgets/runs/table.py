"""The runs of a store as a list that shows itself as a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, overload

from nnwidgets.runs.reading import RawRow, Row
from nnwidgets.source.tables import html_table, text_table

_SHOWN = 60
_COLUMNS = ("id", "name", "status", "started", "config")


@dataclass(frozen=True)
class RunRow:
    """A run in a store's list."""

    id: str
    name: str
    status: str
    config: dict[str, Any]
    started: float
    ended: float | None

    def cells(self) -> tuple[str, ...]:
        """As people read it."""
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.started))
        config = ", ".join(f"{name}={value!r}" for name, value in self.config.items())
        return self.id, self.name, self.status, started, config if len(config) <= 60 else f"{config[:59]}…"


class RunTable(Sequence[RunRow]):
    """Runs, newest first. A row is read when it is looked at: a store may hold thousands, and a page shows some.

    Args:
        rows: as they lie in the store.
        read: makes one of them what it is now.
    """

    def __init__(self, rows: Sequence[RawRow], read: Callable[[RawRow], Row]) -> None:
        self._rows = rows
        self._read = read
        self._known: dict[int, RunRow] = {}

    @overload
    def __getitem__(self, index: int) -> RunRow: ...
    @overload
    def __getitem__(self, index: slice) -> RunTable: ...
    def __getitem__(self, index: int | slice) -> RunRow | RunTable:
        if isinstance(index, slice):
            return RunTable(self._rows[index], self._read)
        position = range(len(self))[index]
        if position not in self._known:
            row = self._read(self._rows[position])
            self._known[position] = RunRow(row.id, row.name, row.status, row.config, row.started, row.ended)
        return self._known[position]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        if not self._rows:
            return "no runs"
        return text_table(_COLUMNS, self._cells()) + self._rest()

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, self._cells()) + escape(self._rest())

    def _cells(self) -> list[tuple[str, ...]]:
        return [row.cells() for row in self[:_SHOWN]]

    def _rest(self) -> str:
        return f"\n… and {len(self) - _SHOWN:,} more" if len(self) > _SHOWN else ""

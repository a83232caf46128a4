"""The cell that runs, by what a kernel says of it."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from nnwidgets.source.cell import current_cell


@pytest.mark.parametrize(
    ("parent", "cell"),
    [
        ({"metadata": {"cellId": "abc"}}, "abc"),
        ({"metadata": {}}, None),
        ({"metadata": None}, None),
        ({}, None),
        ({"metadata": {"cellId": 3}}, None),
    ],
)
def test_the_cell_comes_from_the_parent_message(
    monkeypatch: pytest.MonkeyPatch, parent: dict[str, Any], cell: str | None
) -> None:
    kernel = SimpleNamespace(get_parent=lambda channel: parent if channel == "shell" else {})
    shell = SimpleNamespace(kernel=kernel)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert current_cell() == cell


def test_outside_of_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    assert current_cell() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert current_cell() is None

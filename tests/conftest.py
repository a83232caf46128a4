"""No test leaves something for the next one: not an open widget, not a run that still records."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    """Close widgets and end runs that the test began. What was not imported was not used."""
    widgets, controls = set(_widgets()), set(_controls())
    yield
    for widget in _widgets():
        if widget not in widgets:
            widget.close()
    for control in _controls():
        if control not in controls and control.run is not None:
            control.run.finish()


def _widgets() -> list:
    lifetime = sys.modules.get("nnwidgets.wire.lifetime")
    return [widget for _, linked in lifetime.linked_sources() for widget in linked.widgets] if lifetime else []


def _controls() -> list:
    control = sys.modules.get("nnwidgets.runs.control")
    return control.recording_controls() if control else []

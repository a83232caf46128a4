"""The progress bar says how far a training is and how long it takes."""

from __future__ import annotations

import io

import pytest

from nnwidgets.zoo import training


def test_the_bar_tells_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(training, "perf_counter", lambda: now)
    file = io.StringIO()
    bar = training.Bar("vae", file)
    for done, now in [(1, 100.2), (30, 160.0), (31, 160.1), (120, 341.0)]:  # noqa: B007  # the clock
        bar(done, 120)
    lines = file.getvalue().split("\r")[1:]
    assert len(lines) == 2, "what comes too soon is not drawn"
    assert lines[0] == f"vae {'━' * 7}{'─' * 23}  25 %  1:00 of about 4:00"
    assert lines[1].rstrip() == f"vae {'━' * 30} 100 %  4:01" and lines[1].endswith("\n")

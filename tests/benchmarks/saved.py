"""Bytes in the saved notebook with both widgets, 12 × 12 heads on 512 tokens, beside BertViz on the same weights.

BertViz's page is made once, for real: 1 GB of text, half a minute, 6 GB of memory.
"""

from __future__ import annotations

import json
from typing import Any

from tests.benchmarks.bertviz import WRITE, page
from tests.benchmarks.models import LARGE
from tests.benchmarks.row import Row, judged
from tests.benchmarks.ten_widgets import STATE, widget_states
from tests.benchmarks.workshop import Workshop, picture

MOST = 1 / 400
CAPTURE = "session = nnw.ModelSession(model, inputs, tokens=tokens)\nsession.attention.layers"
"""Captured before the widgets are displayed: so each saves its first picture and a still one, the largest case."""


def measure(workshop: Workshop) -> list[Row]:
    weights = workshop.folder / "weights.npy"
    cells = (LARGE.format(count=512), CAPTURE, "nnw.AttentionMap(session)", "nnw.AttentionHeads(session)")
    with workshop.notebook("saved", *cells, WRITE.format(path=str(weights))) as notebook:
        for index in (2, 3):
            picture(notebook, index)
        saved = notebook.save()
        parts = _parts(saved)
        ours = notebook.path.stat().st_size
    theirs, seconds = page("model_view", weights, workshop.bertviz)
    measured = f"{ours / 1e6:.2f} MB, BertViz {theirs / 1e6:,.0f} MB"
    work = "saved notebook, both widgets, 12 × 12 heads, 512 tokens"
    return [judged(work, measured, ours / theirs, MOST, **parts, **{"BertViz page made in (s)": round(seconds, 1)})]


def _parts(notebook: Any) -> dict[str, float]:
    """What the notebook's bytes are."""
    states = widget_states(notebook)
    state_bytes = sum(len(json.dumps(widget)) for widget in notebook.metadata.widgets[STATE]["state"].values())
    code = sum(len(state.get("_esm", "")) for state in states)
    outputs = sum(len(json.dumps(cell.outputs)) for cell in notebook.cells)
    return {
        "code (kB)": code / 1000,
        "rest of widget state (kB)": (state_bytes - code) / 1000,
        "outputs (kB)": outputs / 1000,
    }

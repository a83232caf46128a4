"""Ten widgets over two sessions: how much front-end code the saved notebook holds, beside one widget of each class."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.row import Row, judged
from tests.benchmarks.workshop import Workshop, picture
from tests.browser.models import SESSION

MOST = 1.1
STATE = "application/vnd.jupyter.widget-state+json"
ONE_EACH = ("nnw.AttentionMap(session)", "nnw.AttentionHeads(session)")
OTHER = "other = nnw.ModelSession(model, inputs)"
OTHERS = ("nnw.AttentionMap(other)", "nnw.AttentionHeads(other)")


def measure(workshop: Workshop) -> list[Row]:
    few = _code(workshop, "few", SESSION, *ONE_EACH)
    many = _code(workshop, "many", SESSION, OTHER, *ONE_EACH * 3, *OTHERS * 2)
    measured = f"{many / 1000:.1f} kB, one of each class {few / 1000:.1f} kB"
    return [judged("ten widgets, two sessions: front-end code saved", measured, many / few, MOST)]


def _code(workshop: Workshop, name: str, *cells: str) -> int:
    with workshop.notebook(name, *cells) as notebook:
        displayed = [index for index, cell in enumerate(cells) if cell.startswith("nnw.")]
        for index in displayed:
            picture(notebook, index)
        states = widget_states(notebook.save())
        views = sum("_runtime" in state for state in states)
        if views != len(displayed):
            raise RuntimeError(f"{len(displayed)} widgets are displayed, but the notebook saved {views}")
        return sum(len(state.get("_esm", "").encode()) for state in states)


def widget_states(notebook: Any) -> list[dict[str, Any]]:
    """The state of each widget in a saved notebook."""
    return [widget["state"] for widget in notebook.metadata.widgets[STATE]["state"].values()]

"""Twins: what of a source and of a selection lives in the page. A twin carries state and no code.

A twin holds its source weakly (widgets hold it), is made when the first widget needs it, and closed after the last
widget that refers to it: a reference to a closed widget would keep every widget of the notebook from loading.
"""

from __future__ import annotations

from typing import Any

import traitlets

from nnwidgets.source.selection import FIELDS, Selection
from nnwidgets.wire.runtime import Silent

# Returns its model to those who ask for the twin by `host.getWidget`. It must not await: a twin that does stays deaf.
TWIN = "export default { initialize({ model, signal }) { return { model, signal }; } };"


def _as_tuple(value: Any, _twin: object) -> Any:
    """Lists as the selection holds them; a list would be news to it, and be sent back over a newer choice."""
    return tuple(value) if isinstance(value, list) else value


class SelectionTwin(Silent):
    """A `Selection` in the page: the same fields, followed both ways."""

    _esm = traitlets.Unicode(TWIN).tag(sync=True)
    layer = traitlets.Any(None).tag(sync=True)
    attention = traitlets.Any(None).tag(sync=True)
    heads = traitlets.Any(()).tag(sync=True, from_json=_as_tuple)
    head = traitlets.Any(None).tag(sync=True)
    query = traitlets.Any(None).tag(sync=True)
    key = traitlets.Any(None).tag(sync=True)
    unit = traitlets.Any(None).tag(sync=True)
    step = traitlets.Any(None).tag(sync=True)
    sample = traitlets.Any(None).tag(sync=True)
    target = traitlets.Any(None).tag(sync=True)
    latent = traitlets.Any(None).tag(sync=True, from_json=_as_tuple)

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        super().__init__(**{field: getattr(selection, field) for field in FIELDS})
        selection.observe(self._follow_selection, names=list(FIELDS))

    def close(self) -> None:
        if self.comm is not None:  # ipywidgets closes again when the twin is collected
            self._selection.unobserve(self._follow_selection, names=list(FIELDS))
        super().close()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take a change from a page: all its fields together or, where one is out of bounds, none."""
        fields = {name: value for name, value in sync_data.items() if name in FIELDS}
        super().set_state(sync_data)
        try:
            self._selection.update(**fields)
        except traitlets.TraitError as error:
            self.send({"error": str(error)})
            with self.hold_sync():  # the page is put back to what holds
                for field in FIELDS:
                    self.set_trait(field, getattr(self._selection, field))

    def _follow_selection(self, change: Any) -> None:
        # As it is now: another thread may have changed it again, and its news may have come first.
        self.set_trait(change["name"], getattr(self._selection, change["name"]))


class SourceTwin(Silent):
    """A source in the page. `state` is "open" or "closed"; `version` rises when its captures changed."""

    _esm = traitlets.Unicode(TWIN).tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    version = traitlets.Int().tag(sync=True)
    state = traitlets.Enum(["open", "closed"], default_value="open").tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)

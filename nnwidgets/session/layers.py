"""The table of a model's layers: what each puts out, what it weighs, and what can be looked at there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from nnwidgets.capture.modules import ModuleRow
from nnwidgets.capture.structures import tensors
from nnwidgets.source.tables import html_table, text_table

_COLUMNS = ("layer", "kind", "output", "parameters", "to look at")

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One layer: `shapes` of what it puts out (None: not known), `looks` for what can be looked at there."""

    name: str
    kind: str
    shapes: tuple[Shape, ...] | None
    parameters: int
    looks: tuple[str, ...]
    reason: str

    @property
    def shape(self) -> Shape | None:
        """The shape of its output, of the first tensor where there are several."""
        return self.shapes[0] if self.shapes else None

    def cells(self) -> tuple[str, ...]:
        """The layer as a row of text."""
        shapes = "–" if self.shapes is None else ", ".join(str(list(shape)) for shape in self.shapes[:3])
        more = " …" if self.shapes is not None and len(self.shapes) > 3 else ""
        looks = "; ".join(part for part in (", ".join(self.looks), self.reason) if part)
        return (self.name or "(the model)", self.kind, shapes + more, f"{self.parameters:,}", looks)


class LayerTable(Sequence[Layer]):
    """All layers in the model's order; by number or by module path."""

    def __init__(self, layers: Sequence[Layer], note: str = "") -> None:
        self._layers = tuple(layers)
        self.note = note

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self._layers[key]
        for layer in self._layers:
            if layer.name == key:
                return layer
        raise KeyError(f"no layer {key!r}; see session.layers")

    def __repr__(self) -> str:
        table = text_table(_COLUMNS, [layer.cells() for layer in self])
        return f"{table}\n{self.note}" if self.note else table

    def _repr_html_(self) -> str:
        note = html_table((self.note,), ()) if self.note else ""
        return html_table(_COLUMNS, [layer.cells() for layer in self]) + note


def shapes_of(output: Any) -> tuple[Shape, ...]:
    """The shapes of the tensors in what a module returned."""
    return tuple(tuple(tensor.shape) for _, tensor in tensors(output))


def layer_table(
    rows: Sequence[ModuleRow],
    modules: Mapping[str, nn.Module],
    shapes: Mapping[str, tuple[Shape, ...]] | None,
    attention: Mapping[str, Sequence[int]],
    unseen: Mapping[str, str],
    note: str,
) -> LayerTable:
    """The table. `shapes` is None before a run; `attention` gives the entries at a path, `unseen` why there is none."""
    table = []
    for row in rows:
        known = shapes.get(row.name) if shapes is not None else None
        reason = ""
        looks: list[str] = []
        if shapes is None or known:
            looks += ["activation", "gradient"]
        elif known == ():
            reason = "puts out no tensor"
        elif isinstance(modules[row.name], nn.ModuleList | nn.ModuleDict):
            reason = "only holds other modules"
        else:
            reason = "not called by itself in this run"
        looks += [f"attention {index}" for index in attention.get(row.name, ())]
        if row.name in unseen:
            reason = "; ".join(part for part in (reason, f"attention not seen: {unseen[row.name]}") if part)
        table.append(Layer(row.name, row.kind, known, row.parameters, tuple(looks), reason))
    return LayerTable(table, note)

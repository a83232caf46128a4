"""An energy landscape as a surface or as contours, with paths and memories on it. Half of `EnergyLandscape`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nnwidgets.figures.palettes import color_table, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure
    from nnwidgets.processes.landscape import Landscape


def figure(
    result: Landscape,
    *,
    label: str = "",
    view: Literal["surface", "contour"] = "surface",
    step: int | None = None,
    names: Sequence[str] = (),
) -> StyledFigure:
    from nnwidgets.figures.style import StyledFigure, color_map, style

    with style():
        drawn = StyledFigure(figsize=(7.2, 5.6))
        if view == "surface":
            axes: Any = drawn.add_axes((0.02, 0.06, 0.86, 0.8), projection="3d")
            columns, rows = np.meshgrid(result.columns, result.rows)
            surface = axes.plot_surface(
                columns, rows, result.energy, cmap=color_map("viridis"), linewidth=0, alpha=0.75, antialiased=False
            )
            axes.view_init(elev=38, azim=-60)
        else:
            axes = drawn.add_axes((0.1, 0.11, 0.74, 0.75))
            surface = axes.contourf(result.columns, result.rows, result.energy, levels=16, cmap=color_map("viridis"))
            axes.contour(result.columns, result.rows, result.energy, levels=16, colors="white", linewidths=0.4)
        for number, path in enumerate(result.paths):
            color, used = unit(head_color(number)), path if view == "surface" else path[:, :2]
            axes.plot(*used.T, color=color, linewidth=2, label=names[number] if names else "", zorder=5)
            now = used[min(len(used) - 1, len(used) - 1 if step is None else step)]
            axes.plot(*now[:, None], "o", color=color, markeredgecolor="white", markersize=8, zorder=6)
        for name, at in zip(result.labels, result.memories, strict=True):
            place = tuple(at) if view == "surface" else tuple(at[:2])
            axes.plot(*([each] for each in place), "D", color="black", markersize=4, zorder=6)
            axes.text(*place, f" {name}", color="black" if view == "surface" else "white", fontsize=9, zorder=7)
        axes.set(xlabel="direction 1", ylabel="direction 2")
        if len(result.paths) > 1 and names:
            axes.legend(loc="upper left", fontsize=8)
        drawn.colorbar(surface, ax=axes, shrink=0.7, label="energy")
        drawn.caption(
            0.3, 5.2, "Energy landscape", f"{label}, conceptual: {result.share:.0%} of the differences in the plane"
        )
    return drawn


def still(
    result: Landscape,
    *,
    label: str = "",
    view: Literal["surface", "contour"] = "contour",
    step: int | None = None,
    names: Sequence[str] = (),
) -> bytes:
    """The contours' colours with the paths; a still is made in a moment, and a surface is not."""
    size = 4 * len(result.columns)
    canvas = Canvas(size + 40, CAPTION + size + 20)
    canvas.caption(20, "Energy landscape", label)
    finite = result.energy[np.isfinite(result.energy)]
    low, high = float(finite.min()), float(finite.max())
    places = np.rint((result.energy - low) / ((high - low) or 1.0) * 63).astype(int)
    first = canvas.add_colors(color_table("viridis")[::4][:64])
    cells = np.kron(places[::-1], np.ones((4, 4), int))  # the first row of the plane is the lowest
    canvas.pixels[CAPTION : CAPTION + size, 20 : 20 + size] = first + cells
    ground = np.array([result.columns[0], result.rows[0]])
    spans = np.array([result.columns[-1], result.rows[-1]]) - ground
    for number, path in enumerate(result.paths):
        color = canvas.add_colors([head_color(number)])
        for before, after in zip(path[:-1, :2], path[1:, :2], strict=True):
            for share in np.linspace(0, 1, 40):
                x, y = (before + share * (after - before) - ground) / spans
                left, top = 20 + round(x * (size - 3)), CAPTION + round((1 - y) * (size - 3))
                canvas.pixels[top : top + 3, left : left + 3] = color
    return canvas.png()

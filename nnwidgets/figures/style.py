"""The one style of all still figures, and how they are saved. Needs no pyplot: nothing to close, nothing leaks."""

from __future__ import annotations

import io
import os
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from nnwidgets.figures.palettes import FAINT, INK, SUBTLE, ColorMap, color_table, unit

FONT_SIZE = 8.0
SMALLEST = 5.5
"""Points; smaller text is not read in print."""
DPI = 300

# DejaVu Sans comes with matplotlib. The others lend it what it lacks, where they are installed.
_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans Devanagari",
    "Noto Emoji",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Nirmala UI",
    "Segoe UI Symbol",
)
_STYLE: dict[str, Any] = {
    "axes.edgecolor": unit(FAINT),
    "axes.labelcolor": unit(INK),
    "axes.linewidth": 0.6,
    "font.size": FONT_SIZE,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text in PDFs can be searched and edited, as publishers want it
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.06,
    "svg.hashsalt": "nnwidgets",  # the same figure gives the same file
    "text.color": unit(INK),
    "text.parse_math": False,  # a dollar sign in a token is a dollar sign
    "xtick.color": unit(FAINT),
    "xtick.labelcolor": unit(INK),
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.color": unit(FAINT),
    "ytick.labelcolor": unit(INK),
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
}


@cache
def _fonts() -> tuple[str, ...]:
    installed = {font.name for font in fontManager.ttflist}
    return tuple(name for name in _FONTS if name in installed)


def style() -> AbstractContextManager[None]:
    """Matplotlib's defaults with our changes, whatever the user's own settings are; theirs are back afterwards."""
    context: AbstractContextManager[None] = matplotlib.style.context(["default", _STYLE | {"font.family": _fonts()}])
    return context


class StyledFigure(Figure):
    """A figure that keeps our style when it is drawn and saved later; in a notebook it shows itself."""

    def draw(self, renderer: RendererBase) -> None:
        with style():
            super().draw(renderer)

    def savefig(self, fname: str | os.PathLike[str] | Any, **options: Any) -> None:
        with style():
            super().savefig(fname, **options)

    def add_inches(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Axes at a place given in inches, so that text and cells keep their sizes whatever else the figure holds."""
        across, down = self.get_size_inches()
        return self.add_axes((left / across, bottom / down, width / across, height / down))

    def caption(self, left: float, bottom: float, title: str, subtitle: str) -> None:
        """A title and, smaller, what it is about, above a place given in inches."""
        across, down = self.get_size_inches()
        self.text(left / across, bottom / down, subtitle, fontsize=0.85 * FONT_SIZE, color=unit(SUBTLE), va="bottom")
        self.text(left / across, (bottom + 0.17) / down, title, fontsize=1.2 * FONT_SIZE, weight="bold", va="bottom")

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png", dpi=DPI / 2)
        return png.getvalue()


def color_map(name: ColorMap) -> Colormap:
    """The colour map as matplotlib takes it. What is not a number stays transparent, so that a hatched ground shows."""
    return ListedColormap(color_table(name) / 255.0, name=name).with_extremes(bad=(0.0, 0.0, 0.0, 0.0))


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise `FileNotFoundError` where the folder of a file to be written does not exist: to be asked before drawing."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"folder {str(folder)!r} does not exist: make it first")


def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: float = DPI) -> Path:
    """Write a figure as PNG, SVG or PDF, by the ending of `path`; `dpi` counts for PNG and for images in the others.

    The same figure gives the same bytes: no date is written. Raises `ValueError` for other endings, and as
    `check_folder` does.
    """
    target = Path(path)
    dates: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    ending = target.suffix.lower()
    if ending not in dates:
        raise ValueError(f'"{target.name}" ends in "{ending}", but figures are saved as .png, .svg or .pdf')
    check_folder(target)
    figure.savefig(target, format=ending[1:], dpi=dpi, metadata=dates[ending])
    return target

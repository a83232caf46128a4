"""What every widget can do beside being looked at: figure, save, result, code, and a still picture in the notebook."""

from __future__ import annotations

import base64
import importlib
import io
import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nnwidgets.wire.link import LinkedWidget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Question = tuple[str, Mapping[str, Any]]
"""What a page may ask, with its arguments."""

ENDINGS = (".png", ".svg", ".pdf", ".html")
_AT_HAND = 0.2  # seconds that a display may take for its still picture


class Widget(LinkedWidget):
    """A widget with its still half. Subclasses say what the first picture needs, what a reader could ask, and the
    result.
    """

    endings: ClassVar[tuple[str, ...]] = ENDINGS
    """The files that it is saved as."""

    @property
    @abstractmethod
    def result(self) -> Any:
        """The analysis dataclass behind the picture, as it stands."""

    @abstractmethod
    def is_quick(self) -> bool:
        """Whether the first picture is made in a moment of what is captured. Raises `NotStored` where nothing is."""

    @abstractmethod
    def first_questions(self) -> Iterable[Question]:
        """What the page asks for its first picture: it comes along with the widget."""

    @abstractmethod
    def bake(self) -> Iterable[Question]:
        """What a reader of a saved page could ask, most likely first."""

    @abstractmethod
    def look(self) -> dict[str, Any]:
        """The options that the figure takes, as they stand."""

    def figure(self, *, save_path: str | Path | None = None, dpi: float = 300) -> Figure:
        """The picture as a matplotlib figure: the same numbers, for print; saved too where `save_path` is given.

        It belongs to no window and needs no closing.
        """
        figure: Figure = self._still_half().figure(self.result, **self.look())
        if save_path is not None:
            from nnwidgets.figures.style import save_figure

            save_figure(figure, self._place(save_path), dpi=dpi)
        return figure

    def save(self, path: str | Path, *, dpi: float = 300) -> os.PathLike[str]:
        """Save the picture: .png, .svg or .pdf as a figure, .html as a live page that needs no kernel and no network.

        A relative path is taken from the source's `save_dir`, where it has one. Returns where it is; of a page also its
        size and what it holds. Raises ValueError for another ending, naming those that there are.
        """
        ending = Path(path).suffix.lower()
        if ending not in self.endings:
            *others, last = self.endings
            raise ValueError(f"path={str(path)!r}, but a widget is saved as {', '.join(others)} or {last}")
        path = self._place(path)
        if ending == ".html":
            from nnwidgets.export.page import save_page

            return save_page(path, [self])
        from nnwidgets.figures.style import check_folder, save_figure

        check_folder(path)  # before the picture is drawn
        return save_figure(self.figure(), path, dpi=dpi)

    def _place(self, path: str | Path) -> Path:
        folder: Path | None = self.source.save_dir
        if folder is None or Path(path).is_absolute():
            return Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / path

    def freeze(self, *, dpi: float = 100) -> None:
        """Show an exact still picture here, in the cell that calls this: for readers without a kernel."""
        from IPython.display import Image, display

        buffer = io.BytesIO()
        self.figure().savefig(buffer, format="png", dpi=dpi)
        display(Image(buffer.getvalue()))  # type: ignore[no-untyped-call]

    def code(self) -> str:
        """The Python that makes this view as it stands; `session` (`run`, `process`) names the source."""
        name = self._called
        selected = {field: getattr(self.selection, field) for field in self._selected}
        fields = ", ".join(f"{field}={value!r}" for field, value in selected.items() if value is not None)
        view = f"nnw.{type(self).__name__}({', '.join([name, *self._options()])})"
        return f"{name}.selection.update({fields})\n{view}" if fields else view

    def _options(self) -> list[str]:
        """The options that somebody set, as Python writes them."""
        traits = self.traits()
        names = self.option_names()
        return [
            f"{name}={getattr(self, name)!r}" for name in names if getattr(self, name) != traits[name].default(self)
        ]

    _called: ClassVar[str] = "session"
    """What `code` calls the source."""
    _selected: tuple[str, ...] = ()
    """The fields of the selection that the picture depends on."""

    def _still_half(self) -> Any:
        return importlib.import_module(f"nnwidgets.figures.{self.module}")

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """The live view and, where it is at hand, what its first picture needs and a still for where no widget runs."""
        bundle = super()._repr_mimebundle_(**keywords)
        if bundle is None:
            return None
        data, metadata = bundle
        data["text/plain"] = f"{type(self).__name__} of {self.source.label}: a live view, run the notebook to see it"
        still = self._at_hand()
        if still is not None:
            data["image/png"] = base64.b64encode(still).decode()
        return data, metadata

    def _at_hand(self) -> bytes | None:
        """Prepare the first picture if that is quick; what fails here fails again, with its sentence, in the live
        view.
        """
        source = self.source
        try:
            if 2 * source.estimated_seconds() <= _AT_HAND:  # a plain run, and one that shows the attention
                return self._first_picture() if self.is_quick() else None
            with source.stored_only():
                return self._first_picture() if self.is_quick() else None
        except Exception:
            return None

    def keep_picture(self) -> None:
        """Keep what the first picture needs in the widget's state, and so in a saved notebook."""
        snapshot = []
        for what, arguments in self.first_questions():
            answer = self.answer(what, arguments)
            snapshot.append(
                {
                    "what": what,
                    "arguments": dict(arguments),
                    "value": dict(answer.value),
                    "arrays": answer.headers(),
                    "version": self.source.version,
                    "buffers": answer.buffers(),
                }
            )
        self._snapshot = snapshot

    def _first_picture(self) -> bytes:
        self.keep_picture()
        still: bytes = self._still_half().still(self.result, **self.look())
        return still

"""What a widget answers to a page, declared by `@answers("what")` and coded once for the live page and for the saved
one; and what it does at a page's word, declared by `@acts("what")`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nnwidgets.wire.codec import Coded

Method = TypeVar("Method", bound=Callable[..., Any])
Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """`value` is JSON, `arrays` are coded arrays by name."""

    value: Mapping[str, Any]
    arrays: Mapping[str, Coded] = field(default_factory=dict)

    def headers(self) -> dict[str, Any]:
        return {name: coded.header for name, coded in self.arrays.items()}

    def buffers(self) -> list[bytes]:
        """The arrays' bytes, in the order of `headers`."""
        return [coded.data for coded in self.arrays.values()]

    @property
    def nbytes(self) -> int:
        return sum(len(coded.data) for coded in self.arrays.values())


def answers(what: str) -> Callable[[Method], Method]:
    """Mark the method that answers `what`.

    Its answer must follow from the source and the arguments alone, never from the widget's own options: pages share
    answers between widgets.
    """

    def mark(method: Method) -> Method:
        method._answers = what  # type: ignore[attr-defined]
        return method

    return mark


def acts(what: str) -> Callable[[Method], Method]:
    """Mark the method that does `what` at a reader's word: it returns JSON, at once, for others wait behind it."""

    def mark(method: Method) -> Method:
        method._acts = what  # type: ignore[attr-defined]
        return method

    return mark


def answering_methods(cls: type) -> dict[str, str]:
    """The names of a class's answering methods, by what they answer."""
    return _marked(cls, "_answers")


def acting_methods(cls: type) -> dict[str, str]:
    """The names of a class's acting methods, by what they do."""
    return _marked(cls, "_acts")


def _marked(cls: type, mark: str) -> dict[str, str]:
    return {
        getattr(method, mark): name
        for name in dir(cls)
        if callable(method := inspect.getattr_static(cls, name, None)) and hasattr(method, mark)
    }


def call(method: Callable[..., Result], what: str, arguments: Mapping[str, Any]) -> Result:
    """Call a marked method with a page's arguments; names that it does not take are an error for the page."""
    signature = inspect.signature(method)
    try:
        bound = signature.bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{what}: {error}; it takes {', '.join(signature.parameters)}") from None
    return method(*bound.args, **bound.kwargs)

"""Options of widgets whose errors read like all others: the value, the bound, the way out."""

from __future__ import annotations

from typing import Any, NoReturn

import traitlets


class Choice(traitlets.Enum[str]):
    """An option that is one of a few words."""

    def __init__(self, *choices: str, default: str) -> None:
        super().__init__(choices, default)
        self.tag(sync=True, option=True)

    def error(self, obj: Any, value: Any, error: Exception | None = None, info: str | None = None) -> NoReturn:
        choices = ", ".join(map(repr, self.values or ()))
        raise traitlets.TraitError(f"{self.name}={value!r}, but it is one of {choices}")

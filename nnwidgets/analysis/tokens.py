"""The tokens along one side of an attention matrix, and which of them are not words of the input."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class TokenColumn:
    """One list of tokens with its special tokens (`[CLS]`, `<s>`, …) and padding, both as positions in the list."""

    texts: tuple[str, ...]
    special: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for field in ("texts", "special", "padding"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        last = len(self.texts) - 1
        for field in ("special", "padding"):
            for position in getattr(self, field):
                if not 0 <= position <= last:
                    raise ValueError(f"{field} position {position}, but there are {last + 1} tokens (0 to {last})")

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def aside(self) -> tuple[int, ...]:
        """Positions that are special or padding, in order: what a view may dim or hide."""
        return tuple(sorted({*self.special, *self.padding}))

    @property
    def plain(self) -> tuple[int, ...]:
        """The other positions, in order."""
        aside = set(self.aside)
        return tuple(position for position in range(len(self.texts)) if position not in aside)

    def take(self, positions: Iterable[int]) -> TokenColumn:
        """The column of these positions only, in this order; special and padding are renumbered."""
        kept, special, padding = tuple(positions), set(self.special), set(self.padding)
        return TokenColumn(
            tuple(self.texts[old] for old in kept),
            tuple(new for new, old in enumerate(kept) if old in special),
            tuple(new for new, old in enumerate(kept) if old in padding),
        )

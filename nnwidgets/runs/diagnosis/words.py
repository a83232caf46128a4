"""Numbers as sentences say them."""

from collections.abc import Sequence


def number(value: float) -> str:
    """Three digits: "0.0312", "2.3", "1,240", "4.1e+06"."""
    if value == 0:
        return "0"
    if 1000 <= abs(value) < 1e6:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share: "12 %", "0.8 %"."""
    return f"{100 * share:.{0 if abs(share) >= 0.0995 else 1}f} %"


def step(value: float) -> str:
    """A step: "1,200"; half steps are a matter of thinning, and are rounded."""
    return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.4g}"


def count(many: int, one: str) -> str:
    """So many: "1 step", "12 steps"."""
    return f"{many:,} {one}" if many == 1 else f"{many:,} {one}s"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names: "a, b and c"; of many the first ones: "a, b, c, d and 6 more"."""
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return " and ".join([*([", ".join(shown[:-1])] if shown[:-1] else []), *shown[-1:]])

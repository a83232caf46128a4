"""Every session test starts from the same seed, on one thread."""

from ..capture.conftest import seeded

__all__ = ["seeded"]

"""Every test of a source starts from the same seed, on one thread."""

from ..capture.conftest import seeded

__all__ = ["seeded"]

"""Small real models and data sets, fetched when first asked for: `nnwidgets.data.load(name)`.

Nothing here knows the rest of nnwidgets; only notebooks, playbooks and tests use it.
"""

from nnwidgets.data.errors import DataError
from nnwidgets.data.loading import load

__all__ = ["DataError", "load"]

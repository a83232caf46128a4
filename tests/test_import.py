"""`import nnwidgets` is cheap: what a user does not use is not loaded. (How fast it is, `make bench` tells.)"""

import subprocess
import sys

HEAVY = [
    "torch",
    "plotly",
    "bqplot",
    "sklearn",
    "scipy",
    "pandas",
    "matplotlib",
    "ipywidgets",
    "anywidget",
    "transformers",
]


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, nnwidgets; dir(nnwidgets); print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code) == "[]\n"


def test_data_room_needs_nothing_heavy() -> None:
    code = f"import sys, nnwidgets; nnwidgets.data.load; print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code) == "[]\n"


def test_every_public_name_is_there() -> None:
    code = "import nnwidgets; print([name for name in nnwidgets.__all__ if not hasattr(nnwidgets, name)])"
    assert run(code) == "[]\n"

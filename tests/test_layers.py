"""The house keeps its layers: a room imports only rooms below it, in Python and in TypeScript."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nnwidgets"

# The order of docs: ground rooms do not know each other, neither do session and figures; `data` and `zoo` stand apart.
# `source` lies under the rooms whose things widgets look at.
GROUND = {"analysis", "capture", "processes", "runs"}
BELOW: dict[str, set[str]] = {room: set() for room in GROUND | {"source", "data", "zoo"}}
BELOW |= {room: {"source"} for room in ("processes", "runs")}
BELOW |= {"session": GROUND | {"source"}, "figures": GROUND}
_lower = GROUND | {"source", "session", "figures"}
for _room in ["wire", "export", "widgets", "playbooks", "server", "cli"]:
    BELOW[_room] = set(_lower)
    _lower.add(_room)
BELOW["playbooks"] |= {"data", "zoo"}

WITHOUT_WIDGETS = GROUND | {
    "source",
    "session",
    "figures",
    "data",
    "zoo",
}  # what must also serve a script without Jupyter
WIDGET_LIBRARIES = {"ipywidgets", "anywidget"}

ROOMS = sorted(
    {path.stem for path in PACKAGE.iterdir() if path.name != "static" and not path.name.startswith(("_", "."))}
)
ROOMS.remove("py")  # py.typed


def test_every_room_has_its_place() -> None:
    assert set(ROOMS) <= set(BELOW), "a new room: give it its place in BELOW and in the order of CONTRIBUTING.md"


def imports(path: Path) -> Iterator[str]:
    """Full names of all modules that a file imports: inside functions and for type checkers too."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", ROOMS)
def test_written_imports_go_down(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    for path in files:
        for name in imports(path):
            parts = name.split(".")
            where = f"{path.relative_to(ROOT)} imports {name}"
            if parts[0] == "nnwidgets":
                assert len(parts) > 1, where
                assert parts[1] in BELOW[room] | {room, "__version__"}, where
            elif room in WITHOUT_WIDGETS:
                assert parts[0] not in WIDGET_LIBRARIES, where


LOADER = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in forbidden or name.startswith(tuple(f"{each}." for each in forbidden)):
            raise ImportError(f"{name} is out of bounds here")

forbidden, room = set(sys.argv[2:]), sys.argv[1]
sys.meta_path.insert(0, Blocked())
module = importlib.import_module(f"nnwidgets.{room}")
for each in pkgutil.walk_packages(getattr(module, "__path__", []), module.__name__ + "."):
    importlib.import_module(each.name)
"""


@pytest.mark.parametrize("room", ROOMS)
def test_room_loads_without_what_stands_above(room: str) -> None:
    forbidden = {f"nnwidgets.{other}" for other in set(ROOMS) - BELOW[room] - {room}}
    if room in WITHOUT_WIDGETS:
        forbidden |= WIDGET_LIBRARIES
    done = subprocess.run([sys.executable, "-c", LOADER, room, *forbidden], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


BROWSER_BELOW = {
    "draw": set(),
    "controls": {"draw"},
    "widgets": {"draw", "controls"},
    "runtime": set(),  # it finds widgets by name
}


@pytest.mark.parametrize("room", sorted(BROWSER_BELOW))
def test_browser_half_imports_go_down(room: str) -> None:
    source = ROOT / "js" / "src"
    for path in sorted((source / room).rglob("*.ts")):
        for name in re.findall(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""", path.read_text("utf-8")):
            target = (path.parent / name).resolve().relative_to(source)
            contract = target.with_suffix("") == Path("runtime/context")
            where = f"{path.relative_to(ROOT)} imports {target}"
            assert contract or target.suffix == ".css" or target.parts[0] in BROWSER_BELOW[room] | {room}, where

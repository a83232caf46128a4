"""`pip install .` on a machine without Node: the wheel that it makes has the front end and the server's entry."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.packages
def test_wheel_is_whole_without_node(tmp_path: Path) -> None:
    leave = shutil.ignore_patterns(".*", "node_modules", "static", "tests", "__pycache__")
    source = shutil.copytree(ROOT, tmp_path / "source", ignore=leave)
    shutil.copy(ROOT / ".npmrc", source)
    bare = tmp_path / "bin"  # all of PATH: no node, no npm
    bare.mkdir()
    (bare / "sh").symlink_to("/bin/sh")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    done = subprocess.run(command, env=os.environ | {"PATH": str(bare)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    widgets = {path.stem for path in (ROOT / "js/src/widgets").glob("*.ts")}
    bundles = ["runtime.js", "page.js", *(f"widgets/{name}.js" for name in widgets)]
    assert {f"nnwidgets/static/{name}" for name in bundles} <= set(names)
    assert "nnwidgets/py.typed" in names
    assert any(name.endswith("data/etc/jupyter/jupyter_server_config.d/nnwidgets.json") for name in names)
    assert not [name for name in names if name.startswith(("js/", "tests/"))]

"""The server extension in a real Jupyter Server on loopback, with a real kernel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("enabled", [True, False])
def test_kernel_websocket_has_nodelay_only_with_the_extension(enabled: bool, tmp_path: Path) -> None:
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "kernel_websocket.py", tmp_path, "enabled" if enabled else "disabled"],
        env=os.environ | folders | {"JUPYTER_CONFIG_PATH": str(ROOT / "jupyter-config"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) is enabled

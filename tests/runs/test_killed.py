"""A killed training loses nothing that `log` had taken."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnwidgets.runs import RunStore

KILLING = Path(__file__).with_name("killing.py")


def test_a_killed_run_has_what_was_set_in_its_configuration(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    script = f"""
import os
from nnwidgets.runs import RunStore
run = RunStore({str(path)!r}).run("killed", config={{"lr": 0.1}})
run.log(0, loss=1)
run.flush()
run.config["total_steps"] = 100
run.log(1, loss=1)
run.flush()
run.log(2, loss=1)
os._exit(1)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == 1
    run = RunStore(path).load(RunStore(path).runs()[0].id)
    assert (run.status, run.step, run.config) == ("interrupted", 2, {"lr": 0.1, "total_steps": 100})


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="trainings are forked, which this system cannot")
def test_every_log_that_returned_is_there_after_200_kills(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    done = subprocess.run([sys.executable, KILLING, path, "7", "200"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    killed = json.loads(done.stdout)
    assert len(killed) == 200
    assert sum(each["logged"] > 100 for each in killed.values()) > 50, "most were killed before they did anything"

    store = RunStore(path)
    runs = {row.name: row for row in store.runs()}
    for name, each in killed.items():
        if name not in runs:
            assert not each["began"], f"{name} is lost"
            continue
        run = store.load(runs[name].id)
        assert run.status == "interrupted"
        assert run.config == {"name": name}
        series = run.series()
        count = series["loss"].count if "loss" in series else 0
        # The last call may have been taken before it could be counted.
        assert each["logged"] <= count <= each["logged"] + 1, name
        if not count:
            continue
        loss = run.history("loss")
        assert np.array_equal(loss.steps, np.arange(count))
        assert np.array_equal(loss.values, np.arange(count))
        assert np.all(np.diff(loss.times) >= 0)
        if count > 2:
            validation = [step for step in range(count) if step % 3 == 2 and step % 100 != 99]
            assert run.history("val_loss").steps.tolist() == validation
        if count > 99:
            hundreds = list(range(99, count, 100))
            assert run.texts("text") == [(step, f"step {step}") for step in hundreds]
            assert [step for step, _ in run.histograms("weights")] == hundreds
    assert not store.folder.exists(), "journals are left"

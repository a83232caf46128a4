"""Runs go out and come back as they were; the logs of other tools are read as those tools wrote them."""

import csv
import json
import math
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from nnwidgets.runs import Histogram, Run, RunStore

FILES = Path(__file__).with_name("files")
ODD = ["loss", "val/loss", 'a "name", quoted', "line\nbreak", "step", "time", "emoji 🙂", "lone \ud800", "=1+1"]
VALUES = [0.1, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 1 / 3, 2.0**53]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs.sqlite")


def rows_of(path: Path) -> list[list[str]]:
    with open(path, newline="") as file:
        return list(csv.reader(file))


def odd_run(store: RunStore) -> Run:
    with store.run("odd \ud800 'name'", config={"lr": 0.1, "list": [1, None]}, seeds=3) as run:
        rng = np.random.default_rng(0)
        for number in range(3000):
            step = number if number % 500 else 2**60 + number
            names = [name for name in ODD if rng.random() < 0.5]
            run.log(step, **{name: VALUES[int(rng.integers(len(VALUES)))] for name in names})
        run.log(7, picture=np.eye(4), weights=Histogram.of([1.0, math.nan, 3.0]), note="text \ud800\n🙂")
        run.log(8, note="another")
    return store.load(run.id)


def assert_same_points(first: Run, second: Run, *, times: bool) -> None:
    names = [name for name, series in first.series().items() if series.kind == "scalar"]
    assert [name for name, series in second.series().items() if series.kind == "scalar"] == names
    for name in names:
        one, other = (list(run.blocks(name)) for run in (first, second))
        columns = ("steps", "values", "times") if times else ("steps", "values")
        for column in columns:
            left, right = (np.concatenate([getattr(block, column) for block in blocks]) for blocks in (one, other))
            assert left.tobytes() == right.tobytes(), (name, column)


def test_csv_there_and_back(store: RunStore, tmp_path: Path) -> None:
    run = odd_run(store)
    run.to_csv(tmp_path / "run.csv")
    again = store.import_csv(tmp_path / "run.csv", name="again")
    assert again.name == "again"
    assert again.status == "finished"
    assert_same_points(run, again, times=True)
    assert not (tmp_path / "run.csv.new").exists()


def test_csv_has_a_row_a_step(store: RunStore, tmp_path: Path) -> None:
    with store.run("rows") as run:
        for step in range(3):
            run.log(step, loss=step / 3)
            run.log(step, accuracy=step)
        run.log(2, accuracy=9)
        run.to_csv(tmp_path / "run.csv")
    rows = rows_of(tmp_path / "run.csv")
    assert rows[0] == ["step", "time", "loss", "accuracy"]
    assert [(row[0], *row[2:]) for row in rows[1:]] == [
        ("0", "0.0", "0.0"),
        ("1", "0.3333333333333333", "1.0"),
        ("2", "0.6666666666666666", "2.0"),
        ("2", "", "9.0"),
    ]


def test_a_row_is_appended_per_step(store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with store.run("appended", csv=path) as run:
        for step in range(2000):
            run.log(step, loss=step / 3)
            if step == 700:
                run.flush()
                rows = rows_of(path)
                assert rows[0] == ["step", "time", "loss"]
                assert 600 < len(rows) <= 701, "all but the step that may go on"
            if step in (999, 1499):
                run.log(step, **{'late, "and" odd': step})
            if step % 1000 == 0:
                time.sleep(0.15)
    rows = rows_of(path)
    assert rows[0] == ["step", "time", "loss", 'late, "and" odd']
    assert len(rows) == 2001
    assert_same_points(store.load(run.id), store.import_csv(path), times=False)


def test_a_table_of_another_tool(store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_loss,val_loss\n0,49,0.5,\n0,49,,0.7\n1,99.0,1e-3,\n\n")
    run = store.import_csv(path)
    assert run.name == "metrics"
    assert run.history("train_loss").steps.tolist() == [49, 99]
    assert run.history("val_loss").values.tolist() == [0.7]
    path.write_text("loss\n3\n2\n1\n")
    assert store.import_csv(path).history("loss").steps.tolist() == [0, 1, 2]
    before = len(store.runs())
    for text, message in [
        ("", "is empty"),
        ("step,loss\n0,high\n", "line 2: loss='high', but it is a number"),
        ("step,loss\nx,1\n", "line 2: step='x', but it is a number"),
        ("step,loss\n0.5,1\n", "line 2: step='0.5', but it is a whole number"),
        ("step,loss\n0,1,2\n", "line 2: 3 cells, but there are 2 columns"),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            store.import_csv(path)
    assert len(store.runs()) == before


def test_json_there_and_back(store: RunStore, tmp_path: Path) -> None:
    run = odd_run(store)
    run.to_json(tmp_path / "run.json")
    json.loads((tmp_path / "run.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again = store.import_json(tmp_path / "run.json")
    assert again.id != run.id
    for name in ("name", "config", "started", "ended", "host", "commit", "seeds", "status", "message", "step"):
        assert getattr(again, name) == getattr(run, name), name
    assert_same_points(run, again, times=True)
    for name in ("picture", "weights", "note"):
        assert list(again.items(name)) == list(run.items(name))
    again.to_json(tmp_path / "again.json")
    first, second = (
        (tmp_path / name).read_text().replace(each.id, "") for name, each in (("run.json", run), ("again.json", again))
    )
    assert first == second
    for text, message in [("{", "is no JSON"), ("{}", "is no run"), ('{"format": "nnwidgets run", "version": 9}', "9")]:
        (tmp_path / "wrong.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            store.import_json(tmp_path / "wrong.json")


def write_events(folder: Path) -> dict[str, torch.Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.utils.tensorboard import SummaryWriter

        torch.manual_seed(0)
        weights = torch.randn(1000)
        image = torch.rand(3, 5, 7)
        with SummaryWriter(folder) as writer:
            for step in range(500):
                writer.add_scalar("train/loss", 1 / (step + 1), step)
                writer.add_scalar("new style", step, step, new_style=True)
                writer.add_scalar("double", 1 / 3, step, new_style=True, double_precision=True)
            writer.add_scalar("odd", math.nan, 3)
            writer.add_scalar("odd", math.inf, 2)
            writer.add_histogram("weights", weights, 7)
            writer.add_histogram("constant", torch.full((10,), 2.5), 7)
            writer.add_image("picture", image, 7)
            writer.add_text("note", "some *text* 🙂", 7)
            writer.add_scalars("both", {"a": 1.0, "b": 2.0}, 5)
    return {"weights": weights, "picture": image}


def test_event_files_of_tensorboard(store: RunStore, tmp_path: Path) -> None:
    written = write_events(tmp_path / "events")
    run = store.import_tensorboard(tmp_path / "events")
    assert run.name == "events"
    loss = run.history("train/loss")
    assert np.array_equal(loss.steps, np.arange(500))
    assert np.array_equal(loss.values, (1 / np.arange(1.0, 501.0)).astype(np.float32))
    assert np.array_equal(run.history("new style").values, np.arange(500))
    assert set(run.history("double").values) == {1 / 3}
    assert np.array_equal(run.history("odd").values, [math.nan, math.inf], equal_nan=True)
    assert run.history("odd").steps.tolist() == [3, 2]
    assert abs(run.started - time.time()) < 600
    assert np.all(np.diff(loss.times) >= 0)

    ((step, histogram),) = run.histograms("weights")
    weights = written["weights"].double().numpy()
    assert step == 7
    assert histogram.counts.sum() == 1000
    assert histogram.minimum == pytest.approx(weights.min())
    assert histogram.maximum == pytest.approx(weights.max())
    assert histogram.mean == pytest.approx(weights.mean(), abs=1e-6)
    assert histogram.std == pytest.approx(weights.std(), rel=1e-5)
    assert np.allclose(histogram.quantiles, np.quantile(weights, (0.05, 0.25, 0.5, 0.75, 0.95)), atol=0.1)
    recount = np.histogram(weights, histogram.edges)[0]
    assert np.abs(recount - histogram.counts).sum() <= 10, "the bins of TensorBoard are not ours"
    constant = run.histograms("constant")[0][1]
    assert (constant.counts.sum(), constant.mean, constant.std) == (10, 2.5, 0.0)

    ((step, picture),) = run.images("picture")
    assert np.abs(picture.array() / 255 - written["picture"].permute(1, 2, 0).numpy()).max() < 1 / 255
    assert run.texts("note") == [(7, "some *text* 🙂")]
    assert run.history("both_a/both").values.tolist() == [1.0], "a folder within"


def test_a_writer_of_event_files_was_killed(store: RunStore, tmp_path: Path) -> None:
    write_events(tmp_path / "events")
    (whole,) = (path for path in (tmp_path / "events").iterdir() if path.is_file())
    data = whole.read_bytes()
    cut = tmp_path / "cut.tfevents"
    rng = np.random.default_rng(1)
    for end in rng.integers(100, len(data), 20):
        cut.write_bytes(data[:end])
        run = store.import_tensorboard(cut)
        count = run.series()["train/loss"].count if "train/loss" in run.series() else 0
        assert np.array_equal(run.history("train/loss").steps, np.arange(count)) if count else True
    damaged = bytearray(data)
    damaged[10_000] ^= 1
    cut.write_bytes(damaged)
    with pytest.warns(UserWarning, match="is damaged: it was read up to the first wrong checksum"):
        run = store.import_tensorboard(cut)
    assert 0 < run.series()["train/loss"].count < 500
    with pytest.raises(ValueError, match="holds no event files"):
        store.import_tensorboard(tmp_path / "nothing")


def test_an_offline_run_of_weights_and_biases(store: RunStore, tmp_path: Path) -> None:
    """The file was written by wandb 0.31.0: see `write_wandb.py`."""
    path = FILES / "offline.wandb"
    with pytest.warns(UserWarning, match="what is no number was left out: note"):
        run = store.import_wandb(path)
    assert run.name == "offline run"
    assert run.config == {"lr": 0.1, "layers": [1, 2], "nested": {"x": 1}}
    assert run.status == "finished"
    assert run.history("loss").steps.tolist() == list(range(0, 120, 2))
    assert run.history("loss").values.tolist() == [1 / (step + 1) for step in range(60)]
    assert run.history("val/loss").values.tolist() == [0, 20, 40, 60, 80, 100]
    assert run.history("nested.a").values.tolist() == [0, 10, 20, 30, 40, 50]
    assert math.isnan(run.history("odd").values[0])
    assert run.history("inf").values.tolist() == [-math.inf]
    assert np.all(np.diff(run.history("loss").times) >= 0)
    folder = tmp_path / "offline-run"
    folder.mkdir()
    shutil.copy(path, folder)
    assert len(store.import_wandb(folder).history("loss")) == 60
    # Cut short, as a killed writer leaves it.
    short = tmp_path / "short.wandb"
    short.write_bytes(path.read_bytes()[:9000])
    assert 0 < len(store.import_wandb(short).history("loss")) < 60
    short.write_bytes(b"nothing of theirs")
    with pytest.raises(ValueError, match="is no file of Weights & Biases"):
        store.import_wandb(short)


def test_imported_beside_a_run_that_goes_on(store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("step,loss\n" + "".join(f"{step},{step}\n" for step in range(5000)))
    with store.run("goes on") as run:
        for step in range(3000):
            run.log(step, loss=step)
            if step % 1000 == 0:
                assert len(store.import_csv(path).history("loss")) == 5000
    assert len(store.load(run.id).history("loss")) == 3000
    assert (
        subprocess.run(
            [
                sys.executable,
                "-c",
                f"from nnwidgets.runs import RunStore; assert len(RunStore({str(store.path)!r}).runs()) == 4",
            ]
        ).returncode
        == 0
    )

"""A run records what is logged, and is read back as it was."""

import json
import math
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
import warnings
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as pillow

from nnwidgets.runs import Batch, Histogram, NotRecording, Run, RunStore, StopTraining


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs.sqlite")


def both(store: RunStore, run: Run) -> list[Run]:
    """The run as it records, and as it is read."""
    assert run.flush()
    return [run, store.load(run.id)]


def test_what_is_logged_is_there_at_once(store: RunStore) -> None:
    with store.run("first", config={"lr": 0.1}) as run:
        run.log(0, loss=2.5)
        assert run.recording
        assert run.history("loss").values.tolist() == [2.5]
        run.log(1, loss=1.5, val_loss=3)
        for each in both(store, run):
            steps, values = each.history("loss")
            assert steps.tolist() == [0.0, 1.0]
            assert values.tolist() == [2.5, 1.5]
            assert each.status == "running"
            assert each.step == 1
            assert each.name == "first"
            assert each.config == {"lr": 0.1}
            validation = each.series()["val_loss"]
            assert (validation.kind, validation.count, validation.last) == ("scalar", 1, 3.0)
            assert (validation.first_step, validation.last_step) == (1, 1)
    assert not run.recording
    assert run.status == "finished"
    again = store.load(run.id)
    assert again.status == "finished"
    assert again.ended is not None and again.ended >= again.started
    assert again.history("loss").values.tolist() == [2.5, 1.5]
    with pytest.raises(NotRecording, match="has ended"):
        run.log(2, loss=1.0)
    with pytest.raises(NotRecording, match="was loaded to be read"):
        again.log(2, loss=1.0)


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 5000])
def test_any_number_of_points(store: RunStore, count: int) -> None:
    with store.run("points") as run:
        run.log(0, other=1.0)
        for step in range(count):
            run.log(step, loss=step / 3)
            if step % 700 == 0:
                run.flush()
        for each in both(store, run):
            check(each, count)
    check(store.load(run.id), count)


def check(run: Run, count: int) -> None:
    assert ("loss" in run.series()) == (count > 0)
    if count:
        assert run.series()["loss"].count == count
        assert np.array_equal(run.history("loss").values, np.arange(count) / 3)
        assert np.array_equal(run.history("loss").steps, np.arange(count))
    else:
        with pytest.raises(KeyError, match="has no scalar named 'loss'; it has 'other'"):
            run.history("loss")


def test_nan_infinity_late_missing_and_out_of_order(store: RunStore) -> None:
    steps = [5, 3, 3, 10**12, 0, 2**63 - 1, 7]
    values = [math.nan, math.inf, -math.inf, 1.0, -0.0, 1e308, 5e-324]
    with store.run("odd") as run:
        for step, value in zip(steps, values, strict=True):
            run.log(step, loss=value)
        run.log(8, late=True)
        for each in [*both(store, run)]:
            history = each.history("loss")
            assert np.array_equal(history.steps, np.array(steps, float))
            assert np.array_equal(history.values, values, equal_nan=True)
            assert math.copysign(1, history.values[4]) == -1
            series = each.series()
            assert (series["loss"].first_step, series["loss"].last_step) == (0, 2**63 - 1)
            assert series["late"].last == 1.0
            thin = each.history("loss", points=1)
            assert thin.thinned
            assert thin.counts.tolist() == [7]
            assert (thin.low[0], thin.high[0]) == (-0.0, 1e308)
            assert each.history("loss", start=3, stop=8).steps.tolist() == [5, 3, 3, 7]


NAMES = [
    "loss",
    "step",
    "self",
    "values",
    "any name/at all",
    "'; DROP TABLE run; --",
    'double "quotes"',
    "line\nbreak\ttab\rreturn",
    "emoji 🙂",
    "lone surrogate \ud800",
    "nul \0 inside",
    "",
    " ",
    "%s {} \\",
    "<script>alert(1)</script>",
    "e\u0301 combined",
    "\u00e9 combined",
    "x" * 5000,
]


def test_names_with_any_characters(store: RunStore) -> None:
    values = {name: float(number) for number, name in enumerate(NAMES)}
    for run_name in ("odd \ud800\n'\"", *NAMES[-3:]):
        with store.run(run_name, config={name: name for name in NAMES}) as run:
            run.log(0, **values)
            run.log(1, **{f"{name} text": name for name in NAMES})
            for each in both(store, run):
                assert {name: each.history(name).values.tolist() for name in NAMES} == {
                    name: [value] for name, value in values.items()
                }
                assert all(each.texts(f"{name} text") == [(1, name)] for name in NAMES)
        again = store.load(run.id)
        assert again.name == run_name
        assert again.config == {name: name for name in NAMES}
        assert set(again.series()) == {*NAMES, *(f"{name} text" for name in NAMES)}
    assert repr(store.runs()) and store.runs()._repr_html_()


def test_numbers_of_all_kinds(store: RunStore) -> None:
    numbers = {
        "int": (7, 7.0),
        "large": (2**53 + 1, float(2**53 + 1)),
        "huge": (10**300, 1e300),
        "bool": (True, 1.0),
        "float32": (np.float32(0.1), float(np.float32(0.1))),
        "int64": (np.int64(3), 3.0),
        "bool_": (np.bool_(True), 1.0),
        "array": (np.array(2.5), 2.5),
        "one": (np.array([2.5]), 2.5),
        "tensor": (torch.tensor(1.5), 1.5),
        "gradient": (torch.tensor(1.5, requires_grad=True), 1.5),
        "bfloat16": (torch.tensor(1.5, dtype=torch.bfloat16), 1.5),
        "integer tensor": (torch.tensor(3), 3.0),
        "tensor of one": (torch.tensor([1.5]), 1.5),
    }
    with store.run("numbers") as run:
        for step in (0, np.int64(1), torch.tensor(2), 3):
            run.log(step, **{name: given for name, (given, _) in numbers.items()})
        for name, (_, kept) in numbers.items():
            assert run.history(name).values.tolist() == [kept] * 4, name
        assert run.history("int").steps.tolist() == [0, 1, 2, 3]


def test_a_loss_with_its_graph_is_taken_without_a_word(store: RunStore) -> None:
    with store.run("graph") as run, warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.set_warn_always(True)
        try:
            for step in range(3):
                run.log(step, loss=torch.tensor(1.5, requires_grad=True) * step, float=0.5)
        finally:
            torch.set_warn_always(False)
        assert run.history("loss").values.tolist() == [0, 1.5, 3]


def test_tensors_are_taken_as_they_are_now(store: RunStore) -> None:
    with store.run("in place") as run:
        total = torch.zeros(())
        for step in range(3):
            total += 1
            run.log(step, total=total)
        assert run.history("total").values.tolist() == [1, 2, 3]


def test_what_is_no_number_is_refused_before_anything_is_kept(store: RunStore) -> None:
    with store.run("refused") as run:
        run.log(0, loss=1.0, note="text")
        for wrong, message in [
            ({"loss": 1.0, "bad": None}, "bad=None, of type NoneType, but what can be logged is a number"),
            ({"loss": 1.0, "bad": [1, 2]}, r"bad=\[1, 2\], of type list"),
            ({"loss": 1.0, "bad": 1 + 2j}, "bad=.*complex"),
            ({"loss": 1.0, "bad": torch.tensor(1 + 2j)}, "bad=.*complex"),
            ({"loss": 1.0, "bad": np.zeros(10)}, r"'bad' is an array of shape \(10,\).*Histogram.of"),
            ({"loss": 1.0, "bad": torch.zeros(2, 5, 5)}, "'bad' cannot be kept as an image"),
            ({"loss": 1.0, "bad": 10**400}, "bad is a whole number of 1,329 bits"),
            ({"loss": 1.0, "bad": "x" * 1_000_001}, "'bad' is a text of 1,000,001 bytes"),
            ({"loss": "1.0"}, "'loss' is a series of scalars, but this is a text"),
            ({"loss": 2.0, "note": 1.0}, "'note' is a series of texts, but this is a scalar"),
            ({"loss": 1.0, "bad": np.array("text")}, "bad"),
            ({"loss": 1.0, "bad": np.datetime64("2020-01-01")}, "bad"),
        ]:
            with pytest.raises((TypeError, ValueError), match=message):
                run.log(1, **wrong)
        for step, message in [
            (-1, "step=-1, but it must be a whole number from 0"),
            (1.0, "step=1.0, but it must be a whole number"),
            ("3", "step='3'"),
            (True, "step=True"),
            (2**63, f"step={2**63}"),
            (None, "step=None"),
        ]:
            with pytest.raises((TypeError, ValueError), match=message):
                run.log(step, loss=1.0)
        assert run.history("loss").values.tolist() == [1.0]
        assert set(run.series()) == {"loss", "note"}


def test_histograms_images_and_texts(store: RunStore) -> None:
    grey = np.linspace(0, 1, 12).reshape(3, 4)
    colour = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    with store.run("items") as run:
        for step in range(5):
            run.log(
                step,
                weights=Histogram.of(np.arange(100) + step),
                grey=grey,
                colour=colour,
                first=torch.from_numpy(colour).permute(2, 0, 1),
                pillow=pillow.fromarray(colour),
                note=f"step {step}",
            )
        for each in both(store, run):
            assert [step for step, _ in each.histograms("weights")] == [0, 1, 2, 3, 4]
            assert each.histograms("weights")[3][1] == Histogram.of(np.arange(100) + 3)
            assert [step for step, _ in each.images("grey", points=3)] == [0, 2, 4]
            assert [step for step, _ in each.images("grey", start=1, stop=3)] == [1, 2]
            assert np.array_equal(each.images("grey")[0][1].array(), np.rint(grey * 255))
            for name in ("colour", "first", "pillow"):
                assert np.array_equal(each.images(name)[4][1].array(), colour), name
            assert each.texts("note") == [(step, f"step {step}") for step in range(5)]
            series = each.series()
            assert (series["grey"].kind, series["grey"].count, series["grey"].last_step) == ("image", 5, 4)
            with pytest.raises(KeyError, match=r"run.images\('grey'\) reads it"):
                each.history("grey")
            with pytest.raises(KeyError, match="has no text named 'nothing'; it has 'note'"):
                each.texts("nothing")


def test_images_of_all_shapes(store: RunStore) -> None:
    with store.run("images") as run:
        run.log(
            0, alpha=np.full((2, 3, 4), 0.5), one=np.ones((2, 3, 1)), mask=np.eye(3, dtype=bool), huge=np.eye(3) * 9
        )
        assert run.images("alpha")[0][1].array().tolist() == [[[128] * 4] * 3] * 2
        assert run.images("one")[0][1].array().tolist() == [[255] * 3] * 2
        assert run.images("mask")[0][1].array().tolist() == (np.eye(3) * 255).tolist()
        assert run.images("huge")[0][1].array().tolist() == (np.eye(3) * 255).tolist()
        run.log(
            1, tensor=torch.rand(3, 8, 6, dtype=torch.bfloat16), nan=np.array([[math.nan, math.inf], [-math.inf, 0.2]])
        )
        assert run.images("tensor")[0][1].array().shape == (8, 6, 3)
        assert run.images("nan")[0][1].array().tolist() == [[0, 255], [0, 51]]
        with pytest.raises(ValueError, match="an image of 5,000 × 5,000 pixels, but a run keeps 1 to 16,777,216"):
            run.log(2, large=np.zeros((5000, 5000), np.uint8))


def test_how_runs_end(store: RunStore) -> None:
    with pytest.raises(ZeroDivisionError), store.run("fails") as failing:
        failing.log(0, loss=1 / 0)
    with store.run("stops") as stopped:
        raise StopTraining("stopped by hand")
    left = store.run("left")
    left.log(0, loss=1.0)
    left.close()
    assert (failing.status, failing.message) == ("failed", "ZeroDivisionError: division by zero")
    assert (stopped.status, stopped.message) == ("stopped", "stopped by hand")
    for run in (failing, stopped, left):
        again = store.load(run.id)
        assert (again.status, again.message, again.ended) == (run.status, run.message, run.ended)
    assert [(row.name, row.status) for row in store.runs()] == [
        ("left", "finished"),
        ("stops", "stopped"),
        ("fails", "failed"),
    ]
    assert left.closed and not stopped.closed


def test_python_that_ends_without_finishing(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    script = f"""
from nnwidgets.runs import RunStore
run = RunStore({str(path)!r}).run("left")
for step in range(1000):
    run.log(step, loss=1.0)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    store = RunStore(path)
    run = store.load(store.runs()[0].id)
    assert (run.status, run.message) == ("interrupted", "its process ended before the run was finished")
    assert len(run.history("loss")) == 1000


@dataclass
class Settings:
    lr: float
    layers: tuple[int, ...]


def test_what_is_set_in_the_configuration_is_kept_as_the_run_goes_on(store: RunStore, tmp_path: Path) -> None:
    with store.run("config", config={"lr": 0.1}) as run:
        reader = store.load(run.id)
        run.log(0, loss=1)
        run.flush()
        run.config["total_steps"] = 100
        run.config["device"] = torch.device("cpu")
        run.log(1, loss=1)
        run.flush()
        kept = {"lr": 0.1, "total_steps": 100, "device": "device(type='cpu')"}
        assert reader.config == store.load(run.id).config == kept
        run.to_json(tmp_path / "run.json")
        run.config["sizes"] = {"batch": [1]}
    assert reader.config == store.load(run.id).config == kept | {"sizes": {"batch": [1]}}
    assert store.import_json(tmp_path / "run.json").config == kept


def test_configuration_and_provenance(store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    circular: list[object] = []
    circular.append(circular)
    config = {
        "lr": 0.1,
        "layers": (1, 2),
        "device": torch.device("cpu"),
        "nested": {1: {"x": np.float32(0.5)}},
        "array": np.arange(3),
        "nan": math.nan,
        "circular": circular,
        "path": tmp_path,
    }
    torch.manual_seed(1234)
    with store.run("config", config=config, seeds={"data": 5}) as run:
        pass
    again = store.load(run.id)
    assert again.config["layers"] == [1, 2]
    assert again.config["device"] == "device(type='cpu')"
    assert again.config["nested"] == {"1": {"x": 0.5}}
    assert again.config["array"] == "array([0, 1, 2])"
    assert math.isnan(again.config["nan"])
    assert again.config["path"] == repr(tmp_path)
    json.dumps(again.config)
    assert again.seeds == {"torch": 1234, "data": 5}
    assert again.host == run.host != ""
    here = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    if here.returncode == 0:
        monkeypatch.chdir(Path(__file__).parent)
        with store.run("in git") as run:
            assert run.commit == here.stdout.strip()
        monkeypatch.chdir(tmp_path)
        with store.run("no git") as run:
            assert run.commit is None
    assert store.run("dataclass", config=Settings(0.1, (2,))).config == {"lr": 0.1, "layers": [2]}
    assert store.run("namespace", config=Namespace(lr=0.1)).config == {"lr": 0.1}
    with pytest.raises(TypeError, match="config is of type int, but it is a mapping"):
        store.run("wrong", config=3)
    with pytest.raises(TypeError, match="name=3, but it is a text"):
        store.run(3)  # type: ignore[arg-type]


def test_packed_references_of_git(store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "x"], ["pack-refs", "--all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    subprocess.run(["git", "worktree", "add", "-q", "--detach", "../tree"], cwd=folder, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True).stdout.strip()
    for place in (folder, tmp_path / "tree"):
        monkeypatch.chdir(place)
        assert store.run("packed").commit == commit


def test_listeners_hear_each_point_once(store: RunStore) -> None:
    heard: list[Batch] = []
    threads = set()
    with store.run("heard") as run:
        run.on_points(lambda batch: (heard.append(batch), threads.add(threading.current_thread()), 1 / 0))
        forget = run.on_points(lambda batch: None)
        for step in range(3000):
            run.log(step, loss=step)
            if step % 2 == 0:
                run.log(step, even=step)
            if step % 1000 == 500:
                run.log(step, note="x")
                time.sleep(0.15)
        forget()
        run.flush()
        assert run.cursor == heard[-1].cursor
    assert threading.current_thread() not in threads
    for name, count in (("loss", 3000), ("even", 1500)):
        parts = [batch.series[name] for batch in heard if name in batch.series]
        assert len(parts) > 2
        assert [part.first_index for part in parts] == np.cumsum([0, *(len(part) for part in parts[:-1])]).tolist()
        assert np.concatenate([part.values for part in parts]).tolist() == [
            step for step in range(3000) if name == "loss" or step % 2 == 0
        ]
        assert len(np.concatenate([part.times for part in parts])) == count
    assert sum("note" in batch.grown for batch in heard) == 3
    cursors = [batch.cursor for batch in heard]
    assert cursors == sorted(set(cursors))


def test_a_listener_may_read_the_run(store: RunStore) -> None:
    seen = []
    with store.run("read within") as run:
        run.on_points(lambda batch: seen.append((len(run.history("loss")), run.series()["loss"].count, run.trouble)))
        run.on_points(lambda batch: run.flush())
        run.log(0, loss=1.0)
        run.flush()
    assert seen[0] == (1, 1, None)


def test_steps_are_told_in_the_thread_that_trains(store: RunStore) -> None:
    told: list[tuple[int, threading.Thread]] = []
    with store.run("steps") as run:
        forget = run.at_step(lambda step: told.append((step, threading.current_thread())))
        run.at_step(lambda step: 1 / 0)
        run.log(0, loss=1.0)
        run.log(3, loss=1.0)
        forget()
        run.log(4, loss=1.0)
    assert told == [(0, threading.current_thread()), (3, threading.current_thread())]
    with store.run("stopped") as run:
        run.at_step(stop)
        run.log(7, loss=1.0)
    assert run.status == "stopped"
    assert run.history("loss").steps.tolist() == [7]


def stop(step: int) -> None:
    raise StopTraining(f"at step {step}")


def test_two_runs_and_many_threads(store: RunStore) -> None:
    with store.run("a") as a, store.run("a") as b:
        assert a.id != b.id

        def work(number: int) -> None:
            for step in range(2000):
                a.log(step, **{f"thread {number}": step})
                b.log(step, together=number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in range(4):
        assert store.load(a.id).history(f"thread {number}").values.tolist() == list(range(2000))
    together = store.load(b.id).history("together").values
    assert np.bincount(together.astype(int)).tolist() == [2000] * 4


def test_sets_of_names_without_end(store: RunStore) -> None:
    """More sets than are kept: each name for itself then."""
    rng = np.random.default_rng(0)
    expected: dict[str, list[float]] = {}
    with store.run("sets") as run:
        for step in range(3000):
            names = [f"m{number}" for number in np.flatnonzero(rng.random(12) < 0.5)]
            run.log(step, **dict.fromkeys(names, step))
            for name in names:
                expected.setdefault(name, []).append(step)
    again = store.load(run.id)
    assert {name: again.history(name).values.tolist() for name in again.series()} == expected


def test_in_memory() -> None:
    store = RunStore(":memory:")
    with store.run("memory") as run:
        for step in range(3000):
            run.log(step, loss=step, note="x") if step % 1000 == 0 else run.log(step, loss=step)
        run.flush()
        assert run.history("loss").values.tolist() == list(range(3000))
    assert store.load(run.id).history("loss").values.tolist() == list(range(3000))
    assert store.load(run.id).status == "finished"
    assert len(run.texts("note")) == 3
    with pytest.raises(TypeError, match="lies in memory"):
        pickle.dumps(run)


def test_durable_against_a_power_cut(tmp_path: Path) -> None:
    """`log` returns after the commit: another connection sees the point at once. Several threads share a commit."""
    store = RunStore(tmp_path / "runs.sqlite", durable="power")
    other = RunStore(tmp_path / "runs.sqlite")
    with store.run("power") as run:
        assert store.writer.database.connection.execute("PRAGMA synchronous").fetchone() == (2,)
        for step in range(20):
            run.log(step, loss=step)
            assert other.load(run.id).history("loss").values.tolist() == list(range(step + 1))
        threads = [threading.Thread(target=run.log, args=(20,), kwargs={f"t{number}": 1}) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(other.load(run.id).series()) == 9


def test_pickled_it_reads(store: RunStore) -> None:
    with store.run("pickled") as run:
        run.log(0, loss=1.0)
        run.flush()
        copy = pickle.loads(pickle.dumps(run))
        assert copy.id == run.id
        assert copy.status == "running"
        assert copy.history("loss").values.tolist() == [1.0]
        with pytest.raises(NotRecording, match="was loaded to be read"):
            copy.log(1, loss=1.0)
    assert copy.status == "finished"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_it_refuses_to_log_and_the_parent_goes_on(store: RunStore) -> None:
    with store.run("forked") as run:
        run.log(0, loss=1.0)
        run.flush()
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        process = context.Process(target=in_child, args=(run, answers))
        process.start()
        refusal, own = answers.get(timeout=30)
        process.join()
        assert process.exitcode == 0
        assert f"is recorded by the process {os.getpid()}, from which this one was forked" in refusal
        run.log(1, loss=2.0)
        assert run.flush()
        assert RunStore(store.path).load(run.id).status == "running"
    assert store.load(run.id).history("loss").values.tolist() == [1.0, 2.0]
    assert store.load(own).history("loss").values.tolist() == [5.0]
    assert store.load(own).status == "finished"


def in_child(run: Run, answers: "multiprocessing.Queue[tuple[str, str]]") -> None:
    try:
        run.log(1, loss=9.0)
        refusal = "none"
    except NotRecording as error:
        refusal = str(error)
    run.finish()
    with run.store.run("the child's own") as own:
        own.log(0, loss=5.0)
    answers.put((refusal, own.id))


def test_a_repr_for_people(store: RunStore) -> None:
    assert repr(store.runs()) == "no runs"
    with store.run("lenet", config={"lr": 0.1}) as run:
        run.log(1234, loss=1.0)
        assert repr(run) == f"Run('lenet', running, step 1,234, id='{run.id}')"
    with store.run("<b>bold</b>"):
        pass
    text = repr(store.runs())
    assert text.splitlines()[0].split() == ["id", "name", "status", "started", "config"]
    assert "lr=0.1" in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in store.runs()._repr_html_()
    assert [row.name for row in store.runs()[:1]] == ["<b>bold</b>"]
    assert repr(run.history("loss")) == "History('loss', 1 points)"
    with pytest.raises(KeyError, match=rf"'lenet' in RunStore\(.*\); the newest of that name is '{run.id}'"):
        store.load("lenet")
    with pytest.raises(KeyError, match=r"there is no run with the id 'nothing' in .*; store.runs\(\) lists them"):
        store.load("nothing")


def test_recording_loads_neither_torch_nor_pillow(tmp_path: Path) -> None:
    """A script that trains with something else pays for neither."""
    script = f"""
import sys
from nnwidgets.runs import Histogram, RunStore
with RunStore({str(tmp_path / "runs.sqlite")!r}).run("light") as run:
    run.log(0, loss=1.0, note="x", weights=Histogram.of([1.0]))
    run.history("loss"), run.series()
assert not {{"torch", "PIL", "matplotlib", "ipywidgets"}} & set(sys.modules), "something heavy was loaded"
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_training_may_change_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with RunStore("runs.sqlite").run("moves") as run:
        run.log(0, loss=1.0)
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        run.log(1, loss=2.0)
        run.flush()
        assert run.trouble is None
    assert list(Path.cwd().iterdir()) == []
    assert RunStore(tmp_path / "runs.sqlite").load(run.id).history("loss").values.tolist() == [1.0, 2.0]

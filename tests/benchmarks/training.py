"""What watching a training costs: each row beside the same work without us, in one run and in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.row import Row, judged
from tests.benchmarks.workshop import Workshop

STEPS = {"MLP": 1500, "LeNet": 250}
"""Steps of one turn of a loop: about a second."""
TURNS = 8
WATCHED_TURNS = 5
LOG = 20_000
"""Points a second that `run.log` must keep safe."""

MODELS = """
import time, statistics, torch
from torch import nn
from sklearn.datasets import load_digits
import nnwidgets as nnw
from nnwidgets.zoo.lenet import LeNet5

torch.set_num_threads(1)
digits = load_digits()
images = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
large = nn.functional.interpolate(images, size=28)
store = nnw.RunStore("runs.sqlite")

def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)), images

def lenet():
    torch.manual_seed(0)
    return LeNet5(), large

class Loop:
    def __init__(self, make):
        self.model, self.inputs = make()
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.05)
        self.step = 0

    def seconds(self, steps, log):
        parameters, begin = list(self.model.parameters()), time.perf_counter()
        for _ in range(steps):
            self.step += 1
            at = self.step * 64 % 1700
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(self.inputs[at:at + 64]), labels[at:at + 64])
            loss.backward()
            norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters])
            self.optimizer.step()
            log(self.step, loss.item(), norm.item())
        return time.perf_counter() - begin
"""

MONITOR = """
make = {make}
plain, logged, tensorboard = Loop(make), Loop(make), Loop(make)
run = store.run("{make}")
nnw.TrainingMonitor(run)
"""

COMPARE = """
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter("tb")
nothing = lambda step, loss, norm: None
ours = lambda step, loss, norm: run.log(step, loss=loss, gradient_norm=norm)
def theirs(step, loss, norm):
    writer.add_scalar("loss", loss, step)
    writer.add_scalar("gradient_norm", norm, step)
for loop, log in ((plain, nothing), (logged, ours), (tensorboard, theirs)):
    loop.seconds({steps} // 4, log)
times = [
    (plain.seconds({steps}, nothing), logged.seconds({steps}, ours), tensorboard.seconds({steps}, theirs))
    for _ in range({turns})
]
same = all(torch.equal(one, other) for one, other in zip(plain.model.parameters(), logged.model.parameters()))
assert same, "monitoring changed the training"
"""

WATCH = """
import json, statistics, sys, time, torch
from torch import nn
import nnwidgets as nnw
from nnwidgets.zoo.resnet import ResNet18

torch.set_num_threads(1)
store = nnw.RunStore(sys.argv[1])

class Loop:
    def __init__(self):
        torch.manual_seed(0)
        self.model = ResNet18()
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9)
        self.images, self.labels = torch.randn(8, 3, 32, 32), torch.randint(0, 10, (8,))

    def seconds(self, steps):
        begin = time.perf_counter()
        for _ in range(steps):
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.model(self.images), self.labels).backward()
            self.optimizer.step()
        return time.perf_counter() - begin

plain, watched = Loop(), Loop()
run = store.run("watched")
nnw.watch(watched.model, watched.optimizer, run, histograms=100)
plain.seconds(3), watched.seconds(3)
times = []
for turn in range(int(sys.argv[2])):
    loops = (plain, watched) if turn % 2 == 0 else (watched, plain)
    taken = {loop: loop.seconds(100) for loop in loops}
    times.append((taken[plain], taken[watched]))
assert all(torch.equal(one, other) for one, other in zip(plain.model.parameters(), watched.model.parameters()))
print(json.dumps({"times": times, "histograms": len(run.histograms("weights/layer1.0.conv1"))}))
run.finish()
"""

DURABLE = """
import json, sqlite3, statistics, sys, time
from nnwidgets.runs import RunStore

points, folder = 200_000, sys.argv[1]
database = sqlite3.connect(f"{folder}/bare.sqlite", isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA synchronous=NORMAL")
database.execute("CREATE TABLE points (step, value)")
commits = []
for step in range(2_000):
    began = time.perf_counter()
    database.execute("INSERT INTO points VALUES (?, ?)", (step, 0.5))
    commits.append(time.perf_counter() - began)
waits = []
with RunStore(f"{folder}/runs.sqlite").run("durable") as run:
    clock = time.perf_counter
    began = clock()
    for step in range(points):
        run.log(step, loss=0.5)
    took = clock() - began
    for step in range(points, points + 50_000):
        before = clock()
        run.log(step, loss=0.5)
        waits.append(clock() - before)
waits.sort()
print(json.dumps({
    "rate": points / took, "commit": statistics.median(commits), "slowest commit": max(commits),
    "median": statistics.median(waits), "p99.9": waits[int(len(waits) * 0.999)], "slowest": waits[-1],
}))
"""


def measure(workshop: Workshop) -> list[Row]:
    return [*_logging(workshop), _watching(), *_durable()]


def _logging(workshop: Workshop) -> list[Row]:
    rows = []
    for name, make in (("MLP", "mlp"), ("LeNet", "lenet")):
        compare = COMPARE.format(steps=STEPS[name], turns=TURNS)
        with workshop.notebook(f"log-{make}", MODELS, MONITOR.format(make=make), compare) as notebook:
            times: list[tuple[float, float, float]] = notebook.python("times")
        ratio = statistics.median(ours / plain for plain, ours, _ in times)
        theirs = statistics.median(tensorboard / plain for plain, _, tensorboard in times)
        step = 1e6 * statistics.median(plain for plain, _, _ in times) / STEPS[name]
        measured = f"a step takes {step:.0f} µs"
        spread = [round(ours / plain, 3) for plain, ours, _ in times]
        rows.append(
            judged(f"loss and gradient norm logged, monitor open: {name}", measured, ratio, 1.05, ratios=spread)
        )
        rows.append(Row(f"the same by TensorBoard: {name}", "", theirs))
    return rows


def _watching() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        found = _script(WATCH, str(Path(folder, "runs.sqlite")), str(WATCHED_TURNS))
    ratios = [watched / plain for plain, watched in found["times"]]
    assert found["histograms"] >= WATCHED_TURNS
    step = 10 * statistics.median(plain for plain, _ in found["times"])
    measured = f"a step takes {step:.0f} ms"
    work = "nnw.watch, histograms every 100 steps, ResNet-18's size"
    return judged(work, measured, statistics.median(ratios), 1.05, ratios=[round(ratio, 3) for ratio in ratios])


def _durable() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        found = _script(DURABLE, folder)
    rate, slowest, commit = found["rate"], found["slowest"], found["slowest commit"]
    points = Row(
        "durable run.log from one thread", f"{rate:,.0f} points/s", None, f"≥ {LOG:,}/s", rate >= LOG, details=found
    )
    measured = f"slowest of 50,000: {1000 * slowest:.2f} ms; of 2,000 commits: {1000 * commit:.2f} ms"
    wait = Row("longest wait of a step", measured, slowest / commit, "≤ 1.00", slowest <= commit, details=found)
    return [points, wait]


def _script(code: str, *arguments: str) -> dict[str, object]:
    """What a script prints, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, object] = json.loads(done.stdout)
    return found

"""Run as a script: forks trainings that log as fast as they can, and kills each at a random moment.

    python killing.py STORE SEED KILLS

Prints, as JSON, for each training what it knew to be logged when it was killed. Torch is never loaded: a fork is cheap.
"""

import json
import mmap
import os
import random
import signal
import struct
import sys
import time
import traceback
from pathlib import Path

from nnwidgets.runs import Histogram, RunStore

AT_ONCE = 4


def train(store: str, name: str, returned: mmap.mmap) -> None:
    """Log for ever; `returned` counts the calls that returned."""
    run = RunStore(store).run(name, config={"name": name})
    returned[8:16] = struct.pack("=Q", 1)
    histogram = Histogram.of([0.0, 1.0, 2.0])
    step = 0
    while True:
        if step % 100 == 99:
            run.log(step, loss=float(step), text=f"step {step}", weights=histogram)
        elif step % 3 == 2:
            run.log(step, loss=float(step), val_loss=-float(step))
        else:
            run.log(step, loss=float(step))
        step += 1
        returned[:8] = struct.pack("=Q", step)
        if step % 500 == 0:
            time.sleep(random.random() * 0.01)


def main(store: str, seed: int, kills: int) -> None:
    moments = random.Random(seed)
    living: dict[int, tuple[str, mmap.mmap, float]] = {}
    found: dict[str, dict[str, int]] = {}
    try:
        kill_each(store, kills, moments, living, found)
    finally:
        for process in living:
            os.kill(process, signal.SIGKILL)
    json.dump(found, sys.stdout)


def kill_each(
    store: str,
    kills: int,
    moments: random.Random,
    living: dict[int, tuple[str, mmap.mmap, float]],
    found: dict[str, dict[str, int]],
) -> None:
    started = 0
    while started < kills or living:
        while started < kills and len(living) < AT_ONCE:
            returned = mmap.mmap(-1, 16)
            name = f"run {started}"
            process = os.fork()
            if process == 0:
                try:
                    random.seed(started)
                    train(store, name, returned)
                finally:
                    traceback.print_exc()
                    os._exit(1)
            # One in five at any moment after the fork, also while it opens the store; the others while they log.
            after = 0.3 * moments.random()
            living[process] = (name, returned, after if started % 5 else time.monotonic() + after)
            started += 1
        for process, (name, returned, moment) in list(living.items()):
            if moment < 1.0 and any(returned[:8]):
                living[process] = (name, returned, time.monotonic() + moment)
            elif 1.0 <= moment <= time.monotonic():
                os.kill(process, signal.SIGKILL)
                _, status = os.waitpid(process, 0)
                del living[process]
                assert os.WIFSIGNALED(status), f"{name} ended by itself"
                found[name] = {"logged": struct.unpack("=QQ", returned[:])[0], "began": bool(returned[8])}
        time.sleep(0.001)


if __name__ == "__main__":
    Path(sys.argv[1]).parent.mkdir(exist_ok=True)
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""Measures how fast and how small nnwidgets is, prints one table and writes results/bench.json. Run by `make bench`.

A missed target is said, not punished: the exit status is non-zero only where a benchmark could not run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # here and in the kernels: two threads beside a browser only wait for each other
ROOT = Path(__file__).parent.parent.parent
sys.path[0] = str(ROOT)

from tests.benchmarks.row import Row, table  # noqa: E402
from tests.benchmarks.workshop import Workshop  # noqa: E402

BENCHMARKS = {
    "pick": "pick",
    "flood": "flood",
    "saved": "saved",
    "code": "ten_widgets",
    "size": "size",
    "import": "import_time",
    "capture": "capture",
    "tiles": "tiles",
    "paint": "first_paint",
    "training": "training",
    "monitor": "monitor",
    "latent": "latent",
    "frames": "saved_frames",
    "processes": "processes",
}
"""What `--only` takes → the module here that measures it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(BENCHMARKS), help="some of them: %(default)s")
    names = parser.parse_args().only.split(",")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # servers and browsers end with us
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"--only {', '.join(sorted(unknown))}: there are {', '.join(BENCHMARKS)}")
    rows, failed = measure(names)
    missed = [row.work for row in rows if row.met is False]
    print(table(rows))
    print(f"\n{len(missed)} missed: {'; '.join(missed)}" if missed else "\nevery target that was measured is met")
    for name in failed:
        print(f"could not run: {name}")
    results = ROOT / "results"
    results.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "processors": os.cpu_count()}
    record = {"machine": machine, "rows": [asdict(row) for row in rows], "could not run": failed}
    (results / "bench.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return 1 if failed else 0


def measure(names: list[str]) -> tuple[list[Row], list[str]]:
    """The rows of these benchmarks, and the names of those that could not run."""
    rows: list[Row] = []
    failed = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nnwidgets-bench-"))
        workshop = Workshop(stack, Path(folder))
        for name in names:
            began = time.monotonic()
            try:
                rows += importlib.import_module(f"tests.benchmarks.{BENCHMARKS[name]}").measure(workshop)
            except Exception:
                traceback.print_exc()
                failed.append(name)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return rows, failed


if __name__ == "__main__":
    sys.exit(main())

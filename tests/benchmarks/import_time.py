"""`import nnwidgets` in a fresh interpreter: how long it takes, and that nothing heavy comes along."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

from tests.benchmarks.row import Row, milliseconds
from tests.benchmarks.workshop import Workshop

MOST = 0.5  # seconds
TIMES = 11
HEAVY = ("torch", "plotly", "bqplot", "sklearn")
IMPORT = f"""
import json, sys, time
began = time.perf_counter()
import nnwidgets
seconds = time.perf_counter() - began
print(json.dumps([seconds, [name for name in {HEAVY} if name in sys.modules]]))
"""
FIRST_WIDGET = """
import json, time
import torch
model = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2).eval()
inputs = torch.randn(1, 8, 32)
began = time.perf_counter()
import nnwidgets as nnw
nnw.AttentionMap(nnw.ModelSession(model, inputs))
print(json.dumps([time.perf_counter() - began]))
"""


def measure(_workshop: Workshop) -> list[Row]:
    imports = [_fresh(IMPORT) for _ in range(TIMES)]
    seconds = [seconds for seconds, _ in imports]
    loaded = imports[0][1]
    first = [_fresh(FIRST_WIDGET)[0] for _ in range(3)]
    words = (
        f"{milliseconds(seconds)}, {'loads ' + ', '.join(loaded) if loaded else 'loads none of ' + ', '.join(HEAVY)}"
    )
    met = statistics.median(seconds) <= MOST and not loaded
    return [
        Row("import nnwidgets, fresh interpreter", words, None, f"≤ {MOST} s, none", met),
        Row("import nnwidgets to the first widget, after torch", milliseconds(first)),
    ]


def _fresh(program: str) -> Any:
    return json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    )

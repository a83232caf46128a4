"""BertViz's pages for the weights of a session. It is no dependency: it is put into a folder of the benchmarks' own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Literal

BERTVIZ = "bertviz==1.4.1"
WRITE = """
__import__("numpy").save({path!r}, __import__("numpy").array([
    [session.attention.weights(layer=layer, head=head) for head in range(12)] for layer in range(12)]))
"""
"""A cell that writes the weights `[layers, heads, queries, keys]` of `session` to a file."""
PAGE = """
import json, sys, time
import numpy, torch
sys.path.append(sys.argv[3])
import bertviz
attention = [torch.from_numpy(layer)[None] for layer in numpy.load(sys.argv[2])]
tokens = [f"token{number}" for number in range(attention[0].shape[-1])]
began = time.perf_counter()
page = getattr(bertviz, sys.argv[1])(attention, tokens, html_action="return").data
seconds = time.perf_counter() - began
print(json.dumps([len(page.encode()), seconds]))
"""


def install(folder: Path) -> None:
    """Put BertViz into a folder; what it needs, torch and IPython, is here already."""
    options = ("-qq", "--disable-pip-version-check", "--no-deps", "--target", str(folder))
    subprocess.run([sys.executable, "-m", "pip", "install", *options, BERTVIZ], check=True)


def page(kind: Literal["head_view", "model_view"], weights: Path, folder: Path) -> tuple[int, float]:
    """The bytes of a page and the seconds its making took, in a process that ends with it."""
    command = [sys.executable, "-c", PAGE, kind, str(weights), str(folder)]
    size, seconds = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return size, seconds

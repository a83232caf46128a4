"""Where a run comes from: host, git commit, seeds; and its configuration as JSON."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_DEEPEST = 50


def git_commit(folder: Path) -> str | None:
    """The commit that is checked out in the folder, from git's own files; None where there is none."""
    try:
        for place in (folder, *folder.parents):
            git = place / ".git"
            if git.is_file():  # a worktree or a submodule
                git = place / git.read_text("utf-8").removeprefix("gitdir:").strip()
            if git.is_dir():
                return _head(git)
    except (OSError, ValueError):
        pass
    return None


def _head(git: Path) -> str | None:
    head = (git / "HEAD").read_text("utf-8").strip()
    if not head.startswith("ref:"):
        return head if _COMMIT.fullmatch(head) else None
    name = head.removeprefix("ref:").strip()
    common = git / "commondir"
    folders = [git, git / common.read_text("utf-8").strip()] if common.is_file() else [git]
    for folder in folders:
        reference = folder / name
        if reference.is_file():
            commit = reference.read_text("utf-8").strip()
            return commit if _COMMIT.fullmatch(commit) else None
    for folder in folders:
        packed = folder / "packed-refs"
        if packed.is_file():
            for line in packed.read_text("utf-8").splitlines():
                commit, _, reference_name = line.partition(" ")
                if reference_name == name and _COMMIT.fullmatch(commit):
                    return commit
    return None


def seeds(own: Any) -> dict[str, Any]:
    """The seeds that can be known, and the user's own: a number, or a mapping of names to numbers.

    Torch's is that of its default generator. Numpy's and Python's generators do not tell what they were seeded with.
    """
    found: dict[str, Any] = {}
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "initial_seed"):
        found["torch"] = int(torch.initial_seed())
    if os.environ.get("PYTHONHASHSEED", "random") != "random":
        found["hash"] = os.environ["PYTHONHASHSEED"]
    if isinstance(own, Mapping):
        found.update(plain(own))
    elif own is not None:
        found["seed"] = plain(own)
    return found


def as_config(config: Any) -> dict[str, Any]:
    """A configuration as JSON holds it: a mapping, a dataclass or an `argparse.Namespace`."""
    if config is None:
        return {}
    if isinstance(config, Namespace):
        config = vars(config)
    elif dataclasses.is_dataclass(config) and not isinstance(config, type):
        config = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    if not isinstance(config, Mapping):
        raise TypeError(f"config is of type {type(config).__name__}, but it is a mapping such as {{'lr': 0.1}}")
    found: dict[str, Any] = plain(config)
    return found


def plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON holds it; what JSON cannot hold becomes its repr."""
    if value is None or isinstance(value, bool | str):
        return value if type(value) in (bool, str, type(None)) else str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {key if isinstance(key, str) else repr(key): plain(each, depth + 1) for key, each in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple):
        return [plain(each, depth + 1) for each in value]
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # a scalar of numpy's, a tensor of one value
        return plain(value.item(), _DEEPEST)
    try:
        return repr(value)
    except Exception:  # whatever a foreign repr raises
        return f"<{type(value).__name__}>"

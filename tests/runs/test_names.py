"""What a metric's name tells, by the fixtures that the browser half is tested with."""

import json
from pathlib import Path

import pytest

from nnwidgets.runs.names import better, split

NAMES = json.loads((Path(__file__).parents[1] / "fixtures" / "metric_names.json").read_text("utf8"))


@pytest.mark.parametrize("told", NAMES["phases"], ids=lambda told: told["name"])
def test_split(told: dict[str, str]) -> None:
    assert split(told["name"]) == (told["metric"], told["phase"])


@pytest.mark.parametrize("told", NAMES["better"], ids=lambda told: told["metric"])
def test_better(told: dict[str, str | None]) -> None:
    assert better(str(told["metric"])) == told["way"]

"""A training in a real JupyterLab: curves that move, hands on it by pointer and keys, a page that comes late."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Notebook
from tests.browser.models import TRAINING

MONITOR = "monitor = nnw.TrainingMonitor(run)\nmonitor"
TRAIN = "run.train(train)"
BLOCKING = "with run:\n    train(run)\nended = True"


def button(lab: Notebook, name: str) -> Locator:
    return lab.view(1).get_by_role("button", name=name, exact=True)


def status(lab: Notebook) -> Locator:
    return lab.view(1).locator(".nnw-run-status")


def wait_for_step(lab: Notebook, step: int) -> None:
    """Until the head of the monitor names this step or a later one."""
    lab.page.wait_for_function(
        """step => {
            const words = document.querySelector('.nnw-run-facts')?.textContent ?? '';
            return Number((/step ([\\d,]+)/.exec(words)?.[1] ?? '0').replaceAll(',', '')) >= step;
        }""",
        arg=step,
        timeout=30_000,
    )


def stop(lab: Notebook) -> None:
    button(lab, "Stop").click()
    button(lab, "Really stop?").click()


KERNELS = ["ipykernel 7", pytest.param("ipykernel 6", marks=pytest.mark.packages)]


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest) -> str:
    """The name of the kernel; both must do."""
    return "python3" if request.param == "ipykernel 7" else request.getfixturevalue("ipykernel6")


def test_a_training_in_hand(notebook: Callable[..., Notebook], kernel: str) -> None:
    lab = notebook(TRAINING, MONITOR, TRAIN, "nnw.GradientFlow(run)", kernel=kernel)
    expect(status(lab)).to_contain_text("running")
    wait_for_step(lab, 100)

    button(lab, "Pause").click()
    lab.until("run.control.state", "paused")
    held = lab.python("run.step")
    expect(button(lab, "Resume")).to_be_visible()
    assert lab.python("run.step") == held

    rate = lab.view(1).get_by_role("textbox", name="Learning rate")
    rate.click()
    rate.press("Control+a")
    lab.page.keyboard.type("0.02")
    rate.press("Enter")
    lab.until("optimizer.param_groups[0]['lr']", 0.02)

    lab.run(3)  # another widget of the same run, while it is held
    expect(lab.view(3)).to_be_visible()
    button(lab, "Resume").focus()
    lab.page.keyboard.press("Enter")
    lab.until("run.control.state", "running")
    wait_for_step(lab, held + 50)

    lab.save()
    lab.page.reload()
    lab.open()
    wait_for_step(lab, held + 60)
    lab.view(1).get_by_label("as table").check()
    first = lab.view(1).get_by_role("table").first.get_by_role("row").nth(1)
    # The whole curve, not what came since.
    expect(first.get_by_role("rowheader")).to_have_text(re.compile(r"^(step )?1$"))

    stop(lab)
    lab.until("run.status", "stopped")
    expect(status(lab)).to_contain_text("stopped")


def test_a_blocking_loop_moves_the_curves_and_hears_stop(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(TRAINING, MONITOR, BLOCKING, run=False)
    lab.run_all(wait=False)
    wait_for_step(lab, 200)
    assert "[*]" in lab.cell(2).locator(".jp-InputPrompt").inner_text()
    button(lab, "Pause").click()
    expect(button(lab, "Resume")).to_be_visible()
    button(lab, "Resume").click()
    stop(lab)
    lab.wait_for_cells(20)
    assert lab.python("ended") is True and lab.python("run.status") == "stopped"
    assert lab.python("run.step") < 60_000


@pytest.mark.packages
def test_on_ipykernel_6_a_blocking_loop_says_once_that_it_hears_nothing(
    notebook: Callable[..., Notebook], ipykernel6: str
) -> None:
    short = BLOCKING.replace(
        "train(run)", "for step in range(80):\n        run.log(step, loss=1.0)\n        time.sleep(.1)"
    )
    lab = notebook(TRAINING, MONITOR, "import time\n" + short, run=False, kernel=ipykernel6)
    lab.run_all(wait=False)
    wait_for_step(lab, 10)  # what is pushed comes through
    expect(lab.view(1).get_by_text("hears nothing meanwhile")).to_have_count(1)
    expect(button(lab, "Stop")).to_have_attribute("aria-disabled", "true")
    lab.wait_for_cells(30)
    assert lab.python("run.status") == "finished"
    expect(status(lab)).to_contain_text("finished")


def test_a_pinned_step_is_everybodys(notebook: Callable[..., Notebook]) -> None:
    short = TRAINING.replace("range(1, 2001)", "range(1, 11)")
    lab = notebook(short, MONITOR, TRAIN + "\nrun.wait()", "nnw.GradientFlow(run)")
    expect(status(lab)).to_contain_text("finished")
    chart = lab.view(1).get_by_role("application").first
    chart.focus()
    for _ in range(3):
        lab.page.keyboard.press("ArrowRight")
    lab.page.keyboard.press("Enter")
    lab.until("run.selection.step is not None", True)
    step = lab.python("run.selection.step")
    # The flow measures every tenth step: it goes to the nearest one, and follows the newest no more.
    slider = lab.view(3).get_by_role("slider", name="Step")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^step \d+, "))
    words = slider.get_attribute("aria-valuetext") or ""
    assert abs(int(words.split(",")[0].removeprefix("step ")) - step) <= 5


def test_a_notebook_reopened_without_its_kernel_shows_the_whole_run(notebook: Callable[..., Notebook]) -> None:
    short = TRAINING.replace("range(1, 2001)", "range(1, 11)")
    lab = notebook(short, MONITOR, TRAIN + "\nrun.wait()")
    expect(status(lab)).to_contain_text("finished")
    lab.page.wait_for_timeout(1500)
    saved = lab.save()
    state = saved.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    kept = [model["state"]["_snapshot"] for model in state.values() if model["state"].get("_snapshot")]
    assert kept and any(answer["what"] == "run.story" for answer in kept[0])

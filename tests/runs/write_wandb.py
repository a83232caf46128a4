"""Run as a script, where wandb is installed: writes an offline run, as `files/offline.wandb` was.

WANDB_MODE=offline python write_wandb.py; cp wandb/offline-run-*/*.wandb files/offline.wandb
"""

import math

import wandb

settings = wandb.Settings(
    console="off", x_disable_stats=True, x_disable_meta=True, x_disable_machine_info=True, disable_git=True
)
config = {"lr": 0.1, "layers": [1, 2], "nested": {"x": 1}}
with wandb.init(project="p", name="offline run", config=config, settings=settings) as run:
    for number in range(60):
        row = {"loss": 1 / (number + 1), "accuracy": number}
        if number % 10 == 0:
            row |= {"val/loss": number * 2, "nested": {"a": number, "b": -number}}
        if number == 30:
            row |= {"odd": math.nan, "inf": -math.inf, "note": "text"}
        run.log(row, step=number * 2)

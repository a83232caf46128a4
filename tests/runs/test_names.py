"""A metric's name tells its phase."""

import pytest

from nnwidgets.runs.names import split


@pytest.mark.parametrize(
    ("name", "metric", "phase"),
    [
        ("loss", "loss", "train"),
        ("train_loss", "loss", "train"),
        ("train/loss", "loss", "train"),
        ("training_loss", "loss", "train"),
        ("val_loss", "loss", "validation"),
        ("valid_loss", "loss", "validation"),
        ("validation_loss", "loss", "validation"),
        ("val/loss", "loss", "validation"),
        ("loss/val", "loss", "validation"),
        ("loss_val", "loss", "validation"),
        ("eval_loss", "loss", "validation"),
        ("Loss/Validation", "Loss", "validation"),
        ("test_loss", "loss", "test"),
        ("test/epoch_loss", "epoch_loss", "test"),
        ("acc", "accuracy", "train"),
        ("val_acc", "accuracy", "validation"),
        ("lr", "learning_rate", "train"),
        ("grad_norm", "gradient_norm", "train"),
        ("g_loss", "generator_loss", "train"),
        ("d_loss", "discriminator_loss", "train"),
        ("value", "value", "train"),
        ("interval", "interval", "train"),
        ("val", "val", "train"),
        ("val_", "val_", "train"),
        ("_val", "_val", "train"),
        ("", "", "train"),
        ("gradient_mean/val_head.weight", "gradient_mean/val_head.weight", "train"),
        ("weights/encoder.test", "weights/encoder.test", "train"),
    ],
)
def test_split(name: str, metric: str, phase: str) -> None:
    assert split(name) == (metric, phase)

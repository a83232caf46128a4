"""The real models and data, from the registries (once: they stay in the cache)."""

import numpy as np
import pytest
import torch

from nnwidgets import data

pytestmark = pytest.mark.packages


@pytest.fixture(autouse=True)
def offline_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files on every machine: those of the packages."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_minilm_knows_what_sentences_mean() -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = data.load("minilm")
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(["A cat sleeps.", "A kitten naps.", "Stocks fell."], padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden, mask = model(**batch).last_hidden_state, batch["attention_mask"][..., None]
    pooled = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    near, far = (pooled[0] @ pooled[1:].T).tolist()
    assert near > 0.6 > 0.2 > far
    assert (model.config.num_hidden_layers, model.config.num_attention_heads) == (6, 12)


def test_smollm2_continues_a_sentence() -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = data.load("smollm2-135m")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model.dtype == torch.float32
    assert (model.config.num_attention_heads, model.config.num_key_value_heads) == (9, 3)
    with torch.no_grad():
        logits = model(**tokenizer("The capital of France is", return_tensors="pt")).logits
    assert tokenizer.decode(logits[0, -1].argmax()) == " Paris"


def test_mnist_is_what_it_says() -> None:
    with np.load(data.load("mnist") / "mnist.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    assert images.shape == (5000, 28, 28) and images.dtype == np.uint8 and images.max() == 255
    assert np.bincount(labels).tolist() == [500] * 10
    ones, zeros = images[labels == 1].mean(0), images[labels == 0].mean(0)
    assert ones[14, 14] > 150 > 50 > zeros[14, 14]  # a one has ink in the middle, a zero a hole


def test_fashion_mnist_is_what_it_says() -> None:
    with np.load(data.load("fashion-mnist") / "fashion-mnist.npz") as arrays:
        images, labels, classes = arrays["images"], arrays["labels"], arrays["classes"].tolist()
        assert (images.shape, arrays["test_images"].shape) == ((60_000, 28, 28), (10_000, 28, 28))
        assert (
            np.bincount(labels).tolist() == [6000] * 10 and np.bincount(arrays["test_labels"]).tolist() == [1000] * 10
        )
    trousers, bag = (images[labels == classes.index(name)].mean(0) for name in ("trousers", "bag"))
    assert trousers[24, 14] < 0.5 * trousers[24, 10]  # between the legs
    assert bag[20].mean() > 2 * trousers[20].mean()  # as wide as the picture


def test_emoji_are_what_they_say() -> None:
    with np.load(data.load("emoji") / "emoji.npz") as arrays:
        images, names = arrays["images"], arrays["names"].tolist()
        categories = arrays["categories"][arrays["labels"]].tolist()
    assert images.shape == (1911, 32, 32, 3) and images.dtype == np.uint8 and len(names) == len(set(names)) == 1911
    assert len(set(categories)) == 10 and categories.count("Smileys & Emotion") == 169
    for name, color, category in [
        ("heart", [1, 0, 0], "Smileys & Emotion"),
        ("green_apple", [0, 1, 0], "Food & Drink"),
    ]:
        at = names.index(name)
        middle = images[at, 14:20, 12:20].mean((0, 1))
        assert middle.argmax() == color.index(1), name
        assert categories[at] == category
        assert images[at, 0, 0].tolist() == [255] * 3


def test_the_face_generator_makes_faces() -> None:
    from nnwidgets.zoo.dcgan import FaceGenerator
    from nnwidgets.zoo.weights import load_weights

    generator = load_weights(FaceGenerator(), data.load("face-generator") / "generator.safetensors")
    with torch.no_grad():
        faces = (generator(torch.randn(64, 100, generator=torch.Generator().manual_seed(0))) + 1) / 2
    assert faces.shape == (64, 3, 64, 64)
    red, green, blue = faces[:, :, 24:48, 24:40].mean((0, 2, 3)).tolist()
    assert red > green > blue  # skin of any colour
    assert faces.std(0).mean() > 0.1  # of different people

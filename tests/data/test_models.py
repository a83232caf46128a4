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

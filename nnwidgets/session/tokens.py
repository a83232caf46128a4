"""The names of the positions that attention looks from and to: tokens of a text, patches of an image, or numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.session.errors import TokensError
from nnwidgets.session.inputs import Inputs

SideName = Literal["source", "target"]

# What is dimmed where no tokenizer says which tokens are special.
_SPECIAL = frozenset(
    f"{left}{name}{right}"
    for left, names, right in (
        ("[", ("CLS", "SEP", "PAD", "MASK", "UNK", "BOS", "EOS"), "]"),
        ("<", ("s", "/s", "pad", "mask", "unk", "bos", "eos", "sos"), ">"),
        ("<|", ("endoftext", "startoftext", "im_start", "im_end", "begin_of_text", "end_of_text", "eot_id"), "|>"),
    )
    for name in names
)
_INPUTS: dict[SideName, tuple[str, str]] = {
    "source": ("input_ids", "attention_mask"),
    "target": ("decoder_input_ids", "decoder_attention_mask"),
}
_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\r": "↵", "\t": "⇥"})


@dataclass(frozen=True)
class Side:
    """Token columns of one side, a column for each sample."""

    columns: tuple[TokenColumn, ...]
    origin: str

    def column(self, sample: int) -> TokenColumn:
        """The column of a sample; a single one serves all samples."""
        return self.columns[sample if len(self.columns) > 1 else 0]


def sides(tokens: Any, tokenizer: Any, inputs: Inputs) -> dict[SideName, Side]:
    """The token columns that are known before the model runs, under "source" and "target".

    `tokens` is a list of texts, a list of such lists (one a sample), or a dict of these under "source" and "target".
    Without it the tokenizer names the input's ids. Raises `TokensError` where tokens do not fit the input.
    """
    given = tokens if isinstance(tokens, Mapping) else {} if tokens is None else {"source": tokens}
    unknown = sorted(str(side) for side in set(given) - set(_INPUTS))
    if unknown:
        raise TokensError(f"tokens= has {', '.join(map(repr, unknown))}, but its sides are 'source' and 'target'")
    found: dict[SideName, Side] = {}
    for side, (ids_name, mask_name) in _INPUTS.items():
        ids, padding = inputs.ids(ids_name), inputs.padding(mask_name)
        if given.get(side) is not None:
            found[side] = _given(side, given[side], inputs.lengths(ids_name), padding, inputs, tokenizer)
        elif tokenizer is not None and ids is not None and not given:
            special = set(getattr(tokenizer, "all_special_ids", ()))
            columns = (
                TokenColumn(
                    readable(tokenizer.convert_ids_to_tokens(row), byte_level=is_byte_level(tokenizer)),
                    tuple(position for position, id in enumerate(row) if id in special),
                    padded(padding, sample, len(row)),
                )
                for sample, row in enumerate(ids)
            )
            found[side] = Side(tuple(columns), "the tokenizer")
    return found


def _given(
    side: str,
    tokens: Any,
    lengths: tuple[int, ...],
    padding: NDArray[np.bool_] | None,
    inputs: Inputs,
    tokenizer: Any,
) -> Side:
    if isinstance(tokens, str) or not isinstance(tokens, Sequence) or not tokens:
        raise TokensError(f"tokens={tokens!r}, but it is a list of texts, or one such list a sample")
    rows = [tokens] if all(isinstance(text, str) for text in tokens) else list(tokens)
    for row in rows:
        if isinstance(row, str) or not isinstance(row, Sequence) or not all(isinstance(text, str) for text in row):
            raise TokensError(f"tokens= holds {row!r}, but it is a list of texts, or one such list for each sample")
    if inputs.samples is not None and len(rows) not in (1, inputs.samples):
        raise TokensError(f"tokens= has {len(rows)} lists, but the input has {inputs.samples} samples")
    for sample, row in enumerate(rows):
        if lengths and len(row) not in lengths:
            raise TokensError(
                f"sample {sample} has {len(row)} {side} tokens, but the input has {lengths[0]} positions"
                " (padding and special tokens count)"
            )
    names = _SPECIAL | set(getattr(tokenizer, "all_special_tokens", ()))
    columns = (
        TokenColumn(
            tuple(row),
            tuple(position for position, text in enumerate(row) if text in names),
            padded(padding, sample, len(row)),
        )
        for sample, row in enumerate(rows)
    )
    return Side(tuple(columns), "tokens=")


def padded(padding: NDArray[np.bool_] | None, sample: int, count: int) -> tuple[int, ...]:
    """The padded positions of a sample by a mask `[batch, positions]`; none where the mask is about other positions."""
    if padding is None or padding.shape[1] != count or sample >= len(padding):
        return ()
    return tuple(np.flatnonzero(padding[sample]).tolist())


def numbered(count: int, padding: tuple[int, ...] = ()) -> TokenColumn:
    """Positions "0", "1", … where nothing better is known."""
    return TokenColumn(tuple(map(str, range(count))), (), padding)


def patches(model: torch.nn.Module, inputs: Inputs, count: int) -> TokenColumn | None:
    """`[CLS]`, `patch row,column`, … for a vision transformer whose patch size and class token are plain to see."""
    images = inputs.named("pixel_values")
    if images is None and isinstance(inputs.value, torch.Tensor):
        images = inputs.value
    size = getattr(getattr(model, "config", None), "patch_size", None)
    if images is None or images.ndim != 4 or not isinstance(size, int):
        return None
    rows, columns = (int(side) // size for side in images.shape[2:])
    extra = count - rows * columns
    # A class token comes first wherever there is exactly one further token and the model has a parameter of that name.
    named = extra == 1 and any(name.split(".")[-1] == "cls_token" for name, _ in model.named_parameters())
    if extra and not named:
        return None
    texts = [f"patch {row},{column}" for row in range(rows) for column in range(columns)]
    return TokenColumn(("[CLS]", *texts), (0,)) if named else TokenColumn(tuple(texts))


def is_byte_level(tokenizer: Any) -> bool:
    """Whether a tokenizer of Hugging Face spells bytes as characters."""
    decoder = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
    return "ByteLevel" in repr(decoder) or hasattr(tokenizer, "byte_decoder")


def readable(tokens: Sequence[str | None], *, byte_level: bool = False) -> tuple[str, ...]:
    """Tokens as a person reads them: byte-level pieces (`Ġthe`, `Ã©`) decoded, `▁the` with its space; `##ing` stays.

    A leading space stays a space; tokens of nothing but white space are spelled ␣, ↵ and ⇥, or they could not be seen.
    Part of a character is spelled by its bytes, `\\xe2`.
    """
    texts = ["" if token is None else token for token in tokens]
    if byte_level:
        texts = [_decoded(text) for text in texts]
    texts = [text.replace("▁", " ") for text in texts]
    return tuple(text if text.strip() else text.translate(_VISIBLE) for text in texts)


def _decoded(text: str) -> str:
    alphabet = _byte_alphabet()
    if not all(character in alphabet for character in text):
        return text  # an added token, spelled as it is
    return bytes(alphabet[character] for character in text).decode("utf-8", errors="backslashreplace")


@cache
def _byte_alphabet() -> dict[str, int]:
    """Character → byte of byte-level BPE (Radford et al. 2019): printable bytes are themselves, others begin at 256."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}

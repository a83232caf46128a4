"""Text for figures: tokens made displayable, labels thinned out where there is no room, captions."""

from __future__ import annotations

import math
import unicodedata
from typing import Literal, TypeVar

from nnwidgets.analysis.attention import AttentionLinks, AttentionWeights

Special = Literal["show", "dim", "hide"]
Result = TypeVar("Result", AttentionWeights, AttentionLinks)

QUERY_AXIS = "Query (attending from)"
KEY_AXIS = "Key (attending to)"

_VISIBLE = {"\n": "↵", "\r": "↵", "\t": "⇥"}
_JOINERS = "\u200c\u200d"
_KINDS = {
    "encoder": "encoder self-attention",
    "decoder": "decoder self-attention",
    "cross": "cross-attention",
    "unknown": "attention",
}


def display_token(text: str, longest: int = 24) -> str:
    """What is shown for a token: on one line, white space visible, at most `longest` characters.

    What no layout engine or file format should meet (controls, direction overrides, lone surrogates) becomes `�`.
    """
    if text == "":
        return "∅"
    if text.strip(" ") == "":
        return "␣" * min(len(text), longest)
    cut = text[:longest]
    if len(text) > longest:
        # Not inside what is perceived as one character: no accent or joined emoji is torn from its base.
        while len(cut) > 1 and _continues(text[len(cut)]):
            cut = cut[:-1]
        cut = cut[:-1] if cut[-1] in _JOINERS else cut
    shown = "".join(_displayable(character) for character in cut)
    return shown if len(cut) == len(text) else shown + "…"


def _continues(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) in ("Mn", "Me", "Mc")


def _displayable(character: str) -> str:
    if character in _VISIBLE:
        return _VISIBLE[character]
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS
    return "�" if hidden or ord(character) & 0xFFFE == 0xFFFE else character


def thinned(count: int, cell: float, room: float) -> range:
    """Which of `count` labels to show when neighbours need `room`: every one, or every 2nd, 5th, 10th …"""
    needed = max(1.0, room / cell)
    power = 10 ** math.floor(math.log10(needed))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= needed * 0.999)
    return range(0, count, step)


def shown(result: Result, special: Special) -> Result:
    """What is left to show of a result when special tokens and padding are treated as asked."""
    if special not in ("show", "dim", "hide"):
        raise ValueError(f'special="{special}", but it is "show", "dim" or "hide"')
    return result.without_aside() if special == "hide" else result


def title(result: AttentionWeights | AttentionLinks) -> str:
    """Which heads of which layer a picture shows."""
    if isinstance(result, AttentionWeights):
        heads = "mean over heads" if result.head == "mean" else f"head {result.head}"
    else:
        heads = f"{'head' if len(result.heads) == 1 else 'heads'} {_ranges(sorted(result.heads))}"
    return f"Layer {result.layer}, {heads}"


def _ranges(numbers: list[int]) -> str:
    """Numbers in words: "0–3, 7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def subtitle(result: AttentionWeights | AttentionLinks, label: str) -> str:
    """The model, the module, the kind of attention, and which sample and step."""
    parts = [display_token(part, 60) for part in (label, result.path) if part]
    parts += [_KINDS[result.kind], f"sample {result.sample}"]
    return " · ".join(parts if result.step is None else [*parts, f"step {result.step}"])

"""Text as bytes and back: any Python text, also one with lone surrogates, which UTF-8 proper refuses."""

from __future__ import annotations


def to_bytes(text: str) -> bytes:
    """As UTF-8; lone surrogates pass."""
    return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes | str) -> str:
    """What `to_bytes` made. A text comes from a store that was edited by hand."""
    return data if isinstance(data, str) else data.decode("utf-8", "surrogatepass")

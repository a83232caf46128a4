"""The array codec: what the browser's half reads from the same fixtures (js/tests/runtime/codec.test.ts)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnwidgets.wire.codec import decode, encode

FIXTURES = json.loads((Path(__file__).parent.parent / "fixtures" / "codec.json").read_text())


def values(numbers: list[Any]) -> list[float]:
    return [float(number) for number in numbers]  # "nan", "inf" and "-inf" are texts: JSON has no such numbers


@pytest.mark.parametrize("case", FIXTURES, ids=[case["name"] for case in FIXTURES])
def test_encodes_to_the_fixture(case: dict[str, Any]) -> None:
    coded = encode(
        np.array(values(case["values"]), dtype=case["dtype"]).reshape(case["header"]["shape"]), case["header"]["coding"]
    )
    assert coded.header == case["header"]
    assert base64.b64encode(coded.data).decode() == case["data"]


@pytest.mark.parametrize("case", FIXTURES, ids=[case["name"] for case in FIXTURES])
def test_decodes_the_fixture(case: dict[str, Any]) -> None:
    decoded = decode(case["header"], base64.b64decode(case["data"]))
    np.testing.assert_allclose(decoded.ravel(), values(case["decoded"]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "coding,bound", [("linear8", 1 / 510), ("linear16", 1 / 131000), ("sqrt8", 0.004), ("sqrt16", 1.6e-5)]
)
def test_quantisation_error_is_bounded(coding: Any, bound: float) -> None:
    weights = np.random.default_rng(0).dirichlet(np.full(200, 0.05), size=200).astype(np.float32)
    coded = encode(weights, coding)
    error = np.abs(decode(coded.header, coded.data) - weights).max()
    assert error <= bound * weights.max()


def test_square_root_codes_keep_small_weights() -> None:
    weights = np.random.default_rng(0).dirichlet(np.full(128, 0.05), size=128).astype(np.float32)
    lost = {}
    for coding in ("linear8", "sqrt8"):
        coded = encode(weights, coding)  # type: ignore[arg-type]
        lost[coding] = np.mean(decode(coded.header, coded.data)[weights > 1e-4] == 0)
    assert lost["sqrt8"] < lost["linear8"] / 5


def test_only_a_true_zero_reads_as_zero() -> None:
    weights = np.array([0.0, 1e-30, 1e-9, 1e-4, 1.0], np.float32)
    for coding in ("sqrt8", "sqrt16"):
        coded = encode(weights, coding)  # type: ignore[arg-type]
        assert (decode(coded.header, coded.data) == 0).tolist() == [True, False, False, False, False]


def test_strides_and_byte_order_do_not_matter() -> None:
    array = np.arange(24, dtype=">f4").reshape(4, 6)[::2, ::-1]
    coded = encode(array)
    np.testing.assert_array_equal(decode(coded.header, coded.data), array)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1 + 2j])])
def test_what_is_no_number_is_refused(array: Any) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        encode(array)


def test_negative_values_have_no_square_root() -> None:
    with pytest.raises(ValueError, match="smallest here is -1"):
        encode(np.array([-1.0, 1.0]), "sqrt8")


@pytest.mark.parametrize("shape", [(0,), (0, 3), ()])
@pytest.mark.parametrize("coding", ["raw", "linear8", "sqrt8"])
def test_empty_and_scalar_arrays(shape: tuple[int, ...], coding: Any) -> None:
    coded = encode(np.ones(shape, np.float32), coding)
    assert decode(coded.header, coded.data).shape == shape

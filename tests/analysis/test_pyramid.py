"""The pyramid against the naive result: odd sizes, NaN, blocks of every size, 4,096 × 4,096, and its memory."""

import tracemalloc

import numpy as np
import pytest

from nnwidgets.analysis.pyramid import TILE, Pyramid


def naive(matrix: np.ndarray, level: int, reduce: str) -> np.ndarray:
    """The level in one go, from the whole matrix in float64."""

    def pooled(values: np.ndarray, pool: np.ufunc) -> np.ndarray:
        for axis in (0, 1):
            values = pool.reduceat(values, np.arange(0, values.shape[axis], 2**level), axis=axis)
        return values

    values = matrix.astype(np.float64)
    if reduce == "max":
        return pooled(values, np.maximum).astype(np.float32)
    return (pooled(values, np.add) / pooled(np.ones_like(values), np.add)).astype(np.float32)


def pyramid(matrix: np.ndarray, **options) -> Pyramid:
    return Pyramid(lambda start, stop: matrix[start:stop], *matrix.shape, **options)


def matrix(queries: int, keys: int, nan: bool = False) -> np.ndarray:
    values = np.random.default_rng(queries * 7919 + keys).random((queries, keys), dtype=np.float32)
    if nan:
        values[queries // 3, keys // 2] = values[-1, -1] = np.nan
    return values


@pytest.mark.parametrize("reduce", ["max", "mean"])
@pytest.mark.parametrize("shape", [(300, 300), (257, 1025), (1025, 3), (1, 600), (514, 777)])
def test_levels_equal_the_naive_ones_for_blocks_of_any_size(shape, reduce):
    values = matrix(*shape, nan=True)
    for level in range(pyramid(values).levels):
        expected = naive(values, level, reduce)
        for block_bytes in (1, 50_000, 2**30):
            tested = pyramid(values, reduce=reduce, block_bytes=block_bytes)
            got = tested.level(level)
            assert got.dtype == np.float32
            assert got.shape == tested.shape(level)
            np.testing.assert_allclose(got, expected, rtol=1e-7 if reduce == "mean" else 0, equal_nan=True)


def test_the_last_level_fits_into_one_tile_and_no_earlier_one_does():
    for size in (1, 255, 256, 257, 511, 512, 513, 4096, 4097):
        tested = Pyramid(lambda start, stop: np.zeros((stop - start, 1), np.float32), size, 1)
        assert max(tested.shape(tested.levels - 1)) <= TILE
        assert tested.levels == 1 or max(tested.shape(tested.levels - 2)) > TILE


@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_tiles_are_cut_from_their_level(reduce):
    values = matrix(1100, 700, nan=True)
    tested = pyramid(values, reduce=reduce)
    for level in range(tested.levels):
        whole = tested.level(level)
        rows, columns = tested.shape(level)
        for row in range(-(-rows // TILE)):
            for column in range(-(-columns // TILE)):
                expected = whole[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
                assert np.array_equal(tested.tile(level, row, column), expected, equal_nan=True)
                assert np.array_equal(tested.cut(whole, level, row, column), expected, equal_nan=True)


def test_a_tile_asks_for_its_rows_only():
    asked: list[tuple[int, int]] = []
    values = matrix(2048, 512)

    def rows(start: int, stop: int) -> np.ndarray:
        asked.append((start, stop))
        return values[start:stop]

    Pyramid(rows, 2048, 512).tile(1, 2, 0)
    assert min(start for start, _ in asked) == 1024
    assert max(stop for _, stop in asked) == 1536


@pytest.mark.parametrize("reduce", ["max", "mean"])
def test_4096_tokens_in_bounded_memory(reduce):
    size = 4096

    def rows(start: int, stop: int) -> np.ndarray:
        grid = np.arange(start, stop, dtype=np.float32)[:, None] * np.float32(0.25) + np.arange(size, dtype=np.float32)
        grid %= np.float32(61)
        return grid

    tested = Pyramid(rows, size, size, reduce)
    tracemalloc.start()
    try:
        top = tested.level(tested.levels - 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 48 * 2**20  # the matrix itself is 64 MiB
    blocks = rows(0, size).reshape(256, 16, 256, 16)
    expected = blocks.max(axis=(1, 3)) if reduce == "max" else blocks.mean(axis=(1, 3), dtype=np.float64)
    np.testing.assert_allclose(top, expected.astype(np.float32), rtol=1e-7)


def test_progress_counts_rows_and_can_cancel():
    seen: list[tuple[int, int]] = []
    tested = pyramid(matrix(600, 600), block_bytes=600 * 4 * 200)
    tested.level(1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 600), (200, 600), (400, 600), (600, 600)]

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tested.level(1, progress=cancel)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.level(3), r"level=3, but 1000 × 600 has levels 0 to 2"),
        (lambda p: p.tile(1, 2, 0), r"row=2, but level 1 has 2 rows of tiles \(0 to 1\)"),
        (lambda p: p.tile(0, 0, -1), r"column=-1, but level 0 has 3 columns of tiles \(0 to 2\)"),
        (lambda p: p.cut(np.zeros((5, 5), np.float32), 1, 0, 0), r"shape \[5, 5\] is not level 1, \[500, 300\]"),
        (lambda p: Pyramid(p.rows, 10, 10, "min"), 'reduce="min", but it is "max" or "mean"'),
        (lambda p: Pyramid(p.rows, 0, 10), "0 × 10 has no cells"),
    ],
)
def test_errors_name_the_value_and_the_bound(call, message):
    with pytest.raises(ValueError, match=message):
        call(pyramid(matrix(1000, 600)))

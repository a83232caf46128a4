"""Processes of a reader's own, against what is known of them: power iteration, the Game of Life, gradient descent."""

from __future__ import annotations

import numpy as np

import nnwidgets as nnw


def test_power_iteration_finds_the_largest_eigenvalue() -> None:
    matrix = np.random.default_rng(0).standard_normal((6, 6))
    matrix = matrix @ matrix.T

    def advance(vector: np.ndarray) -> np.ndarray:
        product = matrix @ vector
        return product / np.linalg.norm(product)

    start = np.ones(6) / 6**0.5
    process = nnw.Process(advance, start, steps=400, measures={"Rayleigh quotient": lambda v: v @ matrix @ v})
    values, vectors = np.linalg.eigh(matrix)
    quotient = process.curve("Rayleigh quotient")
    assert np.isclose(quotient[-1], values[-1])
    assert (np.diff(quotient) > -1e-9).all()  # it rises for a positive matrix
    assert np.isclose(abs(process.state(400) @ vectors[:, -1]), 1)
    branch = process.edit(200, vectors[:, 0])  # an eigenvector stays, until rounding leads it away
    assert np.isclose(process.curve("Rayleigh quotient", branch.index)[201], values[0])


def life(cells: np.ndarray) -> np.ndarray:
    around = sum(np.roll(cells, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)) - cells
    return ((around == 3) | (cells & (around == 2))).astype(np.uint8)


def test_a_glider_of_the_game_of_life_comes_back() -> None:
    cells = np.zeros((16, 16), np.uint8)
    cells[1:4, 1:4] = [[0, 1, 0], [0, 0, 1], [1, 1, 1]]
    process = nnw.Process(life, cells, steps=64, measures={"alive": np.sum})
    assert (process.curve("alive") == 5).all()
    assert np.array_equal(process.state(4), np.roll(cells, (1, 1), (0, 1)))
    assert np.array_equal(process.state(64), cells)  # 16 fields further, on a torus
    still = np.zeros((16, 16), np.uint8)
    still[4:6, 4:6] = 1
    branch = process.edit(20, still)
    assert np.array_equal(process.state(64, branch.index), still)


def test_gradient_descent_on_a_quadratic_bowl() -> None:
    curvatures, rate = np.array([1.0, 10.0]), 0.05
    process = nnw.Process(
        lambda point: point - rate * curvatures * point,
        np.array([4.0, 1.0]),
        steps=100,
        measures={"height": lambda point: 0.5 * (curvatures * point**2).sum()},
    )
    for step in (0, 7, 100):
        assert np.allclose(process.state(step), [4, 1] * (1 - rate * curvatures) ** step)
    assert (np.diff(process.curve("height")) < 0).all()

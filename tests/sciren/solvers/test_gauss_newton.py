"""Laws of Gauss-Newton with halved steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.solvers.gauss_newton import descend, finite_squares, newton_step


@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-6, 1.0, 1e6]))
def test_a_linear_problem_is_solved_in_one_step_in_any_units(
    seed: int, unit: float
) -> None:
    draw = np.random.default_rng(seed)
    slopes, left = draw.normal(size=(30, 3)), draw.normal(size=30)
    scaled = slopes * [1.0, unit, 1.0 / unit]
    step = newton_step(scaled, left) * [1.0, unit, 1.0 / unit]
    exact = np.linalg.lstsq(slopes, left)[0]
    assert step == pytest.approx(exact, rel=1e-6, abs=1e-8)


def test_parameters_that_no_row_sees_and_held_ones_stay() -> None:
    x = np.linspace(0.0, 1.0, 20)
    slopes = np.stack([x, np.zeros(20), np.ones(20)], axis=1)

    def left(theta: np.ndarray) -> np.ndarray:
        return 2.0 * x + 1.0 - slopes @ theta

    start = np.array([0.0, 7.0, 0.25])
    moved = descend(
        start,
        lambda theta: finite_squares(left(theta)),
        lambda theta: (slopes, left(theta)),
        steps=5,
        tolerance=1e-12,
        free=np.array([True, True, False]),
    )
    assert moved[1:].tolist() == [7.0, 0.25]
    assert slopes[:, 0] @ left(moved) == pytest.approx(0.0, abs=1e-8)


@given(st.floats(-3.0, 3.0))
def test_the_loss_never_rises_even_where_the_mean_overflows(start: float) -> None:
    x = np.linspace(0.0, 400.0, 40)

    def left(theta: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.exp(-0.01 * x) - np.exp(theta[0] * x)

    def linearise(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):
            return (x * np.exp(theta[0] * x))[:, None], left(theta)

    def squares(theta: np.ndarray) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return finite_squares(left(theta))

    first = np.array([start / 100.0])
    assert squares(descend(first, squares, linearise, 8, 1e-9)) <= squares(first)

"""Columns of a curve: what they hold, and what ties and few values leave of them."""

import numpy as np
import pytest

from sciren.inference.basis import natural_splines, penalised_splines

BOTH = pytest.mark.parametrize("make", [natural_splines, penalised_splines])


@BOTH
def test_columns_have_mean_zero_and_are_orthonormal_on_the_data(make):
    x = np.random.default_rng(0).gamma(1.0, size=300)
    columns = make(x).columns
    np.testing.assert_allclose(columns.mean(0), 0, atol=1e-10)
    np.testing.assert_allclose(
        columns.T @ columns / 300, np.eye(columns.shape[1]), atol=1e-8
    )


@BOTH
def test_a_straight_line_is_held_and_is_not_rough(make):
    x = np.random.default_rng(1).standard_normal(200)
    basis = make(x)
    line = (x - x.mean()) / x.std()
    coefficients = basis.columns.T @ line / len(x)
    np.testing.assert_allclose(basis.columns @ coefficients, line, atol=1e-8)
    assert coefficients @ basis.penalty @ coefficients < 1e-8


@BOTH
def test_the_penalty_is_the_integral_of_the_second_derivative_squared(make):
    x = np.random.default_rng(2).uniform(-3, 3, 500)
    basis = make(x)
    coefficients = np.random.default_rng(3).standard_normal(basis.size)
    z = np.linspace(x.min(), x.max(), 200_001)
    curve, step = basis.at(z) @ coefficients, (z[1] - z[0]) / x.std()
    bend = np.diff(curve, 2) / step**2
    expected = coefficients @ basis.penalty @ coefficients
    assert (bend**2).sum() * step == pytest.approx(expected, rel=1e-2)


@BOTH
def test_curves_go_on_straight_beyond_the_data(make):
    x = np.linspace(0, 1, 100)
    beyond = make(x).at(np.array([1.5, 2.0, 2.5, -1.0, -2.0, -3.0]))
    scale = np.abs(beyond).max()
    np.testing.assert_allclose(np.diff(beyond[:3], 2, axis=0), 0, atol=1e-9 * scale)
    np.testing.assert_allclose(np.diff(beyond[3:], 2, axis=0), 0, atol=1e-9 * scale)


@BOTH
@pytest.mark.parametrize(
    ("x", "columns"),
    [
        (np.ones(50), 0),
        (np.repeat([0.0, 1.0], 25), 1),
        (np.tile([0.0, 1.0, 5.0], 20), 2),
        (np.concatenate((np.zeros(90), np.arange(1.0, 11.0))), None),
        (np.array([0.3, 1.0, 2.0, 2.5]), 3),
    ],
    ids=["constant", "binary", "three values", "nine tenths tied", "four rows"],
)
def test_few_values_give_few_columns(make, x, columns):
    found = make(x)
    assert np.isfinite(found.columns).all()
    assert found.size <= len(np.unique(x)) - 1
    if columns is not None:
        assert found.size == columns
    assert found.at(np.array([0.5])).shape == (1, found.size)


@BOTH
def test_between_two_values_a_curve_is_straight(make):
    found = make(np.repeat([0.0, 1.0], [30, 20]))
    ends, middle = found.at(np.array([0.0, 1.0])), found.at(np.array([0.5]))
    np.testing.assert_allclose(middle[0], ends.mean(0), atol=1e-12)

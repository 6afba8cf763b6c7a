"""Columns of classes and of circles, for tests and intervals."""

import numpy as np
import pytest

from sciren.data.kinds import Categorical, Periodic
from sciren.inference.basis import CurveBasis
from sciren.inference.kind_bases import band_points, narrow_basis, smooth_basis

RNG = np.random.default_rng(0)
CLASSES = Categorical(tuple("abcd"), (1.0, 3.0, 4.0, 9.0))
CODES = RNG.choice([1.0, 3.0, 4.0], 300, p=[0.6, 0.3, 0.1])
CIRCLE, HOURS = Periodic(24.0), RNG.uniform(-24, 48, 300)


@pytest.mark.parametrize("make", [narrow_basis, smooth_basis])
@pytest.mark.parametrize(
    ("kind", "x", "size"), [(CLASSES, CODES, {2}), (CIRCLE, HOURS, {4, 8})]
)
def test_columns_are_centred_and_orthonormal(make, kind, x, size):
    basis = make(kind, x, 3)
    assert basis.size in size
    np.testing.assert_allclose(basis.columns.mean(0), 0, atol=1e-10)
    np.testing.assert_allclose(
        basis.columns.T @ basis.columns / len(x), np.eye(basis.size), atol=1e-8
    )
    np.testing.assert_allclose(basis.at(x), basis.columns, atol=1e-8)
    again = CurveBasis.from_json(basis.to_json())
    np.testing.assert_allclose(again.at(x), basis.columns, atol=1e-8)


def test_the_penalty_of_classes_is_the_sum_of_squared_effects():
    basis = smooth_basis(CLASSES, CODES, 8)
    effects = np.array([0.3, -0.5, 1.2])
    values = effects[np.searchsorted([1.0, 3.0, 4.0], CODES)]
    free = basis.columns.T @ values / len(CODES)
    expected = np.sum((effects - values.mean()) ** 2)
    assert free @ basis.penalty @ free == pytest.approx(expected)


def test_a_class_without_rows_has_the_mean_and_a_missing_one_nothing():
    basis = narrow_basis(CLASSES, CODES, 3)
    values = basis.at(np.array([9.0, np.nan]))
    np.testing.assert_array_equal(values[0], 0.0)
    assert np.isnan(values[1]).all()


def test_a_circle_has_no_ends():
    basis = smooth_basis(CIRCLE, HOURS, 8)
    np.testing.assert_allclose(
        basis.at(np.array([1.0, 23.5])), basis.at(np.array([25.0, -0.5])), atol=1e-9
    )


def test_bands_stand_on_the_classes_that_have_rows():
    assert band_points(CLASSES, CODES, 60, (0.01, 0.99)).tolist() == [1, 3, 4]
    assert len(band_points(CIRCLE, HOURS, 60, (0.01, 0.99))) == 60

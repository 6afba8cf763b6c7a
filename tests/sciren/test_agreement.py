"""Scores of predictions: their limits, and what weights and gaps do to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sciren.agreement import Agreement, r2

VALUES = arrays(np.float64, 20, elements=st.floats(-1e3, 1e3), unique=True)


@given(VALUES)
def test_a_perfect_predicted_has_r2_one_and_the_mean_has_zero(observed):
    assert Agreement.of(observed, observed).r2 == 1.0
    flat = Agreement.of(observed, np.full(20, observed.mean()))
    assert flat.r2 == pytest.approx(0, abs=1e-9)


@given(VALUES, VALUES)
def test_squared_error_is_squared_bias_plus_spread(observed, predicted):
    found = Agreement.of(observed, predicted)
    spread = np.var(predicted - observed)
    assert found.rmse**2 == pytest.approx(found.bias**2 + spread, rel=1e-6)


def test_a_constant_observed_has_no_r2():
    assert np.isnan(Agreement.of(np.ones(4), np.arange(4.0)).r2)


@given(VALUES, VALUES)
def test_a_weight_of_two_counts_as_two_rows(observed, predicted):
    weights = np.tile([1.0, 2.0], 10)
    repeated = np.repeat(np.arange(20), weights.astype(int))
    weighted = Agreement.of(observed, predicted, weights)
    twice = Agreement.of(observed[repeated], predicted[repeated])
    assert weighted.r2 == pytest.approx(twice.r2, rel=1e-9)
    assert weighted.rmse == pytest.approx(twice.rmse, rel=1e-9)


def test_what_was_not_observed_or_has_no_weight_is_left_out():
    observed = np.array([1.0, 2.0, np.nan, 4.0, 9.0])
    predicted = np.array([1.5, 2.0, 7.0, 3.5, 0.0])
    weights = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    kept = [0, 1, 3]
    assert Agreement.of(observed, predicted, weights) == Agreement.of(
        observed[kept], predicted[kept]
    )
    assert r2(observed, predicted, weights) == r2(observed[kept], predicted[kept])
    nothing = Agreement.of([np.nan], [1.0])
    assert nothing.rows == 0
    assert np.isnan(nothing.r2)


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**-500, 2.0**500, 2.0**1000])
def test_scores_know_no_unit(unit):
    observed, predicted = np.array([1.0, 2.0, 4.0, 3.0]), np.array([1.5, 2.0, 3.5, 3.1])
    own = Agreement.of(observed, predicted)
    scaled = Agreement.of(unit * observed, unit * predicted)
    assert scaled == Agreement(4, own.r2, own.rmse * unit, own.bias * unit)
    parts = ["a", "a", "b", "b"]
    assert r2(unit * observed, unit * predicted, parts=parts) == r2(
        observed, predicted, parts=parts
    )

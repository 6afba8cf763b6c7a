"""The one criterion: what fits better or costs less comes first, rounding counts nothing."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symbolic.terms.criterion import FLOOR, Size, criterion

SHARES = st.floats(1e-10, 1.0)


@given(SHARES, st.floats(0.1, 0.9), st.integers(50, 10_000))
def test_a_better_fit_of_equal_size_has_a_lower_criterion(share, factor, rows):
    size = Size(3.0, 12.0)
    better, worse = (criterion(rows, one, size) for one in (factor * share, share))
    assert better < worse
    assert abs(worse - better + rows * np.log(factor)) < 1e-6 * rows


@given(SHARES, st.integers(50, 10_000))
def test_a_constant_costs_the_logarithm_of_the_rows_and_a_penalty_itself(share, rows):
    plain = criterion(rows, share, Size(3.0, 0.0))
    assert abs(criterion(rows, share, Size(4.0, 0.0)) - plain - np.log(rows)) < 1e-6
    assert abs(criterion(rows, share, Size(3.0, 6.0)) - plain - 6.0) < 1e-6


def test_below_rounding_no_fit_is_better():
    size = Size(2.0, 0.0)
    assert criterion(100, FLOOR / 10, size) == criterion(100, FLOOR, size)

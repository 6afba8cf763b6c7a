"""Laws of an orthonormal span: orthonormal, complete, blind to units and to repetition."""

import numpy as np
import pytest

from sciren.solvers.spans import orthonormal_span

COLUMNS = np.random.default_rng(0).normal(size=(50, 4))


def test_it_is_orthonormal_and_holds_every_column_in_any_unit():
    basis = orthonormal_span(COLUMNS * [1.0, 1e-12, 1e6, 1.0])
    np.testing.assert_allclose(basis.T @ basis, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(basis @ (basis.T @ COLUMNS), COLUMNS, atol=1e-12)


@pytest.mark.parametrize(("apart", "rank"), [(1e-10, 4), (1e-5, 5)])
def test_what_the_others_say_already_is_left_out(apart, rank):
    near = COLUMNS[:, :1] + apart * np.random.default_rng(1).normal(size=(50, 1))
    assert orthonormal_span(np.hstack([COLUMNS, near])).shape[1] == rank


def test_columns_of_nothing_span_nothing():
    assert orthonormal_span(np.zeros((50, 2))).shape == (50, 0)
    assert orthonormal_span(np.zeros((50, 0))).shape == (50, 0)


def test_shares_of_columns_of_length_one_keep_their_lengths():
    small = 1e-5 * COLUMNS[:, :1]
    assert orthonormal_span(small, 1e-3).shape[1] == 1
    assert orthonormal_span(small, 1e-3, unit=False).shape[1] == 0

"""All subsets in one Gram matrix: down-dating agrees with fitting anew."""

import numpy as np
import pytest

from sciren.inference.elimination import GramModel, backward


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    columns = rng.standard_normal((200, 10))
    y = columns[:, 0] + columns[:, 1] - 2 * columns[:, 5] + rng.standard_normal(200)
    blocks = {0: np.array([1, 2, 3]), 1: np.array([4, 5, 6]), 2: np.array([7, 8, 9])}
    return columns, y, GramModel.of(columns, y, np.array([0]), blocks)


def test_a_subset_fits_as_least_squares_does(problem):
    columns, y, model = problem
    fit = model.fit([0, 2])
    theta, rss, *_ = np.linalg.lstsq(columns[:, [0, 1, 2, 3, 7, 8, 9]], y, rcond=None)
    np.testing.assert_allclose(fit.theta, theta, atol=1e-6)
    assert fit.rss == pytest.approx(float(rss[0]))


@pytest.mark.parametrize("block", [0, 1, 2])
def test_dropping_a_block_is_the_fit_without_it(problem, block):
    _, _, model = problem
    full = model.fit([0, 1, 2])
    less, anew = full.without(block), model.fit([k for k in range(3) if k != block])
    assert full.rss + full.rise(block) == pytest.approx(anew.rss)
    assert less.rss == pytest.approx(anew.rss)
    np.testing.assert_allclose(less.theta, anew.theta, atol=1e-6)
    np.testing.assert_allclose(less.inverse, anew.inverse, atol=1e-6)


def test_nothing_to_fit_leaves_all_that_there_is(problem):
    """No level, no constant and no block that is kept: towers whose latent has none."""
    columns, y, model = problem
    bare = GramModel.of(columns, y, np.array([], dtype=int), model.blocks)
    fit = bare.fit([])
    assert fit.rss == pytest.approx(float(y @ y))
    assert fit.theta.shape == (0,)
    assert bare.rss([2]) < fit.rss


def test_backward_keeps_what_is_worth_its_price(problem):
    _, _, model = problem
    assert backward(model, [0, 1, 2], 1.0, np.log(200)) == [0, 1]
    assert backward(model, [0, 1, 2], 1.0, 1e9) == []


def test_two_blocks_that_stand_in_for_each_other_have_to_pay_together():
    rng = np.random.default_rng(0)
    common, apart = rng.standard_normal((2, 300))
    columns = np.column_stack((common + 0.1 * apart, common - 0.1 * apart))
    columns /= np.linalg.norm(columns, axis=0)
    # y needs both: a drop of either costs 1.5 prices, that of both no more
    difference = columns[:, 0] - columns[:, 1]
    y = np.sqrt(1.5) * difference / np.linalg.norm(difference)
    model = GramModel.of(
        columns, y, np.array([], dtype=int), {0: np.array([0]), 1: np.array([1])}
    )
    for block in (0, 1):
        assert model.fit([0, 1]).rise(block) == pytest.approx(1.5, rel=0.02)
    assert backward(model, [0, 1], 1.0, 1.0) == []
    assert backward(model, [0, 1], 1.0, 0.7) == [0, 1]


def test_columns_in_other_units_are_fitted_alike(problem):
    columns, y, plain = problem
    # Ten powers of ten between two units: one of them alone would look as if unseen.
    units = np.repeat([0, 1], [4, 6])
    factors = np.where(units == 1, 1e-10, 1.0)
    model = GramModel.of(columns * factors, y, plain.always, plain.blocks, units)
    expected = plain.fit([0, 1, 2])
    fit = model.fit([0, 1, 2])
    assert fit.rss == pytest.approx(expected.rss)
    np.testing.assert_allclose(fit.theta * factors, expected.theta, atol=1e-6)

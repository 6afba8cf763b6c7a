"""Laws of the limits behind the checks of free runs."""

import numpy as np
import pytest

from discovery.dynamics.verdict.checks import WHITE, white_limit


@pytest.mark.parametrize("count", [20, 80])
def test_few_independent_residuals_are_not_said_to_remember(count):
    white = np.random.default_rng(7).normal(size=(500, count))
    left = np.abs((white[:, 1:] * white[:, :-1]).sum(1) / (white**2).sum(1))
    assert (left > white_limit(count)).mean() <= 0.08


def test_many_residuals_are_held_to_the_declared_limit():
    assert white_limit(1000) == WHITE
    assert white_limit(0) > 1

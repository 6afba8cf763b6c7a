"""Columns of the additive part: splines, and kinks where there are some."""

import numpy as np
import pytest

from symbolic.composition.fitting.node_splines import FUNCTIONS, AdditivePart
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.interactions import screen


def rows(formula, seed=0, n=800, noise=0.0):
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(n, 3))
    z = (z - z.mean(0)) / z.std(0)
    y = formula(z)
    return Regression.of(z, (y - y.mean()) / y.std() + noise * generator.normal(size=n))


@pytest.mark.parametrize("place", [-0.7, 0.3, 1.1])
def test_a_kink_beside_a_product_gets_columns(place):
    regression = rows(lambda z: np.abs(z[:, 1] - place) + z[:, 0] * z[:, 2])
    screened = screen(regression)
    plain, kinked = AdditivePart(regression), AdditivePart(regression, screened)
    assert kinked.columns([1]).shape[1] > FUNCTIONS

    def left(additive):
        product = regression.columns[0].z * regression.columns[2].z
        found = additive.beside([0, 1, 2])
        column = found.without(product)
        share = (column @ found.target) / (column @ column)
        return float(np.sum((found.target - share * column) ** 2))

    assert left(kinked) < 0.6 * left(plain)


def test_smooth_functions_and_noise_have_no_kinks():
    regression = rows(lambda z: np.exp(0.5 * z[:, 1]) + z[:, 0] * z[:, 2], noise=0.05)
    additive = AdditivePart(regression, screen(regression))
    assert all(additive.columns([i]).shape[1] == FUNCTIONS for i in range(3))


def test_no_feature_no_column():
    assert AdditivePart(rows(lambda z: z[:, 0])).columns([]).shape == (800, 0)

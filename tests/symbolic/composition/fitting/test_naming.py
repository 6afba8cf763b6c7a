"""Ranks of families on curves."""

import numpy as np

from symbolic.composition.fitting.naming import Namer
from symbolic.composition.fitting.regression import Regression


def test_rows_without_weight_name_no_constants_without_end():
    z = np.linspace(-2.0, 2.0, 80)
    regression = Regression.of(z[:, None], z)
    weight = np.full(80, 1e-290)
    weight[40] = 1.0
    ranked = Namer(regression, ("linear", "exp", "log")).rank(0, np.exp(z), weight)
    assert all(np.abs(named.term.constants).max() < 1e6 for named in ranked)

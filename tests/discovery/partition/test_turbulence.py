"""The threshold of friction velocity is where night fluxes stop rising."""

import numpy as np
import pytest

from discovery.partition.turbulence import threshold, thresholds


def nights(true=0.3, rows=6000, seed=0):
    generator = np.random.default_rng(seed)
    ustar = generator.uniform(0, 1, rows)
    ta = generator.uniform(0, 20, rows)
    nee = 3 * np.exp(0.05 * ta) * np.minimum(ustar / true, 1)
    return ustar, nee + generator.normal(0, 0.05, rows), ta


@pytest.mark.parametrize("true", [0.15, 0.3, 0.45])
def test_it_lies_where_the_plateau_begins(true):
    assert threshold(*nights(true)) == pytest.approx(true, abs=0.06)


def test_there_is_none_where_fluxes_do_not_depend_on_it():
    ustar, _, ta = nights()
    assert threshold(ustar, np.full(len(ta), 2.0), ta) == 0.0
    assert threshold(ustar[:30], np.ones(30), ta[:30]) == 0.0


def test_resamples_of_weeks_spread_around_it():
    data = nights()
    weeks = np.arange(len(data[0])) // 200
    drawn = thresholds(*data, weeks, 20, seed=1)
    assert np.ptp(drawn) > 0
    assert np.median(drawn) == pytest.approx(threshold(*data), abs=0.05)
    assert (thresholds(*data, weeks, 20, seed=1) == drawn).all()

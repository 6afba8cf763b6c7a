"""Placebos look like the features and have lost the target."""

import numpy as np
import pandas as pd
import pytest

from discovery.verdict.placebos.surrogates import (
    constants_of_groups,
    coordinates,
    phases_randomised,
    shifted,
    with_features,
)


@pytest.fixture
def series():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.standard_normal((256, 2)), axis=0)
    return np.column_stack([walk[:, 0], walk[:, 0] + walk[:, 1]]), rng


def test_a_shift_keeps_every_row_and_moves_it(series):
    x, rng = series
    moved = shifted(x, rng)
    assert sorted(moved[:, 0]) == sorted(x[:, 0])
    place = int(np.flatnonzero((moved == x[0]).all(1))[0])
    assert 25 <= place <= 231


@pytest.mark.parametrize("rows", [255, 256])
def test_phases_keep_spectrum_and_cross_correlation(series, rows):
    x, rng = series
    x = x[:rows]
    turned = phases_randomised(x, rng)
    assert np.abs(np.fft.rfft(turned, axis=0)) == pytest.approx(
        np.abs(np.fft.rfft(x, axis=0)), abs=1e-8
    )
    assert np.cov(turned.T) == pytest.approx(np.cov(x.T))
    assert not np.allclose(turned, x)


def test_coordinates_know_nothing_but_the_position():
    x = coordinates(100, np.random.default_rng(0))
    assert x.shape == (100, 8)
    assert np.isfinite(x).all()


def test_constants_are_the_same_in_a_group():
    groups = np.repeat(np.arange(5), 4)
    x = constants_of_groups(groups, 3, np.random.default_rng(0))
    assert (np.ptp(x.reshape(5, 4, 3), axis=1) == 0).all()
    assert len(np.unique(x[:, 0])) == 5


def test_shifted_classes_stay_classes_and_random_numbers_are_amounts():
    from sciren.data import Table

    frame = pd.DataFrame({"veg": ["a", "b", "a"], "ta": [1.0, 2.0, 3.0], "y": 1.0})
    table = Table.from_frame(frame, ["veg", "ta"], targets="y")
    x = table.features.numpy()
    assert list(with_features(table, np.roll(x, 1, axis=0)).kinds) == ["veg"]
    assert not with_features(table, x + 0.3).kinds
    assert not with_features(table, np.ones((3, 5))).kinds

"""Laws of the spatial folds: cells stay whole and the published deal is repeated."""

import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.data import Table, split_by_block, split_by_fold
from sciren.errors import ConfigError, DataError, ShapeError


def places(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.uniform(-124.7, -66.9, rows), generator.uniform(24.5, 49.3, rows)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 10))
def test_a_cell_is_never_divided(seed, deal):
    lon, lat = places(400, seed)
    fold = split_by_block(lon, lat, seed=deal)
    cell = np.floor(lon / 2) * 1000 + np.floor(lat / 2)
    for one in np.unique(cell):
        assert len(set(fold[cell == one].tolist())) == 1
    assert set(fold.tolist()) == set(range(5))
    np.testing.assert_array_equal(fold, split_by_block(lon, lat, seed=deal))


def test_the_deal_is_the_published_one():
    lon, lat = places(500, 0)
    lon0, lat0 = 2 * np.floor(lon.min() / 2), 2 * np.floor(lat.min() / 2)
    columns = int((2 * np.ceil(lon.max() / 2) - lon0) / 2)
    rows = int((2 * np.ceil(lat.max() / 2) - lat0) / 2)
    cell = ((lat - lat0) // 2 * columns + (lon - lon0) // 2).astype(int)
    order = list(range(rows * columns))
    random.Random(12345).shuffle(order)
    expected = np.empty(500, dtype=int)
    for fold in range(5):
        expected[np.isin(cell, order[fold::5])] = fold
    np.testing.assert_array_equal(split_by_block(lon, lat, seed=12345), expected)


def test_a_point_on_the_far_edge_has_a_cell_of_its_own():
    fold = split_by_block([0.0, 2.0, 4.0], [0.0, 0.0, 0.0], folds=3, seed=0)
    assert sorted(fold.tolist()) == [0, 1, 2]


def test_folds_become_a_split():
    fold = np.array([0, 1, 2, 3, 0, 1])
    table = Table.from_frame(pd.DataFrame({"x": np.arange(6.0)}), ["x"])
    split = split_by_fold(table, fold, test=3, valid=0)
    assert split.train.row_ids.tolist() == [1, 2, 5]
    assert split.valid.row_ids.tolist() == [0, 4]
    assert split.test.row_ids.tolist() == [3]
    with pytest.raises(ConfigError, match="fold 2 cannot be test and validation"):
        split_by_fold(table, fold, test=2, valid=2)
    with pytest.raises(DataError, match=r"test has no rows.*0, 1, 2, 3"):
        split_by_fold(table, fold, test=9)
    with pytest.raises(ShapeError, match="fold has 2 rows"):
        split_by_fold(table, fold[:2])


@pytest.mark.parametrize(
    ("lon", "lat", "options", "error", "message"),
    [
        ([0.0], [0.0, 1.0], {}, ShapeError, "need .n,. both"),
        ([], [], {}, ShapeError, "need .n,. both"),
        ([0.0, np.nan], [0.0, 1.0], {}, DataError, "row 1 lies at lon nan"),
        ([0.0], [95.0], {}, DataError, "row 0 lies at lon 0.0, lat 95.0"),
        ([0.0], [0.0], {"degrees": 0}, ConfigError, "positive side"),
        ([0.0], [0.0], {"folds": 1}, ConfigError, "at least 2 folds"),
        ([0.0, 0.1], [0.0, 0.1], {}, DataError, "fold . of 5 has no rows"),
        ([0, 180], [0, 80], {"degrees": 0.01}, ConfigError, "use larger cells"),
    ],
)
def test_places_that_cannot_be_dealt_are_named(lon, lat, options, error, message):
    with pytest.raises(error, match=message):
        split_by_block(lon, lat, **options)

"""Rows outside the training rows: by one column, jointly, and by columns that stood in."""

import json

import numpy as np
import pytest

from sciren.inference.intervals.reach import Reach, watched


def _columns(rows=500, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows))
    twin = 0.95 * a + np.sqrt(1 - 0.95**2) * rng.normal(size=rows)
    return {"a": a, "b": b, "twin": twin, "other": rng.normal(size=rows)}


@pytest.fixture
def reach():
    return Reach.of(_columns(), ["a", "b"])


def test_training_rows_are_inside(reach):
    assert not reach.outside(_columns()).any()


def test_a_column_beyond_its_range_is_outside(reach):
    found = reach.outside({"a": np.array([0.0, 9.0]), "b": np.zeros(2)})
    assert found.tolist() == [False, True]
    assert reach.beyond({"a": np.array([9.0])})["a"].tolist() == [True]


def test_a_combination_that_never_occurred_is_outside_though_each_column_is_inside():
    columns = {"a": _columns()["a"], "twin": _columns()["twin"]}
    reach = Reach.of(columns, ["a", "twin"])
    assert reach.outside({"a": np.array([2.0]), "twin": np.array([-2.0])}).all()
    assert not reach.outside({"a": np.array([2.0]), "twin": np.array([2.0])}).any()


def test_a_dropped_column_that_stood_in_is_watched(reach):
    assert reach.names == ("a", "b", "twin")
    assert reach.used == ("a", "b")
    new = {"a": np.array([2.0]), "b": np.zeros(1), "twin": np.array([-2.0])}
    assert reach.outside(new).all()
    assert not reach.outside(new | {"twin": np.array([2.0])}).any()
    assert not reach.outside({"a": np.array([2.0]), "b": np.zeros(1)}).any()


def test_columns_that_the_data_cannot_tell_apart_are_watched():
    assert watched(_columns(), ["a"], [("other", "a")]) == ("a", "twin", "other")


def test_units_do_not_matter(reach):
    columns = _columns(seed=1)
    scaled = Reach.of({k: 1e6 * v + 3.0 for k, v in _columns().items()}, ["a", "b"])
    again = scaled.outside({k: 1e6 * v + 3.0 for k, v in columns.items()})
    assert (again == reach.outside(columns)).all()


def test_missing_values_are_not_outside(reach):
    assert not reach.outside({"a": np.array([np.nan]), "b": np.zeros(1)}).any()


def test_a_stored_reach_flags_the_same_rows(reach):
    again = Reach.from_json(json.loads(json.dumps(reach.to_json())))
    columns = {name: 2.0 * values for name, values in _columns(seed=2).items()}
    assert (again.outside(columns) == reach.outside(columns)).all()
    assert 0 < reach.outside(columns).sum() < 500

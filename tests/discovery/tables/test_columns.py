"""Columns of X that are classes or circles, on their way into the estimator."""

import numpy as np
import pandas as pd
import pytest

from discovery import ScIReNRegressor
from discovery.tables.columns import with_kinds
from sciren.data.kinds import Categorical, Periodic
from sciren.errors import ColumnError, DataWarning

FRAME = pd.DataFrame({"veg": ["b", "a", "b"], "doy": [1.0, 90.0, 300.0]})


def test_words_of_a_table_become_numbers_and_others_stay():
    X, kinds = with_kinds(FRAME, (), {"doy": 365.25})
    assert X["veg"].tolist() == [2, 1, 2]
    assert kinds == {"veg": Categorical(("a", "b"), (1, 2)), "doy": Periodic(365.25)}
    again, _ = with_kinds(FRAME.assign(veg="c"), (), {}, kinds)
    assert again["veg"].tolist() == [0, 0, 0]


def test_columns_of_an_array_are_named_by_position():
    X, kinds = with_kinds(np.array([[7.0, 1.0], [3.0, 2.0]]), [0], {1: 24.0})
    assert isinstance(X, np.ndarray)
    assert kinds == {"x0": Categorical(("3", "7"), (3, 7)), "x1": Periodic(24.0)}


def test_numbers_alone_are_left_as_they_are():
    X = np.ones((3, 2))
    assert with_kinds(X, (), {}) == (X, {}) or with_kinds(X, (), {})[0] is X


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(ColumnError, match="no column 5"):
        with_kinds(np.ones((3, 2)), [5], {})


def test_the_estimator_takes_words_and_circles():
    rng = np.random.default_rng(1000)
    frame = pd.DataFrame(
        {"veg": rng.choice(["a", "b"], 200), "hour": rng.uniform(0, 24, 200)}
    )
    y = frame["veg"].map({"a": 1.0, "b": 2.0}) + np.cos(2 * np.pi * frame["hour"] / 24)
    model = ScIReNRegressor(periodic={"hour": 24}, random_state=0, hidden=())
    model.fit(frame, y + 0.01 * rng.standard_normal(200))
    assert model.score(frame, y) > 0.99
    turned = model.predict(frame.assign(hour=frame["hour"] + 48))
    np.testing.assert_allclose(turned, model.predict(frame))
    with pytest.warns(DataWarning, match=r"that training had not \('c'\)"):
        other = model.predict(frame.assign(veg="c"))
    means = np.array([np.mean(other), np.mean(model.predict(frame))])
    assert abs(means[0] - means[1]) < 0.05

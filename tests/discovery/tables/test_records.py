"""Scores follow their formulas, and the record of the data is complete."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import r2_score

from discovery.runs.files import plain
from discovery.tables.records import data_record, scores
from sciren.data import FeatureScaling, Table, split_random
from sciren.errors import ShapeError

VALUES = arrays(float, (20, 1), elements=st.floats(-1e3, 1e3, width=16))


@given(VALUES, VALUES)
def test_scores_agree_with_scikit_learn(y, p):
    score = scores(y, p, ("y",))["y"]
    if np.ptp(y):
        assert score["r2"] == pytest.approx(r2_score(y, p), rel=1e-9, abs=1e-9)
    else:
        assert np.isnan(score["r2"])
    assert score["rmse"] ** 2 == pytest.approx(np.mean((y - p) ** 2))
    assert score["n"] == 20


@given(VALUES, VALUES, st.integers(1, 3))
def test_a_weight_of_k_is_a_row_k_times(y, p, k):
    y = y + 2e3 * (np.arange(20) % 2)[:, None]  # so that it varies
    weights = np.ones(20)
    weights[3] = k
    again = np.array([*range(20), *[3] * (k - 1)])
    once = scores(y, p, ("y",), weights)["y"]
    often = scores(y[again], p[again], ("y",))["y"]
    for name in ("r2", "rmse", "bias"):
        assert once[name] == pytest.approx(often[name], nan_ok=True, abs=1e-9)


def test_what_was_not_observed_does_not_count():
    y = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    p = np.array([[1.0, 0.0], [2.5, 0.0], [99.0, 0.0]])
    found = scores(y, p, ("a", "b"))
    assert found["a"]["n"] == 2
    assert found["a"]["bias"] == pytest.approx(0.25)
    assert found["b"]["n"] == 0
    assert np.isnan(found["b"]["rmse"])


def test_shapes_must_agree():
    with pytest.raises(ShapeError, match=r"shape \(3, 1\), predictions \(2, 1\)"):
        scores(np.ones((3, 1)), np.ones((2, 1)), ("y",))


@pytest.fixture
def split():
    frame = pd.DataFrame(
        {
            "time": pd.date_range("2003-01-01", periods=60, freq="D"),
            "x": np.arange(60.0),
            "ta": np.linspace(-5, 5, 60),
            "y": np.arange(60.0) ** 2,
        }
    )
    frame.loc[7, ["x", "y"]] = np.nan
    table = Table.from_frame(
        frame, ["x"], {"t": "ta"}, {"reco": "y"}, units={"x": "m"}, time="time"
    )
    return table, split_random(table)


def test_the_record_says_what_the_data_were(split):
    table, parts = split
    scaling = FeatureScaling.fit(parts.train.features, "standard")
    record = data_record(table, parts, scaling, "a.csv", "abc")
    json.dumps(plain(record), allow_nan=False)
    assert record["rows"] == 59
    assert sum(record["dropped"].values()) == 1
    assert record["forcings"] == {"t": "ta"}
    assert record["targets"] == {"reco": "y"}
    assert record["ranges"]["ta"] == (-5.0, 5.0)
    assert sum(part["rows"] for part in record["split"].values()) == 59
    assert record["split"]["train"]["first"] >= np.datetime64("2003-01-01")

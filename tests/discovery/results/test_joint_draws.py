"""Constants beside effects of classes are drawn together, as wide as their errors say."""

import numpy as np
import pandas as pd
import pytest

from discovery.results.intervals import replicate_columns
from discovery.results.joint_draws import draws_with_classes
from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from symbolic import symbolify


def study(features):
    """Return equations, model and rows: three classes whose slopes by x differ."""
    rng = np.random.default_rng(0)
    x, group = rng.uniform(0, 4, 400), rng.integers(0, 3, 400)
    y = 1 + np.array([0.3, 0.8, 1.4])[group] * x + 0.5 * group
    frame = pd.DataFrame({"x": x, "group": np.array(["a", "b", "c"])[group]})
    frame["y"] = y + 0.2 * rng.normal(size=400)
    rows = Table.from_frame(frame, features, (), ["y"])
    model = ScIReN(KANEncoder(len(features), 1, seed=0))
    fit(model, rows, rows, TrainConfig(profiles=False))
    return symbolify(model, rows, compose=0), model, rows


@pytest.fixture(scope="module")
def slopes():
    return study(["x", "group"])


def test_every_constant_scatters_as_its_error_says(slopes):
    equations, *_ = slopes
    draws, table = draws_with_classes(*slopes, count=2000), equations.table
    assert len(table) >= 7  # a level, three effects, a slope, three departures
    assert set(draws) == {f"y::{name}" for name in table["name"]}
    for name, value, error in table[["name", "value", "error"]].to_numpy():
        column = draws[f"y::{name}"]
        assert abs(column.mean() - value) < 0.1 * error + 1e-12
        assert column.std() == pytest.approx(error, rel=0.1)


def test_predictions_are_narrower_than_if_constants_were_independent(slopes):
    """Effects sum to zero and slopes turn about the middle: their errors cancel there."""
    equations, _, rows = slopes
    draws = draws_with_classes(*slopes)
    rng = np.random.default_rng(1)
    alone = draws.apply(lambda column: rng.permutation(column.to_numpy()))
    names = equations.used_features()
    columns = dict(zip(names, rows.features.numpy().T, strict=True))
    widths = [
        np.mean(found["y_high"] - found["y_low"])
        for found in (replicate_columns(equations, d, columns) for d in (draws, alone))
    ]
    assert widths[0] < widths[1]


def test_equations_without_classes_have_their_resamples():
    assert draws_with_classes(*study(["x"])) is None

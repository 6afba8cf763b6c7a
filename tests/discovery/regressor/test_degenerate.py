"""Tables and truths without rank, rows, variance or effect end in words and numbers."""

import numpy as np
import pandas as pd
import pytest

from discovery import ScIReNRegressor
from sciren import Parameter, process_model
from sciren.errors import DataError
from symbolic import compose

FEW = {"compose": 0, "bootstrap": 0}


def of_rank(rows, columns, rank):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, rank)) @ rng.normal(size=(rank, columns))


@pytest.mark.parametrize("shape", [(6, 9, 5), (9, 9, 3), (12, 4, 1)])
def test_few_rows_of_low_rank_are_fitted_and_no_formula_is_composed(shape):
    x = of_rank(*shape)
    y = x[:, 0] + 0.1 * np.arange(len(x))
    assert np.isfinite(ScIReNRegressor(**FEW).fit(x, y).predict(x)).all()
    with pytest.raises(DataError, match="are too few to tell one formula"):
        compose(x, y, budget_s=1)


def test_lines_of_many_columns_are_found():
    x = of_rank(260, 9, 9)
    y = x @ np.arange(9)
    assert ScIReNRegressor(**FEW).fit(x, y).score(x, y) > 0.999


@pytest.mark.slow
@pytest.mark.parametrize("rank", [9, 6])
def test_columns_that_depend_on_one_another_compose(rank):
    rng = np.random.default_rng(1)
    x = of_rank(208, 9, rank)
    y = x[:, 0] * x[:, 1] / x.std() ** 2
    found = compose(x, y + 0.05 * rng.normal(size=208), budget_s=1)
    assert np.isfinite(found.predict(x)).all()


@process_model(
    [Parameter("a"), Parameter("k", low=0, start=0.5, kind="constant")],
    forcings=["s"], targets=["y"],
)  # fmt: skip
def curved(p, f):
    """y = a + k s^2"""
    return p.a + p.k * f.s**2


@pytest.fixture(scope="module")
def without_effect():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=300), "s": rng.normal(size=300)})
    y = 1 - 0.02 * frame.s**2 + 0.1 * rng.normal(size=300)
    model = ScIReNRegressor(
        decoder=curved, forcings={"s": "s"}, features=["x"], random_state=0, **FEW
    )
    return model.fit(frame, y)


def test_a_constant_whose_truth_is_zero_is_at_its_lower_bound(without_effect):
    """The data ask for less than nothing, which a positive constant cannot be."""
    row = without_effect.discovery_.constants.set_index("constant").loc["k"]
    assert not row["identified"]
    assert "at its lower bound" in row["reason"]
    assert row["low"] == 0
    assert 1e-3 < row["high"] < 0.1
    said = " ".join(without_effect.discovery_.verdict.sentences())
    assert "e-17" not in said


def test_a_latent_that_is_one_number_has_no_r2(without_effect):
    (row,) = without_effect.equations_.to_dict("records")
    assert row["features"] == ()
    assert np.isnan(row["r2"])
    assert "nan" not in repr(without_effect.discovery_)

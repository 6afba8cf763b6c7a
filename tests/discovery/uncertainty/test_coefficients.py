"""Intervals of closed forms under the law of the noise."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.belief.coefficients import ERRORS, NAMES, held
from benchmarks.belief.laws import COVERAGE
from discovery import ScIReNRegressor
from discovery.uncertainty.coefficients import METHOD, _constants
from discovery.uncertainty.constants import with_recommended
from discovery.uncertainty.record import Uncertainty
from discovery.verdict.equation_fit import EquationFit
from sciren import Parameter, process_model
from sciren.inference import ObservedProcess


def test_rows_that_remember_each_other_tell_more_under_their_law():
    """Of six records more intervals hold the truth than believing in single rows."""
    law = COVERAGE["AR 0.9"]
    shares = {
        errors: np.mean([held(law, seed, errors) for seed in range(1000, 1006)])
        for errors in (ERRORS[0], ERRORS[2])
    }
    assert shares[ERRORS[2]] >= 0.9
    assert shares[ERRORS[2]] > shares[ERRORS[0]]
    assert len(held(law, 1000, ERRORS[2])) == len(NAMES)


@pytest.fixture(scope="module")
def grown():
    """A line between two bounds behind Q10, under noise that grows with the mean."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=400), "ta": 12 + 6 * rng.normal(size=400)}
    )
    declared = [
        Parameter("rb", low=0.0, high=20.0),
        Parameter("q10", low=0.5, start=1.5, kind="constant"),
    ]
    respiration = process_model(declared, ["ta"], ["reco"])(
        lambda p, f: p.rb * p.q10 ** ((f.ta - 15) / 10)
    )
    mean = (3 + 0.6 * frame["a"]) * 1.6 ** ((frame["ta"] - 15) / 10)
    target = mean * (1 + 0.2 * rng.normal(size=400))
    return ScIReNRegressor(
        decoder=respiration, forcings={"ta": "ta"}, features=["a"], hidden=[], bootstrap=0,
        train={"epochs": 4, "profile_points": 5}, compose=0, random_state=0,
    ).fit(frame, target)  # fmt: skip


def observed(grown):
    return ObservedProcess.of(grown.model_, grown._train)


def test_a_result_has_an_interval_that_holds_the_printed_constant(grown):
    uncertainty = grown.discovery_.uncertainty
    equations = grown.discovery_.equations
    table = equations.table.set_index("name")
    assert {row["constant"] for row in uncertainty.coefficients} == set(table.index)
    for row in uncertainty.coefficients:
        value = table.loc[row["constant"], "value"]
        assert row["low"] <= value <= row["high"]
        assert 0 < row["error"] < abs(value)
    fit = EquationFit.of(equations, grown.model_, observed(grown))
    values = [one.value for one in _constants(fit, equations, fit.theta)]
    np.testing.assert_allclose(values, table["value"], rtol=1e-9)
    known: Any = grown.discovery_.constants
    mine = known[known["latent"] == "rb"]
    assert (mine["method"] == METHOD).all()
    again = Uncertainty.from_json(uncertainty.to_json())
    assert again.coefficients == uncertainty.coefficients


def test_resampled_rows_keep_their_intervals():
    row = {"latent": "rb", "constant": "a_x", "error": 9.0, "low": 0.0, "high": 9.0}
    known: Any = SimpleNamespace(
        coefficient=lambda latent, constant: row if constant == "a_x" else None
    )
    frame = pd.DataFrame(
        {
            "constant": ["a_x", "a_x", "b_x"], "latent": "rb", "estimate": 1.0,
            "error": 1.0, "low": 0.5, "high": 1.5,
            "method": ["curvature", "block bootstrap, 20 resamples", "curvature"],
        }
    )  # fmt: skip
    found = with_recommended(frame, known)
    assert found["error"].tolist() == [9.0, 1.0, 1.0]
    assert found["estimate"].tolist() == [1.0, 1.0, 1.0]
    assert found["method"].tolist()[0] == METHOD

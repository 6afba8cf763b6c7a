"""Unknowns that stand in for each other are told before anything is fitted."""

import numpy as np
import pytest
import torch

from sciren import Parameter, State, TrainConfig, process_model
from sciren.dynamics import trades_at_start
from sciren.dynamics.functions.fit import _problem, _shapes
from sciren.dynamics.functions.trades import Trade, trades
from sciren.errors import TrainingError
from sciren.functions import minimum
from tests.sciren.dynamics.functions.conftest import series_of, simulated, store

LOG = TrainConfig(residual="log")


@process_model(
    parameters=[
        Parameter("evap", low=0, high=2, start=0.5),
        Parameter("gain", low=0.2, high=3, per="group", start=1),
        Parameter("leak", low=0, high=0.2, per="group", start=0.05),
    ],
    state=[State("soil", start=60, low=0)],
    warmup=10, forcings=["rain", "pet"], targets=["q"],
)  # fmt: skip
def doubled(s, p, f):
    et = p.evap * p.gain * f.pet * minimum(s.soil / 120, 1)
    q = p.leak * s.soil
    return {"soil": s.soil + f.rain - et - q}, {"q": q}


def test_a_factor_of_groups_beside_a_latent_of_rows_is_told(stores_in_time):
    (trade,) = trades_at_start(doubled, stores_in_time, LOG)
    assert (trade.first, trade.second) == ("evap", "gain")
    assert trade.correlation == pytest.approx(1, abs=1e-9)
    assert "widens errors without end" in trade.sentence()
    assert "gain: give it a number" in trade.remedy()


def test_what_is_told_leaves_the_targets_where_they_are(stores_in_time):
    """evap up and gain down by one factor: no observation can tell."""
    problem = _problem(doubled, stores_in_time, LOG, "auto")
    runs = []
    for factor in (1.0, 1.25):
        theta = problem.start(np.concatenate(_shapes(problem)[0]))
        values = problem.values(theta)
        parameters = dict(values.parameters)
        parameters["evap"] = parameters["evap"] * factor
        parameters["gain"] = parameters["gain"] / factor
        run = problem.process.simulate(type(values)(parameters, values.starts))
        runs.append(run.outputs)
    np.testing.assert_allclose(*runs, rtol=1e-12)


def test_latents_that_act_in_different_ways_are_left_alone():
    assert trades_at_start(store, series_of(simulated(120, 3)), LOG) == ()


@torch.no_grad()
def test_units_of_numbers_do_not_matter(stores_in_time):
    """A canonical correlation is the same for a column in other units."""
    scaled = series_of(simulated(90, 3).assign(v=lambda frame: 1e4 * frame["v"]))
    found = []
    for series in (stores_in_time, scaled):
        problem = _problem(store, series, LOG, "auto")
        theta = problem.start(np.concatenate(_shapes(problem)[1]))
        found.append(trades(problem, theta))
    assert found[0] == found[1]


def test_a_correlation_says_how_much_wider_errors_get():
    assert Trade("a", "b", 0.99**0.5).wider == pytest.approx(10)
    assert "10 times" in Trade("a", "b", 0.99**0.5).sentence()


def test_models_without_latents_in_time_are_refused(stores_in_time):
    with pytest.raises(TrainingError, match="no feature does"):
        trades_at_start(doubled, series_of(simulated(20, 2), features=()))

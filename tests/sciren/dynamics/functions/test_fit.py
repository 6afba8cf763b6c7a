"""Latents of rows, of a state and of groups come back together from discharge alone."""

import numpy as np
import pytest
import torch

from sciren import TrainConfig
from sciren.dynamics import fit_functions
from sciren.dynamics.buckets import two_stores
from sciren.dynamics.functions.fit import _problem
from sciren.dynamics.functions.spline import StateSpline
from sciren.dynamics.functions.terms import OFFSET, Additive, Flat, Held
from sciren.errors import TrainingError
from tests.sciren.dynamics.functions.conftest import series_of, simulated, store

LOG = TrainConfig(residual="log")


@pytest.fixture(scope="module")
def problem(stores_in_time):
    return _problem(store, stores_in_time, LOG, "auto")


def test_the_gradient_is_that_of_the_loss_for_all_kinds_of_numbers(problem):
    rng = np.random.default_rng(0)
    count = sum(
        term.source != OFFSET and not term.latent.inputs for term in problem.terms
    )
    curves = 0.05 * rng.normal(size=11 * count)
    theta = problem.start(np.concatenate([[0.5], curves, np.linspace(0.3, 8, 15)]))
    members = torch.zeros(1, dtype=torch.long)
    with torch.no_grad():
        gradient = problem.normal(theta, members).gradient[0]
        # offset, curves of both features, curve of the state, groups, learned start
        for place in (0, 4, 15, 27, problem.size, problem.size + 2, theta.shape[1] - 1):
            step = torch.zeros_like(theta)
            step[0, place] = 1e-6
            ahead, back = (problem.loss(theta + s * step, members) for s in (1, -1))
            expected = float(ahead - back) / 4e-6
            assert float(gradient[place]) == pytest.approx(expected, rel=1e-5, abs=1e-4)


def test_bounds_hold_a_latent_and_stop_its_derivatives():
    curve = StateSpline(np.linspace(-3, 3, 7), (0.0, 1.0))
    held, x = Held(curve, -1.0, 1.0), np.linspace(-0.5, 1.5, 41)
    assert held.value(x).min() == -1
    assert held.value(x).max() == 1
    outside = np.abs(curve.value(x)) > 1
    assert not held.slope(x)[outside].any()
    assert not held.by_constants(x)[outside].any()
    latent = Additive([Flat(np.array([0.5])), curve], [OFFSET, "v"], -1.0, 1.0)
    columns = {OFFSET: np.zeros(41), "v": x}
    np.testing.assert_array_equal(
        latent.value(columns), np.clip(0.5 + curve.value(x), -1, 1)
    )
    free = (latent.value(columns) > -1) & (latent.value(columns) < 1)
    np.testing.assert_allclose(latent.by_constants(columns)[free, 0], 1.0)
    assert not latent.by_constants(columns)[~free].any()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_all_three_kinds_of_latents_come_back(seed):
    series = series_of(simulated(250, 6, seed))
    fit = fit_functions(store, series, LOG)
    status = {edge["feature"]: edge["status"] for edge in fit.edges}
    assert status == {"v": "kept", "junk": "dropped"}
    assert fit.squares / fit.count == pytest.approx(1.0, abs=0.1)
    functions, v = fit.problem.functions(fit.theta), np.linspace(0.2, 0.8, 5)
    found = functions["evap"].value({"v": v, OFFSET: 0 * v})
    np.testing.assert_allclose(found, 0.4 + 0.6 * v, rtol=0.06)
    soil = np.array([30.0, 60.0, 90.0])
    np.testing.assert_allclose(
        functions["drain"].value(soil), 2e-4 * soil**2.2, rtol=0.05
    )
    np.testing.assert_allclose(fit.numbers[:, 0], np.linspace(0.02, 0.05, 6), rtol=0.06)


def test_what_cannot_be_fitted_is_told(stores_in_time):
    with pytest.raises(TrainingError, match="has no latent that changes in time"):
        fit_functions(two_stores, stores_in_time)
    with pytest.raises(TrainingError, match="no feature does"):
        fit_functions(store, series_of(simulated(20, 2), features=()))

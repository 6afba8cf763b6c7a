"""An unknown relation between a store and its drainage comes back from discharge alone."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import Parameter, SeriesTable, State, TrainConfig, process_model
from sciren.datasets.catchments import autoregressive, weather
from sciren.dynamics import SeriesProcess, fit_state_function
from sciren.dynamics.buckets import two_stores
from sciren.dynamics.functions.spline import StateSpline
from sciren.dynamics.functions.state import spline_problem
from sciren.errors import TrainingError
from sciren.functions import minimum
from sciren.splines import evaluate

LIMITS = (0.0, 200.0)


@process_model(
    parameters=[
        Parameter("drain", low=0, inputs=["state.soil"], range=LIMITS, start=1),
        Parameter("smax", low=20, high=500, kind="constant", start=200),
    ],
    state=[State("soil", start=60, low=0)],
    warmup=30,
    forcings=["rain", "pet"],
    targets=["q"],
)
def store(s, p, f):
    et = f.pet * minimum(s.soil / p.smax, 1)
    return {"soil": s.soil + f.rain - et - p.drain}, {"q": p.drain}


def series(days=500, seed=0):
    rng = np.random.default_rng(seed)
    rain, pet = (one[:, 0] for one in weather(rng, days, 1))
    soil, q = 60.0, np.empty(days)
    for t in range(days):
        q[t] = 2e-4 * soil**2.2
        soil = max(soil + rain[t] - pet[t] * min(soil / 120, 1) - q[t], 0.0)
    noisy = q * np.exp(0.05 * autoregressive(rng, days, 1, 0.6)[:, 0])
    frame = pd.DataFrame({"t": np.arange(days), "rain": rain, "pet": pet, "q": noisy})
    return SeriesTable.from_frame(
        frame,
        group=None,
        time="t",
        time_unit="d",
        forcings=["rain", "pet"],
        targets=["q"],
    )


def spline(low=-np.inf):
    coefficients = np.random.default_rng(1).normal(size=9)
    return StateSpline(coefficients, (-2.0, 4.0), low)


def test_the_fast_spline_is_the_spline_also_beyond_its_range():
    x = np.linspace(-5, 8, 53)
    curve = spline()
    expected = evaluate(
        torch.from_numpy(x[:, None]), torch.from_numpy(curve.coefficients),
        torch.tensor([-2.0]).double(), torch.tensor([4.0]).double(), curve.intervals,
    )  # fmt: skip
    np.testing.assert_allclose(curve.value(x), expected[:, 0], rtol=1e-12, atol=1e-12)


def test_slopes_and_derivatives_are_those_of_the_value():
    x, step = np.linspace(-5, 8, 61), 1e-6
    curve = spline(low=-0.3)
    ahead, back = curve.value(x + step), curve.value(x - step)
    np.testing.assert_allclose(curve.slope(x), (ahead - back) / (2 * step), atol=1e-6)
    basis = curve.by_constants(x)
    above = curve.value(x) > -0.3
    np.testing.assert_allclose(
        (basis @ curve.coefficients)[above], curve.value(x)[above], rtol=1e-10
    )
    assert not basis[~above].any()


def test_the_relation_of_drainage_and_store_comes_back():
    fit = fit_state_function(store, series(300), TrainConfig(residual="log"))
    x = np.quantile(fit.visited, [0.1, 0.25, 0.5, 0.75, 0.9])
    np.testing.assert_allclose(fit.function.value(x), 2e-4 * x**2.2, rtol=0.15)
    assert fit.squares / fit.count == pytest.approx(1.0, abs=0.1)


def test_the_gradient_is_that_of_the_loss():
    problem = fit_problem()
    theta = problem.start(np.linspace(0.5, 8, 15))
    members = torch.zeros(1, dtype=torch.long)
    gradient = problem.normal(theta, members).gradient[0]
    for place in (3, 6, len(theta[0]) - 1):
        moved = torch.zeros_like(theta)
        moved[0, place] = 1e-6
        ahead, back = (problem.loss(theta + s * moved, members) for s in (1, -1))
        expected = float(ahead - back) / 4e-6
        assert float(gradient[place]) == pytest.approx(expected, rel=1e-4, abs=1e-2)


def fit_problem():
    process = SeriesProcess(store, series(120))
    return spline_problem(process, TrainConfig(residual="log"))


def test_models_with_other_latents_are_refused():
    with pytest.raises(TrainingError, match="has latents smax, k, beta"):
        fit_state_function(two_stores, series(60))

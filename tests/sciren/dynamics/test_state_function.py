"""An unknown relation between a store and its drainage comes back from discharge alone."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.integrate import solve_ivp

from sciren import Parameter, SeriesTable, State, TrainConfig, process_model
from sciren.datasets.catchments import autoregressive, weather
from sciren.dynamics import (
    Directions,
    SeriesProcess,
    Values,
    fit_state_function,
    jacobian,
)
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


def test_a_state_that_is_no_number_has_no_latent():
    curve, x = StateSpline(np.linspace(-3, 3, 7), (0.0, 1.0)), np.array([np.nan, 0.5])
    assert np.isnan(curve.value(x)).tolist() == [True, False]
    assert curve.slope(x)[0] == 0
    assert curve.by_constants(x).shape == (2, 7)


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


TANK_TIMES = np.cumsum(np.random.default_rng(5).uniform(0.3, 1.0, 30))


def tank(solver, rows=30):
    """A tank that drains into another by a function of its level, in derivatives."""

    @process_model(
        parameters=[
            Parameter("drain", low=0, inputs=["state.level"], range=(0, 12), start=1),
            Parameter("k", low=0, start=0.1, kind="constant"),
        ],
        state=[State("level", start=8, learn_start=True), State("below", start=1)],
        time="ode",
        solver=solver,
        forcings=["inflow"],
        targets={"h": "level", "b": "below"},
    )
    def drained(s, p, f):
        return {"level": f.inflow - p.drain, "below": p.drain - p.k * s.below}

    times = TANK_TIMES[:rows]
    frame = pd.DataFrame({"t": times, "inflow": 1.5 + np.sin(times)})
    series = SeriesTable.from_frame(
        frame, group=None, time="t", time_unit="h", forcings=["inflow"], gaps="keep"
    )
    return SeriesProcess(drained, series, substeps=4 if solver == "rk4" else 1)


def tank_values(coefficients, k=0.1, start=8.0):
    return Values(
        {"k": np.array([k])},
        {"level": np.array([start]), "below": np.array([1.0])},
        {"drain": StateSpline(np.asarray(coefficients), (0.0, 12.0))},
    )


def test_a_function_moves_with_its_state_within_an_interval():
    # the function k x gives exponential decay, which a value held over a row would not
    slope = 0.4
    line = slope * (np.arange(7) - 1) * 12 / 4  # B-spline coefficients of slope x
    run = tank("rk4").simulate(tank_values(line))
    exact = solve_ivp(
        lambda t, y: [_inflow(t) - slope * y[0], slope * y[0] - 0.1 * y[1]],
        (TANK_TIMES[0], TANK_TIMES[-1]), [8.0, 1.0], t_eval=TANK_TIMES,
        rtol=1e-10, atol=1e-10, max_step=0.02,
    ).y  # fmt: skip
    np.testing.assert_allclose(run.outputs[:, :, 0], exact, rtol=2e-4)


def _inflow(t):
    row = np.searchsorted(TANK_TIMES, t, side="right") - 1
    return 1.5 + np.sin(TANK_TIMES[min(row, len(TANK_TIMES) - 1)])


@pytest.mark.parametrize("solver", ["rk4", "implicit"])
def test_derivatives_by_a_function_inside_derivatives_are_those_of_differences(solver):
    process = tank(solver, 30 if solver == "rk4" else 5)  # implicit steps are dear
    c, h = np.linspace(0.1, 3, 7) ** 1.5, 1e-5
    found = jacobian(
        process,
        process.simulate(tank_values(c)),
        Directions(static=["k"], starts=["level"], functions=["drain"]),
    )
    moves = [({"k": h}, 0), ({"start": h}, 0), *(({}, step) for step in h * np.eye(7))]
    for column, (named, step) in zip(found, moves, strict=True):
        ahead, back = (
            process.simulate(
                tank_values(
                    c + sign * step,
                    0.1 + sign * named.get("k", 0),
                    8.0 + sign * named.get("start", 0),
                )
            ).outputs
            for sign in (1, -1)
        )
        difference = ((ahead - back) / (2 * h)).transpose(0, 2, 1)
        # implicit steps are under error control: their lengths move with the parameters
        near = 1e-6 if solver == "rk4" else 1e-5
        np.testing.assert_allclose(
            column, difference, atol=near * max(np.abs(difference).max(), 1)
        )

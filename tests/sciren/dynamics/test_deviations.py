"""Groups that deviate: integration, modes, spread, floor of errors, predictions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import (
    KANEncoder,
    Parameter,
    ScIReN,
    SeriesTable,
    State,
    TrainConfig,
    fit,
    process_model,
)
from sciren.checkpoint import load_model, save_model
from sciren.dynamics import series_bands, simulate_series
from sciren.dynamics.error_floor import with_learned_floor
from sciren.dynamics.fitting import series_problem
from sciren.dynamics.groups.deviations import (
    HELD,
    Deviations,
    Quadratic,
    modes,
    shared,
    updated,
)
from sciren.dynamics.groups.mode_fit import ModeProblem, fit_modes
from sciren.dynamics.residuals import Comparison

SPREAD, NOISE = 0.3, 0.05


@process_model(
    parameters=[
        Parameter("k", low=0, start=0.3, per="group", deviation="lognormal"),
        Parameter("v", low=0, start=2, kind="constant"),
    ],
    state=[State("c", start=10)], time="ode", targets=["y"], error="proportional",
)  # fmt: skip
def decay(s, p, f):
    return {"c": -p.k * s.c}, {"y": s.c / p.v}


def simulated(groups, seed, first=0):
    rng = np.random.default_rng(seed)
    x = rng.random(groups)
    u = SPREAD * rng.standard_normal(groups)
    times = np.array([0.0, 0.4, 1.0, 2.0, 3.5, 5.0])
    k = (0.2 + 0.4 * x) * np.exp(u)
    y = 10 * np.exp(-k[:, None] * times) / 3
    y *= np.exp(NOISE * rng.standard_normal(y.shape))
    frame = pd.DataFrame(
        {
            "who": np.repeat([f"g{first + g}" for g in range(groups)], len(times)),
            "t": np.tile(times, groups), "x": np.repeat(x, len(times)), "y": y.ravel(),
        }
    )  # fmt: skip
    table = SeriesTable.from_frame(
        frame,
        group="who",
        time="t",
        time_unit="h",
        static=["x"],
        targets=["y"],
        gaps="keep",
    )
    order = [int(g[1:]) - first for g in table.groups]
    return table, u[order], k[order]


def problem_of(table):
    return series_problem(
        ScIReN(KANEncoder(1, 1), "auto", decay), table, None, TrainConfig()
    )


def example(groups=4, size=3, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(groups, size, size))
    losses = Quadratic(
        rng.normal(size=(groups, size)), rng.normal(size=(groups, size)),
        root @ root.transpose(0, 2, 1) + np.eye(size),
    )  # fmt: skip
    law = Deviations(("a", "b", "c"), np.zeros(3, bool), np.array([0.5, 0.0, 2.0]))
    return losses, law


def test_integrating_deviations_out_adds_their_variance_to_that_of_the_numbers():
    losses, law = example()
    marginal = losses.without(law)
    covariance = np.linalg.inv(losses.curvature) + np.diag(law.sd**2)
    np.testing.assert_allclose(np.linalg.inv(marginal.curvature), covariance, rtol=1e-8)
    # the numbers that the groups ask for are the same
    for one in (losses, marginal):
        best = one.t - np.linalg.solve(one.curvature, one.gradient[..., None])[..., 0]
        np.testing.assert_allclose(one.gradient_at(best), 0.0, atol=1e-9)
    np.testing.assert_allclose(
        np.linalg.solve(losses.curvature, losses.gradient[..., None]),
        np.linalg.solve(marginal.curvature, marginal.gradient[..., None]),
        rtol=1e-8,
    )


@pytest.mark.parametrize(("share", "held"), [(1.1, True), (0.9, False)])
def test_directions_that_series_hardly_hold_say_nothing(share, held):
    """Two logs that only rise together are left out from a tenth of their spread on."""
    both, apart = np.array([[1, 0, 1], [1, 0, -1]]) / np.sqrt(2)
    law = Deviations(("a", "b", "c"), np.ones(3, bool), np.array([0.5, 0.0, 0.5]))
    known = share * HELD / law.sd[0] ** 2
    curvature = known * np.outer(both, both) + 50 * np.outer(apart, apart)
    curvature[1, 1] = 3.0
    gradient = np.array([[1.0, 0.5, 0.8]])
    losses = Quadratic(np.zeros((1, 3)), gradient, curvature[None])
    marginal = losses.without(law)
    assert (marginal.curvature[0] @ both @ both > 1e-9) == held
    assert (abs(marginal.gradient[0] @ both) > 1e-9) == held
    # what the series do hold stays: the other direction, and numbers that do not deviate
    spread = 1 / 50 + law.sd[0] ** 2
    assert marginal.curvature[0] @ apart @ apart == pytest.approx(1 / spread)
    assert marginal.curvature[0, 1, 1] == pytest.approx(3.0)
    assert marginal.gradient[0, 1] == pytest.approx(0.5)


def test_modes_are_where_loss_and_law_are_lowest_together():
    losses, law = example()
    predicted = np.zeros_like(losses.t)
    u, _ = modes(losses, law, predicted)
    slope = losses.gradient_at(predicted + u)
    np.testing.assert_allclose(u[:, 1], 0.0)
    for k in (0, 2):
        np.testing.assert_allclose(
            slope[:, k] + u[:, k] / law.sd[k] ** 2, 0.0, atol=1e-9
        )


def test_shared_numbers_leave_no_gradient():
    losses, law = example()
    marginal = losses.without(law)
    common = np.tile(shared(marginal), (4, 1))
    np.testing.assert_allclose(marginal.gradient_at(common).sum(0), 0.0, atol=1e-6)


def test_spreads_come_back_from_numbers_that_are_known_with_errors():
    rng, groups = np.random.default_rng(1), 4000
    u = np.array([0.4, 1.5]) * rng.standard_normal((groups, 2))
    error = np.array([0.3, 0.5])
    seen = u + error * rng.standard_normal((groups, 2))
    precise = np.tile(np.diag(error**-2.0), (groups, 1, 1))
    losses = Quadratic(seen, np.zeros_like(seen), precise)
    law = Deviations(("a", "b"), np.zeros(2, bool), np.array([1.0, 1.0]))
    for _ in range(300):
        law = updated(losses, law, np.zeros_like(seen), np.zeros(2))
    np.testing.assert_allclose(law.sd, [0.4, 1.5], rtol=0.05)


def test_the_gradient_of_modes_is_that_of_their_loss():
    problem = problem_of(simulated(3, 0)[0])
    predicted = problem.law.forward(np.tile([0.35, 2.5], (3, 1)))
    inner = ModeProblem(problem, predicted)
    theta = torch.from_numpy(predicted[:, inner.free] + 0.2)
    members, step = torch.arange(3), 1e-6
    ahead, back = (inner.loss(theta + s, members) for s in (step, -step))
    found = inner.normal(theta, members).gradient[:, 0]
    torch.testing.assert_close(found, (ahead - back) / (4 * step), rtol=1e-5, atol=1e-3)


def test_groups_give_their_spread_and_modes_close_to_their_own_numbers():
    table, _, _ = simulated(40, 2)
    problem = problem_of(table)
    start = problem.law.forward(np.tile([0.3, 2.0], (40, 1)))
    fits = fit_modes(problem, start, np.ones(2), common=True)
    # spread of k altogether: of the feature and of the deviations
    assert fits.problem.law.sd[0] == pytest.approx(np.std(fits.t[:, 0]), rel=0.2)
    assert fits.problem.law.sd[1] == 0.0
    assert fits.change < 0.01
    assert fits.predicted[0, 1] == pytest.approx(3, rel=0.03)
    assert 0 <= fits.shrinkage[0] < 0.1
    assert np.isnan(fits.shrinkage[1])


@pytest.mark.parametrize("floor", [0.0, 0.2])
def test_the_floor_of_errors_is_learned(floor):
    """sd = s sqrt(y^2 + floor^2), also where observations fall below zero."""
    table, _, k = simulated(60, 3)
    rng = np.random.default_rng(0)
    problem = problem_of(table)
    values = problem.scale.values(np.column_stack([3 * k, np.full(60, 3.0)]))
    outputs = problem.process.simulate(values).outputs
    noise = 0.1 * rng.standard_normal(outputs[0].shape)
    noisy = outputs[0] + noise * np.sqrt(outputs[0] ** 2 + floor**2)
    seen = type(table)(**{**vars(table), "targets": noisy[..., None]})
    process = type(problem.process)(decay, seen)
    scale = replace(problem.comparison.scale, kind="asinh")
    found = float(
        with_learned_floor(Comparison.of(process, scale), process, outputs).scale.offset
    )
    assert 0.15 < found < 0.25 if floor else found < 0.02


@pytest.fixture(scope="module")
def fitted():
    train, u, k = simulated(30, 5)
    valid, _, _ = simulated(12, 6, first=100)
    model = ScIReN(KANEncoder(1, 1), "auto", decay)
    history = fit(model, train, valid, TrainConfig())
    return model, history, train, valid, u, k


def test_features_are_found_and_the_rest_is_spread(fitted):
    _, history, _, _, u, _ = fitted
    assert [e["status"] for e in history.edges] == ["kept"]
    known = history.deviations
    assert known.law.sd[0] == pytest.approx(SPREAD, rel=0.35)
    assert np.corrcoef(known.u[:, 0], u)[0, 1] > 0.9
    assert list(known.summary()["latent"]) == ["k"]
    assert any("deviate from what features say of k" in one for one in history.messages)


def test_known_groups_run_at_their_modes_and_unknown_ones_carry_the_spread(fitted):
    model, history, train, valid, _, k = fitted
    known = simulate_series(model, train, history.deviations)
    plain = simulate_series(model, train)
    errors = [np.abs(np.log(one.latents[:, 0] / k)).mean() for one in (known, plain)]
    assert errors[0] < 0.3 * errors[1]
    low, high = series_bands(model, valid, history.deviations, draws=60)
    own_low, own_high = series_bands(model, train, history.deviations, draws=60)
    inside = (valid.targets >= low) & (valid.targets <= high)
    assert inside[1:].mean() > 0.7
    assert np.log(high / low)[-1].mean() > 3 * np.log(own_high / own_low)[-1].mean()


def test_a_stored_model_keeps_its_spread(fitted, tmp_path):
    model, history, *_ = fitted
    save_model(model, tmp_path)
    again = load_model(tmp_path, decay)
    np.testing.assert_allclose(again.spread.numpy(), history.deviations.law.sd[:1])

"""Pieces of series that begin at observed states: counts, derivatives, and where they lead."""

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
    process_model,
)
from sciren.dynamics.fitting import series_problem
from sciren.dynamics.groups.shooting import Pieces, shooting_start
from sciren.solvers.levenberg import minimise

ROWS = 60
TRUE = {"grown": 0.55, "lost": 0.8}
OBSERVED = {"prey": "x", "hunters": "y"}


def cycles(s, p, f):
    eaten = s.prey * s.hunters
    return {
        "prey": p.grown * s.prey - 0.028 * eaten,
        "hunters": 0.024 * eaten - p.lost * s.hunters,
    }


def problem(starts, targets, function=cycles, states=None, groups=2, **declared):
    """The loss of two groups of predators and prey; targets by the true constants."""
    states = states or [
        State("prey", start=30, learn_start=True), State("hunters", start=4)
    ]  # fmt: skip
    model = process_model(
        parameters=[Parameter(n, low=0, high=20, start=v, per="group")
                    for n, v in starts.items()],
        state=states, time="ode", error="proportional", targets=declared.pop("observed", {
            "x": "prey", "y": "hunters"}), **declared,
    )(function)  # fmt: skip
    times = np.arange(ROWS) * 0.5
    parts = [
        pd.DataFrame({"g": g, "t": times, **{n: v[:, g] for n, v in targets.items()}})
        for g in range(groups)
    ]
    table = SeriesTable.from_frame(
        pd.concat(parts), group="g", time="t", time_unit="yr", targets=list(targets)
    )
    plain = ScIReN(KANEncoder(1, len(starts)), "auto", model)
    return series_problem(plain, table, None, TrainConfig())


@pytest.fixture(scope="module")
def seen():
    """Noisy prey and hunters (ROWS, 2), the first row of prey missing in one group."""
    blank = {name: np.ones((ROWS, 2)) for name in "xy"}
    true = problem(TRUE, blank)
    numbers = np.tile([*TRUE.values(), 30.0], (2, 1))
    true = true.accurate(numbers)
    outputs = true.process.simulate(true.scale.values(numbers)).outputs
    rng = np.random.default_rng(8)
    noisy = outputs * np.exp(0.1 * rng.standard_normal(outputs.shape))
    noisy[0, 25:28, 1] = np.nan
    return dict(zip("xy", noisy, strict=True))


@pytest.mark.parametrize("length", [2, 7, 100])
def test_every_observation_is_compared_in_one_piece(seen, length):
    whole = problem(TRUE, seen)
    pieces = Pieces.of(whole, OBSERVED, length)
    counts = np.bincount(pieces.owner.numpy(), weights=pieces.problem.comparison.counts)
    np.testing.assert_array_equal(counts, whole.comparison.counts)


def test_one_piece_a_group_is_the_whole_series(seen):
    whole = problem(TRUE, seen)
    members, theta = torch.arange(2), whole.scale.start(2)
    pieces = Pieces.of(whole, OBSERVED, ROWS)
    for found, expected in zip(
        pieces.normal(theta, members), whole.normal(theta, members), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_the_gradient_is_that_of_the_loss(seen):
    pieces = Pieces.of(problem({"grown": 0.7, "lost": 0.6}, seen), OBSERVED, 6)
    members = torch.arange(2)
    theta = pieces.problem.scale.start(2) + 0.01
    gradient = pieces.normal(theta, members).gradient
    for k in range(theta.shape[1]):
        step = torch.zeros_like(theta)
        step[:, k] = 1e-5
        ahead, back = (pieces.loss(theta + sign * step, members) for sign in (1, -1))
        torch.testing.assert_close(
            2 * gradient[:, k], (ahead - back) / 2e-5, rtol=1e-5, atol=1e-4
        )
    # a part of the groups is the same part of the whole
    second = torch.tensor([1])
    torch.testing.assert_close(
        pieces.loss(theta[1:], second), pieces.loss(theta, members)[1:]
    )


def test_pieces_lead_where_a_fit_of_the_whole_misses(seen):
    poor = problem({"grown": 2.4, "lost": 0.2}, seen)
    with torch.no_grad():
        led = shooting_start(poor, poor.scale.start(2))
        whole = poor.accurate(poor.scale.physical(led).numpy())
        single = minimise(whole, poor.scale.start(2), 40, 1e-5, damping=1e-2)
    numbers = poor.scale.physical(led)[:, :2]
    # half a series at last: near enough for the whole
    np.testing.assert_allclose(numbers, [list(TRUE.values())] * 2, rtol=0.1)
    best = whole.loss(led, torch.arange(2))
    assert bool((single.loss > 3 * best).all())


def test_pieces_need_states_that_are_observed(seen):
    whole = problem(TRUE, seen)
    start = whole.scale.start(2)
    assert shooting_start(whole, start) is not None
    warm = problem(TRUE, seen, warmup=5)
    assert shooting_start(warm, start) is None
    shared = [State("prey", start=30, of="grown"), State("hunters", start=4)]
    assert shooting_start(problem(TRUE, seen, states=shared), start) is None
    prey_alone = problem(TRUE, {"x": seen["x"]}, observed={"x": "prey"})
    assert shooting_start(prey_alone, start) is None

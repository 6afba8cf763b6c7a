"""Cycles from starts that are out of phase, and groups with one observation each."""

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
from sciren.dynamics import fit_groups
from sciren.dynamics.fitting import local_numbers, series_problem
from sciren.dynamics.groups.windows import shortened
from sciren.functions import maximum, minimum
from sciren.solvers.levenberg import minimise

TRUE = np.array([[0.55, 0.8]])


@process_model(
    parameters=[
        Parameter("grown", low=0, high=20, start=1.1, per="group"),
        Parameter("lost", low=0, high=20, start=0.4, per="group"),
    ],
    state=[State("prey", start=30), State("hunters", start=4)], time="ode",
    targets={"x": "prey", "y": "hunters"}, error="proportional",
)  # fmt: skip
def cycles(s, p, f):
    eaten = s.prey * s.hunters
    return {
        "prey": p.grown * s.prey - 0.028 * eaten,
        "hunters": 0.024 * eaten - p.lost * s.hunters,
    }


@process_model(
    parameters=[
        Parameter("needed", low=20, high=500, start=100, per="group"),
        Parameter("base", low=-5, high=12, start=2, kind="constant"),
    ],
    state=[State("warmth"), State("day")], forcings=["ta"], targets={"bud": "day"},
)  # fmt: skip
def thermal_time(s, p, f):
    gain = maximum(f.ta - p.base, 0)
    share = (p.needed - s.warmth) / maximum(gain, 1e-9)
    return {"warmth": s.warmth + gain, "day": s.day + minimum(maximum(share, 0), 1)}


@pytest.fixture(scope="module")
def predators():
    rng, times = np.random.default_rng(3), np.arange(72) * 0.5

    def problem(x, y):
        frame = pd.DataFrame({"t": times, "x": x, "y": y})
        table = SeriesTable.from_frame(
            frame, group=None, time="t", time_unit="yr", targets=["x", "y"]
        )
        return series_problem(
            ScIReN(KANEncoder(1, 2), "auto", cycles), table, None, TrainConfig()
        )

    plain = problem(np.ones(72), np.ones(72)).accurate(TRUE)
    outputs = plain.process.simulate(plain.scale.values(TRUE)).outputs[..., 0]
    return problem(*(outputs * np.exp(0.1 * rng.standard_normal(outputs.shape))))


def test_the_first_rows_run_as_they_do_in_the_whole(predators):
    part = shortened(predators, 20)
    whole, first = (
        one.process.simulate(one.scale.values(TRUE)).outputs
        for one in (predators, part)
    )
    np.testing.assert_array_equal(first, whole[:, :20])
    assert part.comparison.counts == 40


def test_windows_lead_to_cycles_that_a_fit_of_the_whole_misses(predators):
    fits = fit_groups(predators)
    errors = np.sqrt(np.diag(np.linalg.inv(fits.precision[0])))
    assert (np.abs(fits.physical - TRUE)[0] < 4 * errors).all()
    problem = predators.accurate(TRUE)
    with torch.no_grad():
        whole = minimise(problem, problem.scale.start(1), 40, 1e-5, damping=1e-2)
    assert float(whole.loss) > 3 * float(problem.losses_at(fits.physical)[0])


def test_a_day_for_every_year_is_enough_for_a_threshold_and_its_base():
    rng, years, days = np.random.default_rng(0), 70, np.arange(130.0)
    parts = []
    for year in range(years):
        x = rng.uniform(-1, 1)
        ta = (
            1.5 * rng.standard_normal() - 1 + 0.15 * days + 2 * rng.standard_normal(130)
        )
        warmth = np.concatenate(([0.0], np.cumsum(np.maximum(ta - 4, 0))))
        after = int(np.searchsorted(warmth, 150 + 40 * x))
        day = np.interp(150 + 40 * x, warmth[after - 1 : after + 1], [after - 1, after])
        bud = np.full(130, np.nan)
        bud[-1] = day + rng.standard_normal()
        parts.append(
            pd.DataFrame({"y": f"y{year:02d}", "t": days, "ta": ta, "bud": bud, "x": x})
        )
    table = SeriesTable.from_frame(
        pd.concat(parts), group="y", time="t", time_unit="d", static=["x"],
        forcings=["ta"], targets=["bud"],
    )  # fmt: skip
    model = ScIReN(KANEncoder(1, 1), "auto", thermal_time)
    history = fit(
        model, table.take(range(50)), table.take(range(50, 70)), TrainConfig()
    )
    assert history.groups is None  # too short to be fitted alone
    assert history.deviations is None
    needed, base = local_numbers(model, table).T
    assert base[0] == pytest.approx(4, abs=1.5)
    assert np.corrcoef(needed, table.static[:, 0])[0, 1] > 0.98
    noise = history.problems["train"].comparison.noise.variance
    assert 0.5 < float(noise[0] ** 0.5 * model.residual_scale.sd) < 1.6

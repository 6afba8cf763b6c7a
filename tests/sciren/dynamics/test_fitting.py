"""Relations behind the constants of simulated catchments come back through their series."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sciren import KANEncoder, ScIReN, SeriesTable, TrainConfig, fit, split_series
from sciren.datasets import make_catchments
from sciren.datasets.catchments import TRUE_EDGES
from sciren.dynamics import group_scores, simulate_series
from sciren.dynamics.buckets import two_stores
from sciren.dynamics.fitting import linearised_at, series_problem
from sciren.dynamics.groups.group_fit import fit_groups
from sciren.errors import ColumnError, TrainingError

COLUMNS: dict[str, Any] = {
    "group": "basin", "time": "day", "static": ["x1", "x2", "x3", "x4"],
    "forcings": ["rain", "pet"], "targets": ["q"],
}  # fmt: skip
LOGS = TrainConfig(residual="log")


@pytest.fixture(scope="module")
def made():
    return make_catchments(seed=11, groups=30, years=2)


@pytest.fixture(scope="module")
def split(made):
    table = SeriesTable.from_frame(made.frame, **COLUMNS)
    return split_series(table, (0.6, 0.2, 0.2), seed=0)


def network(**encoder):
    return ScIReN(KANEncoder(4, 3, **encoder), "auto", two_stores)


@pytest.fixture(scope="module")
def fitted(split):
    model = network()
    return model, fit(model, split.train, split.valid, LOGS)


def truth(made, series):
    return made.latents.set_index("basin").loc[list(series.groups)].to_numpy()


def test_the_edges_and_latents_of_catchments_come_back(made, split, fitted):
    model, history = fitted
    kept = {(e["feature"], e["latent"]) for e in history.edges if e["status"] == "kept"}
    assert kept == set(TRUE_EDGES)
    true = truth(made, split.train)
    found = simulate_series(model, split.train).latents
    unexplained = ((found - true) ** 2).sum(0) / ((true - true.mean(0)) ** 2).sum(0)
    assert unexplained.max() < 0.05


def test_the_memory_of_the_noise_is_estimated(fitted):
    memory = fitted[1].groups.problem.comparison.noise.memory[0]
    assert memory.coefficients[-1][0] == pytest.approx(0.7, abs=0.05)


def test_free_runs_of_left_out_catchments_agree_with_their_observations(split, fitted):
    model, history = fitted
    run = simulate_series(model, split.test)
    scores = group_scores(
        replace(history.problems["train"].process, table=split.test), run.outputs
    )
    assert np.median(scores["nse"]) > 0.9
    assert np.median(scores["kge"]) > 0.85


def test_masked_targets_and_those_of_the_warm_up_have_no_influence(split):
    series = split.valid.take([0, 1])
    wild = series.targets.copy()
    wild[:365] = 1e6
    holes = series.targets.copy()
    holes[400:410] = np.nan
    problem = series_problem(network(), series, config=LOGS)
    start = problem.scale.start(2)
    for targets, same in ((wild, True), (holes, False)):
        other = series_problem(network(), replace(series, targets=targets), config=LOGS)
        assert (other.comparison.counts == problem.comparison.counts).all() == same
        if same:
            assert torch.equal(
                other.loss(start, torch.arange(2)), problem.loss(start, torch.arange(2))
            )


def test_the_normal_equations_are_those_of_the_loss(split):
    problem = series_problem(network(), split.valid.take([0, 1]), config=LOGS)
    theta = problem.scale.start(2)
    outputs = problem.trajectory(theta).outputs
    problem = replace(problem, comparison=problem.comparison.with_noise_of(outputs))
    members, step = torch.arange(2), 1e-5
    gradient = problem.normal(theta, members).gradient
    for column in range(3):
        moved = torch.zeros(3, dtype=torch.float64)
        moved[column] = step
        ahead, back = (problem.loss(theta + sign * moved, members) for sign in (1, -1))
        expected = (ahead - back) / (4 * step)
        np.testing.assert_allclose(gradient[:, column], expected, rtol=1e-5, atol=1e-4)


def test_at_the_optimum_of_a_group_the_linearised_loss_stands_there(split):
    problem = series_problem(network(), split.valid.take([0, 1]), config=LOGS)
    groups = fit_groups(problem)
    part, _ = linearised_at(groups.problem, groups.physical, groups.physical.mean(0))
    error = np.sqrt([np.diag(np.linalg.inv(h)) for h in groups.precision])
    assert (np.abs(part.numbers - groups.physical) < 0.1 * error).all()
    table = part.table(split.valid.take([0, 1]))
    effects, response = (
        table.forcings["effect"].reshape(2, 3, 3),
        table.targets.reshape(2, 3),
    )
    quadratic = effects.mT @ effects
    np.testing.assert_allclose(quadratic, part.precision, rtol=1e-8)
    offset = table.forcings["offset"].reshape(2, 3)
    back = torch.linalg.solve(effects, (response + offset).unsqueeze(-1))[..., 0]
    np.testing.assert_allclose(back, part.numbers, rtol=1e-8)


def test_series_and_models_that_do_not_fit_are_refused(split, made):
    model, train, valid = network(), split.train, split.valid
    few = SeriesTable.from_frame(made.frame, **dict(COLUMNS, static=["x1", "x2", "x3"]))
    with pytest.raises(ColumnError, match="has 4 inputs, the series 3 static"):
        fit(model, few, few, LOGS)
    short = replace(train, targets=np.full_like(train.targets, np.nan))
    with pytest.raises(TrainingError, match="no observation after the warm-up of 365"):
        fit(model, short, valid, LOGS)
    bare = SeriesTable.from_frame(made.frame, **dict(COLUMNS, targets=[]))
    with pytest.raises(TrainingError, match=r"series do not have \(no targets\)"):
        fit(model, bare, valid, LOGS)
    plain = ScIReN(KANEncoder(4, 1))
    with pytest.raises(TrainingError, match="has no state"):
        fit(plain, train, valid, LOGS)
    model.feature_names = ("a",)
    with pytest.raises(ColumnError, match="trained on static features"):
        simulate_series(model, train)

"""Profiles and intervals of the constants together."""

from dataclasses import replace

import pytest
import torch

from sciren.solvers.levenberg import minimise
from sciren.solvers.profile import ProfileSummary
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.profiling import add_intervals, profile_and_bootstrap


def study(make, rows=150, block=5, **settings):
    table, _ = make.respiration(rows)
    table = replace(table, blocks=torch.arange(rows) // block)
    problem = make.additive(table)
    theta = torch.zeros(1, problem.size, dtype=torch.float64)
    theta[:, -1:] = problem.term.model.constant_raw.detach()
    theta = minimise(problem, theta).theta[0]
    config = TrainConfig(**settings)
    return profile_and_bootstrap(problem, theta, config), theta, problem


def test_without_replicates_there_is_no_interval(make):
    ((summary,), best), theta, _ = study(make)
    assert summary.interval is None
    assert summary.replicates == 0
    torch.testing.assert_close(best[-1], theta[-1], rtol=1e-6, atol=0)


def test_the_interval_holds_the_estimate_and_agrees_with_the_error(make):
    ((summary,), _), *_ = study(make, bootstrap=60)
    low, high = summary.interval
    assert summary.replicates == 60
    assert low < summary.estimate < high
    assert (high - low) / 3.92 == pytest.approx(summary.error, rel=0.9)
    assert summary.identified


def test_the_interval_repeats_and_depends_on_the_seed(make):
    found = [
        study(make, bootstrap=8, seed=seed)[0][0][0].interval for seed in (1, 1, 2)
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_a_single_block_gives_no_interval(make):
    ((summary,), _), *_ = study(make, block=150, bootstrap=8)
    assert summary.interval is None
    assert summary.identified


def test_intervals_are_quantiles_and_decide_the_verdict(make):
    *_, problem = study(make)
    draws = torch.zeros(401, problem.size, dtype=torch.float64)
    values = torch.linspace(1.0, 5.0, 401, dtype=torch.float64)
    draws[:, -1] = values.log()
    summary = ProfileSummary("q10", "", 2.0, 0.01, (0.3, 10.0), [(2.0, 0.0)], False)
    add_intervals(problem, [summary], draws)
    assert summary.interval == pytest.approx((1.1, 4.9))
    assert summary.replicates == 401
    assert (
        summary.reason == "its 95 % interval 1.1 to 4.9 spans more than a factor of 2"
    )
    assert not summary.identified


def test_ranges_and_points_are_those_of_the_settings(make):
    ((summary,), _), *_ = study(
        make, profile_points=7, profile_range={"q10": (1.0, 2.0)}
    )
    assert summary.searched == (1.0, 2.0)
    assert len(summary.points) == 8

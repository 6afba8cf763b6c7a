"""Laws of the criterion: scatter and smooth error are told apart."""

import numpy as np
import pytest

from symbolic.criterion import (
    Evidence,
    criterion,
    jumpiness,
    lack_of_fit,
    reference_share,
    weigh_evidence,
)
from symbolic.points import prepare

X = np.linspace(-1, 1, 1000)
EQUAL = np.full(1000, 1e-3)


def test_scatter_jumps_and_smooth_error_does_not():
    scatter = np.random.default_rng(0).normal(size=1000)
    assert jumpiness(scatter, EQUAL) == pytest.approx(1.0, abs=0.1)
    assert jumpiness(np.sin(9 * X), EQUAL) < 1e-3
    assert jumpiness(np.zeros(1000), EQUAL) == 0.0


def test_effective_points_lie_between_the_least_and_all():
    rng = np.random.default_rng(0)
    scatter, smooth = rng.normal(size=1000), np.sin(9 * X)
    points = prepare(X, 5 * X + smooth, None)
    assert weigh_evidence(points, smooth, 15.0, 1e-6).points == 15.0
    points = prepare(X, 5 * X + scatter, None)
    assert weigh_evidence(points, scatter, 15.0, 1e-6).points > 700
    assert weigh_evidence(points, 1e-9 * scatter, 15.0, 1e-6).points == 15.0


def test_the_reference_finds_the_noise_of_any_smooth_curve():
    rng = np.random.default_rng(0)
    points = prepare(X, np.sin(4 * X) + 0.1 * rng.normal(size=1000), None)
    assert reference_share(points) == pytest.approx(0.01 / np.var(points.y), rel=0.15)
    assert reference_share(prepare(np.ones(5), np.arange(5.0), None)) == 0.0


def test_a_constant_more_costs_the_logarithm_of_the_points():
    evidence = Evidence(15.0, 0.0, 0.0)
    two, three = (criterion(0.1, k, evidence, 1e-6, 0.0) for k in (2, 3))
    assert three - two == pytest.approx(np.log(15.0))
    dearer = criterion(0.1, 3, evidence, 1e-6, 6.0)
    assert dearer - three == pytest.approx(6.0)


def test_lack_of_fit_leaves_noise_out():
    assert lack_of_fit(0.3, Evidence(15, 0.0, 0.0)) == pytest.approx(0.3)
    assert lack_of_fit(0.3, Evidence(500, 0.29, 0.03)) == 0.0
    assert lack_of_fit(0.6, Evidence(500, 0.2, 0.03)) == pytest.approx(0.5)
    assert lack_of_fit(0.0, Evidence(15, 0.0, 0.0)) == 0.0

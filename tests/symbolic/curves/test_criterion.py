"""Laws of the criterion: scatter and smooth error are told apart."""

import numpy as np
import pytest

from symbolic.curves.criterion import (
    Evidence,
    jumpiness,
    reference_share,
    weigh_evidence,
)
from symbolic.curves.points import prepare

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
    assert weigh_evidence(points, smooth, 15.0, 1e-6).count == 15.0
    points = prepare(X, 5 * X + scatter, None)
    assert weigh_evidence(points, scatter, 15.0, 1e-6).count > 700
    assert weigh_evidence(points, 1e-9 * scatter, 15.0, 1e-6).count == 15.0


def test_the_reference_finds_the_noise_of_any_smooth_curve():
    rng = np.random.default_rng(0)
    points = prepare(X, np.sin(4 * X) + 0.1 * rng.normal(size=1000), None)
    assert reference_share(points) == pytest.approx(0.01 / np.var(points.y), rel=0.15)
    assert reference_share(prepare(np.ones(5), np.arange(5.0), None)) == 0.0


@pytest.mark.parametrize(("degree", "smooth"), [(12, True), (13, False)])
def test_the_reference_has_as_many_coefficients_as_the_default_curve(degree, smooth):
    points = prepare(X, np.cos(degree * np.arccos(X)), None)  # Chebyshev polynomial
    share = reference_share(points)
    assert share < 1e-20 if smooth else share > 0.5


def test_a_constant_more_costs_the_logarithm_of_the_points():
    evidence = Evidence(15.0, 0.0, 0.0)
    two, three = (evidence.criterion(0.1, k) for k in (2, 3))
    assert three - two == pytest.approx(np.log(15.0))
    assert evidence.criterion(0.2, 3) - three == pytest.approx(15.0 * np.log(2.0))


def test_shares_below_the_floor_cost_the_same():
    evidence = Evidence(15.0, 0.0, 0.0, floor=1e-3)
    assert evidence.criterion(0.0, 2) == pytest.approx(
        evidence.criterion(1e-12, 2), abs=1e-4
    )


def test_lack_of_fit_leaves_noise_out():
    assert Evidence(15, 0.0, 0.0).missed(0.3, 3) == pytest.approx(0.3)
    assert Evidence(500, 0.29, 0.03).missed(0.3, 3) == 0.0
    assert Evidence(500, 0.2, 0.03).missed(0.6, 3) == pytest.approx(0.5)
    assert Evidence(15, 0.0, 0.0).missed(0.0, 3) == 0.0

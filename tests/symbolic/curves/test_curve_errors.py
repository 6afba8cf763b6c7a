"""Laws of fits to a curve whose errors are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.errors import DataError, ShapeError
from symbolic.curves.curve_errors import CurveErrors
from symbolic.curves.fit import fit_curve

GRID = np.linspace(-1.0, 1.0, 201)
RANK = 12


def measured(curve, sd, seed, count=1000.0):
    """Errors of a curve that was measured as RANK smooth averages with one deviation."""
    rng = np.random.default_rng(seed)
    modes = np.stack([np.cos(np.pi * k * (GRID + 1) / 2) for k in range(1, RANK + 1)])
    modes -= modes.mean(1, keepdims=True)
    root = modes / (sd * np.sqrt(len(GRID)))
    return CurveErrors(root, root @ curve + rng.normal(size=RANK), count)


def test_the_truth_is_as_far_away_as_chance_wants():
    curve = np.exp(GRID)
    chi2 = []
    for seed in range(200):
        errors = measured(curve, 0.05, seed)
        left = errors.target - errors.root @ curve
        chi2.append(left @ left)
    assert np.mean(chi2) == pytest.approx(RANK, rel=0.1)
    assert np.mean([errors.missed(c / errors.total, 1) > 0 for c in chi2]) <= 0.02


@given(
    seed=st.integers(0, 10_000),
    rate=st.floats(0.8, 3.0),
    scale=st.floats(0.01, 100.0),
    shift=st.floats(-20.0, 20.0),
)
@settings(max_examples=20, deadline=None)
def test_a_member_comes_back_in_any_unit_whatever_was_smoothed(
    seed, rate, scale, shift
):
    curve = np.exp(rate * GRID)
    errors = measured(curve, 1e-3 * curve.std(), seed)
    wrong = curve.mean() + 0.8 * (curve - curve.mean()) + 0.1 * np.sin(4 * GRID)
    fit = fit_curve(shift + scale * GRID, wrong, errors=errors)
    assert fit.family == "exp"
    found = fit.value(shift + scale * GRID)
    assert np.abs(found - found.mean() - (curve - curve.mean())).max() < 0.05 * np.ptp(
        curve
    )


def test_what_no_family_meets_is_refused_and_what_errors_cover_is_not():
    curve = np.tanh(4 * GRID)
    sharp = fit_curve(GRID, curve, errors=measured(curve, 0.02, 0))
    assert sharp.refused
    assert "best family, misses" in sharp.reason
    blunt = fit_curve(GRID, curve, errors=measured(curve, 3.0, 0))
    assert not blunt.refused


def test_families_within_the_errors_are_equals():
    curve = np.exp(0.3 * GRID)
    fit = fit_curve(GRID, curve, errors=measured(curve, 0.02, 1))
    assert fit.ambiguous
    assert "exp" in fit.equals


def test_standard_errors_are_the_scatter_of_repeated_estimates():
    curve = 2.0 * np.exp(1.5 * GRID) + 1.0
    fits = [
        fit_curve(GRID, curve, errors=measured(curve, 0.05, seed), pin="exp")
        for seed in range(60)
    ]
    scatter = np.std([fit.constants[:2] for fit in fits], axis=0)
    stated = np.mean([fit.errors[:2] for fit in fits], axis=0)
    np.testing.assert_allclose(stated, scatter, rtol=0.35)
    assert all(fit.errors[2] > 0 for fit in fits)


def test_the_order_of_the_points_changes_nothing():
    curve = np.log(GRID + 1.5)
    errors = measured(curve, 0.01, 3)
    order = np.random.default_rng(0).permutation(len(GRID))
    moved = CurveErrors(errors.root[:, order], errors.target, errors.count)
    one = fit_curve(GRID, curve, errors=errors)
    two = fit_curve(GRID[order], curve[order], errors=moved)
    assert one.constants.tolist() == two.constants.tolist()
    assert one.criterion == two.criterion


def test_more_observations_make_constants_dearer():
    errors = measured(GRID, 0.1, 0)
    few, many = (
        CurveErrors(errors.root, errors.target, n).criterion(0.1, 3)
        - CurveErrors(errors.root, errors.target, n).criterion(0.1, 2)
        for n in (100, 1000)
    )
    assert few == pytest.approx(np.log(100))
    assert many == pytest.approx(np.log(1000))


@pytest.mark.parametrize(("chi2", "missed"), [(29.0, False), (30.0, True)])
def test_a_true_family_is_a_misfit_once_in_a_thousand(chi2, missed):
    """A chi-square of ten degrees of freedom exceeds 29.6 by chance of 0.001."""
    target = np.zeros(10)
    target[0] = np.sqrt(chi2)
    assert (CurveErrors(np.eye(10), target, 100).missed(1.0, 1) > 0) == missed


@pytest.mark.parametrize(
    ("root", "target", "count", "error", "text"),
    [
        (np.ones(3), np.ones(3), 10, ShapeError, r"root \(r, m\)"),
        (np.ones((3, 4)), np.ones(4), 10, ShapeError, "target"),
        (np.ones((0, 4)), np.ones(0), 10, ShapeError, "r > 0"),
        (np.full((2, 4), np.nan), np.ones(2), 10, DataError, "not finite"),
        (np.ones((2, 4)), np.ones(2), 0, DataError, "0 observations"),
    ],
)
def test_errors_that_are_none_are_refused(root, target, count, error, text):
    with pytest.raises(error, match=text):
        CurveErrors(root, target, count)


def test_errors_of_another_curve_are_refused():
    with pytest.raises(ShapeError, match="errors are those of 201 points"):
        fit_curve(GRID[1:], GRID[1:], errors=measured(GRID, 0.1, 0))

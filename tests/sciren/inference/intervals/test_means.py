"""Limits of latents and means: what a class that no row had adds to them."""

import numpy as np
import pytest
from scipy.stats import t

from sciren.data.kinds import Categorical
from sciren.inference.design import Design
from sciren.inference.intervals.means import MeanLaw
from sciren.inference.kind_bases import smooth_basis

CLASSES = 40
LEVEL = 0.95


def law(seed, spread=2.0, error=0.1):
    """One latent whose classes lie apart with a deviation, known with an error."""
    draw = np.random.default_rng(seed)
    codes = np.arange(1.0, CLASSES + 1)
    basis = smooth_basis(
        Categorical(tuple(map(str, codes)), tuple(codes)), np.repeat(codes, 5), 0
    )
    effects = spread * draw.normal(size=CLASSES)
    at = basis.at(codes)
    theta = np.linalg.lstsq(at, effects - effects.mean(), rcond=None)[0]
    covariance = error**2 * np.linalg.pinv(at.T @ at)
    whole = np.zeros((1 + basis.size, 1 + basis.size))
    whole[1:, 1:] = covariance
    design = Design(((0, 0),), (basis,), 1, 0)
    return MeanLaw(("c",), design, np.array([10.0, *theta]), whole, np.inf), effects


def doubled(raw, constants):
    """Return a mean that is twice the latent."""
    return 2 * raw


def test_a_class_that_no_row_had_lies_as_far_away_as_classes_do():
    model, effects = law(0)
    rows = model.rows({"c": np.array([1.0, 99.0])}, 2)
    low, high = rows.mean_limits(doubled, LEVEL)
    seen, new = (high - low)[:, 0] / 2
    assert rows.raw[1, 0] == pytest.approx(10.0)  # the mean of the classes
    assert seen < 1  # its own error
    # Twice the latent, 1.96 deviations, and Student's t of 39 freedoms.
    expected = 2 * 2.02 * np.hypot(effects.std(ddof=1), 0.1)
    assert new == pytest.approx(expected, rel=0.02)
    half = rows.class_half_width(doubled, LEVEL)
    assert half[0] == 0
    assert half[1] == pytest.approx(new, rel=0.02)


def test_limits_hold_new_classes_as_often_as_they_say():
    held = []
    for seed in range(60):
        model, effects = law(seed)
        rows = model.rows({"c": np.array([99.0])}, 1)
        low, high = rows.latent_limits(LEVEL)
        new = 10 - effects.mean() + 2 * np.random.default_rng([seed, 1]).normal(size=50)
        held.append(((new >= low) & (new <= high)).mean())
    assert 0.93 < np.mean(held) < 0.97


def test_a_missing_class_is_no_new_class():
    model, _ = law(1)
    rows = model.rows({"c": np.array([np.nan, 2.0])}, 2)
    assert not rows.apart.any()
    assert not rows.class_half_width(doubled, LEVEL).any()


@pytest.mark.parametrize("level", [0.5, 0.9, 0.999])
def test_few_classes_widen_limits_by_the_quantile_of_their_number(level):
    model, effects = law(2, error=1e-6)
    rows = model.rows({"c": np.array([99.0])}, 1, level)
    half = rows.class_half_width(doubled, level)
    quantile = t.ppf((1 + level) / 2, CLASSES - 1)
    assert half[0, 0] == pytest.approx(2 * quantile * effects.std(ddof=1), rel=1e-6)

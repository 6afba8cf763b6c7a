"""Laws of the smoothing: its limits, its scaling and the strengths that it recovers."""

import numpy as np
import pytest

from sciren.inference.intervals.reml import PenaltyGroup, penalised, smooth


def _data(size, signal, seed=0, rows=2000):
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(rows, size + 1))
    truth = np.r_[1.0, signal * rng.normal(size=size)]
    return design, design @ truth + rng.normal(size=rows)


def _smooth(design, y, groups, **more):
    return smooth(design.T @ design, design.T @ y, float(y @ y), len(y), groups, **more)


def test_no_groups_is_ordinary_least_squares():
    design, y = _data(4, 1.0)
    found = _smooth(design, y, ())
    assert np.allclose(found.coefficients, np.linalg.lstsq(design, y)[0], atol=1e-6)
    assert found.edf == pytest.approx(5, abs=1e-6)


def test_the_strength_is_the_noise_over_the_signal():
    design, y = _data(60, 0.5)
    found = _smooth(design, y, [PenaltyGroup(np.arange(1, 61))])
    assert found.penalty[0] == 0
    assert found.penalty[1] == pytest.approx(1 / 0.5**2, rel=0.3)
    assert found.variance == pytest.approx(1, rel=0.08)


def test_columns_without_effect_are_smoothed_away():
    design, y = _data(20, 0.0)
    found = _smooth(design, y, [PenaltyGroup(np.arange(1, 21))])
    assert found.edf < 4


def test_a_capped_group_keeps_a_width_of_one_standard_error():
    design, y = _data(1, 0.0)
    alone = PenaltyGroup(np.array([1]))
    free = penalised(design.T @ design, design.T @ y, float(y @ y), len(y), np.zeros(2))
    held = _smooth(design, y, [PenaltyGroup(alone.columns, capped=True)])
    prior = held.variance / held.penalty[1]
    error = free.variance * free.inverse[1, 1]
    assert prior == pytest.approx(error, rel=0.05) or prior > error


def test_scaling_the_target_scales_the_fit_and_leaves_the_strengths():
    design, y = _data(30, 0.3)
    groups = [PenaltyGroup(np.arange(1, 31))]
    first, second = _smooth(design, y, groups), _smooth(design, 100.0 * y, groups)
    assert np.allclose(second.coefficients, 100.0 * first.coefficients, rtol=1e-6)
    assert np.allclose(second.penalty, first.penalty, rtol=1e-6)


def test_groups_find_strengths_of_their_own():
    rng = np.random.default_rng(1)
    design = rng.normal(size=(3000, 80))
    truth = np.r_[0.05 * rng.normal(size=40), 2.0 * rng.normal(size=40)]
    y = design @ truth + rng.normal(size=3000)
    found = _smooth(
        design, y, [PenaltyGroup(np.arange(40)), PenaltyGroup(np.arange(40, 80))]
    )
    assert found.penalty[0] > 100 * found.penalty[40]


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_a_column_in_another_unit_changes_no_other(factor):
    design, y = _data(4, 1.0)
    scale = np.array([factor, 1.0, 1.0, 1.0, 1.0])
    first, second = _smooth(design, y, ()), _smooth(design * scale, y, ())
    assert np.allclose(second.coefficients * scale, first.coefficients, rtol=1e-6)
    outer = np.outer(scale, scale)
    assert np.allclose(second.inverse * outer, first.inverse, rtol=1e-5, atol=1e-9)

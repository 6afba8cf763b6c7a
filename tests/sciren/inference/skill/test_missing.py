"""A part is missing where flexible models predict the residual of unseen rows."""

import numpy as np
import pytest

from sciren.inference.skill.missing import missing_part


def least_squares(design, target):
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    return target - design @ coefficients


def judged(rng, product, rows=500):
    x = rng.standard_normal((rows, 3))
    target = 1 + x[:, 0] + product * x[:, 0] * x[:, 1] + 0.5 * rng.standard_normal(rows)
    design = np.column_stack([np.ones(rows), x])
    blocks = np.arange(rows) // 5
    return missing_part(least_squares(design, target), design, x, blocks % 5, blocks)


def test_a_missing_product_is_seen():
    found = judged(np.random.default_rng(0), 0.4)
    assert found.fires
    assert found.share > 0.1


def test_a_right_model_is_rarely_accused():
    rng = np.random.default_rng(1)
    assert sum(judged(rng, 0.0, 250).fires for _ in range(6)) <= 1


def test_what_the_fit_can_change_is_not_held_against_it():
    """h is orthogonal to J: a model that was not fitted at all is no evidence."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((300, 2))
    design = np.column_stack([np.ones(300), x])
    blocks = np.arange(300)
    left = x[:, 0] + 0.1 * rng.standard_normal(300)
    found = missing_part(left, design, x, blocks % 5, blocks)
    assert found.share < 0.05


def test_rows_without_an_observation_count_for_nothing():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((400, 2))
    left = x[:, 0] * x[:, 1]
    left[::2] = np.nan
    design, blocks = np.ones((400, 1)), np.arange(400)
    assert missing_part(left, design, x, blocks % 5, blocks).fires


def test_no_residual_leaves_nothing_to_see():
    x = np.random.default_rng(4).standard_normal((100, 2))
    blocks = np.arange(100)
    found = missing_part(np.zeros(100), np.ones((100, 1)), x, blocks % 5, blocks)
    assert found.p == 1
    assert found.share == pytest.approx(0)

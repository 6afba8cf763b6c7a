"""What columns can predict at all, by models that know no process."""

import numpy as np
import pytest

from sciren.inference.skill.flexible import (
    boosted_trees,
    cubic_ridge,
    held_out_predictions,
)


@pytest.fixture
def columns():
    return np.random.default_rng(0).standard_normal((400, 4))


def explained(target, predicted):
    return 1 - np.mean((target - predicted) ** 2) / np.var(target)


def test_the_ridge_sees_a_product_of_three(columns):
    target = columns[:, 0] * columns[:, 1] * columns[:, 2]
    folds = np.arange(400) % 5
    assert (
        explained(target, held_out_predictions(columns, target, folds, cubic_ridge))
        > 0.6
    )


def test_trees_see_a_step(columns):
    target = (columns[:, 0] > 0.3).astype(float)
    folds = np.arange(400) % 5
    trees = held_out_predictions(columns, target, folds, boosted_trees)
    assert explained(target, trees) > 0.9


def test_noise_is_predicted_by_nearly_nothing(columns):
    target = np.random.default_rng(1).standard_normal(400)
    folds = np.arange(400) % 5
    predicted = held_out_predictions(columns, target, folds, cubic_ridge)
    assert np.std(predicted) < 0.2


def test_a_fold_does_not_see_itself(columns):
    """A target that only marks its fold cannot be predicted from the others."""
    folds = np.arange(400) % 5
    target = np.where(folds == 2, 50.0, 0.0)
    predicted = held_out_predictions(columns, target, folds, cubic_ridge)
    assert np.abs(predicted[folds == 2]).max() < 1e-6


def test_missing_targets_teach_nothing(columns):
    target = columns[:, 0].copy()
    target[::3] = np.nan
    predicted = held_out_predictions(columns, target, np.arange(400) % 5, cubic_ridge)
    assert explained(columns[:, 0], predicted) > 0.99


def test_columns_that_do_not_move_are_the_mean():
    target = np.arange(50.0)
    assert cubic_ridge(np.ones((50, 2)), target, np.ones((3, 2))) == pytest.approx(24.5)


def test_many_columns_fall_back_to_lower_products():
    x = np.random.default_rng(0).standard_normal((200, 30))
    assert explained(x[:, 0], cubic_ridge(x, x[:, 0], x)) > 0.99

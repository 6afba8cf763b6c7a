"""Which of two models predicts held-out blocks better."""

import numpy as np
import pytest

from sciren.inference.relationship import one_sided_t
from sciren.inference.skill.paired import paired_test


@pytest.fixture
def errors():
    rng = np.random.default_rng(0)
    return rng.standard_normal(400) ** 2, np.arange(400) // 5


def test_a_smaller_error_everywhere_is_seen(errors):
    squares, blocks = errors
    test = paired_test(squares, 0.8 * squares, blocks)
    assert test.share == pytest.approx(0.2)
    assert test.better()
    assert test.blocks == 80


def test_the_same_errors_are_no_gain(errors):
    squares, blocks = errors
    test = paired_test(squares, squares, blocks)
    assert test.share == 0
    assert test.p == 1
    assert not test.better()


def test_a_worse_model_is_never_better(errors):
    squares, blocks = errors
    assert not paired_test(0.8 * squares, squares, blocks).better(0.5)


def test_by_chance_one_of_twenty_is_called_better():
    rng = np.random.default_rng(1)
    blocks = np.arange(200) // 5
    fired = [
        paired_test(first, second, blocks).p < 0.05
        for first, second in rng.standard_normal((400, 2, 200)) ** 2
    ]
    assert 0.02 < np.mean(fired) < 0.09


def test_one_prediction_that_is_not_finite_loses_everything(errors):
    squares, blocks = errors
    broken = np.where(np.arange(400) == 7, np.inf, 0.0)
    test = paired_test(squares, broken, blocks)
    assert test.p == 1
    assert test.share == -np.inf


def test_two_blocks_have_a_gain_but_show_nothing(errors):
    squares, _ = errors
    test = paired_test(squares, 0.5 * squares, np.arange(400) % 2)
    assert test.share == pytest.approx(0.5)  # the gain is there, its error unknown
    assert test.p == 1
    assert not test.better()


def test_a_larger_error_makes_less_of_the_same_sums():
    sums = np.array([1.0, 2.0, 0.5, 1.5])
    plain, inflated = one_sided_t(sums), one_sided_t(sums, 2.0)
    assert plain[0] == pytest.approx(2 * inflated[0])
    assert plain[1] < inflated[1]

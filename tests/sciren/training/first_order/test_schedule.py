"""Length of training and learning rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.training.config import TrainConfig
from sciren.training.first_order.schedule import Schedule, one_cycle


@given(st.integers(1, 2000))
def test_one_cycle_rises_once_and_falls_once_within_its_bounds(steps):
    rates = np.array([one_cycle(step, steps) for step in range(steps)])
    assert rates.min() > 0
    assert rates.max() <= 1
    top = rates.argmax()
    assert (np.diff(rates[: top + 1]) >= 0).all()
    assert (np.diff(rates[top:]) <= 0).all()
    if steps >= 10:
        assert rates.max() > 0.9
        assert top == pytest.approx(0.3 * steps, abs=2)
        assert rates[-1] < 1e-5


@pytest.mark.parametrize(("batches", "epochs"), [(1, 1500), (4, 375), (900, 5)])
def test_few_rows_get_more_epochs_for_the_same_number_of_steps(batches, epochs):
    found = Schedule(TrainConfig(), batches)
    assert found.epochs == epochs
    assert found.patience == max(10, epochs // 5)
    given_ = Schedule(TrainConfig(epochs=3, patience=2), batches)
    assert (given_.epochs, given_.patience) == (3, 2)


def test_a_constant_rate_has_no_peak_to_pass():
    constant = Schedule(TrainConfig(schedule="constant", learning_rate=0.2), 7)
    assert {constant.rate(step) for step in range(50)} == {0.2}
    assert constant.past_the_peak(0)
    cycle = Schedule(TrainConfig(epochs=10), 10)
    assert [cycle.past_the_peak(step) for step in (0, 30, 31)] == [False, False, True]
    assert cycle.rate(500) == cycle.rate(99)
    assert constant.shape == ("constant", 0)
    assert cycle.shape == ("one-cycle", 100)

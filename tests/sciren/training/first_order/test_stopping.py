"""When a training stops."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.training.config import TrainConfig
from sciren.training.first_order.schedule import Schedule
from sciren.training.first_order.stopping import Best

CONSTANT = Schedule(
    TrainConfig(epochs=9, patience=3, min_delta=1.0, schedule="constant"), 1
)


def test_gains_below_min_delta_add_up():
    best, loss = Best(), 10.0
    for epoch in range(9):
        loss -= 0.4
        assert best.judge(loss, epoch, CONSTANT, epoch)
        assert best.is_over(epoch, CONSTANT) == (epoch == 8)


def test_it_stops_after_patience_epochs_without_gain():
    best = Best()
    for epoch, loss in enumerate([5.0, 4.9, 4.8, 4.7]):
        best.judge(loss, epoch, CONSTANT, epoch)
        assert best.is_over(epoch, CONSTANT) == (epoch == 3)
    assert (best.loss, best.epoch) == (4.7, 3)


def test_nothing_is_over_before_a_loss_was_finite():
    best = Best()
    for epoch in range(6):
        assert not best.judge(math.inf, epoch, CONSTANT, epoch)
        assert not best.is_over(epoch, CONSTANT)
    assert best.is_over(8, CONSTANT)


@given(st.lists(st.one_of(st.floats(0, 9), st.just(math.inf)), max_size=8))
def test_a_record_is_plain_json_and_reads_back(losses):
    best = Best()
    for epoch, loss in enumerate(losses):
        best.judge(loss, epoch, CONSTANT, epoch)
    text = json.dumps(best.record(), allow_nan=False)
    assert Best.read(json.loads(text)) == best


def test_waiting_starts_at_the_peak():
    cycle = Schedule(TrainConfig(epochs=10, patience=2, min_delta=1.0), 10)
    best = Best()
    steps = [best.judge(1.0, epoch, cycle, 10 * (epoch + 1)) for epoch in range(5)]
    assert steps == [True] + [False] * 4
    assert best.waited == pytest.approx(2)

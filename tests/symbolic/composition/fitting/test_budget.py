"""Work is counted, so that the clock has no say in what is found."""

import time

import numpy as np
import pytest

from symbolic.composition import compose
from symbolic.composition.fitting.levenberg import Levenberg
from symbolic.composition.fitting.model import Model, Term
from symbolic.composition.fitting.regression import Budget, Regression, Work


def test_work_grows_with_rows_constants_and_projected_columns():
    def cost(*sizes):
        work = Work()
        work.add(*sizes)
        return work.seconds

    base = cost(1000, 10, 5)
    assert cost(2000, 10, 5) > base
    assert cost(1000, 20, 5) > base
    assert cost(1000, 10, 50) > base
    assert cost(0, 0, 0) > 0


def test_a_budget_counts_from_its_start():
    work = Work(3.0)
    budget = Budget(1.0, work)
    assert budget.spent == 0.0
    assert not budget.over(0.0)
    work.seconds += 0.6
    assert budget.over(0.5)
    assert not budget.over()
    work.seconds += 0.6
    assert budget.over()
    assert budget.elapsed >= 0.0


def test_a_part_keeps_the_start_and_leaves_what_comes_after():
    work = Work(3.0)
    whole = Budget(10.0, work)
    work.seconds += 2.0
    part = whole.part(0.8, reserve=1.0)
    assert part.seconds == pytest.approx(7.0)
    assert part.spent == pytest.approx(2.0)
    # a budget that is smaller than what comes after it still searches
    assert Budget(1.0, work).part(0.8, reserve=5.0).seconds == pytest.approx(0.56)


def test_linear_algebra_grows_with_rows_and_columns():
    def cost(rows, columns):
        work = Work()
        work.add_linear(rows, columns, 1e-7)
        return work.seconds

    assert cost(2000, 50) > cost(1000, 50)
    assert cost(2000, 50) == pytest.approx(cost(1000, 100))
    assert cost(0, 0) > 0


def test_regressions_made_from_one_another_share_their_counter():
    z = np.random.default_rng(0).normal(size=(100, 2))
    regression = Regression.of(z, z[:, 0])
    few = regression.beside(regression.splines([1])).take(np.arange(50))
    before = regression.work.seconds
    Levenberg(few, Model((Term(0, "linear", (0.5,)),)))
    assert few.work is regression.work
    assert regression.work.seconds > before


@pytest.mark.parametrize("budget", [0.2, 0.6])
def test_a_slow_clock_changes_nothing(cases, monkeypatch, budget):
    x = cases.rows(seed=5, n=300)
    y = np.sin(x[:, 0]) * x[:, 1] + x[:, 3] ** 2
    one = compose(x, y, budget_s=budget)
    ticks = iter(range(10**9))
    monkeypatch.setattr(time, "process_time", lambda: float(next(ticks)))
    other = compose(x, y, budget_s=budget)
    assert one.structure == other.structure
    np.testing.assert_array_equal(one.predict(x), other.predict(x))

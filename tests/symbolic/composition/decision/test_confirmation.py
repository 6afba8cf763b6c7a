"""A formula that one half of the rows chose is held against a constant on the other."""

import numpy as np
import pytest

from symbolic.composition.decision.confirmation import confirmation, is_doubtful
from symbolic.composition.decision.decide import nothing
from symbolic.composition.decision.size import refitted
from symbolic.composition.finding import Finding
from symbolic.composition.fitting.model import Model, Term
from symbolic.composition.fitting.regression import Budget, Regression
from symbolic.composition.gate import Gate
from symbolic.composition.settings import Settings


def finding(z, y):
    regression = Regression.of(z, (y - y.mean()) / y.std())
    gate = Gate(0.0, np.nan, np.nan, 1.0, 0.0, None, True)
    return Finding(regression, (), gate, 1, decision=nothing("not asked"))


def p_value(z, y, groups=None):
    settings = Settings(("linear", "quadratic"), max_rung=1, blocks=groups)
    return confirmation(finding(z, y), settings, Budget(1.0))


def in_doubt(z, y, model=None):
    regression = finding(z, y).regression
    line = Model((Term(0, "linear", (1.0,)),)) if model is None else model
    return is_doubtful(regression, refitted(regression, line))


def test_only_weak_formulas_are_in_doubt():
    rng = np.random.default_rng(0)
    z, noise = rng.normal(size=(200, 2)), rng.normal(size=200)
    assert in_doubt(z, 0.3 * z[:, 0] + noise)
    # a fifth of the variance in 200 rows is more than any search over noise shows
    assert not in_doubt(z, 0.5 * z[:, 0] + noise)
    assert not in_doubt(z, z[:, 0] + 0.1 * noise)


def test_a_far_row_is_no_evidence():
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(100, 2)), rng.normal(size=100)
    z[0, 0], y[0] = 7.0, 7.0
    assert in_doubt(z, 0.3 * y)


def test_a_constant_is_in_doubt():
    z = np.random.default_rng(0).normal(size=(50, 2))
    assert in_doubt(z, z[:, 0] + np.random.default_rng(1).normal(size=50), Model())


def test_weak_relations_are_confirmed_and_noise_is_not():
    rng = np.random.default_rng(1)
    z, noise = rng.normal(size=(100, 2)), rng.normal(size=100)
    assert p_value(z, 0.6 * z[:, 0] + noise) < 0.01
    assert p_value(z, noise) > 0.05


def test_levels_of_groups_are_no_relation():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(12), 10)
    level = rng.normal(size=(12, 2))[groups]
    z = level + 0.1 * rng.normal(size=(120, 2))
    y = 2 * rng.normal(size=12)[groups] + 0.3 * rng.normal(size=120)
    assert p_value(z, y, groups) > 0.05


@pytest.mark.slow
def test_outcome_of_a_lucky_search_is_nothing_to_find(monkeypatch):
    from symbolic import compose
    from symbolic.composition import entry

    monkeypatch.setattr(entry, "without_relation", lambda *_: None)
    rng = np.random.default_rng([3, 60, 77])
    x, y = rng.normal(size=(60, 5)), rng.standard_t(2, size=60)
    result = compose(x, y, budget_s=6)
    assert result.outcome == "nothing to find"
    assert not result.expression.free_symbols
    assert "half of the rows" in result.reason

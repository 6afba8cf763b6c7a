"""Nodes of a single feature in the rest."""

import numpy as np
import pytest

from symbolic.composition import NAMED, compose
from symbolic.composition.fitting.levenberg import fit
from symbolic.composition.fitting.model import Model, Node, Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.search import Search
from symbolic.composition.univariate import merged, with_univariate_composites


def rows(formula, seed=0, n=500, d=2):
    z = np.random.default_rng(seed).uniform(-1.5, 1.5, size=(n, d))
    y = formula(z)
    return Regression.of(z, (y - y.mean()) / y.std())


def test_a_logarithm_of_a_logarithm_beside_a_sum_is_found():
    regression = rows(lambda z: np.log(0.9 + np.log(z[:, 0] + 2.0)) + z[:, 1] ** 2)
    search = Search(regression, NAMED)
    start = (Term(0, "log", (0.5, 0.2)), Term(1, "quadratic", (0.5, 0.0)))
    best = search.score(Model(start))
    found = with_univariate_composites(search, best)
    assert [node.kind for node in found.model.nodes] == ["log"]
    assert found.rss < 1e-10 * len(regression)


def test_a_sum_of_families_needs_none():
    regression = rows(lambda z: np.log(z[:, 0] + 2.0) + z[:, 1] ** 2)
    search = Search(regression, NAMED)
    start = (Term(0, "log", (0.5, 0.2)), Term(1, "quadratic", (0.5, 0.0)))
    best = search.score(Model(start))
    assert with_univariate_composites(search, best) is best
    assert merged(search, best) is best


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_foreign_curve_is_not_imitated_by_many_nodes(seed):
    x = np.random.default_rng(seed).uniform(-4.0, 4.0, size=(500, 2))
    found = compose(x, np.sin(2.0 * x[:, 0]) + x[:, 1])
    assert not found.accepted
    univariate = [
        node.edges[0].source for node in found.form.nodes if len(node.edges) == 1
    ]
    assert len(univariate) == len(set(univariate))


def test_a_node_and_a_term_of_one_feature_become_one_node():
    regression = rows(lambda z: np.log(0.9 + np.log(z[:, 0] + 2.0)))
    search = Search(regression, NAMED)
    node = Node("exp", 1.0, (0.1,), (Term(0, "linear", (-1.0,)),))
    both = fit(regression, Model((Term(0, "log", (0.5, 0.2)),), (node,)), 40).model
    found = merged(search, search.score(both))
    assert found.model.additive == ()
    assert len(found.model.nodes) == 1
    assert found.rss < 1e-10 * len(regression)

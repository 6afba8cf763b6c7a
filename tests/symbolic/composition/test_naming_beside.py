"""Nodes of another kind that need less of a rest."""

import numpy as np
import pytest

from symbolic.composition import NAMED
from symbolic.composition.fitting.model import Model, Node, Term
from symbolic.composition.fitting.node_splines import AdditivePart
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.naming_beside import with_fewer_additive_terms
from symbolic.composition.search import Search

LINES = (Term(0, "linear", (-0.3,)), Term(1, "linear", (-0.3,)))


def rows(formula, seed=0, n=900, noise=0.01):
    generator = np.random.default_rng(seed)
    z = generator.uniform(-1.7, 1.7, size=(n, 3))
    y = formula(z)
    return Regression.of(z, (y - y.mean()) / y.std() + noise * generator.normal(size=n))


def refined(regression, best):
    search, generator = Search(regression, NAMED), np.random.default_rng(0)
    start = search.score(best)
    return start, with_fewer_additive_terms(
        search, AdditivePart(regression), start, generator
    )


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_an_exponential_and_a_rest_give_way_to_a_logarithm(slope):
    regression = rows(
        lambda z: (
            np.log(3.0 + 0.8 * z[:, 0] + 0.9 * z[:, 1]) + slope * z[:, 0] + z[:, 2]
        )
    )
    additive = (*LINES, Term(2, "linear", (0.5,)))
    best = Model(additive, (Node("exp", 1.0, (-0.3,), LINES),))
    start, found = refined(regression, best)
    assert found.criterion < start.criterion
    assert [node.kind for node in found.model.nodes] == ["log"]
    own = {term.feature for term in found.model.additive}
    assert own == ({2} if slope == 0.0 else {0, 2})


def test_a_true_rest_stays():
    regression = rows(
        lambda z: np.exp(0.5 * z[:, 0] + 0.4 * z[:, 1]) + np.abs(z[:, 0] - 0.2)
    )
    terms = (Term(0, "linear", (0.5,)), Term(1, "linear", (0.4,)))
    node = Node("exp", 1.0, (0.8,), terms)
    start, found = refined(regression, Model((Term(0, "abs", (0.8, 0.2)),), (node,)))
    assert start.rss < 1.1 * 0.01**2 * len(regression)
    assert found is start


def test_without_a_rest_on_its_features_a_node_is_left_alone():
    regression = rows(lambda z: np.exp(0.5 * z[:, 0] + 0.4 * z[:, 1]) + z[:, 2])
    node = Node("exp", 1.0, (0.5,), LINES)
    additive = (Term(2, "linear", (0.5,)),)
    start, found = refined(regression, Model(additive, (node,)))
    assert found is start

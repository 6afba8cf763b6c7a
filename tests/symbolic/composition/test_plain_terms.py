"""Products and lines that splines pass by are seen; products have exact slopes, no offset."""

import numpy as np
import pytest
import sympy

from symbolic import compose
from symbolic.composition.fitting.edge_families import NAMED
from symbolic.composition.fitting.model import Evaluator, Model, Node, Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.plain_terms import plain_terms
from symbolic.composition.rewriting import rewritings
from symbolic.composition.search import Search

ALL = (True, True, True)


def regression(rows=60):
    rng = np.random.default_rng(0)
    return Regression.of(rng.normal(size=(rows, 3)), rng.normal(size=rows))


def linear(*features):
    return tuple(Term(i, "linear", (1.0 + i,)) for i in features)


@pytest.mark.parametrize("anchored", [ALL, (True, False, False), (False,) * 3])
def test_slopes_of_a_product_of_three_agree_with_differences(anchored):
    head = (0.3, -0.4, 0.5)[: 3 - sum(anchored)]
    model = Model(nodes=(Node("product", 1.0, head, linear(0, 1, 2), anchored),))
    evaluator, theta = Evaluator(regression().columns, model), model.pack()
    slopes = evaluator.value_jacobian(theta)[1].copy()
    for k in range(len(theta)):
        step = 1e-6 * np.eye(len(theta))[k]
        above, below = (
            evaluator.value_jacobian(theta + sign * step)[0].copy() for sign in (1, -1)
        )
        np.testing.assert_allclose(slopes[:, k], (above - below) / 2e-6, atol=1e-7)
    assert model.size == len(theta) - 2


def test_a_product_of_three_without_a_factor_is_one_of_two():
    node = Node("product", 1.0, (0.7,), linear(0, 1, 2), (True, False, True))
    (left,) = Model(nodes=(node,)).with_term((0, 2), None).nodes
    assert (left.head, left.anchored) == ((0.7,), (True, False))
    (left,) = Model(nodes=(node,)).with_term((0, 1), None).nodes
    assert (left.head, left.anchored) == ((), (True, True))
    assert not Model(nodes=(left,)).with_term((0, 1), None).nodes


def test_a_square_in_a_product_is_offered_without_its_vertex():
    terms = (Term(0, "quadratic", (2.0, 0.1)), Term(1, "linear", (1.0,)))
    model = Model(nodes=(Node("product", 1.0, (), terms, (True, True)),))
    families = [
        [(term.feature, term.family) for term in other.nodes[0].terms]
        for other in rewritings(regression(), model)
        if other.nodes
    ]
    assert [(0, "linear"), (0, "linear"), (1, "linear")] in families


def test_a_product_of_three_comes_back_alone():
    rng = np.random.default_rng(1000)
    x = rng.normal(size=(300, 4))
    y = x[:, :3].prod(axis=1)
    found = compose(x, y + 0.05 * rng.normal(size=300), names=list("abcd"), budget_s=4)
    assert found.accepted
    size = found.expression / sympy.prod(sympy.symbols("a b c", real=True))
    assert float(size) == pytest.approx(1.0, abs=0.02)


def fitted(x, y, model):
    rows = Regression.of(x, (y - y.mean()) / y.std())
    search = Search(rows, NAMED)
    return search, search.score(model)


@pytest.mark.parametrize("features", [(0, 1), (0, 0, 1), (0, 1, 2)])
def test_a_product_of_few_rows_takes_the_place_of_what_imitates_it(features):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(150, 4))
    x[:, 1] = 0.8 * x[:, 0] + 0.6 * x[:, 1]
    y = x[:, features].prod(axis=1)
    y = y + 0.3 * y.std() * rng.normal(size=150)
    parabolas = tuple(Term(i, "quadratic", (0.5, 0.1)) for i in (0, 1))
    search, imitation = fitted(x, y, Model(parabolas))
    best = min(plain_terms(search, [imitation]), key=lambda scored: scored.criterion)
    (node,) = best.model.nodes
    assert sorted({term.feature for term in node.terms}) == sorted(set(features))
    assert best.criterion < imitation.criterion - 10


def test_a_faint_line_is_added_and_noise_is_not():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(150, 4))
    y = x[:, 0] + 0.3 * x[:, 1] + 0.5 * rng.normal(size=150)
    search, line = fitted(x, y, Model((Term(0, "linear", (1.0,)),)))
    better = min(plain_terms(search, [line]), key=lambda scored: scored.criterion)
    assert better.model.features == (0, 1)
    assert plain_terms(search, [better]) == []


def test_plain_terms_are_asked_for_only_where_rows_are_few_or_noisy():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2000, 3))
    y = x[:, 0] + 0.01 * x[:, 1]
    search, line = fitted(x, y, Model((Term(0, "linear", (1.0,)),)))
    assert plain_terms(search, [line]) == []
    few = Search(Regression.of(x[:100], y[:100] / y[:100].std()), ("quadratic",))
    curve = few.score(Model((Term(0, "quadratic", (0.1, 1.0)),)))
    assert plain_terms(few, [curve]) == []

"""Products of three are seen, have exact slopes, and are written without an offset."""

import numpy as np
import pytest
import sympy

from symbolic import compose
from symbolic.composition.fitting.model import Evaluator, Model, Node, Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.rewriting import rewritings

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

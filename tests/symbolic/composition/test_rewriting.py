"""Equivalent ways of writing a model: values before and after, and the simpler wins."""

import numpy as np
import pytest

from symbolic.composition.fitting.edge_families import NAMED
from symbolic.composition.fitting.levenberg import fit, model_value
from symbolic.composition.fitting.model import Model, Node, Term, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.rewriting import (
    as_edge,
    exchanged,
    rewritings,
    simplified,
)
from symbolic.composition.search import Search
from symbolic.composition.univariate import one_feature, turning_points


def rows(formula, seed=0, n=500, d=3):
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(n, d))
    z = (z - z.mean(0)) / z.std(0)
    y = formula(z)
    return Regression.of(z, (y - y.mean()) / y.std())


@pytest.mark.parametrize(
    "node",
    [
        Node("exp", 1.0, (0.7,), (Term(0, "linear", (0.6,)),)),
        Node("log", 1.0, (0.7,), (Term(0, "linear", (0.15,)),)),
        Node("quadratic", -1.0, (0.4,), (Term(0, "linear", (0.6,)),)),
        Node("abs", -1.0, (0.4,), (Term(0, "linear", (-0.6,)),)),
    ],
    ids=lambda node: node.kind,
)
def test_an_outer_function_of_a_line_is_a_family(node):
    regression = rows(lambda z: z[:, 0])
    value = model_value(regression, Model(nodes=(node,)))
    same = term_value(regression.columns, as_edge(node))
    np.testing.assert_allclose(value - value.mean(), same - same.mean(), atol=1e-9)


@pytest.mark.parametrize("family", [*NAMED, "spline"])
def test_scaled_terms_are_multiples(family):
    regression = rows(lambda z: z[:, 0])
    constants = {"linear": (0.5,), "spline": tuple(np.linspace(-1, 1, 9))}
    term = Term(1, family, constants.get(family, (0.5, 0.2)))
    one, other = (term_value(regression.columns, t) for t in (term, term.scaled(-2.5)))
    np.testing.assert_allclose(other, -2.5 * one, atol=1e-12)


def test_a_fold_that_no_row_crosses_is_a_sum():
    regression = rows(lambda z: z[:, 0] + 0.5 * z[:, 1])
    terms = (Term(0, "linear", (1.0,)), Term(1, "linear", (0.5,)))
    search = Search(regression, NAMED)
    best = search.score(Model(nodes=(Node("abs", 1.0, (50.0,), terms),)))
    assert simplified(search, best).model.nodes == ()


def test_products_are_not_rewritten_as_sums():
    node = Node(
        "product", 1.0, (0, 0), (Term(0, "linear", (1,)), Term(1, "linear", (1,)))
    )
    found = list(rewritings(rows(lambda z: z[:, 0]), Model(nodes=(node,))))
    assert [one.nodes[0].anchored for one in found] == [(True, False), (False, True)]
    assert all(one.additive == () and len(one.nodes[0].head) == 1 for one in found)


@pytest.mark.parametrize(
    "imitation",
    [
        Model(
            nodes=(
                Node(
                    "quadratic", 1.0, (0.2,),
                    (Term(0, "linear", (0.6,)), Term(1, "linear", (0.5,))),
                ),
            )
        ),
        Model((Term(0, "square", (0.5,)), Term(1, "quadratic", (0.5, 0.1)))),
    ],
    ids=["square of a sum", "sum of parabolas"],
)  # fmt: skip
def test_squares_of_two_features_are_offered_as_their_product(imitation):
    regression = rows(lambda z: z[:, 0] * z[:, 1], n=100)
    offered = [
        model
        for model in rewritings(regression, imitation)
        if [node.kind for node in model.nodes] == ["product"]
    ]
    plainest = min(offered, key=lambda model: model.size)
    # scaled features have their raw zero at zero: the product has no offsets
    assert plainest.nodes[0].anchored == (True, True)
    assert plainest.size < imitation.size + 1
    assert fit(regression, plainest).rss < 1e-12 * len(regression)


def test_a_square_is_recognised_behind_a_product_and_parabolas():
    regression = rows(lambda z: (z[:, 0] + np.abs(z[:, 1] - 0.3) + 0.4) ** 2)
    product = Node(
        "product",
        1.0,
        (0.3, 0.3),
        (Term(0, "linear", (1.0,)), Term(1, "abs", (1.0, 0.3))),
    )
    additive = (Term(0, "quadratic", (0.3, 0.1)), Term(1, "quadratic", (0.3, 0.1)))
    search = Search(regression, NAMED)
    found = exchanged(search, search.score(Model(additive, (product,))))
    assert [node.kind for node in found.model.nodes] == ["quadratic"]
    assert found.model.additive == ()


def test_an_exponential_is_recognised_behind_a_product():
    regression = rows(lambda z: np.exp(0.5 * z[:, 0] + 0.4 * z[:, 1]) + z[:, 2])
    product = Node(
        "product",
        1.0,
        (1.2, 1.2),
        (Term(0, "exp", (0.5, 0.5)), Term(1, "exp", (0.5, 0.5))),
    )
    search = Search(regression, NAMED)
    start = search.score(Model((Term(2, "linear", (1.0,)),), (product,)))
    found = exchanged(search, start)
    assert [node.kind for node in found.model.nodes] == ["exp"]
    assert found.rss < 1e-9 * len(regression)
    assert found.criterion < start.criterion


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("exp", lambda z: np.exp(-np.abs(z[:, 0] - 0.2))),
        ("log", lambda z: np.log(1.5 + z[:, 0] ** 2)),
        ("abs", lambda z: np.abs(np.exp(0.6 * z[:, 0]) - 1.2)),
        ("quadratic", lambda z: (np.exp(0.5 * z[:, 0]) - 1.5) ** 2),
    ],
)
def test_one_live_feature_under_an_outer_function(kind, formula):
    regression = rows(formula, n=700)
    best = one_feature(Search(regression, NAMED), 0)[0]
    assert [node.kind for node in best.model.nodes] == [kind]
    assert best.rss < 1e-9 * len(regression)


def test_turning_points_of_a_fold():
    z = np.linspace(-2, 2, 400)
    sets = turning_points(z, np.abs(z - 0.5))
    assert () in sets
    assert any(len(one) == 1 and abs(one[0] - 0.5) < 0.05 for one in sets)


def test_a_constant_curve_has_no_composition():
    regression = rows(lambda z: z[:, 0])
    flat = regression.beside(regression.splines([0]))
    found = one_feature(Search(flat, NAMED), 0)
    assert found[0].rss == pytest.approx(fit(flat, Model()).rss, abs=1e-6)


def test_a_square_takes_up_its_own_edges_from_the_rest():
    regression = rows(lambda z: (z[:, 0] + np.exp(0.4 * z[:, 1]) + 0.5) ** 2)
    inner = (Term(0, "linear", (1.0,)), Term(1, "exp", (0.4, 0.4)))
    own = (Term(0, "linear", (20.0,)), Term(1, "exp", (8.0, 0.4)))
    search = Search(regression, NAMED)
    best = search.score(Model(own, (Node("quadratic", 1.0, (-9.0,), inner),)))
    found = simplified(search, best).model
    assert found.additive == ()
    assert [node.kind for node in found.nodes] == ["quadratic"]


def test_a_node_is_named_anew_without_a_rest_on_its_features():
    regression = rows(
        lambda z: np.exp(0.3 * (z[:, 0] - 0.4) ** 2 + 0.25 * (z[:, 1] + 0.8) ** 2)
    )
    inner = (Term(0, "quadratic", (0.3, -0.2)), Term(1, "abs", (0.5, -0.8)))
    own = (Term(0, "exp", (0.1, 0.2)), Term(1, "linear", (0.1,)))
    search = Search(regression, NAMED)
    best = search.score(Model(own, (Node("exp", 1.0, (0.5,), inner),)))
    found = exchanged(search, best)
    assert found.model.additive == ()
    assert found.rss < 1e-10 * len(regression)

"""Models: exact derivatives, packing, places, keys."""

import numpy as np
import pytest

from symbolic.composition.fitting.levenberg import fit
from symbolic.composition.fitting.model import (
    Evaluator,
    Model,
    Node,
    Term,
    describe,
    factor_value,
    natural_offset,
    outer,
)
from symbolic.composition.fitting.regression import Regression


def regression(seed=0, n=300, d=4):
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(n, d))
    z = (z - z.mean(0)) / z.std(0)
    return Regression.of(z, generator.normal(size=n), origin=np.arange(-1.0, d - 1))


TERMS = (
    Term(0, "linear", (0.7,)),
    Term(1, "exp", (0.4, 0.5)),
    Term(2, "quadratic", (0.2, -0.3)),
)
NODES = (
    Node("exp", 1.0, (0.8,), TERMS),
    Node("log", 1.0, (1.2,), (Term(0, "linear", (0.1,)), Term(1, "log", (0.2, 0.1)))),
    Node("quadratic", -1.0, (0.4,), TERMS),
    Node("abs", 1.0, (0.15,), TERMS),
    Node("product", 1.0, (0.3,), (TERMS[0], TERMS[1]), (True, False)),
    Node("product", 1.0, (-0.2,), (TERMS[2], TERMS[1]), (False, True)),
    Node("product", 1.0, (), (TERMS[2], Term(3, "abs", (0.5, 0.1))), (True, True)),
    Node("product", 1.0, (0.3, -0.2), (TERMS[0], TERMS[1])),
)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.kind)
def test_derivatives_of_nodes_agree_with_differences(node):
    rows = regression()
    model = Model((Term(3, "abs", (0.5, 0.1)),), (node,))
    evaluator, theta = Evaluator(rows.columns, model), model.pack()
    _, exact = evaluator.value_jacobian(theta)
    for k in range(len(theta)):
        step = np.zeros(len(theta))
        step[k] = 1e-6
        up, down = (evaluator.value_jacobian(theta + s)[0] for s in (step, -step))
        close = np.isclose((up - down) / 2e-6, exact[:, k], atol=1e-5)
        assert close.mean() > 0.99  # rows on a kink have no derivative


def test_packing_and_unpacking_is_a_round_trip():
    model = Model(TERMS, NODES)
    assert model.unpack(model.pack()) == model


def test_a_product_has_one_redundant_constant():
    model = Model(nodes=(NODES[-1],))
    assert model.size == len(model.pack()) - 1


def test_anchored_factors_are_raw_functions_without_an_offset():
    columns = regression().columns
    raw = [column.z - column.origin for column in columns]
    line, square = (Term(1, "linear", (0.7,)), Term(2, "quadratic", (0.2, -0.3)))
    power, fold = Term(3, "exp", (0.4, 0.5)), Term(0, "abs", (0.5, 0.1))
    for terms, expected in (
        ((line, square), 0.7 * raw[1] * 0.2 * (columns[2].z - 0.75) ** 2),
        ((power, fold), 0.8 * np.exp(0.5 * columns[3].z) * 0.5 * np.abs(raw[0] - 1.1)),
    ):
        node = Node("product", 1.0, (), terms, (True, True))
        value = factor_value(columns, node, 0) * factor_value(columns, node, 1)
        np.testing.assert_allclose(value, expected, atol=1e-12)


def test_a_logarithm_has_no_form_without_an_offset():
    with pytest.raises(ValueError, match="log has no form"):
        natural_offset(regression().columns, Term(0, "log", (0.2, 0.1)))


def test_the_key_ignores_order_and_constants():
    one = Model(TERMS, NODES[:2])
    other = Model(TERMS[::-1], NODES[1::-1])
    assert one.key == other.key == one.unpack(2 * one.pack()).key
    assert one.key != Model(TERMS[:2], NODES[:2]).key


def test_dropping_the_last_term_drops_the_node():
    model = Model(nodes=(Node("exp", 1.0, (1.0,), TERMS[:1]), NODES[-1]))
    assert model.with_term((0, 0), None).nodes == (NODES[-1],)
    assert model.with_term((1, 0), None).nodes == model.nodes[:1]


def test_places_name_every_term_once():
    model = Model(TERMS, NODES)
    assert len(set(model.places())) == len(model.terms()) == 3 + 3 + 2 + 3 + 3 + 4 * 2
    assert model.features == (0, 1, 2, 3)
    assert not model.has_splines


@pytest.mark.parametrize("soft", [0.1, 1e-3])
def test_a_smoothed_fold_tends_to_the_exact_one(soft):
    s = np.linspace(-2, 2, 101)
    exact, smooth = outer("abs", 1.0, 0.1, s)[0], outer("abs", 1.0, 0.1, s, soft)[0]
    assert np.abs(exact - smooth).max() <= soft


def test_an_unknown_outer_function_is_an_error():
    with pytest.raises(ValueError, match="unknown kind 'cube'"):
        outer("cube", 1.0, 0.0, np.zeros(3))


def test_a_fit_leaves_the_projected_columns_out():
    rows = regression()
    beside = rows.beside(rows.splines([0]))
    found = fit(beside, Model((Term(1, "linear", (0.0,)),)), 5)
    splines = np.column_stack([np.ones(len(rows)), rows.columns[0].basis])
    columns = np.column_stack([splines, rows.columns[1].z])
    left = rows.y - columns @ np.linalg.lstsq(columns, rows.y)[0]
    assert found.rss == pytest.approx(float(left @ left), rel=1e-9)


def test_a_model_without_constants_leaves_the_target():
    rows = regression()
    assert fit(rows, Model()).rss == pytest.approx(float(np.sum(rows.target**2)))
    assert describe(Model(), ("a",)) == "constant"

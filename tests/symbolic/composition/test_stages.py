"""Several nodes and an additive part."""

import numpy as np
import pytest

from symbolic.composition import compose
from symbolic.composition.fitting.model import Model, Node, Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.gate import Judge, cancellation


@pytest.mark.parametrize(
    ("structure", "formula"),
    [
        (
            "log[exp(x0) + linear(x1)] + abs(x3)",
            lambda x: (
                2 * np.log(1 + np.exp(0.8 * x[:, 0]) + x[:, 1]) + np.abs(x[:, 3] - 0.2)
            ),
        ),
        (
            "[linear(x0) * linear(x3)] + quadratic(x2)",
            lambda x: x[:, 0] * x[:, 3] - 0.3 * (x[:, 2] - 4.0) ** 2,
        ),
        (
            "abs[linear(x0) + linear(x1)] + abs[linear(x2) + linear(x3)]",
            lambda x: np.abs(x[:, 0] + x[:, 1] - 1) + np.abs(x[:, 2] - 5 - 2 * x[:, 3]),
        ),
        (
            "quadratic[linear(x1) + square(x0)] + linear(x2)",
            lambda x: (x[:, 0] ** 2 - x[:, 1]) ** 2 + x[:, 2],
        ),
        pytest.param(
            "log[exp(x0) + square(x1)] + linear(x3)",
            lambda x: np.log(np.exp(x[:, 0]) + x[:, 1] ** 2 + 0.5) - x[:, 3],
            marks=pytest.mark.slow,
        ),
        (
            "[linear(x0) * linear(x1)] + [linear(x0) * linear(x3)]",
            lambda x: x[:, 0] * x[:, 1] - 2.0 * x[:, 0] * x[:, 3],
        ),
    ],
)
def test_nodes_and_rest_without_noise_are_found_exactly(cases, structure, formula):
    x = cases.rows(seed=3, n=800)
    y = formula(x)
    found = compose(x, y)
    assert found.accepted, str(found)
    assert found.structure == structure
    # one product of lines is seen behind the parabolas of the first stage
    assert found.rung == (
        1 if structure == "[linear(x0) * linear(x3)] + quadratic(x2)" else 2
    )
    assert np.abs(found.predict(x) - y).max() < 1e-6 * y.std()


@pytest.mark.slow
def test_three_nodes_that_share_features_are_found_exactly(cases):
    x = cases.rows(seed=4, n=1500)
    y = (
        x[:, 0] * np.abs(x[:, 3] - 0.3)
        + np.exp(0.4 * x[:, 1] - 0.3 * (x[:, 2] - 5.0))
        - (x[:, 0] + 0.5 * x[:, 2] - 2.0) ** 2
    )
    found = compose(x, y)
    assert found.accepted, str(found)
    assert np.abs(found.predict(x) - y).max() < 1e-6 * y.std()


@pytest.mark.slow
def test_three_nodes_that_are_too_much_are_refused(cases):
    x = cases.rows(seed=4, n=1500)
    y = (
        np.log(3.0 + np.exp(0.5 * x[:, 0]) + x[:, 1])
        + np.abs(x[:, 2] - 5.0 - x[:, 3])
        - 0.5 * x[:, 1] * x[:, 3]
    )
    found = compose(x, y)
    assert not found.accepted or np.abs(found.predict(x) - y).max() < 1e-6 * y.std()


def test_a_product_of_raw_features_has_no_offsets(cases):
    x = cases.rows(seed=3, n=800)
    y = 1.5 * x[:, 0] * x[:, 3] + np.abs(x[:, 1] - 1.0)
    y = y + 0.01 * y.std() * np.random.default_rng(0).normal(size=len(y))
    found = compose(x, y, names=("a", "b", "c", "d"))
    assert found.accepted, str(found)
    a, d = (next(s for s in found.expression.free_symbols if s.name == n) for n in "ad")
    assert float(found.expression.coeff(a * d)) == pytest.approx(1.5, rel=0.01)
    assert found.expression.coeff(a, 1).subs(d, 0) == 0
    assert not [
        constant for constant in found.constants if "factor offset" in constant.role
    ]


def test_parts_that_only_undo_each_other_are_refused():
    generator = np.random.default_rng(0)
    z = generator.normal(size=(400, 2))
    z = (z - z.mean(0)) / z.std(0)
    regression = Regression.of(z, z[:, 0] * z[:, 1])
    k = 30.0  # (k u + v / k)^2 - (k u)^2 = 2 u v + (v / k)^2
    square = Node(
        "quadratic", 1.0, (0.0,), (Term(0, "linear", (k,)), Term(1, "linear", (1 / k,)))
    )
    parabola = Term(0, "quadratic", (-(k**2), 0.0))
    model = Model((parabola,), (square,))
    assert cancellation(regression, model) > 30.0
    assert not Judge(regression)(model).accepted

"""Shapes that the user requires hold in fits and refits."""

import numpy as np
import pandas as pd
import pytest

from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.errors import ConfigError
from symbolic import symbolify, verify
from symbolic.families.variants import form_named
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.shape_rules import RULES, ShapeRules
from symbolic.terms.structure import LatentStructure


def rules(rule, shift=0.0, scale=1.0):
    return ShapeRules(
        {(0, 0): rule}, np.array([-1.0]), np.array([1.0]), np.array([shift]),
        np.array([scale]),
    )  # fmt: skip


def edge(family, *constants, variant=""):
    return EdgeTerm(0, form_named(family, variant), constants)


@pytest.mark.parametrize(
    ("term", "obeyed"),
    [
        (edge("linear", 0.5), {"increasing"}),
        (edge("linear", -0.5), {"decreasing"}),
        (edge("exp", 2.0, -0.3), {"decreasing", "positive"}),
        (edge("exp", -2.0, -0.3), {"increasing", "negative"}),
        (edge("quadratic", 1.0, 0.2), {"positive"}),
        (edge("quadratic", 1.0, -3.0), {"increasing", "positive"}),
        (edge("abs", -1.0, 0.0), {"negative"}),
    ],
)
def test_rules_speak_of_the_range_of_the_data(term, obeyed):
    assert {rule for rule in RULES if rules(rule).obeyed(0, term)} == obeyed


def test_signs_are_those_of_the_printed_term():
    rising = edge("linear", 0.5)  # a x with x from 4 to 6
    assert rules("positive", shift=5.0).obeyed(0, rising)
    assert not rules("negative", shift=5.0).obeyed(0, rising)


def test_a_start_that_breaks_a_rule_is_turned_round_or_left_out():
    structure = LatentStructure("y", 1.0, (edge("linear", 0.5),))
    (turned,) = rules("decreasing").repaired(0, structure).edges
    assert turned.constants[0] < 0
    hill = LatentStructure("y", 1.0, (edge("quadratic", 1.0, 0.2),))
    assert rules("increasing").repaired(0, hill).edges == ()
    assert rules("positive").repaired(0, hill) == hill


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-2, 2, 400), rng.uniform(1, 3, 400)
    z = (x - 0.5) ** 2 + 0.5 * y + 0.05 * rng.normal(size=400)
    rows = Table.from_frame(
        pd.DataFrame({"x": x, "y": y, "z": z}), ["x", "y"], (), ["z"]
    )
    model = ScIReN(KANEncoder(2, 1, seed=0))
    fit(model, rows, rows, TrainConfig())
    return model, rows


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [({"x -> z": "decreasing"}, -1.0), ({"x": "increasing"}, 1.0)],
)
def test_a_required_trend_holds_although_the_data_have_another(study, shapes, expected):
    symbolic = symbolify(*study, shapes=shapes, compose=0)
    for edge_term in symbolic.structures[0].edges:
        if edge_term.source == 0 and edge_term.form is not None:
            z = np.linspace(-1.7, 1.7, 200)
            slopes = expected * edge_term.form.by_x(
                z, np.array([*edge_term.constants, 0])
            )
            assert (slopes >= -1e-6).all()
    chosen = symbolic.edges.set_index("source").chosen
    assert (chosen["x"], chosen["y"]) == ("user", "auto")
    checks = {check.name: check for check in verify(symbolic, *study).checks}
    assert checks["stationary"].passed


def test_what_the_data_want_anyway_changes_nothing(study):
    free = symbolify(*study, compose=0)
    bound = symbolify(*study, shapes={"y": "increasing"}, compose=0)
    np.testing.assert_allclose(bound.table.value, free.table.value, rtol=1e-5)


@pytest.mark.parametrize(
    ("shapes", "said"),
    [({"q": "increasing"}, "no edge"), ({"x": "rising"}, "increasing")],
)
def test_shapes_of_no_edge_and_no_name_are_refused(study, shapes, said):
    with pytest.raises(ConfigError, match=said):
        symbolify(*study, shapes=shapes)

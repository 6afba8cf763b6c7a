"""The edge table: fixed columns, shares that add up, reasons for what is missing."""

import numpy as np
import pytest

from sciren.edge_columns import EDGE_COLUMNS
from symbolic.curves.extract import Curve, LatentCurves, NodeCurves
from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.variants import form_named
from symbolic.options import SymbolicOptions
from symbolic.search.starting import fit_latent
from symbolic.terms.edge_table import EdgeTable
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure

FEATURES = ("sw_pot", "ta", "vpd")
UNITS = Units(
    FEATURES,
    np.array([300.0, 10.0, 5.0]),
    np.array([150.0, 8.0, 2.0]),
    np.array([0.0, -6.0, 1.0]),
    np.array([600.0, 26.0, 9.0]),
)
Z = np.random.default_rng(0).uniform(-2, 2, (500, 3))
LINEAR, ABS = form_named("linear", ""), form_named("abs", "")


def curve(source, function):
    x = np.linspace(-2, 2, 400)
    y = function(x)
    ends = ((y[1] - y[0]) / (x[1] - x[0]), (y[-1] - y[-2]) / (x[-1] - x[-2]))
    return Curve(source, x, y, np.ones(400), SplineCurve(x[::5], y[::5], ends))


def wave(x):
    return np.sin(5 * x)


def frame(structure, curves, choices=None, delta_bic=None):
    fitted = [fit_latent(curves, FEATURES, choices or SymbolicOptions())]
    return EdgeTable([structure], fitted, UNITS, Z, delta_bic or {}, choices).frame()


def additive(choices=None, delta_bic=None):
    curves = LatentCurves(
        "rb",
        1.0,
        (curve(0, lambda x: 2 * x), curve(1, wave), curve(2, lambda x: 0.001 * x)),
        (),
    )
    edges = (
        EdgeTerm(0, LINEAR, (2.0,)),
        EdgeTerm(1, None, (), curve(1, wave).table, "f_rb_ta"),
    )
    return frame(LatentStructure("rb", 1.0, edges), curves, choices, delta_bic)


def test_the_columns_are_fixed():
    assert tuple(additive().columns) == EDGE_COLUMNS
    assert EDGE_COLUMNS == (
        "layer", "source", "target", "latent", "importance", "family", "status",
        "formula", "latex", "constants", "r2", "gap", "ambiguous", "equals", "low",
        "high", "chosen", "reason",
    )  # fmt: skip


def test_a_closed_edge_is_told_in_raw_units():
    row = additive().set_index("source").loc["sw_pot"]
    assert (row.target, row.latent, row.layer) == ("rb", "rb", 0)
    assert (row.family, row.status, row.reason) == ("linear", "closed", "")
    assert row.formula == "0.01333*sw_pot"
    assert row.latex == r"0.0133\, \mathrm{sw}_{\mathrm{pot}}"
    assert row.constants == "a=0.0133333"
    assert (row.low, row.high) == (0.0, 600.0)
    assert row.r2 == pytest.approx(1.0)


def test_a_pole_near_the_data_and_where_equals_part_are_told():
    log = form_named("log", "+")
    curves = LatentCurves(
        "rb", 1.0, (curve(1, lambda x: 0.3 * np.log(x + 2.5)),), ()
    )  # the pole at z = -2.5 is ta = 10 - 8 * 2.5
    structure = LatentStructure("rb", 1.0, (EdgeTerm(1, log, (0.3, 2.5)),))
    delta_bic = {(0, 0): {"exp": 1.5, "linear": 40.0}}
    row = frame(structure, curves, delta_bic=delta_bic).set_index("source").loc["ta"]
    assert row.reason.startswith("singular at ta = -10; exp first differs at ta = ")
    far = LatentStructure("rb", 1.0, (EdgeTerm(1, log, (0.3, 25.0)),))
    assert frame(far, curves).set_index("source").loc["ta"].reason == ""


def test_a_refused_edge_says_why_and_has_no_family():
    row = additive().set_index("source").loc["ta"]
    assert (row.family, row.status, row.formula) == ("none", "refused", "f_rb_ta(ta)")
    assert "misses" in row.reason
    assert row.constants == ""
    assert np.isnan(row.r2)


def test_a_feature_without_an_edge_is_listed_with_its_reason():
    found = additive()
    row = found.set_index("source").loc["vpd"]
    assert (row.status, row.family, row.importance) == ("dropped", "", 0.0)
    assert row.reason == "explains less than its constants cost"
    pinned = (
        additive(SymbolicOptions(pins={"vpd": "constant"}))
        .set_index("source")
        .loc["vpd"]
    )
    assert (pinned.chosen, pinned.reason) == ("user", "pinned to a constant")
    alone = LatentCurves("rb", 1.0, (curve(0, lambda x: 2 * x),), ())
    structure = LatentStructure("rb", 1.0, (EdgeTerm(0, LINEAR, (2.0,)),))
    pruned = frame(structure, alone).set_index("source")
    assert set(pruned.loc[["ta", "vpd"]].reason) == {"validation does not need it"}
    late = frame(structure, alone, SymbolicOptions(pins={"ta": "exp"})).set_index(
        "source"
    )
    assert "training dropped it" in late.loc["ta"].reason
    assert (late.loc["ta"].chosen, late.loc["vpd"].chosen) == ("user", "auto")


def test_shares_of_direct_edges_are_mean_deviations_and_add_up():
    found = additive().set_index("source").importance
    sizes = [np.mean(np.abs(v - v.mean())) for v in (2 * Z[:, 0], wave(Z[:, 1]))]
    assert found.sum() == pytest.approx(1.0)
    assert found["sw_pot"] == pytest.approx(sizes[0] / sum(sizes), rel=1e-3)


def test_gaps_tell_the_runner_up_and_the_equals():
    delta_bic = {(0, 0): {"exp": 4.0, "quadratic": 40.0, "log": 3.0, "dropped": 1.0}}
    row = additive(delta_bic=delta_bic).set_index("source").loc["sw_pot"]
    assert (row["gap"], row.ambiguous, row["equals"]) == (3.0, True, "linear, log, exp")
    clear = additive(delta_bic={(0, 0): {"exp": 9.0}}).set_index("source").loc["sw_pot"]
    assert (clear["gap"], clear.ambiguous, clear["equals"]) == (9.0, False, "linear")


def test_what_the_user_decided_is_recorded():
    choices = SymbolicOptions(pins={"sw_pot": "linear"}, forbid={"ta -> rb": ("exp",)})
    found = additive(choices).set_index("source").chosen
    assert found.to_dict() == {"sw_pot": "user", "ta": "user", "vpd": "auto"}


# -- hidden nodes -------------------------------------------------------------------------
def hidden(nodes, curves, direct=(), choices=None):
    structure = LatentStructure("rb", 1.0, direct, nodes)
    return frame(structure, LatentCurves("rb", 1.0, (), curves), choices)


INNER = (curve(0, lambda x: 2 * x), curve(1, lambda x: -x))
OUTER = NodeCurves(INNER, 0.5, curve(0, np.abs))
FOLD = Node(
    "abs", -1.0, 0.5, (EdgeTerm(0, LINEAR, (2.0,)), EdgeTerm(1, LINEAR, (-1.0,)))
)


def test_a_hidden_node_has_rows_for_its_edges_and_its_outer_function():
    found = hidden((FOLD,), (OUTER,))
    assert found[["layer", "source", "target"]].to_numpy().tolist() == [
        [0, "sw_pot", "h1_rb"],
        [0, "ta", "h1_rb"],
        [1, "h1_rb", "rb"],
        [0, "vpd", "h1_rb"],
    ]
    outer = found.iloc[2]
    assert (outer.family, outer.formula, outer.status) == ("abs", "-|s|", "closed")
    index = FOLD.index(Z)
    assert (outer.low, outer.high) == pytest.approx((index.min(), index.max()))


def test_shares_pass_through_the_nodes():
    other = Node("exp", 1.0, 0.0, (EdgeTerm(2, LINEAR, (0.3,)),))
    found = hidden((FOLD, other), (OUTER, OUTER), (EdgeTerm(2, ABS, (1.0, 0.2)),))
    inner, tops = found[found.layer == 0], found[found.layer == 1]
    assert inner.importance.sum() == pytest.approx(1.0)
    for top in tops.itertuples():
        edges = inner[inner.target == top.source]
        assert edges.importance.sum() == pytest.approx(top.importance)


@pytest.mark.parametrize(
    ("node", "formula", "family", "status"),
    [
        (Node("quadratic", 1.0, 0.0, FOLD.edges), "s^2", "quadratic", "closed"),
        (Node("exp", -1.0, 0.0, FOLD.edges), "-exp(s)", "exp", "closed"),
        (Node("log", -2.5, 9.0, FOLD.edges), "-2.5*log(s)", "log", "closed"),
        (
            Node("spline", 1.0, 0.0, FOLD.edges, curve(0, wave).table, "g_rb"),
            "g_rb(s)",
            "none",
            "refused",
        ),
    ],
)
def test_the_outer_function_is_written_with_its_sign(node, formula, family, status):
    row = hidden((node,), (OUTER,)).iloc[2]
    assert (row.formula, row.family, row.status) == (formula, family, status)


def test_refused_edges_of_several_nodes_keep_their_own_reasons():
    waves = NodeCurves((curve(1, wave),), 0.0, curve(0, np.abs))
    kinks = NodeCurves((curve(1, lambda x: np.sin(9 * x)),), 0.0, curve(0, np.abs))
    fitted = fit_latent(
        LatentCurves("rb", 1.0, (), (waves, kinks)), FEATURES, SymbolicOptions()
    )
    nodes = tuple(
        Node("abs", 1.0, 0.5, (node.edges[0].term()[0],)) for node in fitted.nodes
    )
    structure = LatentStructure("rb", 1.0, (), nodes)
    found = EdgeTable([structure], [fitted], UNITS, Z, {}).frame()
    inner = found[found.source == "ta"]
    assert inner.formula.tolist() == ["f_rb_ta_1(ta)", "f_rb_ta_2(ta)"]
    assert all("misses" in reason for reason in inner.reason)


def test_the_outer_function_obeys_and_records_the_user():
    row = hidden(
        (FOLD,), (OUTER,), choices=SymbolicOptions(pins={"h1_rb": "abs"})
    ).iloc[2]
    assert row.chosen == "user"


def test_two_latents_stand_one_below_the_other():
    one = LatentStructure("rb", 1.0, (EdgeTerm(0, LINEAR, (2.0,)),))
    two = LatentStructure("alpha", 1.0, (EdgeTerm(2, LINEAR, (2.0,)),))
    curves = [
        LatentCurves("rb", 1.0, (curve(0, lambda x: 2 * x),), ()),
        LatentCurves("alpha", 1.0, (curve(2, lambda x: 2 * x),), ()),
    ]
    fitted = [fit_latent(c, FEATURES, SymbolicOptions()) for c in curves]
    found = EdgeTable([one, two], fitted, UNITS, Z, {}).frame()
    assert found.latent.tolist() == ["rb"] * 3 + ["alpha"] * 3
    assert found.groupby("latent").importance.sum().tolist() == pytest.approx([1, 1])

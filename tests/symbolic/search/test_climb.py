"""The search finds planted families through a process, and obeys the user."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import (
    KANEncoder,
    Parameter,
    Q10Respiration,
    ScIReN,
    Table,
    TrainConfig,
    fit,
    process_model,
)
from symbolic.curves.extract import extract
from symbolic.families.variants import form_named
from symbolic.options import SymbolicOptions
from symbolic.pipeline import symbolify
from symbolic.search.candidate import signature
from symbolic.search.climb import Search
from symbolic.search.exchange import alternative
from symbolic.search.observations import observed
from symbolic.search.refit import Refit
from symbolic.search.starting import fit_latent
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.structure import LatentStructure

FEATURES = ["x", "y", "w"]
KEEP_ALL = TrainConfig(select=False, profiles=False)
Q10 = 1.8


def frame(truth, rows=700, noise=0.03, seed=0):
    """Respiration at a base rate that depends on x and y; w has no effect."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-2, 3, rows), rng.uniform(10, 50, rows)
    w, ta = rng.normal(0, 1, rows), rng.uniform(-5, 25, rows)
    reco = truth(x, y) * Q10 ** ((ta - 15) / 10)
    reco = reco + noise * reco.std() * rng.normal(size=rows)
    return pd.DataFrame({"x": x, "y": y, "w": w, "ta": ta, "reco": reco})


def trained(truth, hidden=(), config=None, **kwargs):
    """Return a trained model and its training rows."""
    data = frame(truth, **kwargs)
    tables = [
        Table.from_frame(part, FEATURES, ["ta"], ["reco"])
        for part in (data[:450], data[450:])
    ]
    model = ScIReN(KANEncoder(3, 1, hidden=hidden, seed=0), "auto", Q10Respiration())
    fit(model, *tables, config or TrainConfig(profiles=False))
    return model, tables[0]


def families(symbolic):
    rows = symbolic.edges[symbolic.edges.status != "dropped"]
    return dict(zip(rows.source, rows.family, strict=True))


def values(symbolic):
    return dict(zip(symbolic.table.name, symbolic.table.value, strict=True))


PLANTED = {
    "linear": (lambda x: 0.5 * x, {"a_x": 0.5}),
    "quadratic": (lambda x: 0.3 * (x - 0.7) ** 2, {"a_x": 0.3, "s_x": 0.7}),
    "exp": (lambda x: 0.6 * np.exp(0.8 * x), {"a_x": 0.6, "b_x": 0.8}),
    "log": (lambda x: 1.2 * np.log(x + 2.7), {"a_x": 1.2, "s_x": 2.7}),
    "abs": (lambda x: 0.9 * np.abs(x - 0.5), {"a_x": 0.9, "s_x": 0.5}),
}


@pytest.mark.parametrize("family", PLANTED)
def test_a_planted_family_and_its_constants_are_found_and_a_useless_edge_goes(family):
    curve, constants = PLANTED[family]
    model, rows = trained(lambda x, y: 3 + curve(x) + 0.05 * y, config=KEEP_ALL)
    assert model.encoder.spline_layers[0].mask.sum() == 3
    symbolic = symbolify(model, rows, compose=0)
    assert families(symbolic) == {"x": family, "y": "linear"}
    found = values(symbolic)
    for name, value in (constants | {"a_y": 0.05}).items():
        assert found[name] == pytest.approx(value, rel=0.1), name
    assert symbolic.constants["q10"] == pytest.approx(Q10, abs=0.01)


FEW = TrainConfig(starts=4, start_iterations=6, polish=1, profiles=False)


@pytest.fixture(scope="module")
def folded():
    return trained(lambda x, y: 1 + np.abs(x + 0.1 * y - 3.5), hidden=(1,), config=FEW)


def test_an_absolute_value_of_a_linear_combination_is_found_in_a_hidden_layer(folded):
    symbolic = symbolify(*folded, compose=0)
    assert families(symbolic) == {"x": "linear", "y": "linear", "h1_rb": "abs"}
    found = values(symbolic)
    assert found["a_x"] / found["a_y"] == pytest.approx(10, rel=0.03)
    assert found["rb_0"] == pytest.approx(1.0, abs=0.05)


def test_a_hidden_node_without_need_is_dissolved():
    straight = trained(lambda x, y: 3 + x / 2 + y / 20, hidden=(1,), config=FEW)
    symbolic = symbolify(*straight, compose=0)
    assert families(symbolic) == {"x": "linear", "y": "linear"}
    assert set(symbolic.edges.target) == {"rb"}


def sine(x, y):
    return 4 + 1.5 * np.sin(2.2 * x) + 0.05 * y


def test_a_shape_of_no_family_is_refused_and_stays_a_named_function():
    model, rows = trained(sine)
    symbolic = symbolify(model, rows, compose=0)
    assert families(symbolic) == {"x": "none", "y": "linear"}
    assert list(symbolic.functions) == ["f_rb_x"]
    assert "f_rb_x(x)" in str(symbolic.equations["rb"])


# -- the user's word ----------------------------------------------------------------------
@pytest.fixture(scope="module")
def growth():
    return trained(lambda x, y: 3 + 0.6 * np.exp(0.8 * x) + 0.05 * y, config=KEEP_ALL)


@pytest.mark.parametrize(("key", "family"), [("x", "quadratic"), ("x -> rb", "linear")])
def test_a_pinned_family_is_taken_and_recorded(growth, key, family):
    symbolic = symbolify(*growth, pins={key: family}, compose=0)
    assert families(symbolic)["x"] == family
    assert chosen(symbolic) == {"x": "user", "y": "auto", "w": "auto"}


@pytest.mark.parametrize("order", [["w", "y", "x"], ["y", "w", "x"]])
def test_a_pin_stays_with_its_edge_when_others_are_dropped(order):
    data = frame(lambda x, y: 3 + 0.6 * np.exp(0.8 * x) + 0.05 * y)
    rows = Table.from_frame(data, order, ["ta"], ["reco"])
    model = ScIReN(KANEncoder(3, 1, seed=0), "auto", Q10Respiration())
    fit(model, rows, rows, KEEP_ALL)
    symbolic = symbolify(model, rows, pins={"x": "quadratic"}, compose=0)
    assert families(symbolic)["x"] == "quadratic"
    assert chosen(symbolic) == {"x": "user", "y": "auto", "w": "auto"}


def test_an_edge_that_is_pinned_is_kept_even_if_it_is_useless(growth):
    symbolic = symbolify(*growth, pins={"w": "linear"}, compose=0)
    assert families(symbolic) == {"w": "linear", "x": "exp", "y": "linear"}
    assert chosen(symbolic)["w"] == "user"


def test_an_edge_that_is_pinned_to_a_constant_leaves(growth):
    symbolic = symbolify(*growth, pins={"w": "constant"}, compose=0)
    row = symbolic.edges.set_index("source").loc["w"]
    assert tuple(row[["status", "chosen", "reason"]]) == (
        "dropped",
        "user",
        "pinned to a constant",
    )


@pytest.mark.parametrize("key", ["x", "rb", "x -> rb"])
def test_a_forbidden_family_is_not_taken_and_that_is_recorded(growth, key):
    symbolic = symbolify(*growth, forbid={key: ["exp"]}, compose=0)
    assert families(symbolic)["x"] != "exp"
    assert chosen(symbolic)["x"] == "user"
    assert chosen(symbolic)["y"] == ("user" if key == "rb" else "auto")


def test_only_the_families_asked_for_are_tried(growth):
    symbolic = symbolify(*growth, families=["linear", "abs"], compose=0)
    assert set(families(symbolic).values()) <= {"linear", "abs", "none"}


@pytest.mark.parametrize(
    ("choice", "outer"),
    [
        ({"pins": {"h1_rb": "quadratic"}}, "quadratic"),
        ({"forbid": {"rb": ["abs"]}}, ""),
    ],
)
def test_outer_functions_obey_pins_and_bans(folded, choice, outer):
    symbolic = symbolify(*folded, **choice, compose=0)
    found = families(symbolic)["h1_rb"]
    assert found == outer or (not outer and found != "abs")
    assert chosen(symbolic)["h1_rb"] == "user"


def chosen(symbolic):
    return dict(
        zip(
            symbolic.edges.source,
            symbolic.edges.chosen,
            strict=True,
        )
    )


# -- several latents ----------------------------------------------------------------------
@process_model(
    [Parameter("rb", low=0.0), Parameter("alpha", low=0.0, high=0.1)],
    forcings=["ta", "par"],
    targets=["reco", "gpp"],
)
def two_fluxes(p, f):
    return {"reco": p.rb * 1.5 ** ((f.ta - 15) / 10), "gpp": p.alpha * f.par}


def test_two_latents_of_two_targets_get_formulas_of_their_own():
    data = frame(lambda x, y: 2 + 0.4 * (x - 0.5) ** 2)
    data["reco"] *= (1.5 / Q10) ** ((data.ta - 15) / 10)
    data["par"] = np.random.default_rng(5).uniform(0, 1000, len(data))
    data["gpp"] = (0.02 + 0.001 * data.y + 0.005 * data.w) * data.par
    data["gpp"] += np.random.default_rng(6).normal(size=len(data))
    parts = [
        Table.from_frame(part, FEATURES, ["ta", "par"], ["reco", "gpp"])
        for part in (data[:450], data[450:])
    ]
    model = ScIReN(KANEncoder(3, 2, seed=0), "auto", two_fluxes)
    fit(model, *parts, TrainConfig(profiles=False))
    edges = symbolify(model, parts[0], compose=0).edges
    kept = edges[edges.status == "closed"]
    assert set(zip(kept.source, kept.latent, kept.family, strict=True)) == {
        ("x", "rb", "quadratic"),
        ("y", "alpha", "linear"),
        ("w", "alpha", "linear"),
    }


# -- parts --------------------------------------------------------------------------------
LINEAR, ABS = form_named("linear", ""), form_named("abs", "")
ONE, OTHER = EdgeTerm(0, LINEAR, (1.0,)), EdgeTerm(1, ABS, (2.0, 0.5))


def test_equal_structures_have_equal_signatures_whatever_their_constants_and_order():
    one = LatentStructure("rb", 1.0, (ONE, OTHER))
    same = LatentStructure("rb", 5.0, (OTHER, EdgeTerm(0, LINEAR, (-3.0,))))
    assert signature([one]) == signature([same])


@pytest.mark.parametrize(
    "other",
    [
        LatentStructure("rb", 1.0, (ONE,)),
        LatentStructure("alpha", 1.0, (ONE, OTHER)),
        LatentStructure("rb", 1.0, (ONE, EdgeTerm(1, LINEAR, (2.0,)))),
        LatentStructure("rb", 1.0, (), (Node("abs", 1.0, 0.0, (ONE, OTHER)),)),
        LatentStructure("rb", 1.0, (), (Node("abs", -1.0, 0.0, (ONE, OTHER)),)),
    ],
)
def test_different_structures_have_different_signatures(other):
    several = [LatentStructure("rb", 1.0, (ONE, OTHER))]
    assert signature([other]) != signature(several)


def test_the_two_signs_of_a_node_are_different_structures():
    up, down = (Node("abs", sign, 0.0, (ONE,)) for sign in (1.0, -1.0))
    rising, falling = (LatentStructure("rb", 0.0, (), (n,)) for n in (up, down))
    assert signature([rising]) != signature([falling])


def test_an_edge_is_replaced_where_it_stands_and_its_offset_goes_to_its_sum():
    nodes = (Node("abs", 1.0, 0.1, (ONE,)), Node("exp", 1.0, 0.2, (ONE, OTHER)))
    structure = LatentStructure("rb", 3.0, (OTHER,), nodes)
    new = EdgeTerm(1, LINEAR, (9.0,))
    direct = structure.with_edge(0, new, 0.5)
    assert (direct.edges, direct.offset, direct.nodes) == ((new,), 3.5, nodes)
    inner = structure.with_edge(3, new, 0.5)
    assert inner.nodes[1].edges == (ONE, new)
    assert inner.nodes[1].offset == pytest.approx(0.7)
    assert (inner.nodes[0], inner.edges, inner.offset) == (nodes[0], (OTHER,), 3.0)
    less = structure.with_edge(2, None, 0.0)
    assert [len(node.edges) for node in less.nodes] == [1, 1]


def test_another_family_starts_with_the_size_and_mean_of_the_present_one(growth):
    model, rows = growth
    (latent,) = [
        fit_latent(one, rows.feature_names, SymbolicOptions())
        for one in extract(model, rows)
    ]
    edge = latent.edges[0]
    weight = edge.curve.weight / edge.curve.weight.sum()
    present, _ = edge.term("exp")
    for family in set(edge.families) - {"constant"}:
        other, shift = alternative(edge, present, family)
        gap = other.value(edge.curve.x) + shift - present.value(edge.curve.x)
        assert weight @ gap == pytest.approx(0, abs=1e-9)
        assert np.ptp(other.value(edge.curve.x)) > 0


def test_what_was_judged_before_it_converged_is_judged_again(growth, monkeypatch):
    model, rows = growth
    seen = observed(model, rows)
    structures, constants = (LatentStructure("rb", 1.0, (ONE,)),), torch.zeros(1)
    outcomes = iter([(3.0, False), (4.0, False), (2.0, True), (1.0, True)])

    def refitted(term, scaled, structures, constants, *_):
        loss, converged = next(outcomes)
        nothing = torch.empty(0)
        return Refit(structures, constants, nothing, loss, nothing, nothing, converged)

    monkeypatch.setattr("symbolic.search.climb.refit", refitted)
    search = Search(seen.term, seen.scaled, [])
    losses = [search.score(structures, constants).loss for _ in range(5)]
    assert losses == [3.0, 3.0, 2.0, 2.0, 2.0]

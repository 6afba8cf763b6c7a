"""Compositions of whole latents against what was named edge by edge."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sciren import (
    KANEncoder,
    Parameter,
    Q10Respiration,
    ScIReN,
    Sigmoid,
    Table,
    TrainConfig,
    fit,
    process_model,
)
from sciren.decoders import IdentityDecoder
from sciren.errors import ConfigError
from symbolic import symbolify, verify
from symbolic.composition import from_model
from symbolic.families.library import FAMILIES
from symbolic.options import SymbolicOptions
from symbolic.printing.contents import printable
from symbolic.search import competition
from symbolic.search.competition import Competition, open_questions
from symbolic.search.residual_gate import LIMIT
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.structure import LatentStructure

NAMES = ["a", "b", "c"]


def table(rb, rows=500, seed=0, noise=0.03):
    """Rows of a base rate that is seen through a response to temperature."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    x[:, 1] += 0.5 * x[:, 0]
    ta = rng.uniform(-5, 25, rows)
    reco = rb(x) * 1.8 ** ((ta - 15) / 10) * (1 + noise * rng.normal(size=rows))
    data = pd.DataFrame(x, columns=NAMES).assign(ta=ta, reco=reco)
    return Table.from_frame(data, NAMES, ["ta"], ["reco"])


def trained(rb, hidden=(), decoder=None, constraint="auto"):
    rows, valid = table(rb), table(rb, seed=1)
    model = ScIReN(
        KANEncoder(3, 1, hidden=hidden, seed=0), constraint, decoder or Q10Respiration()
    )
    fit(model, rows, valid, TrainConfig(starts=4))
    return model, rows, valid


def growth(x):
    return np.exp(0.3 + 0.5 * x[:, 0] + 0.25 * x[:, 1] ** 2)


def wave(x):
    return 4.0 + 0.5 * x[:, 0] + np.sin(3.0 * x[:, 1])


@pytest.fixture(scope="module")
def growing():
    return trained(growth)


@pytest.fixture(scope="module")
def waving():
    return trained(wave)


def test_what_curves_cannot_say_is_said_by_a_formula_of_the_whole_latent(growing):
    model, rows, _ = growing
    symbolic = symbolify(model, rows)
    is_one_formula(symbolic, rows)
    assert symbolic.record.residual < LIMIT
    curves = symbolify(model, rows, compose=0)
    assert curves.record.residual is None
    assert "exp(" not in str(curves.equations) or curves.equations != symbolic.equations


def test_a_residual_that_features_predict_is_told():
    def nested(x):
        return 5.0 + np.sin(2.0 * x[:, 0] * x[:, 1])

    model, rows, _ = trained(nested)
    symbolic = symbolify(model, rows, compose=1.0)
    assert symbolic.record.residual > LIMIT
    verdicts = {composition.verdict for composition in symbolic.record.compositions}
    assert verdicts <= {"refused", "not sought"}
    assert any("Something is missing" in note for note in printable(symbolic).notes)


@pytest.mark.slow
def test_a_latent_whose_edges_are_refused_becomes_one_formula():
    model, rows, valid = trained(growth, hidden=(2,))
    symbolic = symbolify(model, rows)
    is_one_formula(symbolic, rows)
    assert verify(symbolic, model, rows, valid).passed


def is_one_formula(symbolic, rows):
    (last,) = [
        composition
        for composition in symbolic.record.compositions
        if composition.verdict == "taken"
    ]
    assert last.structure == "exp[linear(a) + square(b)]"
    assert last.delta < 0
    assert "compose" not in symbolic.record.options.given()
    assert "exp" in str(symbolic.equations["rb"])
    assert not symbolic.functions
    found = symbolic.latents(dict(zip(NAMES, rows.features.numpy().T, strict=True)))
    expected = growth(rows.features.numpy())
    np.testing.assert_allclose(found["rb"], expected, rtol=0.06)


def test_a_refused_composition_leaves_the_refusal_standing(waving):
    model, rows, _ = waving
    symbolic = symbolify(model, rows, compose=1.5)
    tried = symbolic.record.compositions
    assert [one.verdict for one in tried] == ["refused", "refused"]
    assert [one.start for one in tried] == list(competition.STARTS)
    assert list(symbolic.functions) == ["f_rb_b"]
    without = symbolify(model, rows, compose=0)
    assert without.record.compositions == ()
    assert without.equations == symbolic.equations


def test_what_the_user_fixed_is_not_composed(waving):
    model, rows, _ = waving
    for choice in ({"pins": {"a -> rb": "linear"}}, {"shapes": {"a": "increasing"}}):
        symbolic = symbolify(model, rows, compose=5.0, **choice)
        (one,) = symbolic.record.compositions
        assert one.verdict == "not sought"
        assert symbolic.settings["compositions"][0]["chosen"] == "user"
        assert one.reason.startswith("the user chose the")
    symbolic = symbolify(model, rows, families=["sine"])
    assert all(
        composition.reason == "no family that can be composed is allowed"
        for composition in symbolic.record.compositions
    )


@process_model(
    parameters=[Parameter("share", low=0.0, high=1.0)],
    forcings=["ta"],
    targets=["reco"],
)
def shared(p, f):
    """A bounded share of a known rate."""
    return 10.0 * p.share * 1.8 ** ((f.ta - 15.0) / 10.0)


@pytest.mark.slow
@pytest.mark.parametrize("constraint", ["auto", Sigmoid()], ids=["ramp", "sigmoid"])
def test_bounds_between_latent_and_formula_are_seen_through(constraint):
    def fold(x):
        return np.abs(x[:, 0] - 0.4 * x[:, 2])

    def rate(x):
        if constraint == "auto":
            return 2.0 + 1.5 * fold(x)
        return 10.0 / (1.0 + np.exp(1.0 - fold(x)))

    model, rows, valid = trained(rate, (2,), shared, constraint)
    symbolic = symbolify(model, rows)
    found = symbolic.latents(dict(zip(NAMES, rows.features.numpy().T, strict=True)))
    np.testing.assert_allclose(
        10 * found["share"], np.minimum(rate(rows.features.numpy()), 10), rtol=0.03
    )
    assert symbolic.record.compositions[-1].verdict in ("taken", "agrees")
    assert set(symbolic.edges[symbolic.edges.status == "closed"].family) == {
        "abs",
        "linear",
    }
    assert verify(symbolic, model, rows, valid).passed


def contest(growing, monkeypatch, **answers):
    """A competition whose compositions are given."""
    model, rows, _ = growing
    symbolic = symbolify(model, rows, compose=0)
    found = Competition(
        SimpleNamespace(score=lambda *_: answers["scored"], term=None, scaled=None), model, rows,
        symbolic.units,
        SymbolicOptions(families=list(FAMILIES), compose=answers.get("seconds", 60.0)),
    )  # fmt: skip
    monkeypatch.setattr(from_model, "compose_latent", answers["compose"])
    monkeypatch.setattr(competition, "still_predictable", lambda *_: 0.0)
    return found


NODE = LatentStructure(
    "rb",
    0.0,
    (),
    (Node("abs", 1.0, 0.0, (EdgeTerm(0, FAMILIES["linear"][0], (1.0,)),)),),
)
BEST = SimpleNamespace(structures=(NODE,), criterion=0.0, constants=None)


def test_what_fails_while_composing_is_told(growing, monkeypatch):
    def compose(*_, **__):
        raise ConfigError("nothing to compose")

    one = contest(growing, monkeypatch, compose=compose, scored=None)
    assert one.run(BEST) is BEST
    assert [row.reason for row in one.attempts] == ["nothing to compose"] * 2


def test_a_composition_that_is_worse_is_beaten(growing, monkeypatch):
    worse = SimpleNamespace(
        structures=(dataclasses.replace(NODE, nodes=()),),
        criterion=3.0,
        converged=True,
        constants=None,
    )
    one = contest(growing, monkeypatch, compose=lambda *_, **__: offer(), scored=worse)
    monkeypatch.setattr(from_model, "latent_structure", lambda *_: NODE)
    assert one.run(BEST) is BEST
    assert [(row.verdict, row.delta) for row in one.attempts] == [("beaten", 3.0)] * 2


def test_the_plainest_of_forms_that_fit_alike_competes_with_the_others_beside_it(
    growing, monkeypatch
):
    better = SimpleNamespace(
        structures=(dataclasses.replace(NODE, nodes=()),),
        criterion=-3.0,
        converged=True,
        constants=None,
    )
    answer = offer(accepted=False, outcome="not distinguishable", others=("exp",))
    one = contest(growing, monkeypatch, compose=lambda *_, **__: answer, scored=better)
    monkeypatch.setattr(from_model, "latent_structure", lambda *_: NODE)
    assert one.run(BEST) is better
    (tried,) = one.attempts
    assert (tried.verdict, tried.equals) == ("taken", ("exp",))


def offer(accepted=True, outcome="found", others=()):
    """A composition without a search."""
    return SimpleNamespace(
        accepted=accepted, outcome=outcome, structure="abs", reason="", form=NODE,
        constants_of_process={}, noise="constant", other_forms=lambda: others,
    )  # fmt: skip


def test_outer_functions_that_the_user_forbade_are_not_taken(growing):
    model, rows, _ = growing
    symbolic = symbolify(model, rows, families=["linear", "quadratic"], compose=4.0)
    for composition in symbolic.record.compositions:
        assert composition.verdict == "refused"
        if composition.structure.startswith("exp"):
            assert composition.reason == "exp is not allowed outside"
    assert "exp" not in str(symbolic.equations)


def test_a_curve_of_one_feature_is_not_put_together_from_several(growing, monkeypatch):
    line, bend = FAMILIES["linear"][0], FAMILIES["quadratic"][0]
    parts = LatentStructure(
        "rb", 0.0, (EdgeTerm(1, bend, (1.0, 0.0)), EdgeTerm(0, line, (1.0,))),
        (Node("exp", 1.0, 0.0, (EdgeTerm(1, bend, (-1.0, 0.0)),)),),
    )  # fmt: skip
    answer = SimpleNamespace(
        accepted=True, structure="exp[quadratic(b)] + linear(a) + quadratic(b)",
        reason="", form=parts, outcome="found",
    )  # fmt: skip
    one = contest(growing, monkeypatch, compose=lambda *_, **__: answer, scored=None)
    assert one.run(BEST) is BEST
    assert [row.reason for row in one.attempts] == [
        "it puts the curve of b together from several"
    ] * 2


def test_the_time_is_shared_out_over_latents_and_starts(growing, monkeypatch):
    asked = []

    def compose(*_, budget_s, **__):
        asked.append(budget_s)
        raise ConfigError("nothing to compose")

    one = contest(growing, monkeypatch, compose=compose, scored=None, seconds=8.0)
    two = SimpleNamespace(structures=(NODE, NODE), criterion=0.0, constants=None)
    assert one.run(two) is two
    assert asked == [2.0] * 4


def test_latents_of_closed_direct_edges_are_no_open_question():
    closed = LatentStructure("a", 0.0, (EdgeTerm(0, FAMILIES["linear"][0], (1.0,)),))
    refused = LatentStructure("b", 0.0, (EdgeTerm(0, None),))
    assert open_questions([closed, refused, NODE]) == [1, 2]


@pytest.mark.parametrize(
    ("curve", "name"),
    [
        (lambda x: np.exp(-4.0 * (x - 0.2) ** 2), "exp"),
        (lambda x: (x + 1.2) ** 3 / ((x + 1.2) ** 3 + 0.6), None),
    ],
    ids=["a bell is found", "a saturation is no curve of a curve"],
)
def test_of_curves_of_curves_only_known_ones_are_believed(curve, name):
    rng = np.random.default_rng(5)
    x = rng.uniform(-1.0, 1.0, 800)
    y = curve(x)
    y = y + 0.1 * y.std() * rng.normal(size=len(x))
    data = Table.from_frame(pd.DataFrame({"x": x, "y": y}), ["x"], [], ["y"])
    rows, valid = data.take(np.arange(600)), data.take(np.arange(600, 800))
    model = ScIReN(KANEncoder(1, 1, seed=0), decoder=IdentityDecoder(["y"]))
    fit(model, rows, valid, TrainConfig())
    symbolic = symbolify(model, rows, further_families=())
    outers = {node.outer for node in symbolic.structures[0].nodes}
    assert outers == ({name} if name else set())
    refused = {row.reason for row in symbolic.record.compositions}
    told = ("together", "fits better", "residual")  # why it is no equation
    refusals = [reason for reason in refused if any(word in reason for word in told)]
    assert name or (refusals and len(refusals) == len(refused))

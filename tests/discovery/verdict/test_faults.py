"""What once passed as verified although it was not so; none of it may be supported."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from discovery import ScIReNRegressor
from discovery.verdict.constants import by_features
from discovery.verdict.faithful import faithful_reasons
from discovery.verdict.identified import open_curves, open_formulas
from discovery.verdict.judging import judge
from sciren.errors import DataWarning
from symbolic.model.fit_record import CompositionAttempt

SHORT = {"epochs": 4, "profile_points": 9}


def drivers(rows=250, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.standard_normal((rows, 3)), columns=list("abc"))
    frame["ta"] = 12 + 7 * rng.standard_normal(rows)
    return frame, rng


def respiration(frame, rb, rng, noise=0.1):
    mean = np.maximum(rb, 0.1) * 1.6 ** ((frame["ta"] - 15) / 10)
    return mean * (1 + noise * rng.standard_normal(len(frame)))


@pytest.fixture(scope="module")
def fitted():
    """Function: (frame, target, settings) -> fitted regressor behind Q10."""

    def fit(frame, target, groups=None, **settings):
        chosen = {
            "decoder": "q10", "forcings": {"ta": "ta"}, "features": list("abc"),
            "hidden": [], "train": SHORT, "bootstrap": 0, "compose": 0, "random_state": 0,
        } | settings  # fmt: skip
        return ScIReNRegressor(**chosen).fit(frame, target, groups=groups)

    return fit


def said(verdict):
    return " ".join(doubt.text() for doubt in verdict.doubts())


@pytest.fixture(scope="module")
def right():
    frame, rng = drivers(seed=10)
    return frame, respiration(frame, 3 + 0.6 * frame.a + 0.4 * frame.b, rng)


@pytest.fixture(scope="module")
def right_model(fitted, right):
    return fitted(*right)


def test_a_right_result_is_supported(right_model):
    (structure,) = right_model.discovery_.equations.structures
    assert {edge.source for edge in structure.all_edges} == {0, 1}
    verdict = right_model.verdict_
    assert str(verdict) == "supported", said(verdict)
    assert verdict.faithful
    assert verdict.skilful
    assert verdict.identified
    assert not said(verdict)


def test_a_feature_that_got_in_by_chance_is_doubted(fitted):
    """Of this record the tests see c, which does nothing, at p = 0.001."""
    frame, rng = drivers()
    target = respiration(frame, 3 + 0.6 * frame.a + 0.4 * frame.b, rng)
    verdict = fitted(frame, target).verdict_
    assert str(verdict) == "partly supported"
    assert "c -> rb (in the equations) in 50%" in said(verdict)


def test_a_code_for_missing_values_in_the_target(fitted, right):
    frame, target = right
    spoilt = target.copy()
    spoilt[::31] = -9999.0
    with pytest.warns(DataWarning, match="'reco' is from -9999 to .*, 'q10' gives"):
        verdict = fitted(frame, spoilt).verdict_
    assert str(verdict) == "not supported"
    assert "reco is -9999 in 9 rows" in verdict.sentences()[0]


def test_a_product_that_was_set_to_a_constant(fitted):
    frame, rng = drivers(seed=1)
    rb = 3 + 1.2 * frame.a * frame.b
    verdict = fitted(frame, respiration(frame, rb, rng)).verdict_
    assert str(verdict) != "supported"
    assert "Something is missing" in said(verdict)


def test_a_residual_that_can_mostly_be_predicted(fitted):
    """The user's line leaves nearly all of a wave to the residual."""
    frame, rng = drivers(300, seed=7)
    frame["a"] = rng.uniform(-2, 2, len(frame))
    rb = 5 + 2 * np.sin(3 * frame.a) + 0.5 * frame.b
    target = respiration(frame, rb, rng, 0.03)
    verdict = fitted(frame, target, pins={"a": "linear"}).verdict_
    assert str(verdict) != "supported"
    assert "issing" in said(verdict) or "flexible model" in said(verdict)


def test_useless_features_are_no_relation(fitted):
    frame, rng = drivers(seed=2)
    verdict = fitted(frame, 4 + rng.standard_normal(len(frame))).verdict_
    assert str(verdict) == "not supported"
    assert "No relation is claimed" in said(verdict)


def test_what_does_not_carry_over_to_other_sites(fitted):
    """Features are constants of the sites, and so is the noise: sites teach nothing."""
    frame, rng = drivers(240, seed=3)
    sites = np.repeat(np.arange(12), 20)
    frame[list("abc")] = rng.standard_normal((12, 3))[sites]
    rb = 3 + 1.0 * rng.standard_normal(12)[sites]
    model = fitted(frame, respiration(frame, rb, rng), groups=sites)
    assert str(model.verdict_) == "not supported"


def test_test_rows_on_which_constant_latents_are_better(right_model):
    """The relation turns round in the rows that chose nothing."""
    found, table = right_model.discovery_, right_model._train
    turned = table.features.clone()
    turned[:, :2] = -turned[:, :2]
    test = table.take(np.arange(0, len(table), 3))
    test.features[:] = turned[::3]
    verdict = judge(
        found.equations, right_model.model_, {"train": table, "test": test},
        found.process_constants, found.identification,
    )  # fmt: skip
    assert str(verdict) == "not supported"
    assert "no better than constant latents" in said(verdict)


def test_latents_that_have_nothing_to_do_with_the_network(right_model):
    equations = right_model.discovery_.equations
    moved = {name: 2 * equation for name, equation in equations.equations.items()}
    checks = replace(equations.verification, agreement={"rb": -8.6e34})
    equations = equations.with_equations(moved)
    equations.verification = checks
    reasons = faithful_reasons(equations, right_model.model_, right_model._train)
    assert any(
        reason.fatal and "more than it varies" in reason.sentence for reason in reasons
    )


def test_an_edge_without_a_closed_form(fitted):
    frame, rng = drivers(400, seed=4)
    frame["a"] = rng.uniform(-2, 2, len(frame))
    rb = 4 + np.sin(4 * frame.a)
    model = fitted(frame, respiration(frame, rb, rng, 0.03), families=["linear"])
    assert open_curves(model.discovery_.equations)
    assert str(model.verdict_) != "supported"


@pytest.mark.parametrize(
    ("outcome", "delta", "named"),
    [("taken", -3.0, "exp"), ("beaten", 2.0, "abs(a) and exp"), ("beaten", 9.0, None)],
)
def test_formulas_of_another_structure_that_fit_as_well_are_a_doubt(
    outcome, delta, named
):
    tried = CompositionAttempt(
        "rb", "data alone", outcome, "[abs(a)]", delta=delta, equals=("exp",)
    )
    record = SimpleNamespace(compositions=(tried,))
    reasons = open_formulas(SimpleNamespace(record=record))
    assert [reason.holds for reason in reasons] == ([] if named is None else [False])
    assert all(reason.sentence.endswith(f": {named}") for reason in reasons)


def test_a_constant_that_depends_on_the_features(right_model):
    (one, *_) = right_model.discovery_.identification
    kept = replace(one, model="kept features", estimate=1.5, low=1.4, high=1.6)
    offered = replace(one, model="all features", estimate=2.1, low=1.9, high=2.3)
    (reason,) = by_features([kept, offered])
    assert not reason.holds
    assert "1.5 (1.4 to 1.6)" in reason.sentence
    assert "2.1 (1.9 to 2.3)" in reason.sentence
    assert not by_features([kept, replace(offered, low=1.55)])


def test_a_constant_that_temperature_takes_over(fitted):
    """rb may depend on temperature as respiration does: then q10 is anything."""
    frame, rng = drivers(seed=5)
    rb = 3 + 0.08 * (frame.ta - 12)
    target = respiration(frame, rb, rng, 0.3)
    verdict = fitted(frame, target, features=["a", "ta"]).verdict_
    assert str(verdict) != "supported"
    assert "q10" in said(verdict)


def test_two_latents_that_multiply(fitted):
    from sciren import Parameter, process_model

    frame, rng = drivers(seed=6)
    decoder = process_model(
        [Parameter("first", low=0), Parameter("second", low=0)], ["ta"], ["y"]
    )(lambda p, f: p.first * p.second * (1 + f.ta / 50))
    rb = np.maximum(3 + 0.6 * frame.a + 0.4 * frame.b, 0.1)
    target = rb * (1 + frame.ta / 50) * (1 + 0.05 * rng.standard_normal(len(frame)))
    verdict = fitted(frame, target, decoder=decoder).verdict_
    assert str(verdict) != "supported"
    assert "only first*second" in said(verdict)
    assert "first -> first*s, second -> second/s" in said(verdict)


def test_a_black_box_is_not_supported(fitted, right):
    model = fitted(*right, encoder="mlp", train={"epochs": 2})
    assert str(model.verdict_) == "not supported"
    assert "black box" in said(model.verdict_)

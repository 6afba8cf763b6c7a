"""From equations to what is printed: names, units, errors, reasons, verdicts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sympy
import torch
from tex_check import check_latex

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
from symbolic import symbolify, to_document, verify
from symbolic.printing.contents import equals_notes, printable
from symbolic.printing.exporting import export
from symbolic.printing.markdown import to_markdown

UNITS = {"sw_pot": "W m-2", "ta": "degC", "reco": "umol m-2 s-1"}


def frame(rows=500):
    rng = np.random.default_rng(0)
    sw, ta = rng.uniform(0, 600, rows), rng.uniform(-5, 25, rows)
    swc = rng.uniform(10, 50, rows)
    rb = 3 + 0.002 * sw + 1.2 * np.sin(swc / 6)
    reco = rb * 1.8 ** ((ta - 15) / 10) + 0.02 * rng.normal(size=rows)
    columns = {"sw_pot": sw, "swc": swc, "w": rng.normal(size=rows), "ta": ta}
    return pd.DataFrame(columns | {"reco": reco})


def equations(decoder=None, forcings=("ta",), targets=("reco",)):
    rows = Table.from_frame(
        frame(), ["sw_pot", "swc", "w"], forcings, targets, units=UNITS
    )
    model = ScIReN(KANEncoder(3, 1, seed=0), decoder and "auto", decoder)
    fit(model, rows, rows, TrainConfig())
    symbolic = symbolify(model, rows)
    verify(symbolic, model, rows)
    return symbolic


@pytest.fixture(scope="module")
def respiration():
    return equations(Q10Respiration())


def test_a_latent_brings_formula_unit_bounds_and_its_features_by_importance(
    respiration,
):
    (latent,) = printable(respiration).latents
    assert sympy.Max(0, latent.expression) == respiration.equations["rb"]
    assert [str(term) for term in latent.beside] == ["0", "rb"]
    assert (latent.unit, latent.low, latent.high) == ("umol m-2 s-1", 0.0, np.inf)
    shares = respiration.edges.set_index("source").importance
    assert list(latent.arguments) == ["swc", "sw_pot"]
    assert shares["swc"] > shares["sw_pot"] > shares["w"]


def test_the_target_is_the_traced_process_with_its_unit(respiration):
    (target,) = printable(respiration).targets
    assert target.expression == respiration.process["reco"]
    assert (target.name, target.unit) == ("reco", "umol m-2 s-1")


def test_constants_carry_error_and_interval(respiration):
    constant, *inside = printable(respiration).constants
    assert all(one.latent == "rb" for one in inside)
    value, error = respiration.constants["q10"], respiration.errors["q10"]
    assert (constant.name, constant.value, constant.error) == ("q10", value, error)
    assert (constant.low, constant.high) == (value - 1.96 * error, value + 1.96 * error)


def test_a_given_interval_and_meaning_go_before_the_standard_ones(respiration):
    shown = printable(
        respiration,
        intervals={"q10": (1.5, 2.1)},
        meanings={"q10": "factor per 10 degrees", "rb": "base rate", "sw_pot": "light"},
        symbols={"rb": "R_b"},
        provenance={"seed": "0"},
        error_source="bootstrap",
        title="Respiration",
    )
    constant = shown.constants[0]
    assert (constant.low, constant.high, constant.note) == (
        1.5,
        2.1,
        "factor per 10 degrees",
    )
    assert shown.latents[0].meaning == "base rate"
    assert shown.features[0].meaning == "light"
    assert (shown.title, shown.error_source) == ("Respiration", "bootstrap")
    assert (shown.symbols, shown.provenance) == ({"rb": "R_b"}, {"seed": "0"})


@pytest.mark.parametrize("error", [0.0, float("nan")])
def test_a_constant_without_error_has_no_interval(respiration, error):
    constant = printable(replace(respiration, errors={"q10": error})).constants[0]
    assert np.isnan([constant.low, constant.high]).all()


def test_only_features_of_the_equations_are_explained(respiration):
    shown = {feature.name: feature for feature in printable(respiration).features}
    assert list(shown) == ["sw_pot", "swc"]
    assert shown["sw_pot"].unit == "W m-2"
    assert shown["sw_pot"].mean == pytest.approx(frame().sw_pot.mean())
    assert shown["sw_pot"].high == pytest.approx(frame().sw_pot.max())


def test_a_refused_function_is_explained_with_its_reason(respiration):
    functions = printable(respiration).functions
    assert list(functions) == ["f_rb_swc"]
    assert functions["f_rb_swc"].startswith("a spline (")
    assert "misses" in functions["f_rb_swc"]
    unknown = replace(respiration, edges=respiration.edges.iloc[:0])
    assert printable(unknown).functions == {
        "f_rb_swc": "a spline (no closed form fits)"
    }


def test_families_that_cannot_be_told_apart_are_named(respiration):
    edges = respiration.edges.assign(equals=respiration.edges["family"])
    assert equals_notes(replace(respiration, edges=edges)) == []
    edges.loc[edges.source == "sw_pot", "equals"] = "linear, exp"
    edges.loc[edges.source == "sw_pot", "reason"] = "exp first differs at sw_pot = 9"
    several = replace(respiration, edges=edges)
    (note,) = equals_notes(several)
    assert note == (
        "rb, sw_pot: the data cannot tell linear from exp (exp first differs at "
        "sw_pot = 9)."
    )
    assert note in printable(several).notes
    assert f"# {note}" in several.export("text")


def test_every_check_is_printed_and_one_that_is_not_finite_is_blank(respiration):
    checks = printable(respiration).checks
    assert [c.name for c in checks] == [c.name for c in respiration.verification.checks]
    assert [c.above for c in checks] == [False, True, False, False, False]
    first, *rest = respiration.verification.checks
    broken = replace(
        respiration.verification,
        checks=(replace(first, number=float("inf"), passed=False), *rest),
    )
    shown = printable(replace(respiration, verification=broken))
    assert np.isnan(shown.checks[0].value)
    assert shown.failed == ["same numbers"]
    assert printable(replace(respiration, verification=None)).checks == []


def test_the_document_and_the_page_hold_all_of_it(respiration):
    for text in (
        to_document(printable(respiration)),
        to_markdown(printable(respiration)),
    ):
        assert "PASS" in text
        assert "a spline (" in text
    assert check_latex(to_document(printable(respiration))) == []


def test_plain_regression_has_no_separate_target():
    shown = printable(equations(forcings=(), targets=["ta"]))
    assert shown.targets == []
    assert {constant.latent for constant in shown.constants} == {"ta"}
    assert [latent.name for latent in shown.latents] == ["ta"]


def test_a_process_that_is_not_traced_shows_its_own_equation_or_none():
    @process_model([Parameter("rb", low=0.0)], forcings=["ta"], targets=["reco"])
    def untraced(p, f):
        return p.rb * torch.exp(0.06 * (f.ta - 15))

    untraced.equation_latex = lambda: r"R_b\, e^{k T}"
    told = equations(untraced)
    for model, latex in (
        (told, [r"R_b\, e^{k T}"]),
        (replace(told, process_latex=None), []),
    ):
        shown = printable(model)
        assert [target.latex for target in shown.targets] == latex
        assert check_latex(to_document(shown)) == []


def test_a_latent_without_features_has_none_to_show(respiration):
    flat = respiration.with_equations({"rb": sympy.Float(2.0)})
    assert printable(flat).latents[0].arguments is None


def test_what_was_left_out_is_said_with_its_reason(respiration):
    printed = printable(respiration)
    (note,) = [one for one in printed.notes if one.startswith("Left out of rb: w (")]
    assert note in to_markdown(printed)
    assert "Left out of rb: w" in to_document(printed)


def test_a_latent_brings_its_agreement_with_the_network(respiration):
    (latent,) = printable(respiration).latents
    assert 0.99 < latent.r2 <= 1.0
    unverified = replace(respiration, verification=None)
    assert printable(unverified).latents[0].r2 is None


def test_symbols_of_the_options_are_printed_in_every_latex(respiration):
    record = respiration.record
    options = record.options.changed(symbols={"sw_pot": "S_0", "rb": r"\rho"})
    model = replace(respiration, record=replace(record, options=options))
    for kind in ("latex", "document", "markdown", "csv"):
        text = export(model, kind)
        assert "S_0" in text
        assert r"\rho" in text
        assert r"\mathrm{sw}_{\mathrm{pot}}" not in text.split("Edges")[0]
    assert "sw_pot" in export(model, "text")
    given = printable(model, symbols={"rb": "r"})
    assert (given.symbols["rb"], given.symbols["sw_pot"]) == ("r", "S_0")

"""Sentences are true of the equation, few, and in plain words."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from discovery.report.effects import Response, joint_sentence, response
from discovery.report.findings import findings
from discovery.results.result import Discovery
from discovery.verdict.record import Reason
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Product
from symbolic.terms.structure import LatentStructure

X = np.linspace(0, 10, 201)


def told(y, **fields):
    return Response("rb", "ta", X, np.asarray(y), **fields).sentence()


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (0.5 * X, "rb rises by 0.5 g for each °C of ta"),
        (3 - 0.12 * X, "rb falls by 0.12 g for each °C of ta"),
        (np.ones(201), "rb does not change with ta"),
        (np.exp(0.4 * X), "rb rises from 1 to 54.6 g while ta goes from 0 to 10 °C"),
        (-np.log(X + 0.1), ", mostly in the lower half"),
        (np.exp(0.6 * X), ", mostly in the upper half"),
        ((X - 3) ** 2, "rb is lowest where ta is near 3 °C"),
        (-((X - 8) ** 2), "rb is highest where ta is near 8 °C"),
    ],
)
def test_a_curve_is_told_as_it_runs(y, words):
    assert words in told(y, unit="g", x_unit="degC")


@pytest.mark.parametrize(
    ("high", "unit", "words"),
    [
        (1380.0, "W m-2", "rb rises by 0.2 for each 100 W m⁻² of light"),
        (25.0, "degC", "rb rises by 0.002 for each °C of light"),
        (0.6, "1", "rb rises by 0.0002 for each 0.1 of light"),
        (
            900.0,
            "1e-4 W m-2 per hour",
            "for each 100 units of light (10⁻⁴ W m⁻² per hour)",
        ),
    ],
)
def test_a_slope_is_told_for_a_step_that_can_be_felt(high, unit, words):
    x = np.linspace(0, high, 201)
    sentence = Response("rb", "light", x, 0.002 * x, "", unit).sentence()
    assert sentence.endswith(words)


def test_a_change_that_nobody_could_measure_is_called_so():
    words = "rb hardly changes with ta, by 0.001 g in the range of the data"
    assert told(5 + 1e-4 * X, unit="g") == words


def test_values_have_the_digits_that_tell_them_apart():
    x = np.linspace(1988, 1990, 201)
    curve = Response("t", "year", x, 290 + (x - 1988) ** 3, "K", "").sentence()
    assert curve.startswith(
        "t rises from 290 to 298 K while year goes from 1988 to 1990"
    )


def test_classes_are_told_by_their_names():
    one = Response(
        "rb",
        "use",
        np.array([1.0, 2.0]),
        np.array([3.0, 1.5]),
        "g",
        "",
        ("wood", "grass"),
    )
    words = "rb is highest where use is wood (3) and lowest where it is grass (1.5 g)"
    assert one.sentence() == words


def test_a_long_unit_stands_in_brackets():
    assert told(X, x_unit="1e-4 W m-2 per half-hour").endswith(
        "for each unit of ta (10⁻⁴ W m⁻² per half-hour)"
    )


def test_the_slope_that_is_told_is_that_of_the_equation(light):
    model = Discovery.load(light).equations
    columns = {"ta": list(np.linspace(0, 25, 50)), "vpd": list(np.linspace(0, 30, 50))}
    one = response(model, columns, "efficiency", "ta")
    slope = (one.y[-1] - one.y[0]) / (one.x[-1] - one.x[0])
    assert slope == pytest.approx(0.05, abs=0.003)
    assert response(model, {"ta": ["a", "b"]}, "efficiency", "ta") is None


def product_of(size):
    """Equations y = 3 + size * a * b of latents."""
    line = FAMILIES["linear"][0]
    factors = (
        Factor(EdgeTerm(0, line, (size,)), 0.0, True),
        Factor(EdgeTerm(1, line, (1.0,)), 0.0, True),
    )
    structure = LatentStructure("y", 3.0, (), (Product(factors),))
    units = SimpleNamespace(kinds={}, names=("a", "b"))

    def latents(columns):
        z = np.column_stack([columns["a"], columns["b"]])
        return pd.DataFrame({"y": structure.value(z)})

    return SimpleNamespace(
        units=units, unit_of={}, latents=latents, used_features=lambda: ["a", "b"]
    )


def test_what_acts_together_is_told_where_the_other_is_small_and_large():
    columns = {name: list(np.linspace(-1, 1, 21)) for name in "ab"}
    asked = (columns, "y", "a", "b")
    assert joint_sentence(product_of(2.0), *asked) == (
        "where b is −0.8, y falls by 1.6 for each unit of a; "
        "where it is 0.8, y rises by 1.6 for each unit of a"
    )
    columns["b"] = ["x", "y"]
    assert joint_sentence(product_of(2.0), *asked) == ""


def test_effects_that_are_alike_are_told_once():
    columns = {"a": list(np.linspace(-1, 1, 21)), "b": list(np.linspace(9.5, 10, 21))}
    assert joint_sentence(product_of(2.0), columns, "y", "a", "b") == ""


def test_a_driver_whose_form_is_open_is_not_told_as_settled(light, monkeypatch):
    found = Discovery.load(light)
    rows = found.edges.assign(family="exp", equals="exp, log, abs, power, logistic")
    monkeypatch.setattr(Discovery, "edges", rows)
    open_form = "; the data cannot tell its form (exp, log, abs, power or others)."
    assert findings(found, {})[0].endswith(open_form)
    rows = rows.assign(family="linear", equals="linear")
    monkeypatch.setattr(Discovery, "edges", rows)
    doubts = tuple(
        Reason("identified", f"{name} -> {latent}", False, "It could bend")
        for name, latent in zip(rows["source"], rows["latent"], strict=True)
    )
    for reasons in (doubts, ()):
        judged = replace(found, verdict=replace(found.verdict, reasons=reasons))
        told = findings(judged, {})[0].endswith("; the verdict doubts it.")
        assert told is bool(reasons)


def test_numbers_of_groups_are_told_by_their_range(light):
    found = Discovery.load(light)
    rows = [
        {"constant": f"x1 of {group}", "latent": "x1", "source": group, "unit": "mm",
         "estimate": value, "identified": known}
        for group, value, known in (("a", 40.0, True), ("b", 900.0, False), ("c", 80.0, True))
    ]  # fmt: skip
    sentences = findings(replace(found, constants=pd.DataFrame(rows)), {})
    assert (
        "x1 goes from 40 to 900 mm over 3 groups, with 80 in the middle; "
        "the data do not determine it in 1."
    ) in sentences
    assert len(sentences) <= 6


def test_without_views_and_without_equations_there_are_sentences_too(light):
    assert 3 <= len(findings(Discovery.load(light), {})) <= 6
    (light / "equations.json").unlink()
    assert "black box" in findings(Discovery.load(light), {})[0]

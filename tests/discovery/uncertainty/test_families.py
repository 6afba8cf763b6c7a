"""Which families lie inside a band, and what is said where the chosen form does not."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from discovery.uncertainty.families import (
    departure_of,
    families_beside,
    families_inside,
    outside_notes,
    with_bands,
)
from discovery.verdict.identified import outside_bands
from sciren.inference.intervals.bands import Band
from sciren.inference.intervals.departure import departure
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure


def band(curve, width):
    x = np.linspace(-2.0, 2.0, 60)
    y = curve(x) - curve(x).mean()
    return Band("x", "rb", x, y, y - width, y + width, 2.9, 0.95, x)


def test_a_narrow_band_of_a_parabola_holds_a_parabola_alone():
    inside = families_inside(band(np.square, 0.01))
    assert "quadratic" in inside
    assert not {"constant", "linear", "abs"} & set(inside)


def test_a_wide_band_holds_simple_families_too():
    inside = families_inside(band(lambda x: np.exp(0.2 * x), 0.1))
    assert {"linear", "quadratic", "exp"} <= set(inside)
    assert "constant" in families_inside(band(lambda x: 0.01 * x, 0.1))


def test_a_sine_that_could_be_a_bell_is_named_beside_it():
    inside = families_inside(band(lambda x: np.sin(1.8 * x), 0.05))
    assert "sine" in inside
    assert "quadratic" not in inside
    wide = families_inside(band(lambda x: np.sin(1.2 * x), 0.8))
    assert {"sine", "gaussian", "logistic"} <= set(wide)


def test_families_beside_a_named_one_come_from_both_questions_once():
    row = {
        "family": "exp",
        "equals": "exp, log",
        "families_inside": "log, constant, abs",
    }
    assert families_beside(row) == ["log", "abs"]
    assert families_beside({"family": "exp", "equals": None}) == []


def test_families_with_the_named_one_as_a_limit_are_none_beside_it():
    inside = "linear, quadratic, exp, power, gaussian, sine"
    found = {
        name: families_beside({"family": name, "families_inside": inside})
        for name in ("linear", "quadratic", "gaussian", "classes")
    }
    assert found == {
        "linear": [],
        "quadratic": ["exp"],
        "gaussian": ["quadratic", "exp", "power", "sine"],
        "classes": [],
    }


def test_edges_without_a_band_stay_empty():
    class Known:
        def band(self, source, latent):
            return {"inside": False, "families": ["exp"]} if source == "a" else None

    edges = pd.DataFrame({"source": ["a", "b", "a"], "latent": ["rb", "rb", "rb"]})
    edges["target"] = ["rb", "rb", "h1_rb"]  # what enters a node has no band of its own
    found = with_bands(edges, Known())  # type: ignore[arg-type]
    assert found["inside_band"].tolist() == ["0", "", ""]
    assert found["families_inside"].tolist() == ["exp", "", ""]
    assert with_bands(edges, None) is edges


def known(curve, form, width=0.1) -> Any:
    """A stored band of a curve whose equation has another form."""
    one = band(curve, width)
    found = departure(one, form)
    stored = {
        "source": "x", "latent": "rb", "families": ["exp", "quadratic"],
        "inside": found.inside, "widths": found.widths, "share": found.share,
    }  # fmt: skip
    return SimpleNamespace(bands=[stored])


def test_a_form_that_clearly_leaves_its_band_is_a_doubt_that_names_the_others():
    (reason,) = outside_bands(known(np.square, np.abs))
    assert not reason.holds
    assert "x -> rb leaves the 95 % band" in reason.sentence
    assert "exp, quadratic" in reason.sentence
    assert reason.number > reason.limit
    assert "pins" in reason.next_step


@pytest.mark.parametrize(
    ("form", "width", "noted"),
    [
        (lambda x: x**2, 0.1, False),  # the form itself
        (lambda x: x**2 + 0.12 * x, 0.2, True),  # 1.2 half widths: chance
        (lambda x: x**2 + 0.005 * x, 1e-4, True),  # far outside, but a trifle
    ],
)
def test_chance_and_trifles_are_no_doubt(form, width, noted):
    found = known(np.square, form, width)
    assert not outside_bands(found)
    assert bool(outside_notes(found)) == noted
    assert not outside_bands(None)


def test_the_distance_is_measured_in_half_widths_and_of_the_range():
    one = band(np.square, 0.5)
    # a jump of 2 in the middle is 1 below and 1 above; the level does not count
    found = departure(one, lambda x: x**2 + 2.0 * (x > 0) + 7.0)
    assert found.widths == pytest.approx(2.0)
    assert found.share == pytest.approx(1.0 / np.ptp(one.estimate + (one.x > 0) * 2.0))
    assert found.leaves


def test_no_band_of_a_smooth_curve_is_asked_about_a_step():
    def equations(family):
        edge = EdgeTerm(0, FAMILIES[family][0], (1.0, 0.1))
        return SimpleNamespace(
            units=Units(("x",), np.zeros(1), np.ones(1), -np.ones(1), np.ones(1)),
            latent_names=("rb",),
            structures=(LatentStructure("rb", 0.0, (edge,)),),
        )

    curve = band(lambda x: np.tanh(5 * x), 0.1)
    assert departure_of(curve, equations("threshold")) is None  # type: ignore[arg-type]
    kink = departure_of(curve, equations("abs"))  # type: ignore[arg-type]
    assert kink is not None
    assert not kink.inside

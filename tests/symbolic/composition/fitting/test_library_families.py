"""Families of the library inside a composition: the same function, inside its domain."""

import numpy as np
import pytest

from symbolic import compose
from symbolic.composition import NAMED
from symbolic.composition.fitting.edge_families import can_be_composed, edge_family
from symbolic.composition.fitting.library_families import BAND
from symbolic.composition.fitting.model import Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.written_out import edge_term
from symbolic.families.library import FAMILIES

FURTHER = [name for name in FAMILIES if name not in (*NAMED, "constant")]


def column(scale=8.0, shift=14.0, rows=200):
    raw = np.random.default_rng(0).uniform(shift - scale, shift + scale, rows)
    z = (raw - raw.mean()) / raw.std()
    origin = np.array([-raw.mean() / raw.std()])
    units = {"origin": origin, "scale": np.array([raw.std()])}
    return Regression.of(z[:, None], np.zeros(rows), **units).columns[0]


def evaluated(name, one, constants):
    out = np.empty((len(one.z), len(constants)), order="F")
    return edge_family(name).evaluate(one, np.array(constants), out), out


@pytest.mark.parametrize("name", FURTHER)
def test_a_term_is_the_form_that_it_is_written_as(name):
    one, family = column(), edge_family(name)
    inner = family.grid(one)
    shapes = family.shapes(one, np.arange(len(one.z)), inner)
    for k in (0, len(inner) // 2, len(inner) - 1):
        constants = (1.3, *inner[k])
        value, slopes = evaluated(name, one, constants)
        np.testing.assert_allclose(value, 1.3 * shapes[k], rtol=1e-12)
        np.testing.assert_allclose(slopes[:, 0], shapes[k], rtol=1e-12)
        edge, offset = edge_term(Term(0, name, constants), one)
        np.testing.assert_allclose(
            edge.value(one.z) + offset, value, rtol=1e-7, atol=1e-9
        )
        low, high = -1e9, 1e9
        for end in (low, high):
            old = np.array(constants)
            held = family.retract(one, old, np.array([1.0, *[end] * len(inner[k])]))
            assert np.isfinite(evaluated(name, one, held)[0]).all()


def test_the_band_of_a_step_moves_it_by_the_rows_that_are_wrong():
    one = column()
    x = (one.z - one.z.min()) / np.ptp(one.z) * 2 - 1
    there, here = 0.31, 0.28
    _, slopes = evaluated("threshold", one, [1.0, here])
    left = (x > there).astype(float) - (x > here)
    step = float(slopes[:, 1] @ left) / float(slopes[:, 1] @ slopes[:, 1])
    assert abs(here + step - there) < 0.3 * BAND


def test_what_depends_on_the_rows_or_is_no_family_cannot_be_composed():
    assert can_be_composed("threshold")
    assert not can_be_composed("constant")
    assert not can_be_composed("spline")


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("threshold", lambda t: (t > 18) * 1.0),
        ("arrhenius", lambda t: np.exp(25.0 * (t - 25) / (t + 273.15))),
        ("michaelis_menten", lambda t: t / (t + 6)),
    ],
)
def test_a_further_family_is_found_where_it_is_asked_for(name, truth):
    rng = np.random.default_rng(2)
    x = np.column_stack([rng.uniform(0, 30, 300), rng.normal(size=300)])
    clean = truth(x[:, 0])
    y = clean + 0.3 * clean.std() * x[:, 1] + 0.02 * clean.std() * rng.normal(size=300)
    found = compose(x, y, families=[*NAMED, name], budget_s=3)
    assert found.outcome in ("found", "not distinguishable")
    assert name in found.structure
    assert "linear" in found.structure
    np.testing.assert_allclose(
        found.predict(x), clean + 0.3 * clean.std() * x[:, 1], atol=0.1 * clean.std()
    )
    assert all(np.isfinite(constant.error) for constant in found.constants)

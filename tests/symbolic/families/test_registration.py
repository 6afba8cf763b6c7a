"""A family of the user's own is fitted, chosen and printed like the built-in ones."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from sciren import KANEncoder, ScIReN, Table, fit
from sciren.data.splits import split_random
from sciren.decoders import IdentityDecoder
from sciren.errors import ConfigError, ExpressionError
from symbolic import SymbolicModel, symbolify, verify
from symbolic.curves.fit import fit_curve
from symbolic.families.library import DEFAULT_FAMILIES, FAMILIES
from symbolic.families.registration import register_family
from symbolic.families.variants import form_named, in_raw, of_raw

X = np.linspace(0.1, 5, 300)


@pytest.fixture
def library(monkeypatch):
    """Leave the library as it was."""
    before = dict(FAMILIES)
    yield FAMILIES
    FAMILIES.clear()
    FAMILIES.update(before)


def test_an_own_family_wins_where_it_is_true(library):
    register_family(
        "uptake", None, lambda x, k: x**4 / (k**4 + x**4), {"k": (0.1, 10.0)}
    )
    y = 3 * X**4 / (2.0**4 + X**4) + 1
    fit = fit_curve(X, y, families=[*DEFAULT_FAMILIES, "uptake"])
    assert fit.family == "uptake"
    np.testing.assert_allclose(fit.constants, [3, 2, 1], rtol=1e-6)
    assert fit_curve(X, y).refused


def test_two_inner_constants_a_domain_and_a_rule_for_units(library):
    form = register_family(
        "allometry",
        lambda x, s, p: np.maximum(x + s, 1e-12) ** p,
        lambda x, s, p: (x + s) ** p,
        {"s": (1.0, 5.0), "p": (0.2, 4.0)},
        domain=lambda x, s, p: x + s,
        rescale=lambda u, shift, scale: (
            (scale * u[0] - shift, u[1]),
            scale ** -u[1],
            0.0,
        ),
    )
    fit = fit_curve(X, 2 * (X + 1.0) ** 2.5, families=["linear", "allometry"])
    np.testing.assert_allclose(fit.constants[1:3], [1.0, 2.5], rtol=1e-3)
    assert not form.feasible(np.array([1, 0.5, 2, 0]), -1, 1)
    c = fit.constants
    step = 1e-6 * np.eye(4)
    for j in range(4):
        slope = (form.value(X, c + step[j]) - form.value(X, c - step[j])) / 2e-6
        np.testing.assert_allclose(form.by_constants(X, c)[:, j], slope, rtol=1e-4)


def test_a_shape_without_inner_constants(library):
    register_family("bump", None, lambda x: sympy.exp(-(x**2)), {})
    fit = fit_curve(X, 2 * np.exp(-(X**2)) - 1, families=["linear", "bump"])
    np.testing.assert_allclose(fit.constants, [2, -1], rtol=1e-9)


def uptake(x, k):
    return x**4 / (k**4 + x**4)


def test_an_own_family_is_a_function_of_the_feature_itself_behind_a_network(
    library, tmp_path
):
    register_family("uptake", None, uptake, {"k": (0.1, 10.0)})
    rng = np.random.default_rng(1)
    x = rng.uniform(0.1, 5, 1000)
    clean = 3 * uptake(x, 2.0) + 1
    frame = pd.DataFrame({"x": x, "y": clean + 0.05 * rng.normal(size=1000)})
    table = Table.from_frame(frame, features=["x"], targets=["y"])
    model = ScIReN(KANEncoder(1, 1, seed=0), decoder=IdentityDecoder(["y"]))
    parts = split_random(table, seed=0)
    fit(model, parts.train, parts.valid)
    found = symbolify(
        model, parts.train, families=[*DEFAULT_FAMILIES, "uptake"], compose=0
    )
    assert found.edges["family"].tolist() == ["uptake"]
    assert found.table.set_index("name").value["k_x"] == pytest.approx(2.0, rel=0.02)
    grid = np.linspace(0.1, 5, 50)
    symbol = sympy.Symbol("x", real=True)
    printed = sympy.lambdify(symbol, found.equations["y"])(grid)
    np.testing.assert_allclose(printed, 3 * uptake(grid, 2.0) + 1, atol=0.03)
    assert verify(found, model, *parts).passed
    found.save(tmp_path / "equations.json")
    back = SymbolicModel.load(tmp_path / "equations.json")
    assert back.equations == found.equations
    np.testing.assert_array_equal(
        back.latents({"x": grid})["y"], found.latents({"x": grid})["y"]
    )


@given(
    shift=st.floats(-5, 5),
    scale=st.floats(0.1, 3),
    k=st.floats(0.3, 3),
    other=st.floats(0.2, 4),
)
def test_a_form_of_the_raw_value_is_the_same_function_in_any_unit(
    shift, scale, k, other
):
    with temporary_family():
        base = FAMILIES["uptake"][0]
        form = of_raw(base, shift, scale)
        z, c = np.linspace(-1, 1, 21), np.array([2.0, k, 1.0])
        np.testing.assert_array_equal(
            form.value(z, c), base.value(shift + scale * z, c)
        )
        step = 1e-6
        slope = (form.value(z + step, c) - form.value(z - step, c)) / (2 * step)
        np.testing.assert_allclose(form.by_x(z, c), slope, atol=1e-5 * scale)
        again = form_named("uptake", form.variant)
        np.testing.assert_array_equal(again.value(z, c), form.value(z, c))
        raw, same = in_raw(form, c, shift, scale)
        assert same.tolist() == c.tolist()
        x = shift + scale * z
        np.testing.assert_allclose(raw.value(x, c), base.value(x, c), rtol=1e-12)
        moved, _ = in_raw(form, c, 0.3, other)
        np.testing.assert_allclose(
            moved.value(0.3 + other * z, c), form.value(z, c), rtol=1e-9
        )
        assert form.feasible(c, -1, 1) == base.feasible(c, shift - scale, shift + scale)


@contextmanager
def temporary_family():
    before = dict(FAMILIES)
    register_family(
        "uptake", None, uptake, {"k": (0.1, 10.0)}, domain=lambda x, k: x + 2
    )
    try:
        yield
    finally:
        FAMILIES.clear()
        FAMILIES.update(before)


def test_a_constant_is_one_in_any_unit():
    constant = FAMILIES["constant"][0]
    assert of_raw(constant, 1.0, 2.0) is constant


@pytest.mark.parametrize(
    ("name", "curve"),
    [
        ("sqrt", lambda x: np.sqrt(x + 0.2)),
        ("sqrt", lambda x: np.sqrt(5.1 - x)),
        ("reciprocal", lambda x: x / (x + 0.4)),
        ("cube", lambda x: (x - 2) ** 3),
        ("sine", lambda x: np.sin(3.1 * x + 0.4)),
        ("tanh", lambda x: np.tanh(1.3 * (x - 2))),
        ("gaussian", lambda x: np.exp(-0.8 * (x - 2) ** 2)),
        ("power", lambda x: (x + 0.3) ** 2.6),
        ("power", lambda x: (5.3 - x) ** -1.4),
        ("michaelis_menten", lambda x: x / (x + 0.4)),
        ("hill", lambda x: x**3.0 / (1.5**3.0 + x**3.0)),
        ("logistic", lambda x: 1 / (1 + np.exp(-2.1 * (x - 2)))),
        ("piecewise_linear", lambda x: np.abs(x - 2.2) + 0.4 * x),
    ],
)
def test_the_families_in_reserve_find_their_members(name, curve):
    fit = fit_curve(X, 2 * curve(X) + 1, families=[*DEFAULT_FAMILIES, name])
    assert fit.family == name
    assert fit.r2 > 1 - 1e-12
    assert name not in DEFAULT_FAMILIES


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("exp", None, lambda x: x, {}), ConfigError, "'exp' exists"),
        (("a b", None, lambda x: x, {}), ConfigError, "use letters"),
        (("f", None, lambda x, a: x, {"a": (0, 1)}), ConfigError, "not the names"),
        (("f", None, lambda x, k: k * x, {"k": (1, 1)}), ConfigError, "low < high"),
        (
            ("f", np.cos, sympy.sin, {}),
            ConfigError,
            "value and expression differ",
        ),
        (("f", None, sympy.gamma, {}), ExpressionError, "gamma"),
    ],
)
def test_what_cannot_be_a_family_is_refused(library, arguments, error, text):
    with pytest.raises(error, match=text):
        register_family(*arguments)
    assert "f" not in library


def test_a_taken_name_can_be_replaced_on_request(library):
    form = register_family("abs", None, lambda x: x**5, {}, replace=True)
    assert library["abs"] == (form,)

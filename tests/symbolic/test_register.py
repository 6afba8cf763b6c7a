"""A family of the user's own is fitted, chosen and printed like the built-in ones."""

import numpy as np
import pytest
import sympy

from sciren.errors import ConfigError, ExpressionError
from symbolic.fit import fit_curve
from symbolic.library import DEFAULT_FAMILIES, FAMILIES
from symbolic.register import register_family

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

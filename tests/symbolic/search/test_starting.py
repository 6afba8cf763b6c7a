"""Starting structures: the fitted curves, rewritten without redundant constants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic.curves.extract import Curve, LatentCurves, NodeCurves
from symbolic.curves.fit import fit_curve
from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.variants import exp_about, form_named
from symbolic.options import SymbolicOptions
from symbolic.search.starting import (
    FittedEdge,
    FittedLatent,
    FittedNode,
    additive_start,
    fit_edge,
    fit_latent,
    fits_by_family,
    node_start,
    term_of,
)
from symbolic.terms.edge_term import EdgeTerm

FEATURES = ("sw_pot", "ta", "vpd")
Z = np.random.default_rng(0).uniform(-1.8, 1.8, (200, 3))
OUTER = {
    "linear": lambda s: 2 * s - 1,
    "abs": lambda s: 1.5 * np.abs(s - 0.4) + 0.3,
    "quadratic": lambda s: -0.7 * (s + 0.5) ** 2 + 2,
    "exp": lambda s: -1.2 * np.exp(0.6 * s) + 1,
    "log": lambda s: 0.8 * np.log(s + 4.5) + 1,
    "log left": lambda s: -0.8 * np.log(5.0 - s) + 1,
}


def curve(source, function, low=-2.0, high=2.0):
    x = np.linspace(low, high, 400)
    y = function(x)
    knots = np.linspace(0, 399, 120).round().astype(int)
    ends = ((y[1] - y[0]) / (x[1] - x[0]), (y[-1] - y[-2]) / (x[-1] - x[-2]))
    return Curve(source, x, y, np.ones(400), SplineCurve(x[knots], y[knots], ends))


def hidden(outer, low=-4.0, high=4.0):
    inner = (curve(0, lambda z: z), curve(2, lambda z: 0.3 * (z - 0.3) ** 2))
    node = NodeCurves(inner, 0.25, curve(0, outer, low, high))
    return LatentCurves("rb", 3.0, (), (node,))


def fitted(outer, **choices):
    return fit_latent(hidden(outer), FEATURES, SymbolicOptions(**choices))


# -- one edge -----------------------------------------------------------------------------
def test_a_pinned_edge_has_one_family_and_a_banned_one_lacks_it():
    one = curve(1, np.exp)
    pinned = fit_edge(one, "ta", "rb", SymbolicOptions(pins={"ta": "linear"}))
    assert (pinned.family, pinned.chosen) == ("linear", "user")
    assert list(fits_by_family(pinned)) == ["linear"]
    banned = fit_edge(one, "ta", "rb", SymbolicOptions(forbid={"ta": ("exp",)}))
    assert "exp" not in fits_by_family(banned)


def test_the_term_of_a_fit_is_the_fitted_curve_up_to_its_offset():
    one = curve(1, lambda z: 2 * np.abs(z - 0.3) + 1)
    fit = fit_edge(one, "ta", "rb", SymbolicOptions())
    term, offset = term_of(fit, one, "f_rb_ta")
    np.testing.assert_allclose(term.value(one.x) + offset, fit.value(one.x))
    assert (term.source, term.function) == (1, "")


def test_a_refused_curve_stays_a_named_table():
    one = curve(1, lambda z: np.sin(5 * z))
    term, offset = term_of(fit_edge(one, "ta", "rb", SymbolicOptions()), one, "f_rb_ta")
    assert (term.form, term.function, offset) == (None, "f_rb_ta", 0.0)
    np.testing.assert_allclose(term.value(one.x), one.y, atol=1e-3)


@pytest.mark.parametrize(("rate", "about_zero"), [(-18.0, True), (-0.3, False)])
def test_an_exponential_about_a_number_is_written_about_zero_where_that_is_a_number(
    rate, about_zero
):
    low, high = (-0.5, 8.0) if about_zero else (1990.0, 2020.0)
    one = curve(1, lambda z: 1 - 2 * np.exp(rate * (z - low)), low, high)
    fit = fit_curve(one.x, one.y, one.weight, pin="exp")
    assert fit.form.variant.about is not None
    term, offset = term_of(fit, one, "f")
    assert (term.form is form_named("exp", "")) == about_zero
    np.testing.assert_allclose(term.value(one.x) + offset, fit.value(one.x), atol=1e-9)


@given(st.floats(0.1, 5).flatmap(lambda v: st.sampled_from([v, -v])))
def test_a_scaled_term_is_the_term_times_the_factor(factor):
    table = curve(0, np.sin).table
    for term in (
        EdgeTerm(0, form_named("exp", ""), (2.0, 0.5)),
        EdgeTerm(0, None, (), table, "f"),
    ):
        np.testing.assert_allclose(
            term.scaled(factor).value(3 * Z[:, 0]),
            factor * term.value(3 * Z[:, 0]),
            rtol=1e-9,
            atol=1e-12,
        )


# -- a latent -----------------------------------------------------------------------------
def test_the_additive_start_is_the_sum_of_the_fits_without_dead_edges():
    curves = LatentCurves(
        "rb",
        3.0,
        (
            curve(0, lambda z: 2 * z + 1),
            curve(1, lambda z: np.full_like(z, 0.7)),
            curve(2, lambda z: np.exp(0.8 * z)),
        ),
        (),
    )
    start = additive_start(fit_latent(curves, FEATURES, SymbolicOptions()))
    expected = 3.0 + 2 * Z[:, 0] + 1 + 0.7 + np.exp(0.8 * Z[:, 2])
    np.testing.assert_allclose(start.value(Z), expected, rtol=1e-9)
    assert [edge.form.family for edge in start.edges] == ["linear", "exp"]


def outer_value(latent, family, z):
    """The fitted outer form of the fitted index, as it stands before any rewriting."""
    (node,) = latent.nodes
    index = node.offset + sum(
        edge.fit.value(z[:, edge.curve.source]) for edge in node.edges
    )
    return latent.offset + fits_by_family(node.outer.fit)[family].value(index)


@pytest.mark.parametrize("family", ["linear", "abs", "quadratic", "exp", "log"])
@pytest.mark.parametrize("planted", list(OUTER))
def test_each_outer_family_reproduces_its_fitted_curve(family, planted):
    latent = fitted(OUTER[planted])
    start = node_start(latent, [family])
    if start is None:
        assert family not in fits_by_family(latent.nodes[0].outer.fit)
        return
    expected = outer_value(latent, family, Z)
    # Nearly straight exponentials have large amplitudes, hence few digits left.
    np.testing.assert_allclose(start.value(Z), expected, rtol=1e-8, atol=1e-5)
    assert bool(start.nodes) == (family != "linear")


@pytest.mark.parametrize("planted", list(OUTER))
def test_the_spline_outer_is_the_learned_curve(planted):
    latent = fitted(OUTER[planted])
    start = node_start(latent, ["spline"])
    index = 0.25 + Z[:, 0] + 0.3 * (Z[:, 2] - 0.3) ** 2
    kink = 0.05 if planted == "abs" else 1e-3
    expected = 3.0 + OUTER[planted](index)
    np.testing.assert_allclose(start.value(Z), expected, rtol=1e-3, atol=kink)
    assert start.nodes[0].function == "g_rb"


def test_a_single_logarithm_takes_the_offset_into_its_index():
    start = node_start(fitted(OUTER["log"]), ["log"])
    assert not start.offset_free
    assert start.offset == 0.0
    assert start.n_free == start.size - 1


def test_an_outer_exponential_about_a_number_keeps_its_curve():
    form, constants = exp_about(40.0), np.array([2.0, 1.2, 0.5])
    inner = FittedEdge(curve(0, lambda z: z), _fit(lambda z: z), "sw_pot", "f")
    far = curve(0, lambda s: form.value(s, constants), 36.0, 44.0)
    fit = fit_curve(far.x, far.y, far.weight, ["exp"])
    assert fit.form.variant.about is not None
    node = FittedNode((inner,), 40.0, FittedEdge(far, fit, "h1_rb", "g_rb"))
    start = node_start(FittedLatent("rb", 1.0, (), (node,)), ["exp"])
    expected = 1.0 + form.value(40.0 + Z[:, 0], constants)
    np.testing.assert_allclose(start.value(Z), expected, rtol=1e-6)


def _fit(function):
    one = curve(0, function)
    return fit_curve(one.x, one.y, one.weight)


def test_an_outer_family_that_was_not_fitted_gives_no_start():
    assert node_start(fitted(OUTER["abs"], forbid={"rb": ("abs",)}), ["abs"]) is None
    assert node_start(fitted(OUTER["abs"], pins={"h1_rb": "exp"}), ["abs"]) is None


def test_functions_of_several_nodes_have_names_of_their_own():
    wave = curve(0, lambda z: np.sin(5 * z))
    node = NodeCurves((wave,), 0.0, curve(0, lambda s: np.sin(3 * s), -1, 1))
    latent = fit_latent(
        LatentCurves("rb", 0.0, (), (node, node)), FEATURES, SymbolicOptions()
    )
    names = [n.edges[0].function for n in latent.nodes]
    names += [n.outer.function for n in latent.nodes]
    assert names == ["f_rb_sw_pot_1", "f_rb_sw_pot_2", "g_rb_1", "g_rb_2"]
    start = node_start(latent, ["spline", "linear"])
    assert [n.function for n in start.nodes] == ["g_rb_1"]
    assert [e.function for e in start.all_edges] == ["f_rb_sw_pot_2", "f_rb_sw_pot_1"]

"""Structures: constants in and out, exact derivatives, values that survive rewriting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.forms import Variant
from symbolic.families.library import FAMILIES
from symbolic.families.variants import exp_about, form_named, in_raw, of_raw
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import OUTERS, Factor, Node, Product
from symbolic.terms.structure import LatentStructure

Z = np.random.default_rng(0).uniform(-2, 2, (60, 3))
TABLE = SplineCurve(np.linspace(-2, 2, 9), np.sin(np.linspace(-2, 2, 9)), (0.1, 0.2))
SIZES = st.floats(0.1, 3).flatmap(lambda size: st.sampled_from([size, -size]))
FORMS = {
    ("linear", ""): (SIZES,),
    ("quadratic", ""): (SIZES, st.floats(-3, 3)),
    ("exp", ""): (SIZES, st.floats(-1.5, 1.5)),
    ("log", "+"): (SIZES, st.floats(2.5, 20)),
    ("log", "-"): (SIZES, st.floats(2.5, 20)),
    ("abs", ""): (SIZES, st.floats(-1.5, 1.5)),
}


@st.composite
def edges(draw, refused=True):
    source = draw(st.integers(0, 2))
    key = draw(st.sampled_from([*FORMS, *([None] if refused else [])]))
    if key is None:
        return EdgeTerm(source, None, (), TABLE, f"f_{source}")
    constants = tuple(draw(value) for value in FORMS[key])
    return EdgeTerm(source, form_named(*key), constants)


@st.composite
def nodes(draw, refused=True):
    outer = draw(st.sampled_from(OUTERS if refused else OUTERS[:-1]))
    inner = tuple(draw(st.lists(edges(refused), min_size=1, max_size=2)))
    amplitude = draw(SIZES) if outer == "log" else draw(st.sampled_from([1.0, -1.0]))
    lowest = min(sum(e.value(Z[:, e.source]) for e in inner))
    offset = 1.0 - lowest if outer == "log" else draw(st.floats(-1, 1))
    curve = (TABLE, "g") if outer == "spline" else (None, "")
    if outer == "exp":  # keep the exponent small: finite differences need it
        inner = tuple(EdgeTerm(e.source, FAMILIES["linear"][0], (0.5,)) for e in inner)
    return Node(outer, amplitude, float(offset), inner, *curve)


@st.composite
def products(draw, refused=True):
    factors = []
    for _ in range(draw(st.integers(2, 3))):
        edge = draw(edges(refused))
        anchored = draw(st.booleans())
        if anchored and edge.form is not None and edge.form.family == "linear":
            raw = of_raw(edge.form, draw(st.floats(-5, 5)), draw(st.floats(0.1, 3)))
            edge = EdgeTerm(edge.source, raw, edge.constants)
        factors.append(Factor(edge, 0.0 if anchored else 0.7, anchored))
    return Product(tuple(factors))


@st.composite
def structures(draw, refused=True):
    direct = tuple(draw(st.lists(edges(refused), max_size=2)))
    hidden = draw(st.lists(st.one_of(nodes(refused), products(refused)), max_size=2))
    hidden = tuple(hidden)
    return LatentStructure("rb", draw(st.floats(-5, 5)), direct, hidden)


@given(structures())
def test_constants_come_back_as_they_were_packed(structure):
    vector = structure.pack()
    assert vector.shape == (structure.size,)
    assert structure.unpack(vector) == structure


@given(structures(), st.integers(0, 2**31))
def test_other_constants_are_taken_in_the_same_order(structure, seed):
    vector = np.random.default_rng(seed).normal(size=structure.size)
    np.testing.assert_array_equal(structure.unpack(vector).pack(), vector)


@given(structures())
def test_the_derivatives_are_those_of_the_value(structure):
    vector, exact = structure.pack(), structure.by_constants(Z)
    assert exact.shape == (len(Z), structure.size)
    smooth = away_from_kinks(structure)
    for j in range(structure.size):
        step = np.zeros_like(vector)
        step[j] = 1e-6 * max(1.0, abs(vector[j]))
        up = structure.unpack(vector + step).value(Z)
        down = structure.unpack(vector - step).value(Z)
        size = 1.0 + np.abs(exact[:, j])
        gap = np.abs((up - down) / (2 * step[j]) - exact[:, j]) / size
        assert gap[smooth].max(initial=0.0) < 1e-4


def away_from_kinks(structure):
    smooth = np.ones(len(Z), bool)
    for edge in structure.all_edges:
        if edge.form is not None and edge.form.family == "abs":
            smooth &= np.abs(Z[:, edge.source] - edge.constants[1]) > 1e-4
    for node in structure.nodes:
        if node.outer == "abs":
            smooth &= np.abs(node.index(Z)) > 1e-3
    return smooth


@given(structures())
def test_orienting_changes_no_value_and_is_done_once(structure):
    turned = structure.oriented()
    np.testing.assert_allclose(turned.value(Z), structure.value(Z), rtol=1e-12, atol=0)
    assert turned.oriented() == turned


@given(structures(refused=False))
def test_the_largest_edge_of_a_folding_node_does_not_fall(structure):
    line = np.linspace(-1, 1, 5)
    for node in structure.oriented().nodes:
        if node.outer in ("abs", "quadratic"):
            strongest = max(node.edges, key=lambda e: float(np.ptp(e.value(line))))
            assert strongest.value(line)[-1] >= strongest.value(line)[0]


def test_a_node_with_a_refused_edge_keeps_its_sign():
    fixed = EdgeTerm(0, None, (), TABLE, "f")
    falling = EdgeTerm(1, FAMILIES["linear"][0], (-2.0,))
    node = Node("abs", 1.0, 0.3, (fixed, falling))
    structure = LatentStructure("rb", 0.0, (), (node,))
    assert structure.oriented() == structure


def test_a_value_is_the_sum_of_offset_edges_and_nodes():
    line, other = EdgeTerm(0, form_named("linear", ""), (2.0,)), form_named("abs", "")
    kink = EdgeTerm(1, other, (3.0, 0.5))
    node = Node("quadratic", -1.0, 0.25, (line, kink))
    structure = LatentStructure("rb", 7.0, (line,), (node,))
    index = 0.25 + 2 * Z[:, 0] + 3 * np.abs(Z[:, 1] - 0.5)
    np.testing.assert_allclose(structure.value(Z), 7 + 2 * Z[:, 0] - index**2)
    assert structure.all_edges == [line, line, kink]


def test_a_redundant_offset_is_stored_but_not_counted():
    node = Node("log", 2.0, 5.0, (EdgeTerm(0, form_named("linear", ""), (1.0,)),))
    structure = LatentStructure("rb", 0.0, (), (node,), offset_free=False)
    assert (structure.size, structure.n_free) == (4, 3)


@given(nodes(refused=False))
def test_a_trial_step_out_of_the_domain_stays_finite(node):
    far = 1e3 * Z
    value, slope = node.shape(node.index(far))
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


# -- names of forms -----------------------------------------------------------------------
@pytest.mark.parametrize(
    "form", [form for family in FAMILIES.values() for form in family]
)
def test_every_form_of_the_library_is_found_by_name(form):
    assert form_named(form.family, form.variant) is form


def test_an_exponential_about_a_number_is_found_by_name():
    form = exp_about(2010.25)
    again = form_named("exp", form.variant)
    x = np.linspace(2000, 2020, 7)
    np.testing.assert_array_equal(
        again.value(x, np.array([2.0, 0.3, 1.0])),
        form.value(x, np.array([2.0, 0.3, 1.0])),
    )
    assert form.variant == Variant(about=2010.25)


@pytest.mark.parametrize(
    ("family", "variant"),
    [("exp", Variant(about=np.nan)), ("log", ""), ("abs", Variant(about=3.0))],
)
def test_a_form_that_does_not_exist_is_a_key_error(family, variant):
    with pytest.raises(KeyError):
        form_named(family, variant)


def test_a_family_that_does_not_exist_is_a_key_error():
    with pytest.raises(KeyError, match="spiral"):
        form_named("spiral", "")


@given(
    st.sampled_from(list(FORMS)),
    st.data(),
    st.floats(-50, 50),
    st.floats(0.01, 100),
)
def test_raw_constants_describe_the_same_curve(key, data, shift, scale):
    c = np.array([*(data.draw(value) for value in FORMS[key]), 0.5])
    form, raw = in_raw(form_named(*key), c, shift, scale)
    z = Z[:, 0]
    np.testing.assert_allclose(
        form.value(shift + scale * z, raw), form_named(*key).value(z, c), 1e-8, 1e-8
    )


@given(st.floats(-3, 3), st.floats(-40, 40), st.floats(-50, 50), st.floats(0.1, 10))
def test_an_exponential_about_a_number_moves_its_number(rate, reference, shift, scale):
    form = exp_about(reference)
    z = reference + Z[:, 0]
    c = np.array([1.5, rate, 0.5])
    moved, raw = in_raw(form, c, shift, scale)
    np.testing.assert_allclose(
        moved.value(shift + scale * z, raw), form.value(z, c), 1e-9
    )


# -- products ------------------------------------------------------------------------------
LINE = FAMILIES["linear"][0]


def test_a_product_has_as_many_free_constants_as_it_has_directions():
    edges = (EdgeTerm(0, LINE, (2.0,)), EdgeTerm(1, FAMILIES["exp"][0], (0.5, 0.3)))
    product = Product((Factor(edges[0], 0.4), Factor(edges[1], -0.2)))
    structure = LatentStructure("rb", 1.0, (), (product,))
    slopes = structure.by_constants(Z)
    assert np.linalg.matrix_rank(slopes) == structure.n_free == structure.size - 1


@pytest.mark.parametrize("number", [0, 1])
def test_without_the_edge_of_a_factor_a_product_is_the_other_factor(number):
    edges = (EdgeTerm(0, LINE, (2.0,)), EdgeTerm(1, FAMILIES["abs"][0], (0.5, 0.3)))
    product = Product((Factor(edges[0], 0.4), Factor(edges[1], -0.2)))
    structure = LatentStructure("rb", 1.0, (edges[0],), (product,))
    mean = float(edges[number].value(Z[:, number]).mean())
    less = structure.with_edge(1 + number, None, mean)
    level = product.factors[number].offset + mean
    other = product.factors[1 - number].value(Z)
    expected = 1.0 + edges[0].value(Z[:, 0]) + level * other
    assert less.nodes == ()
    np.testing.assert_allclose(less.value(Z), expected, rtol=1e-12, atol=1e-12)


def test_a_raw_factor_that_stays_alone_is_a_line_of_the_scaled_feature():
    raw = EdgeTerm(1, of_raw(LINE, 10.0, 8.0), (0.5,))
    product = Product((Factor(EdgeTerm(0, LINE, (2.0,)), 0.4), Factor(raw, 0.0, True)))
    structure = LatentStructure("rb", 1.0, (), (product,))
    less = structure.with_edge(0, None, 0.0)
    assert [edge.form for edge in less.edges] == [LINE]
    np.testing.assert_allclose(
        less.value(Z), 1.0 + 0.4 * 0.5 * (10.0 + 8.0 * Z[:, 1]), rtol=1e-12
    )


@given(structures(refused=False))
def test_an_offset_goes_into_a_logarithm_without_changing_a_value(structure):
    moved = structure.with_offset_in_log()
    has_log = any(node.outer == "log" for node in structure.nodes)
    assert moved.offset_free or has_log
    np.testing.assert_allclose(moved.value(Z), structure.value(Z), rtol=1e-7, atol=1e-9)


def test_features_of_a_node_of_several_act_together_and_others_do_not():
    line = FAMILIES["linear"][0]
    a, b, c = (EdgeTerm(source, line, (1.0,)) for source in range(3))
    together = LatentStructure("y", 0.0, (c,), (Node("exp", 1.0, 0.0, (a, b)),))
    assert together.interacting == {0, 1}
    assert (together.together(0), together.together(2)) == ({1}, set())
    alone = LatentStructure("y", 0.0, (c,), (Node("exp", 1.0, 0.0, (a, a)),))
    assert alone.interacting == set()
    assert LatentStructure("y", 0.0, (a, b)).interacting == set()

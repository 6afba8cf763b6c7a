"""Edge curves for pictures: raw units, centred, beside the closed form they became."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from symbolic import symbolify
from symbolic.curves.learned_curves import SAMPLE, edge_curves
from symbolic.model.storage import from_json, to_json

FEW = TrainConfig(starts=4, start_iterations=6, polish=1)


def study(truth, hidden=(), config=None, **choices):
    """Return model, rows and equations of plain regression on x, y (and a useless w)."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-2, 3, 400), rng.uniform(10, 50, 400)
    data = pd.DataFrame({"x": x, "y": y, "w": rng.normal(size=400)})
    data["t"] = truth(x, y) + 0.02 * rng.normal(size=400)
    rows = Table.from_frame(data, ["x", "y", "w"], (), ["t"], units={"x": "m"})
    model = ScIReN(KANEncoder(3, 1, hidden=hidden, seed=0))
    fit(model, rows, rows, config or TrainConfig())
    return model, rows, symbolify(model, rows, compose=0, **choices)


@pytest.fixture(scope="module")
def additive():
    return study(lambda x, y: 3 + np.exp(0.8 * x) + 0.8 * np.sin(y / 5))


@pytest.fixture(scope="module")
def folded():
    return study(lambda x, y: 1 + np.abs(x + 0.1 * y - 3.5), (1,), FEW)


def by_name(curves):
    return {curve.name: curve for curve in curves}


def test_curves_stand_in_raw_units_over_the_range_of_the_rows(additive):
    model, rows, symbolic = additive
    curves = by_name(edge_curves(model, rows, symbolic))
    assert set(curves) == {"x -> t", "y -> t"}
    curve, x = curves["x -> t"], rows.features[:, 0].numpy()
    assert (curve.low, curve.high) == pytest.approx((x.min(), x.max()))
    assert (curve.unit, curve.layer) == ("m", 0)
    assert set(curve.data) <= set(x)
    assert len(curve.data) <= SAMPLE


def test_spline_and_formula_lie_on_each_other_and_are_centred(additive):
    model, rows, symbolic = additive
    curve = by_name(edge_curves(model, rows, symbolic))["x -> t"]
    truth = np.exp(0.8 * curve.x)
    size = np.ptp(truth)
    for values in (curve.spline, curve.formula):
        gap = values - (truth - truth.mean())
        assert np.ptp(gap) < 0.1 * size
    x = rows.features[:, 0].numpy()
    assert abs(np.interp(x, curve.x, curve.formula).mean()) < 0.02 * size
    assert (curve.family, curve.refused) == ("exp", False)
    assert "exp" in curve.label


def test_a_formula_far_from_its_curve_is_not_drawn_nearer(additive):
    """A refit on the data may leave the network: then the picture shows by how much."""
    model, rows, symbolic = additive
    (structure,) = symbolic.structures
    edges = tuple(
        edge if edge.form is None else edge.scaled(3.0) for edge in structure.edges
    )
    far = replace(symbolic, structures=(replace(structure, edges=edges),))
    one, other = (
        by_name(edge_curves(model, rows, equations))["x -> t"]
        for equations in (symbolic, far)
    )
    np.testing.assert_allclose(other.formula, 3.0 * one.formula)
    np.testing.assert_array_equal(other.spline, one.spline)


def test_curves_have_the_unit_of_the_printed_latent(additive):
    """Between 0 and 60 a hard sigmoid prints 10 times the raw latent."""
    model, rows, symbolic = additive
    bounded = replace(
        symbolic, constraints={"t": ("hard_sigmoid", 0.0, 60.0, 1.0)},
        unit_of={**symbolic.unit_of, "t": "g"},
    )  # fmt: skip
    one, other = (
        by_name(edge_curves(model, rows, equations))["x -> t"]
        for equations in (symbolic, bounded)
    )
    np.testing.assert_allclose(other.spline, 10.0 * one.spline)
    np.testing.assert_allclose(other.formula, 10.0 * one.formula)
    assert other.target_unit == "g"
    bent = replace(symbolic, constraints={"t": ("sigmoid", 0.0, 60.0, 1.0)})
    assert bent.printed_unit("t") == (1.0, "")


def test_a_refused_edge_has_no_formula(additive):
    model, rows, symbolic = additive
    curve = by_name(edge_curves(model, rows, symbolic))["y -> t"]
    assert (curve.refused, curve.formula, curve.family) == (True, None, "none")
    assert curve.label == "f_t_y(y)"


def test_the_most_important_edge_comes_first(additive):
    model, rows, symbolic = additive
    shares = [curve.importance for curve in edge_curves(model, rows, symbolic)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0)


def test_without_equations_only_splines_are_given(additive, folded):
    for model, rows, _ in (additive, folded):
        for curve in edge_curves(model, rows):
            assert (curve.formula, curve.label, curve.refused) == (None, "", False)
            assert np.isfinite(curve.spline).all()


def test_loaded_equations_draw_the_same(additive):
    model, rows, symbolic = additive
    again = from_json(to_json(symbolic))
    one, other = (edge_curves(model, rows, s) for s in (symbolic, again))
    for a, b in zip(one, other, strict=True):
        assert (a.name, a.label, a.importance) == (b.name, b.label, b.importance)
        np.testing.assert_array_equal(a.spline, b.spline)


def test_hidden_nodes_are_drawn_with_the_sign_of_their_formula(folded):
    model, rows, symbolic = folded
    curves = by_name(edge_curves(model, rows, symbolic))
    assert set(curves) == {"x -> h1_t", "y -> h1_t", "h1_t -> t"}
    for name in ("x -> h1_t", "y -> h1_t"):
        curve = curves[name]
        assert curve.spline[-1] > curve.spline[0]
        assert np.ptp(curve.spline - curve.formula) < 0.1 * np.ptp(curve.spline)
    outer = curves["h1_t -> t"]
    assert (outer.layer, outer.family, outer.label) == (1, "abs", "|s|")
    assert np.ptp(outer.spline - outer.formula) < 0.15 * np.ptp(outer.spline)
    assert outer.importance == pytest.approx(1.0)


def test_a_dissolved_node_shows_the_direct_terms_it_became():
    model, rows, symbolic = study(lambda x, y: 3 + x + 0.1 * y, (1,), FEW)
    assert not symbolic.structures[0].nodes
    curves = by_name(edge_curves(model, rows, symbolic))
    assert curves["x -> h1_t"].label.endswith("*x")
    assert curves["x -> h1_t"].formula is not None
    outer = curves["h1_t -> t"]
    assert (outer.family, outer.formula) == ("linear", None)
    assert outer.importance == pytest.approx(1.0)
    assert outer.importance == pytest.approx(
        curves["x -> h1_t"].importance + curves["y -> h1_t"].importance
    )


def test_a_node_is_found_again_when_another_one_was_dissolved():
    """Two nodes in the network, of which one became a direct term."""
    config = TrainConfig(starts=4, start_iterations=8, polish=1)
    model, rows, symbolic = study(
        lambda x, y: np.abs(x + 0.1 * y - 3.5) + 0.2 * y, (2,), config
    )
    (structure,) = symbolic.structures
    assert len(structure.nodes) == 1
    assert len(structure.edges) >= 1
    found = [c for c in edge_curves(model, rows, symbolic) if c.layer == 1]
    assert sorted(curve.family for curve in found) == ["abs", "linear"]
    for curve in found:
        slopes = np.diff(curve.spline)
        folds = slopes.min() < 0 < slopes.max()
        assert folds == (curve.formula is not None) == (curve.family == "abs")

"""Curves by the kind of a feature: what they can be, and what bending costs."""

import pytest
import torch

from sciren.checkpoint import load_model, save_model
from sciren.data.kinds import Categorical, Numeric, Periodic
from sciren.data.scaling import FeatureScaling
from sciren.decoders.q10 import Q10Respiration
from sciren.encoders import KANEncoder, MLPEncoder
from sciren.encoders.curve_spaces import TURN, CurveSpaces, space_of
from sciren.model import ScIReN
from sciren.splines import design

CLASSES = Categorical(("a", "b", "c"), (2.0, 5.0, 7.0))
CIRCLE = Periodic(360.0)
KINDS = {"x": Numeric(), "class": CLASSES, "wind": CIRCLE}


def values_of(kind, own, x, intervals=8):
    space = space_of(kind)
    low, high = torch.tensor(space.ends(intervals), dtype=torch.float64)
    basis = design(space.on_knots(x).unsqueeze(1), low[None], high[None], intervals)[
        :, 0
    ]
    return basis @ space.turn(intervals) @ own


def test_a_periodic_curve_meets_itself_with_slope_and_curvature():
    own = torch.randn(11, generator=torch.Generator().manual_seed(0)).double()
    steps = torch.arange(-3, 4, dtype=torch.float64)
    whole = values_of(CIRCLE, own, 0.01 * steps)
    torch.testing.assert_close(whole, values_of(CIRCLE, own, 0.01 * steps + 3 * 360))
    # a jump of value, slope or curvature would stand out in third differences
    assert whole.diff(n=3).abs().max() < 1e-6 * whole.diff().abs().max()


def test_classes_take_any_values_and_others_take_their_own():
    own = torch.tensor([0.5, 1.0, -2.0, 3.0, *[9.0] * 7], dtype=torch.float64)
    x = torch.tensor([2.0, 5.0, 7.0, 3.0, -1.0], dtype=torch.float64)
    values = values_of(CLASSES, own, x)
    torch.testing.assert_close(values, torch.tensor([1.0, -2, 3, 0.5, 0.5]).double())


@pytest.mark.parametrize("kind", [CLASSES, CIRCLE])
def test_coefficients_come_back_from_splines(kind):
    space, used = space_of(kind), {CLASSES: 4, CIRCLE: 8}[kind]
    own = torch.zeros(11, dtype=torch.float64)
    own[:used] = torch.arange(used) ** 1.5
    back = space.from_spline(8) @ space.turn(8) @ own
    torch.testing.assert_close(back[:used], own[:used])


def test_the_penalty_of_a_wave_is_its_bending():
    intervals = 60
    places = torch.arange(intervals, dtype=torch.float64) * TURN / intervals
    own = torch.cat((torch.sin(2 * torch.pi * places / TURN), torch.zeros(3).double()))
    bending = space_of(CIRCLE).bending(intervals, TURN / intervals)
    expected = (2 * torch.pi / TURN) ** 4 * TURN / 2
    assert float(own @ bending @ own) == pytest.approx(expected, rel=0.01)


def test_the_ridge_of_classes_is_zero_on_the_mean_and_counts_distances():
    mean = torch.tensor([0.0, 0.5, 0.3, 0.2, *[0.0] * 7], dtype=torch.float64)
    ridge = space_of(CLASSES).ridge(8, mean)
    level = torch.ones(11, dtype=torch.float64)
    assert float(level @ ridge @ level) == pytest.approx(0.0, abs=1e-12)
    effects = torch.tensor([0.0, 1.0, -1.0, -1.0, *[0.0] * 7], dtype=torch.float64)
    assert float(effects @ ridge @ effects) == pytest.approx(3.0)


def test_numeric_features_alone_change_nothing():
    assert not CurveSpaces.of((Numeric(), Numeric()))


def test_more_classes_than_intervals_refine_the_grid():
    encoder = KANEncoder(1, 1, grid=4)
    many = Categorical(tuple("abcdefghij"), tuple(float(k) for k in range(1, 11)))
    encoder.set_kinds([many])
    assert encoder.grid == (10,)
    assert encoder.settings()["grid"] == [10]


def test_a_stored_model_keeps_its_kinds(tmp_path):
    model = ScIReN(KANEncoder(3, 1, start="noise"), "auto", Q10Respiration())
    x = torch.tensor([[0.1, 2.0, 10.0], [0.7, 7.0, 350.0], [0.4, 5.0, 90.0]]).double()
    scaling = FeatureScaling.fit(x, "standard", list(KINDS.values()))
    model.set_scaling(
        scaling, list(KINDS), {k: v for k, v in KINDS.items() if k != "x"}
    )
    model.encoder.prepare(model.scaled(x))
    save_model(model, tmp_path)
    read = load_model(tmp_path)
    assert read.kinds == model.kinds
    turned = x + torch.tensor([0.0, 0.0, 360.0])
    raw = model.raw_latents(model.scaled(x))
    torch.testing.assert_close(read.raw_latents(read.scaled(turned)), raw)


def test_a_perceptron_has_a_column_for_each_class():
    encoder = MLPEncoder(3, 1, width=4)
    encoder.set_kinds(list(KINDS.values()))
    x = torch.tensor([[0.1, 2.0, 10.0], [0.1, 7.0, 370.0]], dtype=torch.float64)
    columns = encoder.inputs(x)
    assert columns[:, 1:4].tolist() == [[1, 0, 0], [0, 0, 1]]
    torch.testing.assert_close(columns[0, 4:], columns[1, 4:])
    assert encoder(x).shape == (2, 1)

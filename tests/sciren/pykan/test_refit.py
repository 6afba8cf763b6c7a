"""A carried network becomes a KANEncoder on given rows, or the difference is named."""

import pytest
import torch

from sciren.encoders import KANEncoder
from sciren.errors import ConfigError, DataError
from sciren.pykan import from_pykan, refitted

FEATURES = ("sw_pot", "dsw_pot", "ta")
KINDS = (
    "adaptive",
    "quadratic",
    "orders by layer",
    "trained",
    "symbolic",
    "input-pruned",
)


def rows_inside(case):
    return case.rows.double().clamp(-0.99, 0.99)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_outputs_stay_within_the_tolerance(made, kind):
    case = made(kind)
    # splines of order one have corners at their knots
    tolerance = 1e-2 if kind == "orders by layer" else 1e-5
    encoder, rows = from_pykan(case.model, FEATURES), rows_inside(case)
    again, difference = refitted(encoder, rows, tolerance=tolerance, intervals=300)
    assert isinstance(again, KANEncoder)
    outputs = encoder(rows)
    largest = (again(rows) - outputs).abs().max()
    assert float(largest) == pytest.approx(difference * max(1, outputs.abs().max()))
    assert difference <= tolerance


def test_more_intervals_meet_a_network_by_the_third_power_at_least(made):
    case = made("adaptive")
    encoder, rows = from_pykan(case.model, FEATURES), rows_inside(case)
    gaps = [refitted(encoder, rows, n, tolerance=1).difference for n in (100, 400)]
    assert gaps[1] < gaps[0] / 4**3


def test_removed_edges_stay_removed(made):
    case = made("input-pruned")
    encoder = from_pykan(case.model, FEATURES)
    again = refitted(encoder, rows_inside(case)).encoder
    for new, old in zip(again.spline_layers, encoder.spline_layers, strict=True):
        assert torch.equal(new.mask, old.mask)


def test_a_kink_is_refused_with_its_size(make):
    model = make(width=(3, 1))
    model.act_fun[0].mask.data[0, 0] = 0
    model.symbolic_fun[0].mask.data[0, 0] = 1
    model.symbolic_fun[0].funs_name[0][0] = "sgn"
    model.symbolic_fun[0].affine.data[0, 0] = torch.tensor([1.0, 0.0, 1.0, 0.0])
    encoder = from_pykan(model, FEATURES)
    rows = torch.linspace(-1, 1, 99, dtype=torch.float64).repeat(3, 1).T
    with pytest.raises(
        ConfigError, match=r"with 50 intervals differ by 0.* more than tol"
    ):
        refitted(encoder, rows, intervals=50)


def test_rows_where_a_network_is_not_finite_are_named(make):
    model = make(width=(3, 1))
    model.symbolic_fun[0].mask.data[0, 0] = 1
    model.symbolic_fun[0].funs_name[0][0] = "log"
    model.symbolic_fun[0].affine.data[0, 0] = torch.tensor([1.0, 0.0, 1.0, 0.0])
    rows = torch.tensor([[0.5, 0, 0], [-0.5, 0, 0], [-0.6, 0, 0]], dtype=torch.float64)
    with pytest.raises(DataError, match="not finite on 2 rows, the first is row 1"):
        refitted(from_pykan(model, FEATURES), rows)

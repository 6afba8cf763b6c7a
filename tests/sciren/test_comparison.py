"""How predictions meet observations: scales, logs, gaps, weights."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.comparison import Observations, ResidualScale
from sciren.data.table import Table
from sciren.errors import TrainingError

NAN = torch.nan


def column(*values):
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1)


def table_of(targets, weights=None):
    rows = len(targets)
    names = tuple(f"y{k}" for k in range(targets.shape[1]))
    x = torch.zeros(rows, 1, dtype=torch.float64)
    return Table(x, {}, targets, ("x",), names, weights=weights)


def random_targets(seed, rows=30, targets=2):
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(rows, targets, generator=generator, dtype=torch.float64) + 0.5
    gaps = torch.rand(rows, targets, generator=generator) < 0.3
    gaps[:2] = False
    return torch.where(gaps, NAN, values)


# -- the scale ----------------------------------------------------------------------
@given(st.integers(0, 999), st.floats(1e-3, 1e3))
def test_residuals_do_not_depend_on_the_unit_of_the_target(seed, unit):
    targets = random_targets(seed)
    predicted = targets.nan_to_num(1.0) * 1.3
    for kind in ("identity", "log", "asinh"):
        found = []
        for factor in (1.0, unit):
            scale = ResidualScale.fit(factor * targets, kind)
            observed = Observations.of(table_of(factor * targets), scale)
            found.append(observed.residual(factor * predicted))
        torch.testing.assert_close(found[0], found[1], rtol=1e-7, atol=1e-9)


def test_identity_residuals_are_in_deviations_of_what_was_observed():
    targets = column(1.0, NAN, 3.0, 5.0)
    scale = ResidualScale.fit(targets)
    sd = (8 / 3) ** 0.5
    assert float(scale.sd) == pytest.approx(sd)
    found = Observations.of(table_of(targets), scale).residual(column(2.0, 9, 3, 1))
    assert found.flatten().tolist() == pytest.approx([1 / sd, 0, 0, -4 / sd])


def test_log_residuals_compare_logs_of_value_plus_offset():
    targets = column(1.0, 2.0, 4.0)
    scale = ResidualScale.fit(targets, "log", 0.5)
    logs = torch.log(targets[:, 0] + 0.5)
    assert scale.offset.tolist() == [0.5]
    assert float(scale.sd) == pytest.approx(float(logs.std(correction=0)))
    predicted = column(3.0, 2.0, 1.0)
    expected = (torch.log(predicted + 0.5) - torch.log(targets + 0.5)) / scale.sd
    found = Observations.of(table_of(targets), scale).residual(predicted)
    torch.testing.assert_close(found, expected)


def test_errors_above_a_floor_are_of_one_size_on_its_scale():
    """d asinh(y / c) = dy / sqrt(y^2 + c^2), also for targets below zero."""
    scale = ResidualScale.fit(column(-1.0, 2.0, 4.0), "asinh", 0.5)
    y = torch.linspace(-3, 40, 9).double()[:, None].requires_grad_()
    (slope,) = torch.autograd.grad(scale.transform(y).sum(), y)
    torch.testing.assert_close(
        slope * scale.sd * (y**2 + 0.25) ** 0.5, torch.ones_like(y)
    )
    flat = ResidualScale.fit(column(0.0, 0.0, 0.0, 2.0), "asinh")
    assert float(flat.offset) == pytest.approx(0.005)  # its median is no floor


def test_the_offset_is_one_percent_of_the_median_unless_given():
    assert ResidualScale.fit(column(1, 200, 500), "log").offset.tolist() == [2.0]


def test_a_scale_moves_to_another_device():
    scale = ResidualScale.fit(column(1.0, 2.0), "log", 0.5).to("meta")
    assert scale.kind == "log"
    assert scale.sd.device.type == scale.offset.device.type == "meta"


def test_a_constant_target_is_not_divided_by_zero():
    assert ResidualScale.fit(column(3, 3, 3)).sd.tolist() == [1.0]


@given(st.floats(-5, -1e-6), st.floats(0.01, 2.0))
def test_below_zero_the_log_goes_on_as_a_rising_straight_line(value, offset):
    scale = ResidualScale.fit(column(1.0, 2.0, 3.0), "log", offset)
    edge = -offset + 1e-3 * offset
    x = torch.tensor([[edge], [edge + value], [edge + 2 * value]], dtype=torch.float64)
    x.requires_grad_()
    y = scale.transform(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert bool((y.diff(dim=0) < 0).all())
    torch.testing.assert_close(y[0] - y[1], y[1] - y[2], rtol=1e-6, atol=0)
    expected = 1 / (1e-3 * offset) / scale.sd
    torch.testing.assert_close(slope[1:], expected.expand(2, 1), rtol=1e-6, atol=0)


def test_the_log_and_its_continuation_meet_smoothly():
    scale = ResidualScale.fit(column(1.0, 2.0, 3.0), "log", 1.0)
    edge = torch.tensor([[-1 + 1e-3]], dtype=torch.float64)
    near = torch.cat((edge - 1e-9, edge + 1e-9)).requires_grad_()
    values = scale.transform(near)
    (slope,) = torch.autograd.grad(values.sum(), near)
    torch.testing.assert_close(values[0], values[1], rtol=1e-5, atol=0)
    torch.testing.assert_close(slope[0], slope[1], rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("targets", "kind", "offset", "message"),
    [
        (
            torch.tensor([[1.0, NAN], [2.0, NAN]]),
            "identity",
            None,
            "target number 2 has no observation in the training rows; check the split",
        ),
        (
            column(-2, 1, 1),
            "log",
            0.5,
            r"residual 'log' needs target \+ offset > 0; the smallest target is -2 and "
            r"the offset 0.5. Raise offset, or use residual 'identity'",
        ),
        (column(0, 0, 0), "log", None, "the smallest target is 0 and the offset 0"),
    ],
)
def test_targets_that_cannot_be_compared_are_refused(targets, kind, offset, message):
    with pytest.raises(TrainingError, match=message):
        ResidualScale.fit(targets, kind, offset)


# -- observations -------------------------------------------------------------------
@given(st.integers(0, 999))
def test_what_was_not_observed_weighs_nothing(seed):
    targets = random_targets(seed)
    scale = ResidualScale.fit(targets)
    observed = Observations.of(table_of(targets), scale)
    seen = ~targets.isnan()
    assert torch.equal(observed.weights > 0, seen)
    assert observed.count == int(seen.sum())
    assert float(observed.weights.sum()) == observed.count
    wild = torch.where(seen, targets, torch.inf)
    found = observed.residual(wild)
    assert bool((found == 0).all())
    many = observed.residual(wild.expand(3, 2, -1, -1))
    assert many.shape == (3, 2, *targets.shape)


def test_row_weights_and_factors_multiply():
    targets = column(1.0, 2.0, NAN, 4.0)
    weights = torch.tensor([1.0, 0.0, 5.0, 2.0], dtype=torch.float64)
    scale = ResidualScale.fit(targets)
    observed = Observations.of(table_of(targets, weights), scale)
    assert observed.weights.flatten().tolist() == [1, 0, 0, 2]
    assert observed.count == 2
    again = observed.reweighted(column(3, 3, 3, 0.5))
    assert again.weights.flatten().tolist() == [3, 0, 0, 1]
    assert float(again.weights.sum()) == 4
    assert float(observed.weights.sum()) == 3
    assert torch.equal(again.values, observed.values)
    assert replace(observed, weights=again.weights).count == again.count

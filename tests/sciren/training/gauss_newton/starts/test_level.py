"""Where training starts: constant latents, and the unit of each raw latent."""

from dataclasses import replace

import pytest
import torch

from sciren import functions as fn
from sciren.constraints import HardSigmoid, Identity, ReLU, Sigmoid, Softplus
from sciren.data.table import Table
from sciren.decoders import process_model
from sciren.encoders import KANEncoder
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.processes import SHELF
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.starts.level import (
    fit_constant_latents,
    sensitivity_scale,
    start_constant,
    start_outputs,
)
from sciren.training.preparation import prepare

ONE = torch.zeros(1, dtype=torch.long)


@pytest.mark.parametrize(
    ("bounds", "constraint"),
    [
        ({"low": 0.0}, ReLU()),
        ({"low": 2.0}, Softplus()),
        ({"high": 9.0}, ReLU()),
        ({"high": 9.0}, Softplus()),
        ({"low": 0.0, "high": 20.0}, HardSigmoid()),
        ({"low": 0.0, "high": 20.0}, Sigmoid(0.3)),
        ({"low": 0.0, "high": 20.0}, Identity()),
        ({}, Identity()),
    ],
    ids=lambda one: getattr(one, "name", str(one)),
)
def test_latents_start_at_their_declared_values(bounds, constraint):
    @process_model([Parameter("a", **bounds, start=3.25)], [], ["y"])
    def plain(p, f):
        return p.a

    model = ScIReN(KANEncoder(2, 1), constraint, plain)
    model.output_scale.fill_(7.0)
    x = torch.rand(8, 2, generator=torch.Generator().manual_seed(0)).double()
    table = Table(x, {}, 5.0 + x[:, :1], ("a", "b"), ("y",))
    start_constant(model, prepare(model, table, table, TrainConfig()))
    found = model.constrain(model.output_shift)
    torch.testing.assert_close(found, torch.tensor([3.25], dtype=torch.float64))
    assert model.output_scale.tolist() == [1.0]


@process_model([Parameter("a"), Parameter("k", low=0, kind="constant")], ["t"], ["y"])
def exponential(p, f):
    """Far from linear: full Gauss-Newton steps from a = 0 overshoot."""
    return fn.exp(p.a) * p.k**f.t


def exponential_table(make, rows=300):
    x, t = make.normals(rows, 2), make.normals(rows, seed=5)
    y = torch.exp(3 + 0.2 * x[:, 0]) * 2**t
    return Table(x, {"t": t}, y.unsqueeze(1), ("a", "b"), ("y",))


def test_the_null_model_is_the_best_one_without_features(make):
    table = exponential_table(make)
    problem = make.additive(table, decoder=exponential)
    theta = fit_constant_latents(problem)
    assert theta.shape == (1, problem.size)
    edges = theta[0, 1:-1]
    assert bool((edges == 0).all())
    gradient = problem.normal(theta, ONE).gradient[0, [0, -1]]
    torch.testing.assert_close(gradient, torch.zeros(2).double(), rtol=0, atol=1e-5)
    best = problem.loss(theta, ONE)
    for step in (1e-3, -1e-3):
        for k in (0, -1):
            other = theta.clone()
            other[0, k] += step
            assert bool(problem.loss(other, ONE) > best)


def test_the_unit_of_a_raw_latent_moves_the_targets_by_one_deviation(make):
    table, _ = make.respiration(200)
    _, term = make.ready(table)
    raw = torch.full((1, 200, 1), 2.0, dtype=torch.float64)
    constants = torch.zeros(1, 1, dtype=torch.float64)
    scale = sensitivity_scale(term, raw, constants)
    moved = term.residual(raw + scale, constants) - term.residual(raw, constants)
    assert float(moved.pow(2).mean()) == pytest.approx(1.0)


def bounded_term(make, constraint):
    """A latent between 0 and 1000 that is the target, of deviation 150."""

    @process_model([Parameter("a", low=0, high=1000, start=500)], [], ["y"])
    def whole(p, f):
        return p.a

    x = make.normals(200, 2)
    y = 500 + 150 * make.normals(200, 1, seed=3)
    table = Table(x, {}, y, ("a", "b"), ("y",))
    return make.ready(table, decoder=whole, constraint=constraint)


def test_raw_latents_between_bounds_get_half_their_straight_range_at_most(make):
    model, term = bounded_term(make, "hard_sigmoid")
    term.observations.scale.sd.fill_(1e6)
    raw = model.output_shift.expand(1, 200, -1)
    scale = sensitivity_scale(term, raw, torch.zeros(1, 0).double())
    assert scale.tolist() == [3.0]


def test_raw_latents_without_a_constraint_keep_their_physical_unit(make):
    model, term = bounded_term(make, Identity())
    raw = model.output_shift.expand(1, 200, -1)
    scale = sensitivity_scale(term, raw, torch.zeros(1, 0).double())
    assert float(scale) == pytest.approx(150, rel=0.2)


def test_a_latent_without_effect_keeps_one(make):
    @process_model([Parameter("a", low=0), Parameter("b", low=0)], ["ta"], ["reco"])
    def half(p, f):
        return p.a * f.ta

    table, _ = make.respiration(50)
    _, term = make.ready(table, decoder=half)
    raw = torch.ones(1, 50, 2, dtype=torch.float64)
    scale = sensitivity_scale(term, raw, torch.zeros(1, 0).double())
    assert scale[1] == 1.0
    assert scale[0] != 1.0


def test_first_order_training_starts_on_the_same_scales(make):
    table, _ = make.respiration(80)
    model = ScIReN(KANEncoder(3, 1), "auto", make.ready(table)[0].decoder)
    data = prepare(model, table, table, TrainConfig())
    start_outputs(model, data, 1.0)
    term = make.ready(table)[1]
    raw = torch.ones(1, 80, 1, dtype=torch.float64)
    constants = model.constant_raw.detach().unsqueeze(0)
    torch.testing.assert_close(
        model.output_scale, sensitivity_scale(term, raw, constants)
    )
    assert model.output_shift.tolist() == [1.0]


@pytest.mark.parametrize("unit", [1e3, 1e6, 1e12])
def test_first_order_training_starts_near_the_observations_in_any_unit(make, unit):
    x = make.normals(80, 2)
    y = unit * torch.exp(0.3 * x[:, :1])
    table = Table(x, {}, y, ("a", "b"), ("y",))
    model = ScIReN(KANEncoder(2, 1), "auto", SHELF["log_link"])
    start_outputs(model, prepare(model, table, table, TrainConfig()), 1.0)
    level, scale = model.output_shift, model.output_scale
    torch.testing.assert_close(level, y.mean(0).log(), rtol=1e-4, atol=0)
    # A unit of the raw latent is a deviation of the output here, not at the declared start.
    torch.testing.assert_close(scale, y.std(0) / y.mean(0), rtol=0.1, atol=0)


def test_plain_regression_starts_at_the_mean_of_the_targets(make):
    table, _ = make.respiration(80)
    targets = torch.cat((table.targets, 5 * table.targets + 1), dim=1)
    targets[::3, 1] = torch.nan
    table = replace(table, targets=targets, target_names=("u", "v"))
    model = ScIReN(KANEncoder(3, 2))
    start_outputs(model, prepare(model, table, table, TrainConfig()), 1.0)
    torch.testing.assert_close(model.output_shift, targets.nanmean(0))
    deviations = torch.stack(
        [column[~column.isnan()].std(correction=0) for column in targets.unbind(1)]
    )
    # One deviation of its own target alone, of all observations of both.
    counts = (~targets.isnan()).sum(0)
    expected = deviations * (counts.sum() / counts).sqrt()
    torch.testing.assert_close(model.output_scale, expected)


@pytest.mark.parametrize("start", [1e-4, 1e4])
def test_a_start_far_away_does_not_end_beyond_the_bound(make, start):
    table, _ = make.respiration(200)
    problem = make.additive(table)
    best = problem.loss(fit_constant_latents(problem), ONE)
    problem.term.model.output_shift.fill_(start)
    problem.shift.fill_(start)
    far = problem.loss(fit_constant_latents(problem), ONE)
    torch.testing.assert_close(far, best, rtol=1e-5, atol=0)

"""The additive problem: gradients, its exact solution, and the way to the encoder."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from sciren.constraints import Identity
from sciren.encoders import KANEncoder, MLPEncoder
from sciren.solvers.levenberg import minimise
from sciren.training.gauss_newton.additive import RIDGE, AdditiveProblem
from sciren.training.gauss_newton.design import SplineDesign

ONE = torch.zeros(1, dtype=torch.long)
ALL = slice(None)


def started(problem, seed=None, normals=None):
    """Constants at their start, coefficients zero or random."""
    theta = torch.zeros(1, problem.size, dtype=torch.float64)
    if seed is not None:
        theta += 0.3 * normals(1, problem.size, seed=seed)
    if problem.n_constants:
        theta[:, -problem.n_constants :] += problem.term.model.constant_raw.detach()
    return theta


def differences(problem, theta, step=1e-6):
    """Central differences of the loss by every parameter."""
    shifts = step * torch.eye(problem.size, dtype=torch.float64)
    many = torch.arange(problem.size)
    up, down = problem.loss(theta + shifts, many), problem.loss(theta - shifts, many)
    return (up - down) / (2 * step)


# -- against own least squares ------------------------------------------------------
def exact_profile(problem, table, smooth_penalty):
    """Ridge regression at given ln Q10, the best ln Q10, by dense numpy algebra."""
    a = problem.spline.columns(ALL).numpy() * float(problem.scale)
    y, ta = table.targets[:, 0].numpy(), table.forcings["ta"].numpy()
    sd, n = y.std(), len(y)

    def solved(log_q10):
        factor = np.exp(log_q10 * (ta - 15) / 10) / sd
        b = a * factor[:, None]
        right = y / sd - float(problem.shift) * factor
        c = np.linalg.solve(b.T @ b / n + smooth_penalty, b.T @ right / n)
        return c, ((b @ c - right) ** 2).mean() + c @ smooth_penalty @ c

    found = minimize_scalar(
        lambda v: solved(v)[1],
        bounds=(-1, 2),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return found.x, *solved(found.x)


@pytest.mark.parametrize("smooth", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_respiration_is_solved_as_by_the_exact_profile(make, seed, smooth):
    table, _ = make.respiration(300, seed)
    problem = make.additive(table, smooth, constraint=Identity())
    cut = problem.size - 1
    penalty = problem.penalty[:cut, :cut].numpy()
    log_q10, coefficients, loss = exact_profile(problem, table, penalty)
    found = minimise(problem, started(problem), 30)
    assert float(found.loss) == pytest.approx(loss, rel=5e-7)
    assert float(found.theta[0, -1]) == pytest.approx(log_q10, abs=1e-5)
    a = problem.spline.columns(ALL).numpy()
    np.testing.assert_allclose(
        a @ found.theta[0, :-1].numpy(), a @ coefficients, rtol=1e-4, atol=1e-4
    )
    assert found.iterations <= 8


@pytest.mark.parametrize("seed", range(2))
def test_with_the_constant_held_it_is_a_ridge_regression(make, seed):
    table, _ = make.respiration(200, seed)
    problem = make.additive(table, constraint=Identity())
    active = torch.ones(1, problem.size, dtype=torch.bool)
    active[:, -1] = False
    theta = started(problem)
    theta[:, -1] = math.log(2.2)
    found = minimise(problem.with_active(active), theta, 3)
    assert float(found.theta[0, -1]) == math.log(2.2)
    gradient = problem.normal(found.theta, ONE).gradient[0, :-1]
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-7)


# -- gradients ----------------------------------------------------------------------
@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_gradient_and_matrix_are_those_of_the_loss(make, seed):
    table = make.exchanged(60, seed)
    problem = make.additive(table, 1e-2, decoder=make.exchange)
    theta = started(problem, seed, make.normals)
    normal = problem.normal(theta, ONE)
    expected = differences(problem, theta)
    torch.testing.assert_close(normal.loss, problem.loss(theta, ONE))
    torch.testing.assert_close(2 * normal.gradient[0], expected, rtol=1e-5, atol=1e-7)
    eigenvalues = torch.linalg.eigvalsh(normal.matrix[0])
    assert float(eigenvalues.min()) > -1e-12 * float(eigenvalues.max())
    torch.testing.assert_close(normal.matrix, normal.matrix.mT)


def test_members_are_solved_as_if_they_were_alone(make):
    table = make.exchanged(80)
    problem = make.additive(table, decoder=make.exchange)
    theta = torch.cat([started(problem, k, make.normals) for k in range(4)])
    edges = torch.rand(4, 2, 2, generator=torch.Generator().manual_seed(1)) > 0.3
    active = problem.mask_of(edges)
    together = minimise(problem.with_active(active), theta * active, 3)
    for k in range(4):
        held = problem.with_active(active[k : k + 1])
        alone = minimise(held, theta[k : k + 1] * active[k], 3)
        torch.testing.assert_close(alone.loss[0], together.loss[k], rtol=1e-6, atol=0)
        torch.testing.assert_close(
            problem.raw(alone.theta)[0],
            problem.raw(together.theta)[k],
            rtol=1e-4,
            atol=1e-4,
        )


def test_roughness_is_the_integral_of_the_squared_second_derivative(make):
    table, _ = make.respiration(150)
    problem = make.additive(table, smooth=1.0)
    theta = started(problem, 3, make.normals)
    theta[:, -1] = 0
    problem.store(theta[0])
    layer = problem.term.model.encoder.spline_layers[0]
    total = RIDGE * float(theta[0, 1:-1].pow(2).sum())
    for k in range(3):
        x = torch.zeros(40_001, 3, dtype=torch.float64)
        share = torch.linspace(0, 1, len(x), dtype=torch.float64)
        x[:, k] = torch.lerp(layer.low[k], layer.high[k], share)
        curve = layer.edges(x)[:, k, 0].detach().numpy()
        step = float(x[1, k] - x[0, k])
        second = np.diff(curve, 2) / step**2
        total += (second**2).sum() * step
    flat = theta.clone()
    flat[:] = 0
    penalty = problem.loss(theta, ONE) - problem.term.loss(
        problem.raw(theta), theta[:, -1:], ONE
    )
    assert float(penalty) == pytest.approx(total, rel=1e-3)
    assert float(problem.loss(flat, ONE)) == pytest.approx(
        float(problem.term.loss(problem.raw(flat), flat[:, -1:], ONE))
    )


# -- edges and bounds ---------------------------------------------------------------
def test_an_edge_that_is_held_at_zero_is_a_feature_that_is_not_there(make):
    table, _ = make.respiration(200)
    problem = make.additive(table)
    edges = torch.tensor([[True], [False], [True]]).unsqueeze(0)
    active = problem.mask_of(edges)
    found = minimise(problem.with_active(active), started(problem))
    kept = [*range(8), *range(16, 24)]
    penalty = problem.spline.penalty[kept][:, kept]
    spline = problem.spline
    small = replace(
        spline,
        scaled=spline.scaled[:, [0, 2]],
        mean=spline.mean[kept],
        penalty=penalty,
        kept=torch.cat((spline.columns(ALL)[:, :1], spline.matrix[:, kept]), dim=1).mT,
    )
    other = AdditiveProblem(make.ready(table)[1], small, 1e-3)
    alone = minimise(other, started(other))
    torch.testing.assert_close(found.loss, alone.loss, rtol=1e-8, atol=0)
    assert bool((found.theta[0, 9:17] == 0).all())


def test_constants_stay_inside_their_bounds(make):
    table = make.exchanged(60)
    problem = make.additive(table, decoder=make.exchange)
    trial = started(problem)
    trial[:, -1], trial[:, -2] = 9.0, -700.0
    held = problem.retract(trial, started(problem), ONE)
    assert held[0, -2:].tolist() == [-700.0, 3.0]
    assert torch.equal(held[:, :-2], trial[:, :-2])
    found = minimise(problem, started(problem), 40)
    assert -3 <= float(found.theta[0, -1]) <= 3


# -- to the encoder -----------------------------------------------------------------
ENCODERS = [
    KANEncoder(3, 1, grid=4),
    KANEncoder(3, 1, grid=4, base="identity", start="noise"),
    KANEncoder(3, 1, grid=4, margin=0.5),
    KANEncoder(3, 1, grid=4, outside="zero"),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=range(len(ENCODERS)))
@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
def test_the_stored_model_predicts_what_the_problem_says(make, encoder, scaling):
    table, _ = make.respiration(120)
    other, _ = make.respiration(150, seed=7)  # also beyond the knots
    problem = make.additive(table, encoder=encoder, scaling=scaling)
    model = problem.term.model
    theta = started(problem, 4, make.normals)
    edges = torch.tensor([[True], [False], [True]])
    theta = theta * problem.mask_of(edges.unsqueeze(0))
    problem.store(theta[0], edges)
    assert model.encoder.spline_layers[0].mask.flatten().tolist() == [1, 0, 1]
    torch.testing.assert_close(model.predict(table).raw, problem.raw(theta)[0])
    there = make.design_of(model, other, problem.spline.mean)
    expected = problem.raw_at(theta, there)[0]
    torch.testing.assert_close(model.predict(other).raw, expected)
    assert model.constant_raw.tolist() == theta[0, -1:].tolist()
    problem.store(theta[0])
    assert bool((model.encoder.spline_layers[0].mask == 1).all())


def test_several_latents_are_stored_each_in_its_place(make):
    table = make.exchanged(60)
    problem = make.additive(table, decoder=make.exchange)
    theta = started(problem, 2, make.normals)
    problem.store(theta[0])
    found = problem.term.model.predict(table)
    torch.testing.assert_close(found.raw, problem.raw(theta)[0])
    residual = problem.term.residual(problem.raw(theta), problem.constants_of(theta))
    scale = problem.term.observations.scale
    expected = scale.transform(found.targets) - scale.transform(table.targets)
    seen = table.observed
    torch.testing.assert_close(residual[0][seen], expected[seen])


def test_only_a_spline_network_can_take_the_solution(make):
    table, _ = make.respiration(50)
    problem = make.additive(table)
    problem.term.model.encoder = MLPEncoder(3, 1)
    with pytest.raises(TypeError, match="cannot store into a MLPEncoder"):
        problem.store(started(problem)[0])


# -- designs ------------------------------------------------------------------------
def test_designs_are_centred_with_their_weights(make):
    table, _ = make.respiration(90)
    model, _ = make.ready(table)
    scaled = model.scaled(table.features)
    plain = SplineDesign.of(model.encoder, scaled)
    torch.testing.assert_close(
        plain.matrix.mean(0), torch.zeros(plain.width).double(), rtol=0, atol=1e-12
    )
    weights = make.normals(90, seed=2).abs()
    weighted = SplineDesign.of(model.encoder, scaled, weights=weights)
    torch.testing.assert_close(
        weights @ weighted.matrix, torch.zeros(plain.width).double(), rtol=0, atol=1e-10
    )
    rows = torch.tensor([5, 80, 6])
    assert torch.equal(plain.take(rows).matrix, plain.matrix[rows])
    assert torch.equal(plain.take(rows).mean, plain.mean)


def test_some_of_the_rows_are_the_problem_of_these_rows(make):
    table, _ = make.respiration(90)
    problem = make.additive(table)
    rows = torch.tensor([5, 80, 6, 7])
    part = problem.on_rows(rows)
    theta = started(problem, 1, make.normals)
    assert torch.equal(part.raw(theta), problem.raw(theta)[:, rows])
    term = problem.term.take(rows)
    expected = (
        term.loss(part.raw(theta), theta[:, -1:], ONE)
        + problem.loss(theta, ONE)
        - problem.term.loss(problem.raw(theta), theta[:, -1:], ONE)
    )
    torch.testing.assert_close(part.loss(theta, ONE), expected)


def test_a_problem_keeps_its_scale_when_the_model_gets_another(make):
    table, _ = make.respiration(60)
    problem = make.additive(table)
    theta = started(problem, 1, make.normals)
    before = problem.raw(theta)
    problem.term.model.output_scale.mul_(7)
    problem.term.model.output_shift.add_(1)
    assert torch.equal(problem.raw(theta), before)


def test_smoothing_by_a_share_weighs_that_much_of_the_bending(make):
    table, _ = make.respiration(90)
    problem = make.additive(table)
    theta = started(problem, 1, make.normals)
    before, after = problem.terms(theta), problem.smoothed(0.25).terms(theta)
    assert after["data"] == pytest.approx(before["data"])
    assert after["smooth"] == pytest.approx(0.25 * before["smooth"], rel=0.02)

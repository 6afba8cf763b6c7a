"""One hidden layer by variable projection: its gradient, its retraction, its storage."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.encoders import KANEncoder, LinearEncoder
from sciren.solvers.levenberg import minimise
from sciren.splines import design, evaluate, greville
from sciren.training.gauss_newton.index_curves import Index, carried
from sciren.training.gauss_newton.starts.hidden import hidden_start, straight_indices

ONE = torch.zeros(1, dtype=torch.long)
seeds = st.integers(0, 1000)


def started(problem, count=1, seed=0):
    """Straight random indices with solved outer splines."""
    model = problem.term.model
    inner = straight_indices(problem, model.encoder, count, seed)
    constants = model.constant_raw.detach().expand(count, -1)
    return hidden_start(problem, inner, constants)


def shaken(problem, make, count=1, seed=0, size=0.2):
    """Points near the start that solve nothing; indices of deviation one."""
    theta = started(problem, count, seed)
    theta = theta + size * make.normals(*theta.shape, seed=seed + 1)
    return problem.pack(*problem.unpack(theta))


def deviation(problem, theta):
    """Root mean square of every index over the rows."""
    return problem.index(problem.unpack(theta).inner).value.pow(2).mean(1).sqrt()


def loss_at_fixed_knots(problem, theta, knots):
    """The loss while the outer knots stay where they are."""
    parts = problem.unpack(theta)
    value = torch.einsum("np,slhp->snlh", problem.spline.matrix, parts.inner)
    index = Index(value, knots.low, knots.high)
    raw = problem._raw(index, parts.outer)
    observed = problem.term.loss(raw, parts.constants, torch.arange(len(theta)))
    return observed + problem._penalty(parts, index)


def studies(make):
    kink, _ = make.respiration(80, truth="kink")
    return {
        "respiration": (kink, {"nodes": 2}),
        "exchange": (make.exchanged(60), {"nodes": 1, "decoder": make.exchange}),
        "exchange, two nodes": (
            make.exchanged(60),
            {"nodes": 2, "decoder": make.exchange},
        ),
    }


STUDIES = ["respiration", "exchange", "exchange, two nodes"]


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_the_loss_at_fixed_knots(make, study, seed):
    table, settings_ = studies(make)[study]
    problem = make.hidden(table, intervals=5, smooth=(1e-2, 1e-3), **settings_)
    theta = shaken(problem, make, seed=seed)
    normal = problem.normal(theta, ONE)
    knots = problem.index(problem.unpack(theta).inner)
    found = torch.zeros(problem.size, dtype=torch.float64)
    for k in range(problem.size):
        step = torch.zeros_like(theta)
        step[0, k] = 1e-6
        up = loss_at_fixed_knots(problem, theta + step, knots)
        down = loss_at_fixed_knots(problem, theta - step, knots)
        found[k] = float((up - down) / 2e-6)
    torch.testing.assert_close(normal.loss, problem.loss(theta, ONE))
    torch.testing.assert_close(2 * normal.gradient[0], found, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(normal.matrix, normal.matrix.mT)


@pytest.mark.parametrize("study", STUDIES)
def test_steps_do_not_change_the_scale_of_an_index(make, study):
    table, settings_ = studies(make)[study]
    problem = make.hidden(table, intervals=5, **settings_)
    theta = shaken(problem, make)
    normal = problem.normal(theta, ONE)
    ridge = 1e-8 * torch.eye(problem.size).to(theta)
    step = -torch.linalg.solve(normal.matrix + ridge, normal.gradient)
    before, moved = problem.unpack(theta).inner, problem.unpack(step).inner
    along = torch.einsum("slhp,pq,slhq->slh", before, problem.gram, moved)
    across = torch.einsum("slhp,pq,slhq->slh", moved, problem.gram, moved).sqrt()
    assert bool((along.abs() < 0.2 * across + 1e-9).all())


# -- retraction ---------------------------------------------------------------------
@settings(max_examples=10)
@given(seeds, st.sampled_from(STUDIES), st.floats(0.01, 2.0))
def test_retraction_keeps_indices_at_deviation_one_and_solves(make, seed, study, size):
    table, settings_ = studies(make)[study]
    problem = make.hidden(table, intervals=6, **settings_)
    theta = started(problem, 3, seed)
    trial = theta + size * make.normals(*theta.shape, seed=seed)
    members = torch.arange(3)
    found = problem.retract(trial, theta, members)
    ones = torch.ones(3, problem.n_latents, problem.nodes, dtype=torch.float64)
    torch.testing.assert_close(deviation(problem, found), ones)
    constants = problem.constants_of(found)
    assert bool((constants >= problem.low).all() & (constants <= problem.high).all())
    again = problem.solve_outer(found, members)
    gain = problem.loss(found, members) - problem.loss(again, members)
    assert bool((gain >= -1e-12).all())


@settings(max_examples=10)
@given(seeds, st.sampled_from(STUDIES))
def test_solving_the_outer_curves_never_raises_the_loss(make, seed, study):
    table, settings_ = studies(make)[study]
    problem = make.hidden(table, intervals=6, **settings_)
    theta = shaken(problem, make, 2, seed, size=1.0)
    members = torch.arange(2)
    solved = problem.solve_outer(theta, members)
    before, after = problem.loss(theta, members), problem.loss(solved, members)
    assert bool((after <= before * (1 + 1e-12)).all())
    assert torch.equal(solved[:, : problem.cut], theta[:, : problem.cut])
    assert torch.equal(solved[:, problem.end :], theta[:, problem.end :])


def test_every_start_is_a_better_model_than_none(make):
    table = make.exchanged(60)
    problem = make.hidden(table, 1, decoder=make.exchange)
    theta = started(problem, 8)
    flat = theta.clone()
    flat[:, problem.cut : problem.end] = 0.0
    members = torch.arange(8)
    assert bool((problem.loss(theta, members) < problem.loss(flat, members)).all())


@pytest.mark.parametrize("nodes", [1, 2])
def test_where_the_targets_are_linear_in_the_latents_the_outer_solve_is_exact(
    make, nodes
):
    table, _ = make.respiration(150, truth="kink")
    problem = make.hidden(table, nodes, constraint="identity")
    theta = started(problem, 3)
    members = torch.arange(3)
    gradient = problem.normal(theta, members).gradient
    block = gradient[:, problem.cut : problem.end]
    torch.testing.assert_close(block, torch.zeros_like(block), rtol=0, atol=1e-7)


@settings(max_examples=20)
@given(seeds, st.floats(0.05, 0.45), st.floats(0.55, 0.95))
def test_carried_curves_are_the_same_polynomials(seed, start, end):
    generator = torch.Generator().manual_seed(seed)
    power = torch.randn(4, generator=generator, dtype=torch.float64)
    low, high = torch.tensor([-2.0]).double(), torch.tensor([3.0]).double()
    x = torch.linspace(-2, 3, 200, dtype=torch.float64)

    def polynomial(x):
        return sum(power[k] * x**k for k in range(4))

    basis = design(x.unsqueeze(1), low, high, 7)[:, 0]
    outer = torch.linalg.lstsq(basis, polynomial(x)).solution.reshape(1, 1, 1, -1)

    def index(a, b):
        ends = torch.tensor([[[[a]]], [[[b]]]], dtype=torch.float64)
        return Index(torch.empty(0), ends[:1], ends[1:])

    old, new = index(-2.0, 3.0), index(-2 + 5 * start, -2 + 5 * end)
    found = carried(outer, old, new, 7)
    x = torch.linspace(float(new.low), float(new.high), 50, dtype=torch.float64)
    values = evaluate(
        x.reshape(1, -1, 1, 1), found.unsqueeze(1), new.low, new.high, 7
    ).flatten()
    torch.testing.assert_close(values, polynomial(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("study", STUDIES)
def test_no_step_raises_the_loss_and_members_are_alone(make, study):
    table, settings_ = studies(make)[study]
    problem = make.hidden(table, intervals=6, **settings_)
    theta = started(problem, 3)
    members = torch.arange(3)
    start = problem.loss(theta, members)
    together = minimise(problem, theta, 4, damping=1e-3)
    assert bool((together.loss <= start).all())
    torch.testing.assert_close(problem.loss(together.theta, members), together.loss)
    together = minimise(problem, theta, 1, damping=1e-3)
    for k in range(3):
        alone = minimise(problem, theta[k : k + 1], 1, damping=1e-3)
        torch.testing.assert_close(alone.loss[0], together.loss[k], rtol=1e-7, atol=0)


def test_held_constants_and_edges_stay(make):
    table, _ = make.respiration(150, truth="kink")
    problem = make.hidden(table)
    edges = torch.tensor([[True], [True], [False]]).unsqueeze(0)
    active = problem.mask_of(edges)
    active[:, -1] = False
    theta = started(problem) * problem.mask_of(edges)
    theta[:, -1] = math.log(2.5)
    theta = problem.pack(*problem.unpack(theta))
    found = minimise(problem.with_active(active), theta, 10).theta
    inner = problem.unpack(found).inner.unflatten(-1, (3, -1))[0, 0, 0]
    assert bool((inner[2] == 0).all())
    assert bool((inner[:2] != 0).any(1).all())
    assert float(found[0, -1]) == math.log(2.5)


# -- starts -------------------------------------------------------------------------
def test_starts_are_straight_lines_that_a_seed_decides(make):
    table, _ = make.respiration(60)
    problem = make.hidden(table, 2)
    encoder = problem.term.model.encoder
    inner = straight_indices(problem, encoder, 5, seed=3)
    assert inner.shape == (5, 1, 2, problem.spline.width)
    layer = encoder.spline_layers[0]
    curves = inner.unflatten(-1, (3, -1))
    assert float(curves.diff(n=2, dim=-1).abs().max()) < 1e-12
    slopes = (curves[..., -1] - curves[..., 0]).flatten()
    assert len(slopes.unique()) == 30
    assert torch.equal(inner, straight_indices(problem, encoder, 5, seed=3))
    assert not torch.equal(inner, straight_indices(problem, encoder, 5, seed=4))
    lines = greville(layer.low, layer.high, layer.intervals)
    assert curves.shape[-2:] == lines.shape


# -- to the encoder -----------------------------------------------------------------
ENCODERS = [
    {},
    {"base": "identity"},
    {"base": "identity", "start": "noise"},
    {"margin": 0.7, "start": "noise"},
    {"shared": True},
]


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("settings_", ENCODERS, ids=str)
def test_the_stored_model_predicts_what_the_problem_says(make, study, settings_):
    table, more = studies(make)[study]
    n_inputs, n_outputs = table.features.shape[1], 1 if study == STUDIES[0] else 2
    encoder = KANEncoder(n_inputs, n_outputs, grid=4, **settings_)
    problem = make.hidden(table, intervals=6, encoder=encoder, **more)
    theta = shaken(problem, make, 2, seed=5)
    problem.store(theta[1])
    model = problem.term.model
    assert model.encoder.hidden == (problem.nodes,)
    expected = problem.raw_at(theta[1:], problem.spline)[0]
    torch.testing.assert_close(model.predict(table).raw, expected)
    other = table.take(torch.arange(0, len(table), 3))
    wide = 1.7 * other.features  # beyond the knots
    there = problem.spline.of(model.encoder, model.scaled(wide), problem.spline.mean)
    expected = problem.raw_at(theta[1:], there)[0]
    found = model.raw_latents(model.scaled(wide)).detach()
    torch.testing.assert_close(found, expected)
    assert model.constant_raw.tolist() == theta[1, problem.end :].tolist()


def test_dropped_edges_are_marked_in_the_stored_model(make):
    table, _ = make.respiration(80, truth="kink")
    problem = make.hidden(table, 2)
    edges = torch.tensor([[True, False], [False, True], [True, True]])
    theta = shaken(problem, make) * problem.mask_of(edges.unsqueeze(0))
    theta = problem.pack(*problem.unpack(theta))
    problem.store(theta[0], edges)
    inner, outer = problem.term.model.encoder.spline_layers
    assert inner.mask.bool().tolist() == edges.tolist()
    assert bool((outer.mask == 1).all())
    expected = problem.raw_at(theta, problem.spline)[0]
    torch.testing.assert_close(problem.term.model.predict(table).raw, expected)


def test_only_a_spline_network_can_take_the_solution(make):
    table, _ = make.respiration(50)
    problem = make.hidden(table)
    problem.term.model.encoder = LinearEncoder(3, 1)
    with pytest.raises(TypeError, match="a KANEncoder is needed, not LinearEncoder"):
        problem.store(torch.zeros(problem.size).double())


def test_some_of_the_rows_are_the_problem_of_these_rows(make):
    table, _ = make.respiration(90, truth="kink")
    problem = make.hidden(table)
    rows = torch.arange(0, 90, 2)
    part = problem.on_rows(rows)
    theta = shaken(problem, make)
    value = problem.index(problem.unpack(theta).inner).value[:, rows]
    assert torch.equal(part.index(part.unpack(theta).inner).value, value)
    assert part.term.n_rows == 45
    assert torch.equal(part.active, problem.active)


def test_smoothing_by_a_share_weighs_that_much_of_the_bending(make):
    table, _ = make.respiration(90, truth="kink")
    problem = make.hidden(table)
    theta = shaken(problem, make)[:1]
    before, after = problem.terms(theta), problem.smoothed(0.25).terms(theta)
    assert after["data"] == pytest.approx(before["data"])
    assert after["smooth"] == pytest.approx(0.25 * before["smooth"], rel=0.02)

"""The sparse path: which of many edges a model keeps."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import KANEncoder, Parameter, ScIReN, Table, TrainConfig, fit, process_model
from sciren.training.gauss_newton import group_sparsity
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.solver import StageSolver
from sciren.training.gauss_newton.sparse import by_path, solve_sparse
from sciren.training.gauss_newton.stages import AdditiveStage
from sciren.training.gauss_newton.starts.level import fit_constant_latents
from sciren.training.history import History
from sciren.training.preparation import prepare
from sciren.training.progress import Silence

NAMES = [f"x{k}" for k in range(12)]
TRUE = {("x0", "a"), ("x1", "a"), ("x2", "b"), ("x3", "b")}


@process_model(
    parameters=[Parameter("a", low=-5, high=5), Parameter("b", low=-5, high=5)],
    forcings=["t"],
    targets=["y"],
)
def line(p, f):
    """Return a straight line in time."""
    return p.a + p.b * f.t


def record(seed, n=500, noise=0.05):
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(12, 12)) * 0.25 + np.eye(12)
    x = rng.normal(size=(n, 12)) @ mixed
    frame = pd.DataFrame(x, columns=NAMES).assign(t=rng.uniform(-1, 1, n))
    a = np.sin(frame["x0"]) + 0.6 * frame["x1"]
    b = 0.3 * frame["x2"] ** 2 - 0.8 * frame["x3"]
    y = a + b * frame["t"] + rng.normal(0, noise, n)
    table = Table.from_frame(frame.assign(y=y), NAMES, ["t"], ["y"])
    return table.take(slice(0, n * 2 // 3)), table.take(slice(n * 2 // 3, n))


def solver_of(seed=0, **settings):
    model = ScIReN(KANEncoder(12, 2, grid=6, seed=0), "auto", line)
    config = TrainConfig(seed=0, **settings)
    data = prepare(model, *record(seed), config)
    return StageSolver(model, data, config, History("gauss-newton", ""), Silence())


def kept(model):
    mask = model.encoder.spline_layers[0].mask
    return {
        (model.feature_names[i], model.latent_names[j])
        for i, j in mask.nonzero().tolist()
    }


@pytest.mark.parametrize("seed", range(2))
def test_the_true_edges_come_back_among_many(seed):
    train, valid = record(seed)
    model = ScIReN(KANEncoder(12, 2, grid=6), "auto", line)
    history = fit(model, train, valid, TrainConfig(selection="path"))
    assert kept(model) == TRUE
    assert sum(row["chosen"] for row in history.selection) >= 1
    error = (model.predict(valid).targets - valid.targets).abs()
    assert float(error.median()) < 0.06


def test_the_path_ends_with_less_penalty_and_more_edges_than_it_began():
    solver = solver_of()
    train, valid = solver.terms()

    problem = AdditiveProblem(train, solver.train_design, 1e-3)
    stage = AdditiveStage(problem, valid, solver.valid_design)
    heard = []
    theta = torch.zeros(1, problem.size, dtype=torch.float64)
    points = group_sparsity.follow_path(stage, theta, lambda *one: heard.append(one))
    assert [one[0] for one in heard] == list(range(1, len(points) + 1))
    assert points[-1].valid < points[0].valid
    assert all(torch.allclose(p.share.sum(0), torch.ones(2).double()) for p in points)
    first = (points[0].share > 1e-3).sum()
    assert 0 < int((points[-1].share > 0.1).sum()) <= int(first)


def test_no_edge_pays_at_the_emptying_strength():
    solver = solver_of()
    train, _ = solver.terms()

    problem = AdditiveProblem(train, solver.train_design, 1e-3)
    theta = fit_constant_latents(problem)
    groups = group_sparsity._groups(problem)
    strength = group_sparsity.emptying_strength(problem, theta, groups)
    slope = problem.normal(theta, torch.zeros(1, dtype=torch.long)).gradient
    slopes = problem.split(slope)[0][0, :, 1:].unflatten(1, (12, -1))
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        shape = slopes.shape[-1]
        step = torch.randn(shape, generator=generator, dtype=torch.float64)
        size = torch.einsum("m,dmk,k->d", step, groups, step).sqrt()
        gain = 2 * (slopes @ step).abs().amax(0)
        assert (gain <= strength * size * (1 + 1e-9) + 1e-12).all() or (
            # the smoothing pays part of the price of a rough step
            float(step @ problem.penalty[1 : 1 + shape, 1 : 1 + shape] @ step) > 0
        )


def test_the_groups_measure_the_deviation_of_an_edge():
    solver = solver_of()

    problem = AdditiveProblem(solver.terms()[0], solver.train_design, 1e-3)
    groups = group_sparsity._groups(problem)
    width = groups.shape[-1]
    coefficients = torch.randn(2, 12 * width, dtype=torch.float64)
    found = problem.spline.deviation(coefficients)
    each = coefficients.unflatten(1, (12, width))
    wanted = torch.einsum("jdm,dmk,jdk->dj", each, groups, each).sqrt()
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, True),
        ({"selection": "one-by-one"}, False),
        ({"select": False}, False),
        ({"ladder": True}, False),
        ({"selection": "path"}, True),
    ],
)
def test_the_path_is_taken_where_there_are_many_edges(settings, wanted):
    assert by_path(solver_of(**settings)) is wanted


def test_few_edges_are_dropped_one_by_one():
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(size=(60, 4)), columns=list("abty")
    )
    table = Table.from_frame(frame, ["a", "b"], ["t"], ["y"])
    model = ScIReN(KANEncoder(2, 2), "auto", line)
    config = TrainConfig()
    data = prepare(model, table, table, config)
    one = StageSolver(model, data, config, History("gauss-newton", ""), Silence())
    assert not by_path(one)


def test_a_given_smoothing_is_kept():
    solver = solver_of(smooth=0.05)
    names = [[f"{x} -> {y}" for y in "ab"] for x in NAMES]
    solve_sparse(solver, names)
    assert not any("Smoothing" in message for message in solver.history.messages)


def test_edges_are_chosen_by_refits_after_training_by_gradients():
    train, valid = record(0)
    model = ScIReN(KANEncoder(12, 2, grid=6), "auto", line)
    config = TrainConfig(engine="first-order", epochs=60, profiles=False)
    history = fit(model, train, valid, config)
    assert kept(model) == TRUE
    assert any("refitted by Gauss-Newton" in message for message in history.messages)
    error = (model.predict(valid).targets - valid.targets).abs()
    assert float(error.median()) < 0.06


def test_first_order_selects_without_refits_where_asked():
    train, valid = record(0, n=150)
    model = ScIReN(KANEncoder(12, 2, grid=6), "auto", line)
    config = TrainConfig(engine="first-order", epochs=3, selection="one-by-one")
    history = fit(model, train, valid, config)
    assert not any("Gauss-Newton" in message for message in history.messages)

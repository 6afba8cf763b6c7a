"""Shared Gram matrices: exact where the process is linear, silent where it is not."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.constraints import Identity
from sciren.decoders import Q10Respiration
from sciren.decoders.process import IdentityDecoder
from sciren.encoders import KANEncoder
from sciren.model import ScIReN
from sciren.solvers.levenberg import minimise
from sciren.training import TrainConfig, fit, fit_ensemble
from sciren.training.gauss_newton import gram
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.gram import (
    GramTable,
    SharedGrams,
    barycentric,
    error_of,
)
from sciren.training.gauss_newton.stages import PROMISED, AdditiveStage


def started(problem):
    theta = torch.zeros(1, problem.size, dtype=torch.float64)
    theta[:, -1:] = problem.term.model.constant_raw.detach()
    return minimise(problem, theta)


def edge_sets():
    every = torch.ones(4, 3, 1, dtype=torch.bool)
    every[1, 2] = every[2, 1] = False
    every[3, 1:] = False
    return every


@given(st.integers(2, 8), st.integers(0, 999))
def test_the_weights_are_those_of_the_polynomial(count, seed):
    generator = torch.Generator().manual_seed(seed)
    nodes = torch.randperm(40, generator=generator)[:count].double() / 40
    x = torch.rand(5, generator=generator, dtype=torch.float64)
    x[0] = nodes[-1]
    powers = torch.arange(count)
    expected = x.unsqueeze(1) ** powers
    found = barycentric(nodes, x) @ (nodes.unsqueeze(1) ** powers)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("smooth", [1e-3, 1.0])
def test_one_table_solves_every_smoothing_and_every_subset(make, smooth):
    table, _ = make.respiration(800)
    problem = make.additive(table, constraint=Identity())
    start = started(problem).theta
    error = error_of(problem, start)
    found = GramTable.around(problem, start, error, SharedGrams())
    other = AdditiveProblem(problem.term, problem.spline, smooth)
    active = other.mask_of(edge_sets())
    theta, promise, inside = found.solve(active, other.penalty)
    exact = minimise(other.with_active(active), start * active, 40)
    assert bool(inside[0])
    torch.testing.assert_close(promise[inside], exact.loss[inside], rtol=1e-6, atol=0)
    loss = other.loss(theta, torch.arange(4))
    torch.testing.assert_close(loss[inside], promise[inside], rtol=PROMISED, atol=0)
    assert bool((theta[~active] == 0).all())


def test_without_a_constant_a_table_is_one_solve(make):
    table, _ = make.respiration(200)
    plain = replace(table, forcings={}, target_names=("y",))
    term = make.ready(plain, decoder=IdentityDecoder(["y"]))[1]
    problem = AdditiveProblem(term, make.design_of(term.model, plain), 1e-2)
    start = torch.zeros(1, problem.size, dtype=torch.float64)
    found = GramTable.around(problem, start, 0.0, SharedGrams())
    theta, promise, inside = found.solve(problem.active, problem.penalty)
    assert bool(inside)
    exact = minimise(problem, start)
    raw = problem.raw(theta)
    torch.testing.assert_close(raw, problem.raw(exact.theta), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(promise, exact.loss)


@pytest.mark.parametrize("reason", ["bound", "log"])
def test_a_table_that_does_not_hold_is_not_believed(make, reason):
    table, _ = make.respiration(400, truth="kink" if reason == "bound" else "sum")
    settings = {"residual": "log", "offset": 1.0} if reason == "log" else {}
    if reason == "log":
        table = replace(table, targets=table.targets.abs())
    problem = make.additive(table, **settings)
    if reason == "bound":  # latents beyond zero, where the process does not follow
        problem.shift = problem.shift - 2.0
    start = started(problem).theta
    error = error_of(problem, start)
    found = GramTable.around(problem, start, error, SharedGrams())
    stage = AdditiveStage(problem, problem.term, problem.spline, found)
    theta, kept = stage.promised(problem.active, start)
    if not bool(kept):
        assert torch.equal(theta, start)
    loss = problem.loss(theta, torch.zeros(1, dtype=torch.long))
    assert float(loss) <= float(problem.loss(start, torch.zeros(1).long())) * (1 + 1e-6)
    if reason == "log":
        assert not bool(kept)


def test_candidates_of_a_table_are_those_of_a_search(make):
    table, _ = make.respiration(1500)
    valid, _ = make.respiration(500, seed=7)
    problem = make.additive(table)
    design = make.design_of(problem.term.model, valid, problem.spline.mean)
    term = make.ready(valid)[1]
    start = started(problem).theta
    known = GramTable.around(problem, start, error_of(problem, start), SharedGrams())
    with_table = AdditiveStage(problem, term, design, known)
    without = AdditiveStage(problem, term, design)
    pairs = zip(
        with_table.fit(edge_sets(), start[0], 20),
        without.fit(edge_sets(), start[0], 40),
        strict=True,
    )
    for one, other in pairs:
        assert torch.equal(one.edges, other.edges)
        wanted = other.loss < 2 * problem.loss(start, torch.zeros(1).long())
        if bool(wanted):
            assert one.loss == pytest.approx(other.loss, rel=1e-4)
        else:
            assert one.loss > 1.5 * float(problem.loss(start, torch.zeros(1).long()))


def test_members_on_the_same_rows_share_their_matrices(make, monkeypatch):
    train, _ = make.respiration(600)
    others = [
        replace(train, targets=train.targets * (1 + 0.1 * make.normals(600, 1, seed=k)))
        for k in (1, 2)
    ]
    alone = [ScIReN(KANEncoder(3, 1, grid=5), "auto", Q10Respiration()) for _ in others]
    config = TrainConfig(profiles=False)
    for model, table in zip(alone, others, strict=True):
        fit(model, table, table, config)
    reused = []
    single = gram._at
    monkeypatch.setattr(gram, "_at", lambda *a: reused.append(1) or single(*a))
    monkeypatch.setattr(gram, "STEP", 0.1)  # one lattice point for both
    models = [
        ScIReN(KANEncoder(3, 1, grid=5), "auto", Q10Respiration()) for _ in others
    ]
    fit_ensemble(models, others, others, config)
    assert reused
    for one, other in zip(models, alone, strict=True):
        found, expected = one.latents(train), other.latents(train)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        assert one.constants()["q10"] == pytest.approx(
            other.constants()["q10"], rel=1e-5
        )

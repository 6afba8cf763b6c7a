"""Block bootstrap: whole blocks, the same draws for a seed, honest intervals."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.constraints import Identity
from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder
from sciren.model import ScIReN
from sciren.solvers import bootstrap
from sciren.solvers.bootstrap import (
    block_weights,
    bootstrap_constants,
    n_observed_blocks,
    observed_weights,
    one_step_bootstrap,
)
from sciren.solvers.effort import Effort
from sciren.solvers.levenberg import minimise
from sciren.training import TrainConfig, fit
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.starts.hidden import hidden_start, straight_indices


def solved(problem):
    theta = torch.zeros(1, problem.size, dtype=torch.float64)
    theta[:, -1:] = problem.term.model.constant_raw.detach()
    return minimise(problem, theta).theta


def in_blocks(table, size):
    return replace(table, blocks=torch.arange(len(table)) // size)


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=40),
    st.integers(1, 20),
    st.integers(0, 99),
)
def test_weights_are_whole_numbers_of_drawn_blocks(labels, replicates, seed):
    blocks = torch.unique(torch.tensor(labels), return_inverse=True)[1]
    weights = block_weights(blocks, replicates, seed)
    assert weights.shape == (replicates, len(labels))
    assert torch.equal(weights, weights.round())
    first = [labels.index(label) for label in sorted(set(labels))]
    for k, label in enumerate(sorted(set(labels))):
        rows = torch.tensor(labels) == label
        assert bool((weights[:, rows] == weights[:, first[k] : first[k] + 1]).all())
    assert bool((weights[:, first].sum(1) == len(first)).all())
    assert torch.equal(weights, block_weights(blocks, replicates, seed))


def test_other_seeds_draw_other_blocks_each_equally_often():
    blocks = torch.arange(30)
    weights = block_weights(blocks, 4000, 1)
    assert not torch.equal(weights, block_weights(blocks, 4000, 2))
    assert float((weights.mean(0) - 1).abs().max()) < 0.1
    assert float(weights.var(0).mean()) == pytest.approx(29 / 30, rel=0.05)


def test_blocks_without_observations_are_not_drawn(make):
    table = in_blocks(make.respiration(60)[0], 10)
    table.targets[20:40] = torch.nan  # blocks 2 and 3
    table.targets[5] = torch.nan
    _, term = make.ready(table)
    assert n_observed_blocks(term) == 4
    weights = observed_weights(term, 50, 0)
    assert bool((weights[:, 20:40] == 0).all())
    assert bool((weights[:, 5] == 0).all())
    picked = weights[:, [0, 10, 40, 50]]
    assert bool((picked.sum(1) == 4).all())


def test_a_replicate_is_the_solution_on_its_own_rows(make):
    table = in_blocks(make.respiration(120)[0], 10)
    problem = make.additive(table)
    starts = solved(problem)
    found = bootstrap_constants(problem, problem.with_term, starts, 3, seed=5)
    weights = block_weights(table.blocks, 3, 5)
    for k in range(3):
        rows = torch.arange(120).repeat_interleave(weights[k].long())
        alone = minimise(problem.on_rows(rows), starts)
        assert float(alone.theta[0, -1]) == pytest.approx(float(found[k, -1]), abs=1e-4)


def test_batches_and_held_edges_do_not_change_a_replicate(make, monkeypatch):
    table = in_blocks(make.respiration(100)[0], 10)
    problem = make.additive(table)
    edges = torch.tensor([[True], [True], [False]]).unsqueeze(0)
    held = problem.with_active(problem.mask_of(edges))
    starts = solved(held) * held.active
    together = bootstrap_constants(held, held.with_term, starts, 6, seed=5)
    monkeypatch.setattr(bootstrap, "AT_ONCE", 1)
    single = bootstrap_constants(held, held.with_term, starts, 6, seed=5)
    torch.testing.assert_close(together[:, -1], single[:, -1], rtol=1e-6, atol=1e-8)
    assert bool((together[:, ~held.active[0]] == 0).all())


def test_every_replicate_keeps_the_better_of_its_starts(make):
    table = in_blocks(make.respiration(100)[0], 10)
    problem = make.additive(table, constraint=Identity())
    good = solved(problem)
    bad = torch.zeros_like(good)
    bad[:, -1] = 40.0  # q10 of e^40: no way back in fifteen steps
    one = bootstrap_constants(problem, problem.with_term, good, 4, 0)
    two = bootstrap_constants(problem, problem.with_term, torch.cat((bad, good)), 4, 0)
    torch.testing.assert_close(one[:, -1], two[:, -1], rtol=1e-6, atol=1e-8)


def test_replicates_scatter_as_much_as_fresh_data(make):
    table = make.respiration(200, noise=0.2)[0]
    problem = make.additive(table)
    draws = bootstrap_constants(problem, problem.with_term, solved(problem), 60, 0)
    fresh = []
    for seed in range(30):
        other = make.additive(make.respiration(200, seed + 1, noise=0.2)[0])
        fresh.append(float(solved(other)[0, -1]))
    assert float(draws[:, -1].std()) == pytest.approx(np.std(fresh), rel=0.5)


# -- one step -----------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["additive", "hidden"])
def test_one_step_reaches_what_a_refit_of_many_rows_reaches(make, kind):
    table = in_blocks(make.respiration(4000)[0], 40)
    problem = getattr(make, kind)(table)
    if kind == "additive":
        starts = solved(problem)
    else:
        inner = straight_indices(problem, problem.term.model.encoder, 1, 0)
        constants = problem.term.model.constant_raw.detach().unsqueeze(0)
        starts = minimise(problem, hidden_start(problem, inner, constants)).theta
    full = bootstrap_constants(problem, problem.with_term, starts, 40, seed=3)[:, -1]
    quick = one_step_bootstrap(problem, starts, 40, seed=3)[:, -1]
    gap = (quick - full).std() / full.std()
    assert float(gap) < 0.1
    assert float((quick - full).abs().max()) < float(full.std())


def test_one_step_holds_what_is_held_and_keeps_the_better_minimum(make):
    table = in_blocks(make.respiration(600)[0], 20)
    problem = make.additive(table, constraint=Identity())
    edges = torch.tensor([[True], [True], [False]]).unsqueeze(0)
    held = problem.with_active(problem.mask_of(edges))
    good = solved(held) * held.active
    bad = good.clone()
    bad[:, -1] += 3.0
    one = one_step_bootstrap(held, good, 5, 0)
    two = one_step_bootstrap(held, torch.cat((bad, good)), 5, 0)
    torch.testing.assert_close(one, two)
    assert bool((one[:, ~held.active[0]] == 0).all())


def test_rows_on_their_own_are_put_together(make, monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_BLOCKS", 50)
    problem = make.additive(make.respiration(800, noise=0.2)[0])
    starts = solved(problem)
    few = one_step_bootstrap(problem, starts, 200, 0)[:, -1].std()
    monkeypatch.setattr(bootstrap, "MOST_BLOCKS", 10_000)
    every = one_step_bootstrap(problem, starts, 200, 0)[:, -1].std()
    assert float(few) == pytest.approx(float(every), rel=0.3)


def test_intervals_of_profiles_on_few_rows_are_those_of_all_rows(make, monkeypatch):
    table = in_blocks(make.respiration(3000)[0], 30)
    monkeypatch.setattr(bootstrap, "MANY", 1000)
    config = TrainConfig(bootstrap=60, profile_points=5, smooth=1e-3, select=False)
    widths = []
    for rows in (3000, 400):
        few = Effort(rows=rows, steps=20, tolerance=1e-7)
        monkeypatch.setattr(AdditiveProblem, "profile_effort", few)
        model = ScIReN(KANEncoder(3, 1, grid=5), "auto", Q10Respiration())
        low, high = fit(model, table, table, config).summaries["q10"].interval
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0], rel=0.05)

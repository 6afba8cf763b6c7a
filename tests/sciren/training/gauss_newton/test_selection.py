"""Backward elimination: what is kept, what goes, and what the record says."""

import pytest
import torch

from sciren.solvers.levenberg import minimise
from sciren.solvers.process_term import ProcessTerm
from sciren.training.gauss_newton.selection import eliminate, one_standard_error
from sciren.training.gauss_newton.stages import (
    AdditiveStage,
    Candidate,
    HiddenStage,
    Validation,
)
from sciren.training.gauss_newton.starts.hidden import hidden_start, straight_indices
from sciren.training.history import History

BLOCKS = 40


def candidate(edges, loss, noise=0.0, weak=False, seed=0):
    """A candidate with that many edges and mean loss; noise is paired with the best."""
    generator = torch.Generator().manual_seed(seed)
    shared = torch.rand(BLOCKS, generator=torch.Generator().manual_seed(9)).double()
    wobble = torch.randn(BLOCKS, generator=generator, dtype=torch.float64)
    wobble = noise * (wobble - wobble.mean()) / wobble.std()
    sums = shared - shared.mean() + loss + wobble
    kept = torch.zeros(5, 1, dtype=torch.bool)
    kept[:edges] = True
    weights = torch.ones(BLOCKS, dtype=torch.float64)
    valid = Validation(sums.unsqueeze(0), weights)
    return Candidate(kept, torch.zeros(1), loss, valid, weak)


def error_of(noise):
    return noise / BLOCKS**0.5


# -- the rule -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("excess", "chosen"), [(0.5, 2), (0.99, 2), (1.01, 4), (1.9, 4), (3.0, 4)]
)
def test_the_smallest_model_within_one_error_wins(excess, chosen):
    noise = 0.3
    best = candidate(4, 1.0)
    smaller = candidate(2, 1.0 + excess * error_of(noise), noise, seed=1)
    worse = candidate(1, 5.0, noise, seed=2)
    larger = candidate(5, 1.0 + 1e-9)
    picked = one_standard_error([larger, best, smaller, worse])
    assert picked.n_edges == chosen


@pytest.mark.parametrize(("excess", "chosen"), [(1.9, 2), (2.1, 4)])
def test_negligible_edges_need_two_errors_to_stay(excess, chosen):
    noise = 0.3
    smaller = candidate(2, 1.0 + excess * error_of(noise), noise, weak=True, seed=1)
    assert one_standard_error([candidate(4, 1.0), smaller]).n_edges == chosen


def test_the_error_is_that_of_the_difference_not_of_the_losses():
    # Blocks differ widely, but equally for both: the difference is certain.
    best, worse = candidate(4, 1.0), candidate(2, 1.01)
    assert float(best.valid.sums.std()) > 0.2
    assert one_standard_error([best, worse]) is best


@pytest.mark.parametrize(("excess", "chosen"), [(0.9e-3, 2), (1.1e-3, 4)])
def test_a_trifle_pays_for_no_edge_however_certain(excess, chosen):
    smaller = candidate(2, 1.0 + excess)
    assert one_standard_error([candidate(4, 1.0), smaller]).n_edges == chosen


def test_of_equally_many_edges_the_better_validation_wins():
    noise = 0.3
    one = candidate(3, 1.0 + 0.5 * error_of(noise), noise, seed=1)
    two = candidate(3, 1.0 + 0.2 * error_of(noise), noise, seed=2)
    assert one_standard_error([candidate(4, 1.0), one, two]) is two


def test_the_best_is_chosen_where_nothing_else_has_a_finite_loss():
    best = candidate(4, 1.0)
    lost = candidate(1, torch.inf)
    assert one_standard_error([best, lost]) is best


# -- on data ------------------------------------------------------------------------
def stage_on(make, truth, features, nodes, rows=500, seed=0):
    """Stage, full candidate and names for a truth that needs features a and b only."""
    table, _ = make.respiration(rows, seed, truth, features=features)
    other, _ = make.respiration(300, seed + 50, truth, features=features)
    build = make.hidden if nodes else make.additive
    more = {"nodes": nodes} if nodes else {}
    problem = build(table, **more)
    model, scale = problem.term.model, problem.term.observations.scale
    design = make.design_of(model, other, problem.spline.mean)
    kind = HiddenStage if nodes else AdditiveStage
    stage = kind(problem, ProcessTerm(model, other, scale), design)
    constants = model.constant_raw.detach().unsqueeze(0)
    if nodes:
        inner = straight_indices(problem, model.encoder, 8, seed)
        start = hidden_start(problem, inner, constants.expand(8, -1))
        found = minimise(problem, start, 15, 1e-6, damping=1e-2)
        start = found.theta[int(found.loss.argmin())]
    else:
        start = torch.zeros(problem.size, dtype=torch.float64)
        start[-1] = constants[0, 0]
    edges = torch.ones(1, features, max(nodes, 1), dtype=torch.bool)
    names = [[f"{x} -> rb" for _ in range(max(nodes, 1))] for x in table.feature_names]
    return stage, stage.fit(edges, start)[0], names


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("features", [3, 7])
def test_noise_features_go_and_real_ones_stay(make, seed, features):
    stage, full, names = stage_on(make, "sum", features, 0, seed=seed)
    history = History("gauss-newton")
    chosen = eliminate(stage, full, names, history)
    kept = chosen.edges[:, 0]
    assert bool(kept[:2].all())
    assert not bool(kept[2:].any())
    rows = history.selection
    assert [row["chosen"] for row in rows].count(True) == 1
    assert [row["edges"] for row in rows] == sorted(
        (row["edges"] for row in rows), reverse=True
    )
    assert rows[0]["kept"] == ", ".join(f"{x} -> rb" for x in "abcdefg"[:features])
    (row,) = [row for row in rows if row["chosen"]]
    assert row["edges"] == chosen.n_edges
    assert row["kept"].split(", ") == [
        f"{'abcdefg'[k]} -> rb" for k in range(features) if kept[k]
    ]


@pytest.mark.parametrize("seed", range(3))
def test_of_features_that_repeat_each_other_one_stays(make, seed):
    table, _ = make.respiration(200, seed)
    other, _ = make.respiration(100, seed + 50)
    for one in (table, other):
        one.features[:, 2] = one.features[:, 0]
    problem = make.additive(table, smooth=1e-2)
    model, scale = problem.term.model, problem.term.observations.scale
    design = make.design_of(model, other, problem.spline.mean)
    stage = AdditiveStage(problem, ProcessTerm(model, other, scale), design)
    start = torch.zeros(problem.size, dtype=torch.float64)
    full = stage.fit(torch.ones(1, 3, 1, dtype=torch.bool), start)[0]
    chosen = eliminate(stage, full, [["a"], ["b"], ["c"]], History("gauss-newton"))
    a, b, c = chosen.edges[:, 0].tolist()
    assert b
    assert a != c


def test_where_nothing_matters_every_edge_goes(make):
    table, _ = make.respiration(300)
    problem = make.additive(table)
    noise = 3 + make.normals(300, 1, seed=77)
    model, scale = problem.term.model, problem.term.observations.scale
    table.targets[:] = noise * 1.5 ** ((table.forcings["ta"].unsqueeze(1) - 15) / 10)
    term = ProcessTerm(model, table, scale)
    problem = problem.with_term(term)
    other, _ = make.respiration(300, seed=3)
    other.targets[:] = (3 + make.normals(300, 1, seed=78)) * 1.5 ** (
        (other.forcings["ta"].unsqueeze(1) - 15) / 10
    )
    design = make.design_of(model, other, problem.spline.mean)
    stage = AdditiveStage(problem, ProcessTerm(model, other, scale), design)
    start = torch.zeros(problem.size, dtype=torch.float64)
    full = stage.fit(torch.ones(1, 3, 1, dtype=torch.bool), start)[0]
    chosen = eliminate(stage, full, [["a"], ["b"], ["c"]], History("gauss-newton"))
    assert chosen.n_edges == 0


@pytest.mark.parametrize("nodes", [1, 2])
def test_hidden_nodes_keep_an_edge_each(make, nodes):
    stage, full, names = stage_on(make, "kink", 3, nodes, rows=300)
    history = History("gauss-newton")
    chosen = eliminate(stage, full, names, history)
    assert bool(chosen.edges.any(0).all())
    assert all(row["hidden_nodes"] == nodes for row in history.selection)
    if nodes == 1:
        assert chosen.edges[:, 0].tolist() == [True, True, False]


def test_what_stays_whole_is_not_fitted_again(make):
    stage, full, names = stage_on(make, "sum", 2, 0)
    assert eliminate(stage, full, names, History("gauss-newton")) is full


def test_the_chosen_model_is_fitted_to_the_end(make):
    stage, full, names = stage_on(make, "sum", 4, 0)
    stage.trial_steps = 1
    chosen = eliminate(stage, full, names, History("gauss-newton"))
    again = stage.fit(chosen.edges.unsqueeze(0), chosen.theta, 60)[0]
    assert chosen.loss == pytest.approx(again.loss, rel=1e-6)

"""Stages of the ladder: candidates, their validation by block, their importance."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.comparison import ResidualScale
from sciren.solvers.process_term import ProcessTerm
from sciren.training.gauss_newton.stages import (
    AdditiveStage,
    HiddenStage,
    Validation,
    by_block,
)
from sciren.training.gauss_newton.starts.hidden import hidden_start, straight_indices

seeds = st.integers(0, 1000)


def validation(*rows, weights=None):
    sums = torch.tensor(rows, dtype=torch.float64)
    ones = torch.ones(sums.shape[1], dtype=torch.float64)
    return Validation(sums, ones if weights is None else weights)


# -- validation ---------------------------------------------------------------------
@given(seeds, st.integers(2, 30))
def test_the_excess_has_the_standard_error_of_paired_block_means(seed, blocks):
    generator = torch.Generator().manual_seed(seed)
    one, two = torch.rand(2, blocks, generator=generator, dtype=torch.float64)
    both = validation(one.tolist(), two.tolist())
    mean, error = both.excess(0, both, 1)
    gap = (one - two).numpy()
    assert mean == pytest.approx(gap.mean())
    assert error == pytest.approx(gap.std(ddof=1) / np.sqrt(blocks))
    assert both.excess(0, both, 0) == (0.0, 0.0)
    back = both.excess(1, both, 0)
    assert back == (pytest.approx(-mean), pytest.approx(error))


def test_blocks_of_unequal_size_give_the_error_of_the_block_bootstrap():
    generator = torch.Generator().manual_seed(0)
    weights = torch.randint(1, 9, (300,), generator=generator).double()
    noise = torch.randn(300, generator=generator, dtype=torch.float64)
    gap = 0.3 * weights + weights.sqrt() * noise
    both = Validation(torch.stack((gap, torch.zeros(300).double())), weights)
    mean, error = both.excess(0, both, 1)
    drawn = torch.randint(300, (4000, 300), generator=generator)
    means = gap[drawn].sum(1) / weights[drawn].sum(1)
    assert mean == pytest.approx(float(means.mean()), abs=0.1 * error)
    assert error == pytest.approx(float(means.std()), rel=0.06)


def test_a_single_block_has_no_error_and_losses_are_weighted_means():
    one = validation([3.0], [2.0], weights=torch.tensor([4.0]).double())
    assert one.excess(0, one, 1) == (0.25, 0.0)
    assert one.loss.tolist() == [0.75, 0.5]


def test_squares_are_summed_over_the_blocks_of_the_rows(make):
    table, _ = make.respiration(40)
    table.blocks[:] = torch.arange(40) % 7
    table.targets[5] = torch.nan
    _, term = make.ready(table)
    raw, constants = make.normals(3, 40, 1), torch.zeros(3, 1).double()
    found = by_block(term, raw, constants)
    squares = term.residual(raw, constants).pow(2)[..., 0]
    for block in range(7):
        rows = table.blocks == block
        torch.testing.assert_close(found.sums[:, block], squares[:, rows].sum(1))
        seen = ~table.targets[rows].isnan()
        assert float(found.weights[block]) == int(seen.sum())
    assert found.sums.shape == (3, 7)


def test_a_prediction_without_a_value_is_the_worst(make):
    table, _ = make.respiration(20)
    _, term = make.ready(table)
    raw, constants = torch.ones(2, 20, 1).double(), torch.zeros(2, 1).double()
    constants[1] = 1e4  # overflows
    found = by_block(term, raw, constants)
    assert float(found.loss[1]) == torch.inf
    assert float(found.loss[0]) < torch.inf


# -- stages --------------------------------------------------------------------------
def additive_stage(make, rows=200):
    table, _ = make.respiration(rows)
    other, _ = make.respiration(120, seed=50)
    problem = make.additive(table)
    return (AdditiveStage(problem, *valid_side(make, problem, other)), table, other)


def hidden_stage(make, rows=200):
    table, _ = make.respiration(rows, truth="kink")
    other, _ = make.respiration(120, seed=50, truth="kink")
    problem = make.hidden(table, 2)
    return (HiddenStage(problem, *valid_side(make, problem, other)), table, other)


def valid_side(make, problem, other):
    model, scale = problem.term.model, problem.term.observations.scale
    design = make.design_of(model, other, problem.spline.mean)
    return ProcessTerm(model, other, scale), design


def start_of(stage):
    problem = stage.problem
    model = problem.term.model
    constants = model.constant_raw.detach().unsqueeze(0)
    if stage.nodes == 0:
        theta = torch.zeros(1, problem.size, dtype=torch.float64)
        theta[:, -1:] = constants
        return theta[0]
    inner = straight_indices(problem, model.encoder, 1, seed=1)
    return hidden_start(problem, inner, constants)[0]


RUNGS = [additive_stage, hidden_stage]


def some_edges(stage, count, seed=0):
    """Edge sets that leave every node an edge."""
    columns = max(1, stage.nodes)
    generator = torch.Generator().manual_seed(seed)
    edges = torch.rand(count, 3, columns, generator=generator) > 0.4
    edges[:, 0] = True
    edges[0] = True
    return edges


@pytest.mark.parametrize("build", RUNGS)
def test_the_validation_of_a_candidate_is_that_of_the_stored_model(make, build):
    stage, _, other = build(make)
    for one in stage.fit(some_edges(stage, 3), start_of(stage), 5):
        stage.store(one)
        model = stage.problem.term.model
        gap = model.predict(other).targets - other.targets
        sd = ResidualScale.fit(build(make)[1].targets).sd
        expected = float((gap / sd).pow(2).mean())
        assert float(one.valid.loss) == pytest.approx(expected)
        assert model.encoder.spline_layers[0].mask.bool().tolist() == one.edges.tolist()


@pytest.mark.parametrize("build", RUNGS)
def test_edge_sets_are_fitted_as_if_each_were_alone(make, build):
    stage, *_ = build(make)
    edges, start = some_edges(stage, 3), start_of(stage)
    together = stage.fit(edges, start, 2)
    for k, one in enumerate(together):
        alone = stage.fit(edges[k : k + 1], start, 2)[0]
        assert alone.loss == pytest.approx(one.loss, rel=1e-5)
        assert one.edges.tolist() == edges[k].tolist()
        assert one.n_edges == int(edges[k].sum())
        dropped = ~stage.problem.mask_of(edges[k : k + 1])[0]
        assert bool((one.theta[dropped] == 0).all())


def test_more_edges_fit_the_training_rows_better(make):
    stage, *_ = additive_stage(make)
    chain = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]).bool()
    fitted = stage.fit(chain.unsqueeze(2), start_of(stage))
    losses = [one.loss for one in fitted]
    assert losses == sorted(losses)
    assert fitted[-1].n_edges == 0


@pytest.mark.parametrize("build", RUNGS)
def test_importance_is_the_deviation_of_the_stored_edges(make, build):
    stage, table, _ = build(make)
    one = stage.fit(some_edges(stage, 2, seed=3), start_of(stage), 4)[1]
    stage.store(one)
    model = stage.problem.term.model
    layer = model.encoder.spline_layers[0]
    edges = layer.edges(model.scaled(table.features)).detach()
    torch.testing.assert_close(stage.importance(one), edges.std(0, correction=0))


@pytest.mark.parametrize("build", RUNGS)
def test_other_observed_losses_and_fewer_rows_keep_the_rest(make, build):
    stage, table, _ = build(make)
    problem = stage.problem
    doubled = problem.term.with_row_weights(torch.full((1, len(table)), 2.0).double())
    other = stage.with_terms(doubled, stage.valid)
    assert type(other) is type(stage)
    assert other.problem.term is doubled
    assert other.nodes == stage.nodes
    edges, start = some_edges(stage, 1), start_of(stage)
    one, two = stage.fit(edges, start, 2)[0], other.fit(edges, start, 2)[0]
    assert one.loss == pytest.approx(two.loss)  # a factor on all rows changes nothing
    few = stage.on_rows(torch.arange(0, 200, 4))
    assert few.problem.term.n_rows == 50
    assert few.valid is stage.valid
    assert few.fit(edges, start, 2)[0].loss != one.loss

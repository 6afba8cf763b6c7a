"""The search of starts: different minima go on, and the best one is found."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.solvers.levenberg import minimise
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.starts.directions import ALIKE, StartSearch, different


@given(st.lists(st.floats(0.01, 10.0), min_size=1, max_size=20), st.integers(1, 20))
def test_the_best_and_different_ones_go_on(losses, most):
    loss = torch.tensor(sorted(losses), dtype=torch.float64)
    kept = different(loss, most).tolist()
    assert len(kept) == min(most, len(loss))
    assert len(set(kept)) == len(kept)
    assert kept == sorted(kept)
    assert kept[0] == 0


def test_a_crowd_in_one_minimum_is_one():
    loss = torch.tensor([1.0, 1.0 + ALIKE / 3, 1.0 + ALIKE / 2, 1.1, 1.2, 1.3])
    assert different(loss, 4).tolist() == [0, 3, 4, 5]
    assert different(loss, 5).tolist() == [0, 1, 3, 4, 5]


def search_of(make, rows=900, **settings):
    table, _ = make.respiration(rows, truth="kink")
    problem = make.hidden(table, intervals=20)
    config = TrainConfig(**settings)
    search = StartSearch(
        problem,
        problem.term.model.encoder,
        config,
        torch.arange,
    )
    below = make.additive(table)
    known = torch.zeros(below.size, dtype=torch.float64)
    known[-1] = 0.3
    return problem, search, below, known


def unheard(stage, total, problem):
    return lambda step, loss, theta: None


@pytest.mark.parametrize("rows", [900, 400])
def test_the_best_start_leads_to_the_kink(make, rows):
    problem, search, below, known = search_of(make, starts=16, start_rows=rows)
    theta = search.run(below, known, unheard)
    assert len(theta) <= search.config.polish
    assert search.problem.term.n_rows == min(rows, 900)
    found = minimise(problem, problem.taken_over(theta, search.problem), 40)
    single = minimise(below, known.unsqueeze(0), 40)
    assert float(found.loss[0]) < 0.2 * float(single.loss)
    assert float(problem.constants_of(found.theta)[0, 0].exp()) == pytest.approx(
        1.5, abs=0.05
    )


def test_a_search_that_gains_too_little_is_given_up(make):
    _, search, below, known = search_of(make, starts=4)
    heard = []

    def watch(stage, total, problem):
        heard.append(stage)
        return lambda step, loss, theta: None

    search.run(below, known, watch, enough=1e-6)
    assert len(heard) == 1
    assert search.reached > 1e-6


def test_half_of_the_starts_keep_the_nodes_below(make):
    table, _ = make.respiration(500, truth="kink")
    one = make.hidden(table, 1, intervals=20)
    two = make.hidden(table, 2, intervals=20)
    config = TrainConfig(starts=8)
    encoder = one.term.model.encoder
    below = StartSearch(one, encoder, config, torch.arange)
    additive = make.additive(table)
    start = torch.zeros(additive.size, dtype=torch.float64)
    theta = below.run(additive, start, unheard)
    known = minimise(one, one.taken_over(theta, below.problem), 40)
    above = StartSearch(two, encoder, config, torch.arange)
    above.run(one, known.theta[0], unheard)
    assert above.reached < 1.2 * float(known.loss[0])

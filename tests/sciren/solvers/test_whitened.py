"""The loss under a law of the noise: its slopes, its rows, and what it is worth."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import LinearEncoder, Q10Respiration, ScIReN, Table
from sciren.data.scaling import FeatureScaling
from sciren.inference.autoregression import Autoregression
from sciren.inference.noise import NoiseLaw
from sciren.inference.observed import ObservedProcess
from sciren.solvers.whitened import WhitenedTerm
from symbolic.families.variants import form_named
from symbolic.search.problem import SymbolicProblem
from symbolic.search.refit import refit
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

AR = 0.9
MEMORY = Autoregression((np.zeros(0), np.array([AR])), np.array([1 / (1 - AR**2), 1.0]))
GROWING = NoiseLaw((1.0,), (1.0,), (0.1,), (MEMORY,), (0.0,))
SHARED = NoiseLaw((0.0,), (1.0,), (0.0,), (Autoregression.none(),), (2.0,))
PLAIN = NoiseLaw((0.0,), (1.0,), (0.0,), (Autoregression.none(),), (0.0,))
RB = LatentStructure("rb", 3.0, (EdgeTerm(0, form_named("linear", ""), (0.5,)),))
ONE = torch.zeros(1, dtype=torch.long)


def autoregressive(rng, rows):
    noise = rng.normal(size=rows)
    for k in range(1, rows):
        noise[k] = AR * noise[k - 1] + np.sqrt(1 - AR**2) * noise[k]
    return noise


def rows_of(seed, rows=200, groups=False):
    rng = np.random.default_rng(seed)
    x, ta = autoregressive(rng, rows), rng.normal(12.0, 6.0, rows)
    noise = 0.4 * autoregressive(rng, rows)
    y = (3.0 + 0.5 * x) * 1.5 ** ((ta - 15.0) / 10.0) + noise
    time = pd.date_range("2000-01-01", periods=rows, freq="h")
    frame = pd.DataFrame({"x": x, "ta": ta, "reco": y, "time": time})
    how: dict[str, Any] = (
        {"groups": np.arange(rows) // 10} if groups else {"time": "time"}
    )
    table = Table.from_frame(frame, ["x"], ["ta"], ["reco"], **how)
    model = ScIReN(LinearEncoder(1, 1), "auto", Q10Respiration())
    model.set_scaling(FeatureScaling.fit(table.features, "none"), table.feature_names)
    return model, table


def term_of(law, groups=False, seed=1, weights=None):
    model, table = rows_of(seed, groups=groups)
    process = ObservedProcess.of(model, table)
    mean = np.maximum(process.values, 0.2)
    return WhitenedTerm.of(process.term, process, law, mean), table


@pytest.mark.parametrize(("law", "groups"), [(GROWING, False), (SHARED, True)])
def test_the_gradient_is_that_of_the_loss(law, groups):
    term, table = term_of(law, groups)
    problem = SymbolicProblem(term, table.features, [RB])
    theta = problem.start(torch.tensor([0.3]))
    normal = problem.normal(theta, ONE)
    assert float(normal.loss) == pytest.approx(float(problem.loss(theta, ONE)))
    for k in range(problem.size):
        step = torch.zeros_like(theta)
        step[0, k] = 1e-5
        rise = problem.loss(theta + step, ONE) - problem.loss(theta - step, ONE)
        assert float(rise) / 4e-5 == pytest.approx(
            float(normal.gradient[0, k]), rel=1e-5
        )


@pytest.mark.parametrize(("law", "groups"), [(GROWING, False), (SHARED, True)])
def test_shares_of_blocks_sum_to_the_whole(law, groups):
    term, table = term_of(law, groups)
    problem = SymbolicProblem(term, table.features, [RB])
    theta = problem.start(torch.tensor([0.3]))
    parts = problem.normals_of(theta, [torch.arange(60), torch.arange(60, 200)])
    whole = problem.normal(theta, ONE)
    together = sum(part.gradient for part in parts)
    torch.testing.assert_close(together, whole.gradient, rtol=1e-6, atol=1e-8)


def test_a_plain_law_leaves_the_loss_what_it_was():
    term, table = term_of(PLAIN)
    raw = 3.0 + 0.5 * table.features[None]
    constants = torch.tensor([[0.4]], dtype=torch.float64)
    plain = term.plain.loss(raw, constants, ONE)
    torch.testing.assert_close(term.loss(raw, constants, ONE), plain)


def test_the_same_rows_twice_are_drawn_like_row_weights_of_two():
    term, table = term_of(GROWING)
    raw = 3.0 + 0.5 * table.features[None]
    constants = torch.tensor([[0.4]], dtype=torch.float64)
    equal = term.with_row_weights(torch.full((1, 200), 2.0, dtype=torch.float64))
    torch.testing.assert_close(
        equal.loss(raw, constants, ONE), term.loss(raw, constants, ONE)
    )


def test_some_of_the_rows_keep_the_law_and_another_order_loses_its_memory():
    term, _ = term_of(GROWING)
    half = term.take(torch.arange(100))
    assert isinstance(half, WhitenedTerm)
    assert len(half.process) == 100
    assert term.take(torch.arange(200)) is term
    assert not isinstance(term.take(torch.arange(99, -1, -1)), WhitenedTerm)
    stretches = term.rows_in_stretches(120)
    assert len(stretches) < 200
    assert (stretches.diff() > 0).all()


def test_constants_of_a_series_are_known_better_than_without_its_memory():
    missed = []
    for seed in range(6):
        model, table = rows_of(seed, rows=400)
        process = ObservedProcess.of(model, table)
        memory = NoiseLaw((0.0,), (1.0,), (0.0,), (MEMORY,), (0.0,))
        white = WhitenedTerm.of(process.term, process, memory, process.values)
        missed.append(
            [
                float(refit(term, table.features, [RB], ONE.double()).theta[1]) - 0.5
                for term in (white, process.term)
            ]
        )
    whitened, plain = np.sqrt(np.mean(np.square(missed), axis=0))
    assert whitened < 0.7 * plain


def test_a_law_comes_back_from_its_numbers():
    stored = NoiseLaw.from_json(GROWING.to_json())
    assert stored.to_json() == GROWING.to_json()
    assert not stored.plain
    assert PLAIN.plain
    broken = GROWING.to_json()
    broken["autoregression"][0]["coefficients"] = [[], [0.5, 0.2]]
    with pytest.raises(ValueError, match="orders"):
        NoiseLaw.from_json(broken)

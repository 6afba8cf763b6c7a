"""The last fit under the law of the noise: its slopes, its worth, and where it stays away."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.signal import lfilter

from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit
from sciren.comparison import ResidualScale
from sciren.data.scaling import FeatureScaling
from sciren.inference.autoregression import Autoregression
from sciren.inference.noise import NoiseLaw
from sciren.solvers.process_term import ProcessTerm
from sciren.solvers.whitened import WhitenedTerm
from sciren.training.gauss_newton import whitening
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.gauss_newton.stages import Validation, by_block

AR = 0.9
MEMORY = Autoregression((np.zeros(0), np.array([AR])), np.array([1 / (1 - AR**2), 1.0]))
LAW = NoiseLaw((0.0,), (1.0,), (0.0,), (MEMORY,), (0.0,))
ONE = torch.zeros(1, dtype=torch.long)
SAID = "Curves and constants were fitted to rows whitened by their noise."


def series(seed, rows=400, memory=AR):
    """Rows whose noise and features remember, and the true latent."""
    rng = np.random.default_rng(seed)

    def remembering(columns):
        draws = rng.standard_normal((rows, columns))
        draws[1:] *= np.sqrt(1 - memory**2)
        return lfilter([1.0], [1.0, -memory], draws, axis=0)

    x, ta = remembering(2), 12.0 + 6.0 * remembering(1)[:, 0]
    latent = 3.0 + 0.5 * x[:, 0] + 0.3 * np.exp(0.6 * x[:, 1])
    reco = latent * 1.5 ** ((ta - 15.0) / 10.0) + 0.8 * remembering(1)[:, 0]
    frame = pd.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "ta": ta, "reco": reco})
    frame["time"] = pd.date_range("2000-01-01", periods=rows, freq="h")
    table = Table.from_frame(frame, ["x1", "x2"], ["ta"], ["reco"], time="time")
    return table, latent


def trained(seed, memory=AR, **settings):
    """Deviation of the trained latent's error, and what the history says."""
    return trained_model(seed, memory, **settings)[1:]


def trained_model(seed, memory=AR, **settings):
    """The model, the deviation of its latent's error, and what the history says."""
    table, latent = series(seed, memory=memory)
    held = np.arange(len(table)) // 20 % 5 == 4
    model = ScIReN(KANEncoder(2, 1, grid=(8,)), "auto", Q10Respiration())
    config = TrainConfig(profiles=False, **settings)
    history = fit(model, table.take(~held), table.take(held), config)
    error = model.latents(table)[:, 0].detach().numpy() - latent
    return model, float(error.std()), history.messages


@pytest.fixture(scope="module")
def problem():
    table, _ = series(3, rows=80)
    encoder = KANEncoder(2, 1, grid=(4,))
    model = ScIReN(encoder, "auto", Q10Respiration())
    model.set_scaling(FeatureScaling.fit(table.features), table.feature_names)
    scaled = model.scaled(table.features)
    encoder.prepare(scaled)
    plain = ProcessTerm(model, table, ResidualScale.fit(table.targets))
    term = WhitenedTerm.of_model(plain, table, model.raw_latents(scaled) + 3.0, LAW)
    return AdditiveProblem(term, SplineDesign.of(encoder, scaled), 1e-3)


@pytest.fixture(scope="module")
def theta(problem):
    draws = np.random.default_rng(4).normal(size=(1, problem.size))
    drawn = 0.3 * torch.from_numpy(draws)
    drawn[:, -1] = 0.4
    drawn[:, 0] = 3.0
    return drawn


def test_the_gradient_is_that_of_the_loss(problem, theta):
    normal = problem.normal(theta, ONE)
    assert float(normal.loss) == pytest.approx(float(problem.loss(theta, ONE)))
    steps = 1e-6 * torch.eye(problem.size, dtype=torch.float64)
    many = torch.zeros(problem.size, dtype=torch.long)
    rise = problem.loss(theta + steps, many) - problem.loss(theta - steps, many)
    torch.testing.assert_close(rise / 4e-6, normal.gradient[0], rtol=1e-5, atol=1e-7)


def test_shares_of_blocks_and_rows_sum_to_the_whole(problem, theta):
    parts = problem.normals_of(theta, [torch.arange(30), torch.arange(30, 80)])
    whole = problem.normal(theta, ONE)
    summed = sum(part.matrix for part in parts) + problem.penalty
    torch.testing.assert_close(summed, whole.matrix, rtol=1e-6, atol=1e-8)
    sums = by_block(problem.term, problem.raw(theta), problem.constants_of(theta))
    observed = problem.term.loss(problem.raw(theta), problem.constants_of(theta), ONE)
    assert float(sums.loss[0]) == pytest.approx(float(observed[0]), rel=1e-6)


@pytest.fixture(scope="module")
def plain():
    """Error of a series that is trained without the law of its noise."""
    return trained(1, noise="constant")[0]


def test_curves_of_a_series_come_nearer_to_the_truth(plain):
    error, messages = trained(1)
    assert SAID in messages
    assert error < 0.6 * plain


def test_independent_rows_are_fitted_as_before():
    free, messages = trained(1, memory=0.0)
    assert SAID not in messages
    assert free == trained(1, memory=0.0, noise="constant")[0]


def test_more_rows_than_memory_holds_stay_without_it_and_this_is_said(
    monkeypatch, plain
):
    monkeypatch.setattr(whitening, "MOST_NUMBERS", 10)
    left, messages = trained(1)
    assert left == plain
    assert any("without the memory of their noise" in said for said in messages)


def test_a_fit_that_predicts_validation_rows_worse_is_not_taken(monkeypatch):
    # What a wrong model leaves lasts as noise does; validation tells them apart.
    monkeypatch.setattr(Validation, "excess", lambda *_: (0.2, 0.1))
    model, left, messages = trained_model(1)
    assert left == trained(1, noise="constant")[0]
    # Its equations are not whitened either.
    assert NoiseLaw.from_json(model.noise_law).plain
    assert any(
        "validation is predicted worse (by 0.2 ± 0.1" in said for said in messages
    )


def test_a_fit_that_predicts_its_own_rows_worse_than_constants_is_not_taken(
    monkeypatch,
):
    # The one group that validates may fit by chance where five others do not.
    monkeypatch.setattr(Validation, "excess", lambda *_: (-0.2, 0.0))
    plain, terms = trained(1, noise="constant")[0], AdditiveProblem.terms

    def poor(problem, theta):
        # one level and one constant are all that constant latents have
        size = 1.0 if (theta != 0).sum() > 2 else 0.1
        return terms(problem, theta) | {"data": size}

    monkeypatch.setattr(AdditiveProblem, "terms", poor)
    left, messages = trained(1)
    assert left == plain
    assert any("worse than by constant latents" in said for said in messages)

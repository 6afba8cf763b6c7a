"""The gate: noise is accepted, what features predict is not."""

import numpy as np
import pytest

from symbolic.composition.fitting.model import Model, Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.gate import Judge, MissingTermTest, folds, trees_prediction


def rows(effect, seed=0, n=800, spread=None):
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(n, 3))
    z = (z - z.mean(0)) / z.std(0)
    noise = generator.normal(size=n) * (1.0 if spread is None else spread(z))
    return Regression.of(z, effect(z) + noise)


LINE = Model((Term(0, "linear", (0.0,)),))


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_accepted(seed):
    verdict = Judge(rows(lambda z: 0.0 * z[:, 0], seed))(LINE)
    assert verdict.accepted
    assert not verdict.missing.significant
    assert verdict.value < 0.01


@pytest.mark.parametrize(
    "effect",
    [
        lambda z: 0.5 * z[:, 1] ** 2,
        lambda z: 0.4 * z[:, 0] * z[:, 2],
        lambda z: 1.5 * np.sign(z[:, 0] * z[:, 1] * z[:, 2]),
    ],
    ids=["curve", "pair", "three at once"],
)
def test_what_features_predict_is_refused(effect):
    assert not Judge(rows(effect))(LINE).accepted


def test_a_small_term_below_the_gate_leaves_a_trace():
    regression = rows(lambda z: 0.22 * z[:, 1], n=1500)
    verdict = Judge(regression, limit=0.5)(LINE)
    assert not verdict.accepted
    assert 1 in verdict.missing.features


def test_what_a_model_follows_in_part_is_asked_of_the_rest():
    """A feature that resembles another still leaves a trace where it acts itself."""
    rng = np.random.default_rng(1)
    first, own = rng.normal(size=(2, 1500))
    z = np.stack([first, 0.6 * first + 0.8 * own], axis=1)
    y = 0.4 * z[:, 1] + rng.normal(size=1500)
    regression = Regression.of(z, y - y.mean())
    slope = float(first @ regression.y / (first @ first))
    verdict = Judge(regression, limit=0.9)(Model((Term(0, "linear", (slope,)),)))
    assert verdict.missing.significant
    assert verdict.missing.features == (1,)


def test_a_few_per_cent_that_no_moment_sees_are_refused():
    regression = rows(lambda z: 0.6 * np.sign(z[:, 0] * z[:, 1] * z[:, 2]), n=3000)
    verdict = Judge(regression)(LINE)
    assert 0.01 < verdict.value < 0.2
    assert not verdict.accepted


@pytest.mark.parametrize(("factor", "accepted"), [(2.0, True), (40.0, False)])
def test_parts_that_only_undo_each_other_are_refused(factor, accepted):
    rng = np.random.default_rng(2)
    first = rng.normal(size=800)
    z = np.stack([first, first + 0.01 * rng.normal(size=800)], axis=1)
    z = (z - z.mean(0)) / z.std(0)
    parts = ((1 + factor) * z[:, 0], -factor * z[:, 1])
    regression = Regression.of(z, sum(parts) + 0.5 * rng.normal(size=800))
    terms = (Term(0, "linear", (1 + factor,)), Term(1, "linear", (-factor,)))
    assert Judge(regression)(Model(terms)).accepted == accepted


def test_uneven_noise_is_no_trace():
    regression = rows(lambda z: 0.0 * z[:, 0], spread=lambda z: np.exp(0.7 * z[:, 1]))
    assert (
        not MissingTermTest(regression)
        .strongest(
            regression.target,
            np.empty((len(regression), 0)),
            np.arange(len(regression)),
        )
        .significant
    )


def test_a_residual_at_rounding_needs_no_reference():
    regression = Regression.of(
        np.random.default_rng(0).normal(size=(100, 2)), 1e-9 * np.arange(100.0)
    )
    verdict = Judge(regression)(LINE)
    assert verdict.accepted
    assert np.isnan(verdict.ridge)


def test_blocks_stay_together_in_folds():
    blocks = np.repeat(np.arange(40), 5)
    fold = folds(200, 0, blocks)
    assert all(len(set(fold[blocks == one])) == 1 for one in range(40))
    counts = np.bincount(folds(203, 1))
    assert counts.max() - counts.min() <= 1


def test_errors_of_a_series_are_not_predicted_from_their_neighbours():
    refused = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        drawn = rng.normal(size=(600, 4))
        for row in range(1, 600):
            drawn[row] = 0.9 * drawn[row - 1] + 0.44 * drawn[row]
        z, y = drawn[:, :3], drawn[:, 0] + 0.3 * drawn[:, 3]
        regression = Regression.of(z, (y - y.mean()) / y.std())
        slope = float(np.cov(z[:, 0], regression.y)[0, 1] / z[:, 0].var())
        right = Judge(regression)(Model((Term(0, "linear", (slope,)),)))
        refused += not right.accepted
        missing = Judge(regression)(Model((Term(1, "linear", (0.1,)),)))
        assert not missing.accepted
    assert refused <= 1


@pytest.mark.parametrize("blocks", [1, 3])
def test_fewer_blocks_than_folds_leave_none_to_predict(blocks):
    """Three sites fill three of the four folds, and one site leaves nothing to learn from."""
    x = np.linspace(-1, 1, 120)
    fold = folds(120, 0, np.arange(120) % blocks)
    predicted = trees_prediction(x[:, None], np.sign(x), fold, seed=0)
    if blocks == 1:
        assert not predicted.any()
    else:
        assert np.corrcoef(predicted, np.sign(x))[0, 1] > 0.8

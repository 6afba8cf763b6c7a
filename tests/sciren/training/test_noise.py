"""Weights for noise that grows with the prediction."""

from dataclasses import replace

import pytest
import torch

from sciren.inference.autoregression import Autoregression
from sciren.inference.noise import NoiseLaw
from sciren.training.noise import (
    BISQUARE,
    HUBER,
    estimated_weights,
    noise_weights,
    proportional_weights,
    robust_weights,
)


def ratio(make, change=None):
    """Weights times squared predictions, weights and table."""
    table = make.exchanged(50)
    model, _ = make.ready(table, decoder=make.exchange)
    table = table if change is None else change(table)
    weights = proportional_weights(model, table)
    return weights, model.predict(table).targets, table


def test_weights_are_inverse_squares_of_the_prediction(make):
    weights, predicted, table = ratio(make)
    seen = table.observed
    for k in range(2):
        rows = seen[:, k]
        floor = 0.02 * table.targets[rows, k].abs().median()
        rows = rows & (predicted[:, k].abs() > floor)
        product = weights[rows, k] * predicted[rows, k] ** 2
        torch.testing.assert_close(product, product[:1].expand_as(product))
        assert float(weights[seen[:, k], k].mean()) == pytest.approx(1)
    assert bool((weights[~seen] == 0).all())


def test_an_estimated_power_weighs_like_its_law_and_zero_weighs_alike(make):
    table = make.exchanged(50)
    model, _ = make.ready(table, decoder=make.exchange)
    law = NoiseLaw((0.5, 0.0), (1.0, 1.0), (0.0, 0.0), (Autoregression.none(),) * 2)
    weights = estimated_weights(model, table, law.to_json())
    predicted, seen = model.predict(table).targets, table.observed
    product = (weights * predicted.abs())[seen[:, 0], 0]
    torch.testing.assert_close(product, product[:1].expand_as(product))
    torch.testing.assert_close(weights[:, 1], seen[:, 1].double())
    assert float(weights[seen[:, 0], 0].mean()) == pytest.approx(1)


def test_small_predictions_are_held_above_a_share_of_the_median(make):
    weights, predicted, table = ratio(
        make, lambda table: replace(table, targets=1e6 * table.targets)
    )
    seen = table.observed
    assert float(predicted.abs().max()) < 1e4  # every prediction is far below 2 %
    torch.testing.assert_close(weights[seen], torch.ones(int(seen.sum())).double())


def test_a_target_that_was_never_observed_gets_no_weight_and_harms_no_other(make):
    def lose(table):
        targets = table.targets.clone()
        targets[:, 1] = torch.nan
        return replace(table, targets=targets)

    weights, _, table = ratio(make, lose)
    assert bool(torch.isfinite(weights).all())
    assert bool((weights[:, 1] == 0).all())
    expected, *_ = ratio(make)
    torch.testing.assert_close(weights[:, 0], expected[:, 0])
    assert len(table) == 50


def test_a_row_without_a_prediction_harms_no_other(make):
    def lose(table):
        light = table.forcings["light"].clone()
        light[3] = torch.nan
        return replace(table, forcings=table.forcings | {"light": light})

    weights, _, table = ratio(make, lose)
    assert bool(torch.isfinite(weights).all())
    assert float(weights[3, 0]) == 0.0
    assert bool((weights[table.observed].sum() > 0).all())


# -- robust -------------------------------------------------------------------------
def residuals(make, wrong=20.0):
    """A model that is right, a table with normal errors and three gross ones."""
    table, _ = make.respiration(400, noise=0.0)
    model, _ = make.ready(table)
    predicted = model.predict(table).targets
    error = make.normals(400, 1, seed=8)
    error[:3] = wrong * torch.tensor([[1.0], [-1.0], [2.0]])
    sd = float(table.targets.std(correction=0))
    targets = predicted + 0.1 * sd * error
    targets[5] = torch.nan
    return model, replace(table, targets=targets), error


@pytest.mark.parametrize("bisquare", [False, True])
def test_robust_weights_fall_with_the_size_of_the_residual(make, bisquare):
    model, table, error = residuals(make)
    weights = robust_weights(model, table, bisquare)
    assert float(weights[5]) == 0.0
    seen = table.observed[:, 0]
    order = error[seen].abs().argsort(dim=0).flatten()
    falling = weights[seen][order].diff(dim=0)
    assert bool((falling <= 1e-12).all())
    assert float(weights[seen].max()) <= 1.0
    small = error.abs() < 0.5
    assert float(weights[small & table.observed].min()) > 0.95
    gross = weights[:3].flatten()
    if bisquare:
        assert gross.tolist() == [0.0, 0.0, 0.0]
    else:
        assert bool(((gross > 0) & (gross < 2 * HUBER / 20)).all())
        assert float(gross[2]) == pytest.approx(float(gross[0]) / 2)


def test_the_scale_ignores_gross_errors(make):
    one, other = residuals(make, 20.0), residuals(make, 2000.0)
    first = robust_weights(*one[:2])[3:]
    torch.testing.assert_close(first, robust_weights(*other[:2])[3:])
    # Rows at the same share of the scale weigh the same, whatever the unit.
    inside = (1 - (1 / BISQUARE) ** 2) ** 2
    size = one[2][3:].abs()
    near = ((size - 1).abs() < 0.05) & one[1].observed[3:]
    assert bool((first[near] - inside).abs().max() < 0.03)


def test_a_model_knows_its_law_of_noise(make):
    model, table, _ = residuals(make)
    assert noise_weights(model, table) is None
    model.noise = "robust"
    assert torch.equal(noise_weights(model, table), robust_weights(model, table))
    model.noise = "proportional"
    expected = proportional_weights(model, table)
    assert torch.equal(noise_weights(model, table), expected)

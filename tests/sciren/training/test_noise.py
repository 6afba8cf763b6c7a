"""Weights for noise that grows with the prediction."""

from dataclasses import replace

import pytest
import torch

from sciren.training.noise import proportional_weights


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

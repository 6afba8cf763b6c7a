"""Training by gradients: what it learns, repeats, stopping, weights, terms of the loss."""

import math

import numpy as np
import pytest
import torch

from sciren.data.table import Table
from sciren.decoders import process_model
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.importance import feature_importance
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.training.config import TrainConfig
from sciren.training.preparation import prepare
from tests.sciren.training.first_order.conftest import (
    Q10,
    respiration,
    run,
    same,
    started,
    weights_of,
)


# -- what it learns -------------------------------------------------------------------
def test_it_finds_the_latent_and_the_constant():
    model = started()
    history = run(model, epochs=60, learning_rate=0.1)
    truth = (
        3
        + 0.5 * respiration().features[:, 0]
        - 0.3 * respiration().features[:, 1].abs()
    )
    found = model.latents(respiration())[:, 0]
    r2 = 1 - (found - truth).square().sum() / (truth - truth.mean()).square().sum()
    assert float(r2) > 0.99
    assert model.constants()["q10"] == pytest.approx(Q10, abs=0.02)
    assert history.rows[-1]["valid"] < 0.01
    shares = feature_importance(model, respiration())["rb"]
    assert shares["c"] < 0.05


@pytest.mark.parametrize(
    "encoder",
    [
        KANEncoder(3, 1, hidden=(2,), grid=5),
        KANEncoder(3, 1, base="identity", outside="zero", margin=2.0, start="noise"),
        AdditiveEncoder(3, 1),
        LinearEncoder(3, 1),
        MLPEncoder(3, 1, batch_norm=True),
    ],
    ids=lambda encoder: encoder.kind,
)
def test_any_encoder_learns(encoder):
    model = started(encoder)
    history = run(model, epochs=5)
    assert history.rows[-1]["data"] < history.rows[0]["data"]


def test_plain_regression_with_several_targets():
    table = respiration()
    targets = torch.stack([table.features[:, 0], 5 - 2 * table.features[:, 1]], dim=1)
    table = Table(table.features, {}, targets, ("a", "b", "c"), ("y1", "y2"))
    model = ScIReN(KANEncoder(3, 2, grid=5))
    prepare(model, table, table, TrainConfig())
    history = run(model, table, table, epochs=60, learning_rate=0.2)
    assert history.rows[-1]["valid"] < 0.01


def test_a_decoder_that_mixes_rows_sees_all_of_them_in_order():
    seen = []

    @process_model(
        parameters=[Parameter("a", 0, 5)], forcings=["t"], targets=["y"], rowwise=False
    )
    def accumulated(p, f):
        seen.append(f.t.tolist())
        return torch.cumsum(p.a, 0)

    x = torch.linspace(-1, 1, 30, dtype=torch.float64).unsqueeze(1)
    y = torch.cumsum(2 + x[:, 0], 0).unsqueeze(1)
    table = Table(x, {"t": torch.arange(30.0)}, y, ("x",), ("y",))
    model = started(KANEncoder(1, 1, grid=3), table, accumulated)
    history = run(model, table, table, epochs=40, batch_size=7)
    assert all(rows == list(range(30)) for rows in seen)
    assert history.rows[-1]["data"] < 0.1 * history.rows[0]["data"]


# -- repeats and copies ---------------------------------------------------------------
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: KANEncoder(3, 1, hidden=(3,), grid=5),
        lambda: MLPEncoder(3, 1, batch_norm=True),
    ],
)
def test_the_same_seed_gives_bit_equal_weights_and_leaves_global_state(make, precision):
    torch.manual_seed(11)
    before = torch.get_rng_state()
    results = []
    for seed in (5, 5, 6):
        model = started(make())
        history = run(model, seed=seed, precision=precision)
        results.append((weights_of(model), history.rows))
    assert same(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]
    assert not same(results[0][0], results[2][0])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == torch.float32


def test_single_precision_is_written_back_in_double():
    model = started()
    shift = model.feature_shift.clone()
    run(model, precision="float32")
    assert {part.dtype for part in model.state_dict().values()} == {torch.float64}
    assert torch.equal(model.feature_shift, shift)
    coefficients = model.encoder.spline_layers[0].coefficients.detach()
    assert torch.equal(coefficients, coefficients.float().double())


def test_dropped_edges_stay_dropped():
    model = started()
    model.encoder.spline_layers[0].mask[2] = 0
    moved = respiration()
    run(model)
    before = model.latents(moved)
    moved.features[:, 2] += 1.0
    assert torch.equal(model.latents(moved), before)


# -- stopping -------------------------------------------------------------------------
def test_the_best_weights_on_validation_are_restored():
    model, valid = started(), respiration(100, seed=1)
    valid.targets.mul_(0.6)  # what the model passes on its way to the training rows
    history = run(model, valid=valid, epochs=30, patience=30)
    losses = [row["valid"] for row in history.rows]
    assert min(losses) < losses[-1]
    sd = respiration().targets.std(correction=0)
    gap = (model.predict(valid).targets - valid.targets) / sd
    assert float(gap.square().mean()) == pytest.approx(min(losses), rel=1e-9)
    assert f"in epoch {int(np.argmin(losses)) + 1}" in history.messages[-1]


def test_patience_ends_a_constant_rate_run():
    history = run(started(), epochs=40, patience=2, min_delta=10.0, schedule="constant")
    assert len(history.rows) == 3  # the first epoch gains, two do not


def test_patience_counts_from_the_peak_of_a_cycle_on():
    history = run(started(), epochs=20, patience=2, min_delta=10.0)
    rates = [row["learning_rate"] for row in history.rows]
    assert int(np.argmax(rates)) == 6
    assert len(rates) == 8  # the peak is in the seventh epoch


# -- observations ---------------------------------------------------------------------
def test_targets_that_are_missing_are_not_observed():
    train = respiration()
    holes = torch.zeros(len(train), dtype=torch.bool)
    holes[::3] = True
    missing = train.targets.clone()
    missing[holes] = math.nan
    wild = train.targets.clone()
    wild[holes] = 1e6
    weights = (~holes).double()
    by_nan, by_weight = started(), started()
    one = respiration()
    object.__setattr__(one, "targets", missing)
    run(by_nan, one)
    # The same rows without weight, on the scale of the rows that count.
    two = respiration(weights=weights)
    object.__setattr__(two, "targets", torch.where(holes.unsqueeze(1), missing, wild))
    run(by_weight, two)
    assert same(weights_of(by_nan), weights_of(by_weight))


def test_rows_count_by_their_weight():
    train = respiration()
    heavy = torch.ones(len(train), dtype=torch.float64)
    heavy[:200] = 50.0
    shifted = train.targets.clone()
    shifted[200:] *= 2
    means = []
    for weights in (None, heavy):
        table = respiration(weights=weights)
        object.__setattr__(table, "targets", shifted)
        model = started()
        run(model, table, table, epochs=20)
        means.append(float(model.predict(table.take(slice(0, 200))).targets.mean()))
    assert abs(means[1] - float(train.targets[:200].mean())) < abs(
        means[0] - float(train.targets[:200].mean())
    )


def test_the_log_residual_compares_logs():
    model, valid = started(), respiration(100, seed=1)
    history = run(model, valid=valid, residual="log", offset=0.5, epochs=20)
    logs = torch.log(respiration().targets + 0.5)
    gap = torch.log(model.predict(valid).targets + 0.5) - torch.log(valid.targets + 0.5)
    loss = (gap / logs.std(correction=0)).square().mean()
    assert min(row["valid"] for row in history.rows) == pytest.approx(float(loss))


def test_proportional_noise_takes_a_second_pass():
    history = run(started(), noise="proportional", epochs=2)
    stages = [row["stage"] for row in history.rows]
    assert stages == ["train"] * 2 + ["train, reweighted"] * 2


# -- terms ----------------------------------------------------------------------------
def test_every_term_of_the_loss_is_in_the_history_and_adds_up():
    history = run(started(), entropy=0.01, l1=0.02, smooth=0.03, violation=1.0)
    for row in history.rows:
        parts = sum(row[n] for n in ("data", "violation", "entropy", "l1", "smooth"))
        assert row["total"] == pytest.approx(parts)
    assert [row["step"] for row in history.rows] == [1, 2, 3]
    assert {row["stage"] for row in history.rows} == {"train"}
    bare = run(started(), entropy=0, l1=0, smooth=0, violation=0).rows[0]
    assert set(bare) == {"stage", "step", "total", "data", "valid", "learning_rate"}


@pytest.mark.parametrize("encoder", [LinearEncoder(3, 1), MLPEncoder(3, 1)])
def test_penalties_go_only_where_they_mean_something(encoder):
    row = run(started(encoder), entropy=0.01, smooth=0.01).rows[0]
    assert ("entropy" in row) == (encoder.kind == "linear")
    assert "smooth" not in row


def test_hidden_layers_have_smoothness_weights_of_their_own():
    def smooth(**settings):
        model = started(KANEncoder(3, 1, hidden=(2,), grid=5, start="noise"))
        row = run(model, epochs=1, learning_rate=1e-9, batch_size=400, **settings).rows[
            0
        ]
        return row.get("smooth", 0.0)

    inner = smooth(smooth_inner=1.0, smooth_outer=0)
    outer = smooth(smooth_inner=0, smooth_outer=1.0)
    assert smooth(smooth_inner=1.0, smooth_outer=1.0) == pytest.approx(inner + outer)
    assert smooth(smooth=5.0, smooth_inner=0, smooth_outer=0) == 0
    differences = smooth(smooth=5.0, smooth_kind="differences", smooth_inner=0)
    assert differences > 0


def test_entropy_removes_the_feature_that_does_nothing():
    shares = []
    for weight in (0.0, 0.03):
        model = started(KANEncoder(3, 1, grid=6, seed=2))
        run(model, epochs=60, entropy=weight, learning_rate=0.1)
        shares.append(feature_importance(model, respiration())["rb"]["c"])
    assert shares[1] < 0.3 * shares[0]


def test_the_forms_of_code_and_paper_differ():
    rows = [
        run(started(), epochs=1, entropy=0.1, l1=0.1, penalty_form=form).rows[0]
        for form in ("code", "paper")
    ]
    assert rows[0]["entropy"] == pytest.approx(
        rows[1]["entropy"] / math.log(2), rel=0.05
    )
    assert rows[0]["l1"] != rows[1]["l1"]

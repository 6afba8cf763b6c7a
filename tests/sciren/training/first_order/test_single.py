"""Training by gradients: repeats, stopping, weights, precision, every error."""

import math

import numpy as np
import pytest
import torch

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import TrainingError
from sciren.importance import feature_importance
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.training.config import TrainConfig
from sciren.training.first_order.grouped.members import train_members
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import prepare

Q10 = 1.8


def respiration(rows=400, seed=0, weights=None):
    """Table with rb = 2 + a - 0.5 b^2 / 2 + ..., known Q10, 2 % noise."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = normal(rows, 3)
    ta = 12 + 6 * normal(rows)
    rb = 3 + 0.5 * x[:, 0] - 0.3 * x[:, 1].abs()
    reco = rb * Q10 ** ((ta - 15) / 10) * (1 + 0.02 * normal(rows))
    return Table(
        x, {"ta": ta}, reco.unsqueeze(1), ("a", "b", "c"), ("reco",), weights=weights
    )


def started(encoder=None, train=None, decoder=None, config=None):
    train = respiration() if train is None else train
    encoder = KANEncoder(3, 1, grid=6) if encoder is None else encoder
    model = ScIReN(encoder, "auto", decoder or Q10Respiration())
    prepare(model, train, train, config or TrainConfig())
    model.output_shift.fill_(1.0)
    return model


def run(model, train=None, valid=None, progress=None, **settings):
    given_ = {"epochs": 3, "batch_size": 100, "learning_rate": 0.05} | settings
    history = History("first-order")
    train = respiration() if train is None else train
    valid = respiration(100, seed=1) if valid is None else valid
    train_first_order(model, train, valid, TrainConfig(**given_), history, progress)
    return history


def train_first_order(model, train, valid, config, history, progress=None):
    """A group of one member."""
    model.residual_scale = ResidualScale.fit(
        train.targets, config.residual, config.offset
    )
    train_members([Member(model, train, valid, config, history)], progress)


def weights_of(model):
    return {name: part.clone() for name, part in model.state_dict().items()}


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


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


# -- constants ------------------------------------------------------------------------
@pytest.mark.parametrize("in_logs", [True, False])
def test_constants_train_in_logs_or_as_they_are(in_logs):
    model = started()
    run(
        model,
        epochs=60,
        constants_in_logs=in_logs,
        learning_rate=0.05,
        constant_rate_factor=2.0,
    )
    assert model.constants()["q10"] == pytest.approx(Q10, abs=0.05)


@pytest.mark.parametrize("in_logs", [True, False])
def test_constants_stay_inside_their_bounds(in_logs):
    @process_model(
        parameters=[
            Parameter("rb", low=0),
            Parameter("q10", low=1.2, high=1.6, start=1.4, kind="constant"),
            Parameter("lag", low=-0.5, high=0.5, kind="constant"),
        ],
        forcings=["ta"],
        targets=["reco"],
    )
    def bounded(p, f):
        return p.rb * p.q10 ** ((f.ta - 15) / 10) + 10 * (p.lag - 1)

    model = started(decoder=bounded)
    run(model, epochs=20, learning_rate=0.5, constants_in_logs=in_logs)
    found = model.constants()
    assert 1.2 - 1e-12 <= found["q10"] <= 1.6 + 1e-12
    assert -0.5 <= found["lag"] <= 0.5


def test_a_positive_constant_trained_as_it_is_stays_positive():
    model = started()
    run(model, learning_rate=5.0, schedule="constant", constants_in_logs=False)
    assert model.constants()["q10"] > 0


# -- grids ----------------------------------------------------------------------------
def test_grids_are_updated_in_the_first_epochs_with_the_second_batch(monkeypatch):
    seen = []
    update = KANEncoder.update_grids
    monkeypatch.setattr(
        KANEncoder,
        "update_grids",
        lambda self, x: (seen.append(len(x)), update(self, x))[1],
    )
    model = started(KANEncoder(3, 1, grid=30, margin=2.0, start="noise"))
    before = model.encoder.spline_layers[0].high.clone()
    run(model, epochs=4, grid_updates=2)
    assert seen == [100, 100]
    assert not torch.equal(model.encoder.spline_layers[0].high, before)
    run(started(MLPEncoder(3, 1)), grid_updates=2)  # nothing to update


def test_the_published_settings_train():
    encoder = KANEncoder(
        3, 1, grid=30, base="identity", margin=2.0, start="noise", outside="zero"
    )
    model = started(encoder)
    config = TrainConfig(preset="paper", epochs=60, precision="float32")
    history = History("first-order")
    train_first_order(model, respiration(), respiration(seed=1), config, history)
    assert history.rows[-1]["data"] < history.rows[0]["data"]
    assert {row["learning_rate"] for row in history.rows} == {1e-3}


# -- batches ---------------------------------------------------------------------------
@pytest.mark.parametrize("rows", [1, 2, 100, 101, 102, 199])
def test_a_last_row_never_stands_alone(rows):
    sizes = []

    @process_model(parameters=[Parameter("a")], targets=["y"])
    def watched(p, f):
        sizes.append(len(p.a))
        return p.a

    data = respiration(rows)
    table = Table(data.features, {}, data.targets, ("a", "b", "c"), ("y",))
    valid = respiration(7)
    valid = Table(valid.features, {}, valid.targets, ("a", "b", "c"), ("y",))
    model = started(LinearEncoder(3, 1), valid, watched)
    sizes.clear()
    run(model, table, valid, epochs=1)
    assert sum(sizes) == rows + 7
    assert 1 not in sizes or rows == 1


# -- progress and errors --------------------------------------------------------------
def test_progress_hears_every_epoch_and_the_end():
    class Listener:
        def __init__(self):
            self.steps, self.sentences = [], []

        def update(self, stage, step, total, values):
            self.steps.append((stage, step, total, sorted(values)))

        def say(self, message):
            self.sentences.append(message)

    listener = Listener()
    run(
        started(), progress=listener, epochs=9, patience=1, min_delta=10.0,
        schedule="constant",
    )  # fmt: skip
    names = ["data", "total", "valid"]
    assert listener.steps == [("train", 1, 9, names), ("train", 2, 9, names)]
    assert listener.sentences == ["stopped in epoch 2: no gain in 1 epochs"]


def test_nothing_is_printed(capfd):
    run(started())
    assert capfd.readouterr() == ("", "")


@process_model(parameters=[Parameter("a")], targets=["y"])
def overflowing(p, f):
    return torch.exp(1e3 * p.a.abs() + 800)


def plain_table(rows=50):
    data = respiration(rows)
    return Table(data.features, {}, data.targets, ("a", "b", "c"), ("y",))


def test_a_loss_that_is_not_finite_names_the_epoch_and_leaves_the_model():
    table = plain_table()
    model = started(LinearEncoder(3, 1), table, overflowing)
    before = weights_of(model)
    with pytest.raises(
        TrainingError,
        match=r"training loss is not finite in epoch 1 .*Lower learning_rate",
    ):
        run(model, table, table)
    assert same(weights_of(model), before)


def test_a_validation_loss_that_never_is_finite_is_an_error():
    table, bad = plain_table(), plain_table()
    model = ScIReN(LinearEncoder(3, 1))
    prepare(model, table, table, TrainConfig())
    bad.features[3, 0] = 1e200
    with pytest.raises(TrainingError, match="validation loss is not finite in epoch 3"):
        run(model, table, bad)


@pytest.mark.parametrize("part", ["train", "valid"])
def test_rows_without_any_observation_are_an_error(part):
    tables = {"train": respiration(), "valid": respiration(50, seed=1)}
    tables[part] = respiration(50, weights=torch.zeros(50, dtype=torch.float64))
    with pytest.raises(
        TrainingError, match=f"the {part}.* rows hold no observed target"
    ):
        run(started(), **tables)


def test_a_target_never_observed_is_an_error():
    table = respiration()
    table.targets[:] = math.nan
    with pytest.raises(TrainingError, match="target number 1 has no observation"):
        run(started(), table)


def test_a_log_needs_positive_targets():
    with pytest.raises(TrainingError, match="needs target \\+ offset > 0"):
        ResidualScale.fit(
            torch.tensor([[-1.0], [2.0]], dtype=torch.float64), "log", 0.5
        )


@pytest.mark.parametrize("device", ["cuda:97", "abacus"])
def test_a_device_that_is_not_there_is_an_error(device):
    with pytest.raises(TrainingError, match=f"device '{device}' cannot be used here"):
        run(started(), device=device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_cuda_repeats_bit_equally_and_agrees_with_the_cpu(precision):
    results = []
    for device in ("cuda", "cuda", "cpu"):
        model = started(KANEncoder(3, 1, hidden=(2,), grid=5))
        run(model, device=device, precision=precision)
        results.append(weights_of(model))
    assert same(results[0], results[1])
    assert {part.device.type for part in results[0].values()} == {"cpu"}
    tolerance = 1e-6 if precision == "float64" else 1e-2
    for name, part in results[2].items():
        torch.testing.assert_close(results[0][name], part, rtol=0, atol=tolerance)

"""What both engines check and learn before they train."""

from dataclasses import replace

import pytest
import torch

from sciren.data.table import Table
from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder, MLPEncoder
from sciren.errors import ColumnError, ShapeError, TrainingError
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.preparation import prepare


def respiration_model(encoder=None):
    encoder = KANEncoder(3, 1, grid=4) if encoder is None else encoder
    return ScIReN(encoder, "auto", Q10Respiration())


@pytest.fixture
def tables(make):
    return make.respiration(60)[0], make.respiration(30, seed=1)[0]


def test_scaling_knots_and_names_come_from_the_training_rows(tables):
    train, valid = tables
    model = respiration_model()
    prepared = prepare(model, train, valid, TrainConfig(scaling="minmax"))
    scaled = model.scaled(train.features)
    layer = model.encoder.spline_layers[0]
    torch.testing.assert_close(scaled.amin(0), torch.zeros(3).double())
    torch.testing.assert_close(scaled.amax(0), torch.ones(3).double())
    torch.testing.assert_close(layer.low, scaled.amin(0))
    torch.testing.assert_close(layer.high, scaled.amax(0))
    assert model.feature_names == ("a", "b", "c")
    assert model.scaling_kind == "minmax"
    sd = train.targets.std(0, correction=0)
    torch.testing.assert_close(prepared.scale.sd, sd)


def test_targets_come_in_the_order_of_the_decoder(make):
    table = make.exchanged(40)
    turned = replace(
        table, targets=table.targets.flip(1), target_names=table.target_names[::-1]
    )
    more = replace(
        turned,
        targets=torch.cat((make.normals(40, 1), turned.targets), 1),
        target_names=("other", *turned.target_names),
    )
    model = ScIReN(KANEncoder(2, 2, grid=3), "auto", make.exchange)
    prepared = prepare(model, turned, more, TrainConfig())
    for part in (prepared.train, prepared.valid):
        assert part.target_names == ("uptake", "loss")
        torch.testing.assert_close(part.targets, table.targets, equal_nan=True)


def test_plain_regression_takes_the_names_of_the_targets(make):
    x = make.normals(20, 2)
    table = Table(x, {}, x, ("a", "b"), ("u", "v"))
    model = ScIReN(MLPEncoder(2, 2))
    prepare(model, table, table, TrainConfig())
    assert model.target_names == model.latent_names == ("u", "v")


def observed_only(table, rows):
    targets = torch.full_like(table.targets, torch.nan)
    targets[:rows] = table.targets[:rows]
    return replace(table, targets=targets)


def with_one_row(table):
    return table.take([0])


def without_rows(table):
    return table.take(slice(0, 0))


def weightless(table):
    """Only rows that were not observed have a weight."""
    table = observed_only(table, 10)
    weights = torch.ones(len(table), dtype=torch.float64)
    weights[:10] = 0
    return replace(table, weights=weights)


def test_rows_without_observation_may_be_many(tables):
    train, valid = tables
    prepared = prepare(
        respiration_model(),
        observed_only(train, 9),
        observed_only(valid, 1),
        TrainConfig(),
    )
    assert int(prepared.train.observed.sum()) == 9


@pytest.mark.parametrize(
    ("change", "part", "error", "message"),
    [
        (
            without_rows,
            0,
            TrainingError,
            "the training table has no rows; check the split",
        ),
        (without_rows, 1, TrainingError, "the validation table has no rows"),
        (with_one_row, 0, TrainingError, "the training table has 1 row, which shows"),
        (
            lambda table: replace(table, forcings={"tair": table.forcings["ta"]}),
            0,
            ColumnError,
            "needs forcing 'ta', which the training table does not have. "
            "Closest names: tair. Map it with forcings=",
        ),
        (
            lambda table: replace(table, forcings={}),
            1,
            ColumnError,
            "needs forcing 'ta', which the validation table does not have. Present: none",
        ),
        (
            lambda table: replace(
                table, forcings={"ta": table.forcings["ta"] * torch.nan}
            ),
            1,
            TrainingError,
            "forcing 'ta' has missing values in the validation rows; drop these rows",
        ),
        (
            lambda table: replace(table, target_names=("recho",)),
            0,
            ColumnError,
            "produces target 'reco', which the table does not have. "
            "Closest names: recho. Map it with targets=",
        ),
        (
            lambda table: observed_only(table, 0),
            0,
            TrainingError,
            "target 'reco' has no observation in the training rows; check the split",
        ),
        (
            lambda table: observed_only(table, 0),
            1,
            TrainingError,
            "the validation rows hold no observed target; widen the split",
        ),
        (
            weightless,
            0,
            TrainingError,
            "no observed training row has a weight above zero",
        ),
        (weightless, 1, TrainingError, "no observed validation row has a weight above"),
        (
            lambda table: replace(table, feature_names=("b", "a", "c")),
            1,
            ColumnError,
            r"the training table has features \['a', 'b', 'c'\], the validation table "
            r"\['b', 'a', 'c'\]; build both",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_refused(tables, change, part, error, message):
    changed = [change(table) if k == part else table for k, table in enumerate(tables)]
    with pytest.raises(error, match=message):
        prepare(respiration_model(), *changed, TrainConfig())


def test_the_encoder_needs_an_input_for_every_feature(tables):
    with pytest.raises(
        ShapeError,
        match=r"the encoder has 2 inputs, the training table 3 features \(a, b, c\)",
    ):
        prepare(respiration_model(KANEncoder(2, 1)), *tables, TrainConfig())


def test_plain_regression_needs_an_output_for_every_target(make):
    x = make.normals(20, 2)
    table = Table(x, {}, x, ("a", "b"), ("u", "v"))
    with pytest.raises(
        ShapeError, match=r"has 1 outputs, the table 2 targets \(u, v\)"
    ):
        prepare(ScIReN(KANEncoder(2, 1)), table, table, TrainConfig())


def test_validation_targets_need_a_logarithm_too(tables):
    train, valid = tables
    low = valid.targets.clone()
    low[3], low[5] = -1.0, torch.nan
    config = TrainConfig(residual="log", offset=0.5)
    with pytest.raises(TrainingError, match=r"1 of 30 validation rows .* is -1"):
        prepare(respiration_model(), train, replace(valid, targets=low), config)
    prepare(respiration_model(), train, replace(valid, targets=low), TrainConfig())

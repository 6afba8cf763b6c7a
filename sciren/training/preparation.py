"""What both engines do before training: names, scaling, knots, the comparison's scale."""

from dataclasses import dataclass, replace

import torch

from sciren.comparison import ResidualScale
from sciren.data.kinds import kinds_in_order
from sciren.data.scaling import FeatureScaling
from sciren.data.table import Table
from sciren.decoders.process import IdentityDecoder
from sciren.errors import ColumnError, ShapeError, TrainingError, closest_names
from sciren.model import ScIReN
from sciren.training.config import TrainConfig


@dataclass(frozen=True)
class Prepared:
    """Tables with the model's targets in order, and the scale of the residuals."""

    train: Table
    valid: Table
    scale: ResidualScale


def prepare(model: ScIReN, train: Table, valid: Table, config: TrainConfig) -> Prepared:
    """Check the tables against the model and fit the scalings on the training rows.

    Raises:
        TrainingError: no rows, no observation of a target, or no weight on any.
        ColumnError: a forcing or target of the decoder is not in the tables, or their
            features differ.
        ShapeError: the encoder has another number of features or plain targets.
    """
    _check_features(model, train, valid)
    # Plain regression takes the targets of its first training for outputs.
    if model.plain and model.decoder.targets != train.target_names:
        _check_plain(model, train)
        model.decoder = IdentityDecoder(train.target_names)
    if train.kinds and config.grid_updates:
        raise TrainingError(
            f"grid_updates={config.grid_updates} moves knots, which classes and periodic "
            f"features ({', '.join(train.kinds)}) have in fixed places; use grid_updates=0"
        )
    for part, table in (("training", train), ("validation", valid)):
        if len(table) == 0:
            raise TrainingError(f"the {part} table has no rows; check the split")
        _check_forcings(model, table, part)
    if len(train) == 1:
        raise TrainingError(
            "the training table has 1 row, which shows a level and no curve; check the "
            "split, and the rows that are left out"
        )
    train, valid = ordered(model, train), ordered(model, valid)
    model.set_scaling(
        FeatureScaling.fit(
            train.features,
            config.scaling,
            kinds_in_order(train.kinds, train.feature_names),
        ),
        train.feature_names,
        train.kinds,
    )
    # Knots span the scaled training rows only: validation must not shape the model.
    model.encoder.prepare(model.scaled(train.features))
    _check_observed(train, valid)
    scale = ResidualScale.fit(train.targets, config.residual, config.offset)
    # The offset comes from the training rows, which its fit has checked.
    _check_logs(valid, scale)
    return Prepared(train, valid, scale)


def _check_features(model: ScIReN, train: Table, valid: Table) -> None:
    if train.features.shape[1] != model.encoder.n_inputs:
        raise ShapeError(
            f"the encoder has {model.encoder.n_inputs} inputs, the training table "
            f"{train.features.shape[1]} features ({', '.join(train.feature_names)}); "
            "make them equal"
        )
    if train.feature_names != valid.feature_names:
        raise ColumnError(
            f"the training table has features {list(train.feature_names)}, the "
            f"validation table {list(valid.feature_names)}; build both with the same "
            "features in the same order"
        )


def _check_plain(model: ScIReN, train: Table) -> None:
    if len(train.target_names) != model.encoder.n_outputs:
        raise ShapeError(
            f"the encoder has {model.encoder.n_outputs} outputs, the table "
            f"{len(train.target_names)} targets ({', '.join(train.target_names)}); "
            "without a decoder every output is one target"
        )


def _check_observed(train: Table, valid: Table) -> None:
    for number, name in enumerate(train.target_names):
        if not bool(train.observed[:, number].any()):
            raise TrainingError(
                f"target {name!r} has no observation in the training rows; check the "
                "split or drop the target"
            )
    for part, table in (("training", train), ("validation", valid)):
        observed = table.observed.any(1)
        if not bool(observed.any()):
            raise TrainingError(
                f"the {part} rows hold no observed target; widen the split"
            )
        if table.weights is not None and not bool((table.weights[observed] > 0).any()):
            raise TrainingError(
                f"no observed {part} row has a weight above zero; check the weights"
            )


def _check_logs(valid: Table, scale: ResidualScale) -> None:
    """Logs of the validation targets must exist, too."""
    if scale.kind != "log":
        return
    lost = (valid.targets + scale.offset <= 0).any(1)
    if bool(lost.any()):
        raise TrainingError(
            f"residual 'log' needs target + offset > 0; {int(lost.sum())} of "
            f"{len(valid)} validation rows have less, the smallest target there is "
            f"{float(valid.targets[lost].nan_to_num(torch.inf).min()):g} and the offset "
            f"{float(scale.offset.min()):g}. Raise offset, or use residual 'identity'"
        )


def _check_forcings(model: ScIReN, table: Table, part: str) -> None:
    for name in model.decoder.forcings:
        if name not in table.forcings:
            raise ColumnError(
                f"decoder {model.decoder.name!r} needs forcing {name!r}, which the "
                f"{part} table does not have. {closest_names(name, table.forcings)} "
                "Map it with forcings={decoder's name: column}"
            )
        if not bool(torch.isfinite(table.forcings[name]).all()):
            raise TrainingError(
                f"forcing {name!r} has missing values in the {part} rows; drop these rows"
            )


def ordered(model: ScIReN, table: Table) -> Table:
    """Return the table with its targets in the decoder's order.

    Raises:
        ColumnError: it lacks one.
    """
    wanted = model.decoder.targets
    if table.target_names == wanted:
        return table
    missing = [name for name in wanted if name not in table.target_names]
    if missing:
        raise ColumnError(
            f"decoder {model.decoder.name!r} produces target {missing[0]!r}, which the "
            f"table does not have. {closest_names(missing[0], table.target_names)} "
            "Map it with targets={decoder's name: column}"
        )
    order = [table.target_names.index(name) for name in wanted]
    return replace(table, targets=table.targets[:, order], target_names=wanted)

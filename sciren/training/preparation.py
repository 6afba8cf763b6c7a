"""What both engines do before training: names, scaling, knots, the comparison's scale."""

from dataclasses import dataclass, replace

import torch

from sciren.comparison import ResidualScale
from sciren.data.scaling import FeatureScaling
from sciren.data.table import Table
from sciren.decoders.process import IdentityDecoder
from sciren.errors import ColumnError, TrainingError, closest_names
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
        TrainingError: no rows, or no observation of a target.
        ColumnError: a forcing or target of the decoder is not in the tables.
    """
    if model.plain and model.decoder.targets != train.target_names:
        model.decoder = IdentityDecoder(train.target_names)
    for part, table in (("training", train), ("validation", valid)):
        if len(table) == 0:
            raise TrainingError(f"the {part} table has no rows; check the split")
        _check_forcings(model, table, part)
    train, valid = _ordered(model, train), _ordered(model, valid)
    model.set_scaling(
        FeatureScaling.fit(train.features, config.scaling), train.feature_names
    )
    model.encoder.prepare(model.scaled(train.features))
    scale = ResidualScale.fit(train.targets, config.residual, config.offset)
    if bool((~valid.observed).all()):
        raise TrainingError(
            "the validation rows hold no observed target; widen the split"
        )
    return Prepared(train, valid, scale)


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


def _ordered(model: ScIReN, table: Table) -> Table:
    """Bring the table's targets into the decoder's order."""
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

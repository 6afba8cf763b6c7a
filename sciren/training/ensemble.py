"""fit_ensemble: many models trained together, each exactly as alone."""

from collections.abc import Sequence
from typing import TypeVar

import torch

from sciren.bounded import MAGNITUDES, check_magnitude
from sciren.data.table import Table
from sciren.decoders.dry_run import check_process_model
from sciren.errors import ConfigError, TrainingError, closest_names
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.devices import device_named
from sciren.training.engines import choose_engine
from sciren.training.first_order.finish import finish_first_order, keep_to_kinds
from sciren.training.first_order.grouped.members import train_members
from sciren.training.first_order.processes import join_processes, own_device
from sciren.training.gauss_newton.engine import solve_members
from sciren.training.gauss_newton.starts.level import start_outputs
from sciren.training.history import History
from sciren.training.member import Member
from sciren.training.preparation import prepare
from sciren.training.progress import Progress, Silence

One = TypeVar("One", Table, TrainConfig)


def fit_ensemble(
    models: Sequence[ScIReN],
    train: Table | Sequence[Table],
    valid: Table | Sequence[Table],
    config: TrainConfig | Sequence[TrainConfig] | None = None,
    progress: Progress | None = None,
) -> list[History]:
    """Train models in place and together: seeds, folds, settings of a search.

    Every model ends as it would alone with `fit`, at a fraction of the cost: first-order
    members take their steps as one model in a grouped layout, Gauss-Newton members share
    what depends on the features alone. A member is an ordinary model before and after.

    Args:
        models: the members; no two may be the same object.
        train, valid: one table for all, or one a model.
        config: one for all, or one a model (own seed, rates, penalties).
        progress: gets every step; default says nothing.
    Returns:
        One history a model.
    Raises:
        ConfigError: the sequences differ in length, a model occurs twice, or a profile
            is asked for a constant or range that does not exist.
        TrainingError: the asked engine cannot do a model, or training fails.
        ColumnError: a table lacks a forcing or target of the decoder.
        DataError: columns in units so far from one that squares overflow or vanish.
        DecoderError: the process model fails on a few rows, with file and line.
    """
    default = TrainConfig() if config is None else config
    configs = _each("config", default, models, TrainConfig)
    trains = _each("train", train, models, Table)
    valids = _each("valid", valid, models, Table)
    if len({id(model) for model in models}) < len(models):
        raise ConfigError("a model occurs twice among the members; give each its own")
    # Models return to the device of their tables, whatever happens on another one.
    homes = [table.features.device for table in trains]
    try:
        members = [
            ready(*parts) for parts in zip(models, trains, valids, configs, strict=True)
        ]
        # After all checks: a refusal must not leave other processes waiting.
        join_processes(configs)
        _train(members, progress or Silence())
    finally:
        for model, home in zip(models, homes, strict=True):
            model.to(home)
            if model.residual_scale is not None:
                model.residual_scale = model.residual_scale.to(home)
    return [member.history for member in members]


def _each(
    name: str, value: One | Sequence[One], models: Sequence[ScIReN], kind: type[One]
) -> list[One]:
    """Return one value a model."""
    if isinstance(value, kind):
        return [value] * len(models)
    listed = [entry for entry in value if isinstance(entry, kind)]
    if len(listed) != len(models):
        raise ConfigError(
            f"{name} holds {len(listed)} {kind.__name__} for {len(models)} models; "
            "give one for all, or one a model"
        )
    return listed


def ready(model: ScIReN, train: Table, valid: Table, config: TrainConfig) -> Member:
    """Check a model and its tables, set scaling and knots, choose the engine.

    Raises: as `fit_ensemble`.
    """
    _check_ranges(model, config)
    _check_magnitudes(train)
    check_process_model(model.decoder, train.forcings)
    engine, reason = choose_engine(model, config)
    device = device_named(own_device(config))
    model.to(device)
    data = prepare(model, train.to(device), valid.to(device), config)
    model.residual_scale = data.scale
    model.violation_weight = config.violation
    # "auto" estimates the noise for the selection of features only; training weighs
    # alike.
    model.noise = "constant" if config.noise == "auto" else config.noise
    model.noise_law = None  # that of an earlier training
    _check_rowwise(model, data.train, engine)
    return Member(model, data.train, data.valid, config, History(engine, reason))


def _check_magnitudes(table: Table) -> None:
    parts = {"feature": (table.feature_names, table.features, 0.0),
             "target": (table.target_names, table.targets, MAGNITUDES[0])}  # fmt: skip
    for part, (names, values, least) in parts.items():
        largest = values.nan_to_num().abs().amax(0).tolist() if len(values) else []
        for name, value in zip(names, largest, strict=False):
            check_magnitude(part, name, value, least)


def _train(members: Sequence[Member], progress: Progress) -> None:
    solved = [member for member in members if member.history.engine == "gauss-newton"]
    stepped = [member for member in members if member.history.engine == "first-order"]
    if solved:
        solve_members(solved, progress)
    if stepped:
        _first_order(stepped, progress)


def _first_order(members: Sequence[Member], progress: Progress) -> None:
    """Train by gradients, select edges, profile the constants where that can be done."""
    for member in members:
        if member.config.latent_scale == "data":
            # Raw latents in units that move targets by one deviation, so that one
            # learning rate suits all of them.
            start_outputs(member.model, member.data, member.config.violation)
    train_members(members, progress)
    for member in members:
        keep_to_kinds(member.model, member.data.train)
    finish_first_order(members, train_members, progress)


@torch.no_grad()
def _check_rowwise(model: ScIReN, table: Table, engine: str) -> None:
    """Compare a few rows with some of them, reordered: only row-wise is the same."""
    if engine != "gauss-newton" or len(table) < 2:
        return
    few = table.take(slice(0, 8))
    # Every second row from the end: leaves rows out and reverses them in one
    # comparison.
    picked = torch.arange(len(few) - 1, -1, -2)
    together = model.predict(few).targets[picked]
    reordered = model.predict(few.take(picked)).targets
    if not torch.allclose(together, reordered, equal_nan=True):
        raise TrainingError(
            f"decoder {model.decoder.name!r} gives other values when rows are left out "
            "or reordered, so it does not act row by row; declare it with rowwise=False"
        )


def _check_ranges(model: ScIReN, config: TrainConfig) -> None:
    """Every range of a profile belongs to a constant and lies inside its bounds."""
    constants = {
        parameter.name: parameter for parameter in model.constant_scale.parameters
    }
    for name, (low, high) in config.profile_range.items():
        if name not in constants:
            raise ConfigError(
                f"profile_range names {name!r}, which is no constant of decoder "
                f"{model.decoder.name!r}. {closest_names(name, constants)}"
            )
        parameter = constants[name]
        if (
            low < parameter.low
            or high > parameter.high
            or (parameter.positive and low <= 0)
        ):
            raise ConfigError(
                f"profile_range of {name!r} is {low:g} to {high:g}, outside its bounds "
                f"{parameter.low:g} to {parameter.high:g}"
                + (" (above zero, for it trains in logs)" if parameter.positive else "")
            )

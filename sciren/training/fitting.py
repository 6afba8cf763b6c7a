"""fit: one call that chooses the engine, trains, selects edges and profiles constants."""

import torch

from sciren.data.table import Table
from sciren.encoders.kan import KANEncoder
from sciren.errors import ConfigError, TrainingError, closest_names
from sciren.model import ScIReN
from sciren.training.after_first_order import profile_trained, select_edges
from sciren.training.config import TrainConfig
from sciren.training.first_order import train_first_order
from sciren.training.gauss_newton import GaussNewton
from sciren.training.history import History
from sciren.training.preparation import Prepared, prepare
from sciren.training.progress import Progress, Silence
from sciren.training.starts import start_outputs


def fit(
    model: ScIReN,
    train: Table,
    valid: Table,
    config: TrainConfig | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a model in place.

    Args:
        model: encoder, constraint and decoder; with ``ladder`` its encoder may be
            replaced by one with a hidden layer.
        train, valid: rows to learn from, rows to choose by.
        config: settings; default `TrainConfig()`.
        progress: gets every step; default says nothing.
    Returns:
        The history: engine and reason, every term of every step, edge selection,
        ladder, profiles.
    Raises:
        TrainingError: the asked engine cannot do this model, or training fails.
        ConfigError: a profile is asked for a constant or range that does not exist.
        ColumnError: the tables lack a forcing or target of the decoder.
    """
    config = config or TrainConfig()
    _check_ranges(model, config)
    engine, reason = choose_engine(model, config)
    history = History(engine, reason)
    device = _device(config.device)
    home = train.features.device
    shown = progress or Silence()
    try:
        model.to(device)
        data = prepare(model, train.to(device), valid.to(device), config)
        model.residual_scale = data.scale.to(home)
        model.violation_weight, model.noise = config.violation, config.noise
        _check_rowwise(model, data.train, engine)
        if engine == "gauss-newton":
            GaussNewton(model, data, config, history, shown).run()
        else:
            _first_order(model, data, config, history, shown)
    finally:
        model.to(home)
    return history


def _first_order(
    model: ScIReN,
    data: Prepared,
    config: TrainConfig,
    history: History,
    progress: Progress,
) -> None:
    """Train by gradients, select edges, profile the constants where that can be done."""
    if config.latent_scale == "data":
        start_outputs(model, data, config.violation)
    train_first_order(model, data.train, data.valid, config, history, progress)
    if config.select:
        select_edges(model, data, config, history, progress)
    obstacle = gauss_newton_obstacle(model, config.max_coefficients)
    if obstacle is None:
        profile_trained(model, data, config, history)
    elif len(model.constant_raw):
        history.say(f"The constants have no profile, because {obstacle}.")


def choose_engine(model: ScIReN, config: TrainConfig) -> tuple[str, str]:
    """Return the engine and one sentence that says why.

    Raises:
        TrainingError: Gauss-Newton is asked for and cannot do this model.
    """
    obstacle = gauss_newton_obstacle(model, config.max_coefficients, config.ladder)
    if config.engine == "first-order":
        return "first-order", "first-order was asked for"
    if obstacle is None:
        asked = config.engine == "gauss-newton"
        why = (
            "was asked for"
            if asked
            else "solves a row-wise model of this size directly"
        )
        return "gauss-newton", f"gauss-newton {why}"
    if config.engine == "gauss-newton":
        raise TrainingError(
            f"engine 'gauss-newton' cannot train this model: {obstacle}. "
            "Use engine 'auto' or 'first-order'"
        )
    return "first-order", f"first-order, because {obstacle}"


def gauss_newton_obstacle(
    model: ScIReN, limit: int, ladder: bool = False
) -> str | None:
    """Return why Gauss-Newton cannot train the model, or None if it can.

    Args:
        limit: most coefficients;  ladder: whether hidden nodes are tried.
    """
    encoder = model.encoder
    if not isinstance(encoder, KANEncoder):
        return f"the encoder is a {type(encoder).__name__}, not a KANEncoder"
    size = encoder.n_coefficients
    shared = bool(encoder.hidden) and encoder.shared and encoder.n_outputs > 1
    ending = encoder.outside == "zero" and (ladder or bool(encoder.hidden))
    obstacles = {
        f"decoder {model.decoder.name!r} does not act row by row": not model.decoder.rowwise,
        f"the encoder has {len(encoder.hidden)} hidden layers": len(encoder.hidden) > 1,
        "the latents share hidden nodes": shared,
        "the edges have a silu base, which splines do not hold": encoder.base == "silu",
        "curves of hidden nodes cannot end at zero outside their knots": ending,
        f"it has {size} coefficients, more than {limit}": size > limit,
    }
    return next((text for text, holds in obstacles.items() if holds), None)


def _device(name: str) -> torch.device:
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise TrainingError(f"device {name!r} is not available here; use device 'cpu'")
    return torch.device(name)


@torch.no_grad()
def _check_rowwise(model: ScIReN, table: Table, engine: str) -> None:
    """Compare a few rows with some of them, reordered: only row-wise is the same."""
    if engine != "gauss-newton" or len(table) < 2:
        return
    few = table.take(slice(0, 8))
    picked = torch.arange(len(few) - 1, -1, -2)
    one = model.predict(few).targets[picked]
    other = model.predict(few.take(picked)).targets
    if not torch.allclose(one, other, equal_nan=True):
        raise TrainingError(
            f"decoder {model.decoder.name!r} gives other values when rows are left out "
            "or reordered, so it does not act row by row; declare it with rowwise=False"
        )


def _check_ranges(model: ScIReN, config: TrainConfig) -> None:
    """Every range of a profile belongs to a constant and lies inside its bounds."""
    constants = {one.name: one for one in model.constant_scale.parameters}
    for name, (low, high) in config.profile_range.items():
        if name not in constants:
            raise ConfigError(
                f"profile_range names {name!r}, which is no constant of decoder "
                f"{model.decoder.name!r}. {closest_names(name, constants)}"
            )
        one = constants[name]
        if low < one.low or high > one.high or (one.positive and low <= 0):
            raise ConfigError(
                f"profile_range of {name!r} is {low:g} to {high:g}, outside its bounds "
                f"{one.low:g} to {one.high:g}"
                + (" (above zero, for it trains in logs)" if one.positive else "")
            )

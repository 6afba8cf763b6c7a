"""Targets and latents for new rows, by the equations or by the network of a run."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from discovery.results.record import DiscoveryRecord, equations_of
from discovery.runs.files import read_record
from discovery.runs.predict_warnings import (
    warn_apart,
    warn_beyond,
    warn_unseen,
)
from discovery.runs.stored import network_of
from discovery.tables.magnitudes import Magnitudes
from sciren.errors import (
    ColumnError,
    ConfigError,
    DataWarning,
    closest_names,
)

if TYPE_CHECKING:
    import pandas as pd

    from discovery.uncertainty.columns import Response
    from sciren.data import Table
    from sciren.data.kinds import Kinds
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel

Using = Literal["equations", "network"]


def predict_frame(
    discovery: DiscoveryRecord,
    frame: "pd.DataFrame",
    using: Using = "equations",
    interval: float | None = None,
) -> "pd.DataFrame":
    """Return targets and latents of every row of a frame, its index kept.

    Args:
        discovery: of a run, or from memory.
        frame: columns by name.
        using: the equations, or the network.
        interval: probability of intervals, whose columns follow where they are known.

    Raises:
        ConfigError: there are no equations, or ``using`` does not exist.
        ColumnError: a feature is not in the frame.
        DataError: text or infinities in a column that is needed.
    """
    if discovery.series is not None:
        from discovery.dynamics.predicting import predict_series

        _warn_failed(discovery)
        return predict_series(discovery, frame, using, interval)
    # The way of the training rows: classes to numbers, then powers of ten; the result
    # goes the way back.
    frame = _in_kinds(discovery, frame)
    powers = powers_of(discovery)
    frame = Magnitudes(powers).divide(frame)
    if using == "equations":
        _warn_failed(discovery)
        result = _by_equations(discovery, frame, interval)
    elif using == "network":
        result = _by_network(discovery, frame, interval)
    else:
        raise ConfigError(
            f"using={using!r} does not exist; use 'equations' or 'network'"
        )
    return _finite(_in_own_unit(discovery, result, powers) if powers else result)


def _finite(result: "pd.DataFrame") -> "pd.DataFrame":
    """Return predictions without infinities; rows that had one are told."""
    numbers = result.select_dtypes("number")
    beyond = np.isinf(numbers.to_numpy(dtype=float)).any(axis=1)
    if not beyond.any():
        return result
    row = result.index[int(beyond.argmax())]
    warnings.warn(
        f"{int(beyond.sum())} of {len(result)} rows, the first is row {row}, lead beyond "
        "every number; their cells are empty. Check the units of their columns",
        DataWarning,
        stacklevel=4,
    )
    return result.assign(**numbers.replace([np.inf, -np.inf], np.nan))


def powers_of(discovery: DiscoveryRecord) -> dict[str, float]:
    """Return column -> power of ten by which a run divided it."""
    if discovery.folder is None:
        return {}
    return dict(read_record(discovery.folder / "data.json").get("magnitudes", {}))


def _in_own_unit(
    discovery: DiscoveryRecord, result: "pd.DataFrame", powers: Mapping[str, float]
) -> "pd.DataFrame":
    """Return targets and their intervals in the unit of the data."""
    assert discovery.folder is not None  # only runs know powers
    targets = read_record(discovery.folder / "data.json", "targets")["targets"]
    ends = ("", "_low", "_high", "_mean_low", "_mean_high")
    factors = {
        f"{target}{end}": powers[column]
        for target, column in targets.items()
        if column in powers
        for end in ends
    }
    return result.assign(
        **{name: result[name] * f for name, f in factors.items() if name in result}
    )


def _warn_failed(discovery: DiscoveryRecord) -> None:
    """Warn where the equations are not the network that they were made from."""
    if discovery.consistency == "FAIL":
        warnings.warn(
            f"{discovery.folder or 'discovery'}: the verification of these equations "
            "FAILED; see its report",
            DataWarning,
            stacklevel=4,
        )


def kinds_of(discovery: DiscoveryRecord) -> "Kinds":
    """Return the kinds of the features: classes, places on a circle."""
    if discovery.equations is not None:
        return discovery.equations.units.kinds
    return network_of(discovery).kinds


def _in_kinds(discovery: DiscoveryRecord, frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows with classes as numbers; warn of classes that training had not."""
    from sciren.data.kinds import encoded_frame

    kinds = kinds_of(discovery)
    made = encoded_frame(frame, kinds)
    warn_unseen(kinds, frame, {n: made[n].to_numpy() for n in kinds if n in made})
    return made


def _by_equations(
    discovery: DiscoveryRecord, frame: "pd.DataFrame", interval: float | None
) -> "pd.DataFrame":
    from discovery.results.intervals import drawn_constants, replicate_columns
    from discovery.uncertainty.columns import by_equations

    model = equations_of(discovery)
    # A process without a formula: equations give the latents, the process model itself
    # the targets.
    if model.process is None and model.target_names:
        return _by_network(discovery, frame, interval, model)
    columns = _columns(frame, model.used_features(), model.forcing_columns)
    warn_beyond(discovery, columns, kinds_of(discovery))
    # Rows outside a formula's domain become nan or infinite and are told by `_finite`.
    with np.errstate(all="ignore"):
        result = model.predict(columns)
    result = result.set_axis(frame.index, axis=0)
    if interval is None:
        return result
    limits: dict[str, np.ndarray] = {}
    # curves alone have the limits of the recommended fit, whose bands the report draws
    alone = not any(structure.nodes for structure in model.structures)
    # Resamples of the equations where a latent is more than a sum of curves, of which
    # alone the recommended fit is made, or where there is no such fit.
    resamples = discovery.replicates
    if not alone and discovery.uncertainty and resamples is None:
        resamples = drawn_constants(model)
    if resamples is not None and not (alone and discovery.uncertainty):
        with np.errstate(all="ignore"):
            limits = replicate_columns(model, resamples, columns, interval)
    if discovery.uncertainty is not None:
        respond = by_equations(model)
        return _with_intervals(
            discovery, frame, columns, result, respond, interval, "equations", limits
        )
    return result.assign(**{n: v for n, v in limits.items() if n not in result})


def _with_intervals(
    discovery: DiscoveryRecord,
    frame: "pd.DataFrame",
    columns: Mapping[str, np.ndarray],
    result: "pd.DataFrame",
    respond: "Response",
    level: float,
    using: Using,
    own: Mapping[str, np.ndarray] | None = None,
) -> "pd.DataFrame":
    """Add the columns of intervals and the flag of rows beyond the data.

    Args:
        own: limits in place of the recommended fit's, see `interval_columns`.
    """
    from discovery.uncertainty.columns import interval_columns
    from sciren.data.frames import numeric_column

    uncertainty = discovery.uncertainty
    assert uncertainty is not None
    present = set(map(str, frame.columns))
    # The recommended fit may use features that the equations dropped; they are read
    # where the file has them.
    watched = {*uncertainty.means.features, *uncertainty.reach.names}
    others = {
        name: numeric_column(frame, name)
        for name in sorted(watched - set(columns))
        if name in present
    }
    predicted = {str(name): result[name].to_numpy() for name in result}
    # one row of infinite size would spoil the intervals of all in a product of matrices
    beyond = np.isinf(np.stack(list(predicted.values()))).any(axis=0)
    every = {n: np.where(beyond, np.nan, v) for n, v in {**columns, **others}.items()}
    warn_apart(discovery, every)
    with np.errstate(all="ignore"):  # infinite rows are told at the end
        added = interval_columns(
            uncertainty, respond, every, predicted, level, using, own
        )
    return result.assign(**added)


def _by_network(
    discovery: DiscoveryRecord,
    frame: "pd.DataFrame",
    interval: float | None = None,
    equations: "SymbolicModel | None" = None,
) -> "pd.DataFrame":
    """Targets and latents by torch; with equations these give the latents."""
    import pandas as pd

    from discovery.uncertainty.columns import by_network

    model = network_of(discovery)
    forcings = _forcing_columns(discovery)
    # The network needs all offered features, the equations only those that they use.
    columns = _columns(frame, model.feature_names, forcings)
    warn_beyond(discovery, columns, kinds_of(discovery))
    # Only rows with all features go through torch; the others stay nan at their place.
    table, rows = _table(columns, model.feature_names, forcings)
    names = [*model.target_names, *model.latent_names]
    result = pd.DataFrame(np.nan, index=frame.index, columns=list(dict.fromkeys(names)))
    if len(table):
        for name, column in _network_columns(model, table, equations).items():
            values = np.full(len(frame), np.nan)
            values[rows] = column
            result[name] = values
    if interval is None or discovery.uncertainty is None:
        return result
    respond = by_network(model, forcings)
    using: Using = "network" if equations is None else "equations"
    return _with_intervals(discovery, frame, columns, result, respond, interval, using)


def _network_columns(
    model: "ScIReN", table: "Table", equations: "SymbolicModel | None"
) -> dict[str, np.ndarray]:
    """Return latents, by the network or the equations, and targets of whole rows."""
    import torch

    if equations is None:
        latents, constants = model.latents(table), model.constants()
    else:
        features = dict(zip(table.feature_names, table.features.numpy().T, strict=True))
        values = equations.latents(features).to_numpy(copy=True)
        latents, constants = torch.from_numpy(values), equations.constants
    shared = torch.tensor(list(constants.values()), dtype=torch.float64)
    with torch.no_grad():
        targets = model.decoder.evaluate(latents, shared, table.forcings)
    names = (*model.latent_names, *model.target_names)
    return dict(zip(names, (*latents.numpy().T, *targets.numpy().T), strict=True))


def _forcing_columns(discovery: DiscoveryRecord) -> dict[str, str]:
    """Return the process model's name -> column of a run, or of the equations."""
    if discovery.folder is not None:
        return dict(read_record(discovery.folder / "data.json", "forcings")["forcings"])
    if discovery.equations is not None:
        return dict(discovery.equations.forcing_columns)
    return {name: name for name in network_of(discovery).decoder.forcings}


def _columns(
    frame: "pd.DataFrame", features: Sequence[str], forcings: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Return the columns that are needed; a forcing that is not there is all nan."""
    from sciren.data.frames import numeric_column

    # Without a feature nothing can be predicted; without a forcing the latents still
    # can, so that is told and goes on.
    present = list(map(str, frame.columns))
    columns = {}
    for name in features:
        if name not in present:
            raise ColumnError(
                f"there is no column {name!r}, which the model needs. "
                f"{closest_names(name, present)}"
            )
        columns[name] = numeric_column(frame, name)
    for name in forcings.values():
        if name in present:
            columns[name] = numeric_column(frame, name)
        else:
            columns[name] = columns.get(name, np.full(len(frame), np.nan))
            warnings.warn(
                f"there is no column {name!r} for the process model, so only the "
                f"latents are computed. {closest_names(name, present)}",
                DataWarning,
                stacklevel=4,
            )
    return columns


def _table(
    columns: Mapping[str, np.ndarray],
    features: Sequence[str],
    forcings: Mapping[str, str],
) -> "tuple[Table, np.ndarray]":
    """Return the rows with all features as a table, and their positions."""
    import torch

    from sciren.data import Table

    x = np.stack([columns[name] for name in features], axis=1)
    rows = np.flatnonzero(~np.isnan(x).any(1))
    given = {
        name: torch.tensor(columns[column][rows]) for name, column in forcings.items()
    }
    empty = torch.empty(len(rows), 0, dtype=torch.float64)
    table = Table(torch.tensor(x[rows]), given, empty, tuple(features), ())
    return table, rows

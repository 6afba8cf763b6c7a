"""What figures and report show of series: the rows that were compared, one after another.

Flow duration, memory of the residuals and states are views of their own.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.results.scoring import EQUATION, NETWORK
from discovery.results.views.plain import brief, milliseconds, spread
from discovery.results.views.predictions import Predictions
from discovery.tables.records import PARTS

if TYPE_CHECKING:
    from discovery.dynamics.equations import SeriesEquations
    from discovery.results.result import Discovery
    from discovery.tables.study import SeriesStudy
    from sciren.data import SeriesTable, Table

GROUPS = 24  # as in `discovery.results.views.series`
POINTS = 400  # of a curve of states or of flow duration: about one in two pixels
LAGS = 30  # rows back: a month of days
COVERED = 0.95  # of the band around a simulated series

Array = np.ndarray
Outputs = Mapping[str, Array]


def series_predictions(discovery: "Discovery", study: "SeriesStudy") -> Predictions:
    """Run every part freely and return its rows that count, after the warm-up.

    Args:
        discovery: with its recurrence; the network is run where there is one.
        study: the series.
    """
    equations = discovery.series
    assert equations is not None  # the caller has asked
    parts = [(n, part) for n, part in zip(PARTS, study.split, strict=True) if len(part)]
    places = [_shown(part, study.decoder.warmup) for _, part in parts]
    runs: dict[str, list[Outputs]] = {
        EQUATION: [equations.run(part)[1] for _, part in parts]
    }
    if discovery.model is not None:
        runs[NETWORK] = [_by_network(discovery, part) for _, part in parts]
    tables = [part for _, part in parts]
    first, names = tables[0], study.decoder.targets
    predicted = {
        model: {n: _joined([part[n] for part in outputs], places) for n in names}
        for model, outputs in runs.items()
    }
    ends = {n: _ends(equations, n, tables, runs[EQUATION], places)
            for n in names if n in equations.spread}  # fmt: skip
    dated = first.time.dtype.kind == "M"
    observed = {
        n: _joined([table.targets[..., table.target_names.index(n)] for table in tables], places)
        for n in names
    }  # fmt: skip
    columns, roles = _columns(tables, places)
    groups = [
        np.broadcast_to(np.array(table.groups, dtype=object), table.time.shape)
        for table in tables
    ]
    return Predictions(
        part=np.repeat([n for n, _ in parts], [int(shown.sum()) for shown in places]),
        columns=columns, roles=roles,
        units={s.name: s.unit for s in equations.law.states} | dict(first.units) | {
            n: first.units[c] for n, c in first.target_columns.items() if c in first.units
        },
        observed=observed, predicted=predicted, blocks=_blocks(tables, places),
        time=_joined([table.time for table in tables], places) if dated else None,
        clock=None if dated else (
            _joined([table.time for table in tables], places), first.time_unit
        ),
        group=None if first.group_column is None else _joined(groups, places),
        limits=ends,
    )  # fmt: skip


def _ends(
    equations: "SeriesEquations", target: str, tables: "list[SeriesTable]",
    runs: list[Outputs], places: list[Array],
) -> tuple[Array, Array]:  # fmt: skip
    """Return the ends of new observations of a target in the shown rows."""
    pairs = [
        equations.limits(table, target, run[target], COVERED)
        for table, run in zip(tables, runs, strict=True)
    ]
    low, high = ([pair[k] for pair in pairs] for k in (0, 1))
    return _joined(low, places), _joined(high, places)


def _shown(part: "SeriesTable", warmup: int) -> Array:
    late = np.arange(part.rows)[:, None] >= warmup
    return part.active & part.counted & late


def _joined(values: list[Array], places: list[Array]) -> Array:
    """Return the shown rows of all parts, group after group in time order."""
    return np.concatenate(
        # Transposed, because boolean indexing runs through the last axis fastest: (G,
        # T) gives one group after another.
        [rows.T[shown.T] for rows, shown in zip(values, places, strict=True)]
    )


def _by_network(discovery: "Discovery", part: "SeriesTable") -> Outputs:
    from sciren.dynamics import simulate_series

    model = discovery.network()
    outputs = simulate_series(model, part).outputs
    return {n: outputs[..., k] for k, n in enumerate(model.decoder.targets)}


def _columns(
    tables: "list[SeriesTable]", places: list[Array]
) -> tuple[dict[str, Array], dict[str, str]]:
    columns: dict[str, Array] = {}
    roles: dict[str, str] = {}
    for k, name in enumerate(tables[0].static_names):
        wide = [
            np.broadcast_to(table.static[:, k], table.time.shape) for table in tables
        ]
        columns[name], roles[name] = _joined(wide, places), "feature"
    for name, column in tables[0].forcing_columns.items():
        roles[column] = "feature and forcing" if column in roles else "forcing"
        columns[column] = _joined([table.forcings[name] for table in tables], places)
    return columns, roles


def _blocks(tables: "list[SeriesTable]", places: list[Array]) -> Array:
    """Groups of the parts, kept apart."""
    ids, start = [], 0
    for table in tables:
        ids.append(np.broadcast_to(start + np.arange(len(table)), table.time.shape))
        start += len(table)
    return _joined(ids, places)


def static_table(series: "SeriesTable") -> "Table":
    """Return the static features as rows, one a group, for pictures of curves."""
    import torch

    from sciren.data import Table

    return Table(
        features=torch.from_numpy(series.static),
        forcings={},
        # A table needs a target; pictures of curves never look at it.
        targets=torch.full((len(series), 1), torch.nan, dtype=torch.float64),
        feature_names=series.static_names,
        target_names=("none",),
        units={n: u for n, u in series.units.items() if n in series.static_names},
        blocks=torch.arange(len(series)),
    )


def dynamic_views(
    predictions: Predictions, equations: "SeriesEquations", study: "SeriesStudy"
) -> dict[str, Any]:
    """Return flow duration, memory of residuals and states over time, as plain data.

    ``duration``: target -> share of time that a value is exceeded, observed and simulated.
    ``memory``: target -> correlation of residuals with those of rows before.
    ``states``: one row a group of the last part: time and every state.
    ``deviations``: one row a latent whose groups deviate.
    """
    return {
        "duration": {n: duration(predictions, n) for n in predictions.observed},
        "memory": {n: memory(predictions, n) for n in predictions.observed},
        "states": states_over_time(equations, study.split[-1]),
        "deviations": deviations_of(equations, study.split[0]),
    }


def deviations_of(
    equations: "SeriesEquations", train: "SeriesTable"
) -> list[dict[str, Any]]:
    """Return one row a latent that deviates: its law, and u of groups beside features."""
    modes = equations.deviations
    if modes is None:
        return []
    columns = {
        n: brief(v) for n, v in zip(train.static_names, train.static.T, strict=True)
    }
    return [
        {
            "latent": name,
            "factor": law.factor,
            "spread": law.spread,
            "shrinkage": law.shrinkage,
            "groups": list(train.groups),
            "u": brief(np.array([modes.modes[g][name] for g in train.groups])),
            "columns": columns,
        }
        for name, law in modes.laws.items()
    ]


def duration(predictions: Predictions, target: str) -> dict[str, Any]:
    """Return values exceeded in shares of the rows, of all groups together."""
    observed = predictions.observed[target]
    simulated = predictions.predicted[EQUATION][target]
    both_finite = np.isfinite(observed) & np.isfinite(simulated)
    share = np.linspace(0, 1, POINTS)
    return {
        "share": brief(share),
        # Exceeded in a share s of the rows: the quantile 1 - s.
        "observed": brief(np.quantile(observed[both_finite], 1 - share)),
        EQUATION: brief(np.quantile(simulated[both_finite], 1 - share)),
    }


def memory(predictions: Predictions, target: str) -> dict[str, Any]:
    """Return the correlation of residuals at lags of rows, inside groups.

    c_k = sum e_t e_(t-k) / sum e_t^2,  e = residual less the mean of its group
    """
    residual = predictions.residual(target)
    _, place = np.unique(predictions.blocks, return_inverse=True)
    finite = np.isfinite(residual)
    counts = np.maximum(np.bincount(place, finite), 1)
    means = np.bincount(place, np.where(finite, residual, 0.0)) / counts
    # Without the mean of each group: an offset would show as memory that never ends.
    centred = np.where(finite, residual - means[place], np.nan)
    lags = range(1, LAGS + 1)
    return {
        "lag": list(lags),
        "correlation": brief([_at(centred, place, k) for k in lags]),
    }


def _at(centred: Array, place: Array, lag: int) -> float:
    # Rows stand group after group: pairs across a border belong to no series.
    same = place[lag:] == place[:-lag]
    product = (centred[lag:] * centred[:-lag])[same]
    finite = np.isfinite(product)
    spread = float(np.nanmean(centred**2))
    return (
        float(product[finite].mean() / spread)
        if finite.any() and spread > 0
        else np.nan
    )


def states_over_time(
    equations: "SeriesEquations", part: "SeriesTable"
) -> list[dict[str, Any]]:
    """Return one row a group: ``group``, ``time``, and ``states`` name -> values."""
    states, _ = equations.run(part)
    dated = part.time.dtype.kind == "M"
    rows = []
    for group in range(min(len(part), GROUPS)):
        # Rows beyond the length of a group are filling, and never drawn.
        shown = spread(int(part.lengths[group]), POINTS)
        time = part.time[shown, group]
        rows.append(
            {
                "group": part.groups[group],
                "time": milliseconds(time) if dated else brief(time),
                "states": {n: brief(v[shown, group]) for n, v in states.items()},
            }
        )
    return rows

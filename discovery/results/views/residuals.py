"""Where a model fails: mean residuals along features, season, hour and site."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from discovery.results.views.plain import brief
from discovery.results.views.predictions import Predictions
from sciren.inference.intervals.quantiles import NORMAL_95

BINS = 15  # groups of equal size: each has a fifteenth of the rows
FEW = 24  # this many different values are shown one by one
ENOUGH = 5  # rows of a group whose mean can be drawn


def residual_views(predictions: Predictions) -> dict[str, list[dict[str, Any]]]:
    """Return target -> one view a feature, forcing, month and hour, as plain data.

    A view has ``name``, ``kind`` ("feature", "forcing", "season", "hour"), ``unit`` and
    lists x, mean, low, high, n and blocks of its groups.
    """
    views: dict[str, list[dict[str, Any]]] = {}
    for target in predictions.observed:
        residual = predictions.residual(target)
        finite = np.isfinite(residual)
        views[target] = [
            dict[str, Any](name=name, kind=kind, unit=unit)
            | grouped_means(
                values[finite],
                residual[finite],
                predictions.blocks[finite],
                apart=name in predictions.classes,
            )
            | {"labels": _named(predictions, name, values[finite])}
            for name, kind, unit, values in _axes(predictions)
            if len(np.unique(values[finite])) > 1
        ]
    return views


def _axes(predictions: Predictions) -> Iterator[tuple[str, str, str, np.ndarray]]:
    for name, values in predictions.columns.items():
        yield name, predictions.roles[name], predictions.units.get(name, ""), values
    if predictions.time is not None:
        day = predictions.time.astype("datetime64[D]")
        # Months since January 1970 modulo twelve.
        month = predictions.time.astype("datetime64[M]").astype(int) % 12 + 1
        hour = (predictions.time - day).astype("timedelta64[m]").astype(int) // 60
        yield "month", "season", "", month
        yield "hour of the day", "hour", "", hour


def grouped_means(
    x: np.ndarray, residual: np.ndarray, blocks: np.ndarray, apart: bool = False
) -> dict[str, list[Any]]:
    """Return means of residuals in groups of x with 95 % intervals over blocks.

    Rows of a block (a week, a site) err alike, so that the error of a mean is that of
    sums over blocks:  se = sqrt(sum_b (sum_{i in b} (r_i - mean))^2) / n
    (Liang and Zeger 1986). A group inside one block has no interval.

    Args:
        x: (n,) values, grouped one by one where they are few, else in equal numbers.
        residual: (n,) finite.
        blocks: (n,) ids.
        apart: whether every value is a group of its own, as classes are.
    """
    values = np.unique(x)
    if len(values) > FEW and not apart:
        # Inner quantiles only; repeated values (a column of many zeros) make fewer
        # groups.
        edges = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)[1:-1]))
        member = np.searchsorted(edges, x, side="right")
    else:
        member = np.searchsorted(values, x)
    rows: dict[str, list[Any]] = {key: [] for key in ("x", "mean", "low", "high")}
    counts, blocks_of_groups = [], []
    for group in range(int(member.max()) + 1):
        inside = member == group
        if inside.sum() < ENOUGH:
            continue
        mean, error = _mean_and_error(residual[inside], blocks[inside])
        rows["x"].append(float(np.mean(x[inside])))
        rows["mean"].append(mean)
        rows["low"].append(mean - NORMAL_95 * error)
        rows["high"].append(mean + NORMAL_95 * error)
        counts.append(int(inside.sum()))
        blocks_of_groups.append(len(np.unique(blocks[inside])))
    means = {key: brief(values) for key, values in rows.items()}
    return means | {"n": counts, "blocks": blocks_of_groups}


def _mean_and_error(values: np.ndarray, blocks: np.ndarray) -> tuple[float, float]:
    mean = float(values.mean())
    _, place = np.unique(blocks, return_inverse=True)
    # Sum of deviations a block: rows of a block add up before they are squared.
    sums = np.bincount(place, values - mean)
    if len(sums) < 2:
        return mean, np.nan
    small = len(sums) / (len(sums) - 1)  # few blocks know little of their spread
    return mean, float(np.sqrt(small * np.sum(sums**2)) / len(values))


def _named(predictions: Predictions, name: str, values: np.ndarray) -> list[str] | None:
    """Names of the classes that occur, in the order of their numbers."""
    named = predictions.classes.get(name)
    if named is None:
        return None
    return [named.get(value, "other") for value in np.unique(values).tolist()]

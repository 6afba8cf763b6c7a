"""Observed and predicted along time, thinned to means that a screen can show."""

from typing import Any

import numpy as np

from discovery.results.views.plain import brief, milliseconds
from discovery.results.views.predictions import Predictions

POINTS = 1400  # means in all series of a target together: about one a pixel
GROUPS = 24  # series of sites; those with most rows
FEWEST = 8  # rows that make a series


def series_views(predictions: Predictions) -> dict[str, list[dict[str, Any]]]:
    """Return target -> one series a site (or one for all), as plain data.

    A series has ``group``, ``time`` (milliseconds since 1970, or the numbers of a clock),
    ``observed``, and the predictions of each model by its name; ``low`` and ``high`` of a
    band where it is known; ``rows`` is how many rows a mean holds.
    """
    if predictions.time is None and predictions.clock is None:
        return {}
    return {target: _series(predictions, target) for target in predictions.observed}


def _clock(predictions: Predictions) -> np.ndarray:
    """Return the time of every row as a number: milliseconds since 1970, or its own."""
    if predictions.time is None:
        assert predictions.clock is not None  # the caller has asked
        return predictions.clock[0]
    return np.array(milliseconds(predictions.time), dtype=float)


def _series(predictions: Predictions, target: str) -> list[dict[str, Any]]:
    clock = _clock(predictions)
    observed = np.isfinite(predictions.observed[target])
    labels = (
        np.full(len(observed), "") if predictions.group is None else predictions.group
    )
    names, counts = np.unique(labels[observed].astype(str), return_counts=True)
    # A stable sort: sites of equal size keep the order of their names.
    largest = names[np.argsort(-counts, kind="stable")][:GROUPS]
    most = max(POINTS // max(len(largest), 1), 60)
    series = []
    for name in sorted(largest):
        rows = np.flatnonzero(observed & (labels.astype(str) == name))
        if len(rows) < FEWEST:
            continue
        rows = rows[np.argsort(clock[rows], kind="stable")]
        columns = {"observed": predictions.observed[target]} | {
            model: values[target] for model, values in predictions.predicted.items()
        }
        if target in predictions.limits:
            columns |= dict(
                zip(("low", "high"), predictions.limits[target], strict=True)
            )
        series.append({"group": name} | _means(clock, columns, rows, most))
    return series


def _means(
    time: np.ndarray, columns: dict[str, np.ndarray], rows: np.ndarray, most: int
) -> dict[str, Any]:
    """Means over equal stretches of time; stretches without a row are left out."""
    if len(rows) <= most:
        place = np.arange(len(rows))
    else:
        # Share (n,) of the time that has passed; "or 1.0" for rows of a single moment.
        share = (time[rows] - time[rows[0]]) / (time[rows[-1]] - time[rows[0]] or 1.0)
        _, place = np.unique((share * most).astype(np.int64), return_inverse=True)
    counts = np.bincount(place)
    middle = np.bincount(place, time[rows]) / counts
    return {
        "time": [float(f"{value:.13g}") for value in middle],
        "rows": float(np.median(counts)),
        **{
            name: brief(np.bincount(place, values[rows]) / counts)
            for name, values in columns.items()
        },
    }

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

    A series has ``group``, ``time`` (milliseconds since 1970), ``observed``, and the
    predictions of each model by its name; ``rows`` is how many rows a mean holds.
    """
    if predictions.time is None:
        return {}
    return {target: _series(predictions, target) for target in predictions.observed}


def _series(predictions: Predictions, target: str) -> list[dict[str, Any]]:
    assert predictions.time is not None  # the caller has asked
    known = np.isfinite(predictions.observed[target])
    labels = np.full(len(known), "") if predictions.group is None else predictions.group
    names, counts = np.unique(labels[known].astype(str), return_counts=True)
    largest = names[np.argsort(-counts, kind="stable")][:GROUPS]
    most = max(POINTS // max(len(largest), 1), 60)
    series = []
    for name in sorted(largest):
        rows = np.flatnonzero(known & (labels.astype(str) == name))
        if len(rows) < FEWEST:
            continue
        rows = rows[np.argsort(predictions.time[rows], kind="stable")]
        columns = {"observed": predictions.observed[target]} | {
            model: values[target] for model, values in predictions.predicted.items()
        }
        series.append({"group": name} | _means(predictions.time, columns, rows, most))
    return series


def _means(
    time: np.ndarray, columns: dict[str, np.ndarray], rows: np.ndarray, most: int
) -> dict[str, Any]:
    """Means over equal stretches of time; stretches without a row are left out."""
    if len(rows) <= most:
        place = np.arange(len(rows))
    else:
        stamps = time[rows].astype("datetime64[ms]").astype(np.int64).astype(float)
        share = (stamps - stamps[0]) / max(stamps[-1] - stamps[0], 1.0)
        _, place = np.unique((share * most).astype(np.int64), return_inverse=True)
    counts = np.bincount(place)
    stamps = time[rows].astype("datetime64[ms]").astype(np.int64).astype(float)
    middle = (np.bincount(place, stamps) / counts).round().astype("datetime64[ms]")
    return {
        "time": milliseconds(middle),
        "rows": float(np.median(counts)),
        **{
            name: brief(np.bincount(place, values[rows]) / counts)
            for name, values in columns.items()
        },
    }

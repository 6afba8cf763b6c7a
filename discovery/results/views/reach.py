"""Where the data are, and where predictions are asked: what is extrapolation."""

from typing import Any

import numpy as np

from discovery.results.views.plain import brief
from discovery.results.views.predictions import Predictions

BINS = 30  # of a histogram 290 pixels wide: ten pixels a bar


def reach_views(predictions: Predictions) -> list[dict[str, Any]]:
    """Return one row a column: histograms of training and other rows, share outside.

    ``edges`` (m + 1), ``train`` and ``other`` (m) are shares of the rows; ``outside`` is
    the share of validation and test rows beyond the training rows.
    """
    train = predictions.part == "train"
    rows = []
    for name, values in predictions.columns.items():
        inside, other = values[train], values[~train]
        if name in predictions.classes:
            continue  # a class is seen or not; the equation says what it does then
        known, asked = inside[np.isfinite(inside)], other[np.isfinite(other)]
        both = np.concatenate([known, asked])
        if not len(known) or np.ptp(both) == 0:
            continue
        # Common bins, so that the two histograms can be laid over one another.
        edges = np.linspace(both.min(), both.max(), BINS + 1)
        beyond = (asked < known.min()) | (asked > known.max())
        rows.append(
            {
                "name": name,
                "kind": predictions.roles[name],
                "unit": predictions.units.get(name, ""),
                "edges": brief(edges),
                "train": brief(np.histogram(known, edges)[0] / max(len(known), 1)),
                "other": brief(np.histogram(asked, edges)[0] / max(len(asked), 1)),
                "low": float(known.min()),
                "high": float(known.max()),
                "outside": float(beyond.mean()) if len(asked) else 0.0,
            }
        )
    return rows

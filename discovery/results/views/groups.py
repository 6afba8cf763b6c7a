"""How well a model does at each site: number of rows, R2, bias, KGE."""

from typing import Any

import numpy as np

from discovery.results.views.plain import brief
from discovery.results.views.predictions import Predictions
from sciren.agreement import Agreement

MOST = 500  # rows of the table of sites; the worst ones are kept
FEWEST = 5  # rows below which neither correlation nor R2 says anything


def kling_gupta(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Return the Kling-Gupta efficiency, 1 for a perfect series.

        KGE = 1 - sqrt((r - 1)^2 + (s_p / s_o - 1)^2 + (m_p / m_o - 1)^2)

    with correlation r, standard deviations s and means m (Gupta et al. 2009, equation 9).

    Args:
        observed, predicted: (n,) finite.
    Returns:
        The efficiency; nan where observations or predictions do not vary, or the mean
        of the observations is zero.
    """
    spread = float(observed.std()), float(predicted.std())
    centre = float(observed.mean())
    if len(observed) < FEWEST or min(spread) == 0 or centre == 0:
        return float("nan")
    r = float(np.corrcoef(observed, predicted)[0, 1])
    parts = (r - 1, spread[1] / spread[0] - 1, float(predicted.mean()) / centre - 1)
    return 1 - float(np.sqrt(np.sum(np.square(parts))))


def group_views(predictions: Predictions) -> dict[str, list[dict[str, Any]]]:
    """Return target -> one row a site: group, part, n, r2, rmse, bias, kge, lon, lat.

    The sites with the largest squared error come first. Nothing without groups.
    """
    if predictions.group is None:
        return {}
    return {target: _rows(predictions, target) for target in predictions.observed}


def _rows(predictions: Predictions, target: str) -> list[dict[str, Any]]:
    assert predictions.group is not None  # the caller has asked
    observed = predictions.observed[target]
    predicted = predictions.predicted[predictions.best][target]
    finite = np.isfinite(observed) & np.isfinite(predicted)
    labels, place = np.unique(
        predictions.group[finite].astype(str), return_inverse=True
    )
    # Rows sorted by site, cut where the next one begins: one pass in place of one a
    # site.
    order = np.argsort(place, kind="stable")
    borders = np.searchsorted(place[order], np.arange(1, len(labels)))
    rows = []
    for label, inside in zip(labels, np.split(order, borders), strict=True):
        own = np.flatnonzero(finite)[inside]
        y, p = observed[own], predicted[own]
        score = Agreement.of(y, p)
        numbers = {
            "r2": score.r2 if score.rows >= FEWEST else np.nan,
            "rmse": score.rmse,
            "bias": score.bias,
            # KGE is a measure of series; without time rows of a site are none.
            "kge": kling_gupta(y, p) if predictions.time is not None else np.nan,
        } | {axis: np.mean(v[own]) for axis, v in predictions.places.items()}
        rows.append(
            {
                "group": str(label),
                "part": ", ".join(dict.fromkeys(predictions.part[own].tolist())),
                "n": score.rows,
            }
            | dict(zip(numbers, brief(list(numbers.values())), strict=True))
        )
    return sorted(rows, key=lambda row: -row["rmse"])[:MOST]

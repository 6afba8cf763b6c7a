"""All views of a finished discovery: the content of ``views.json``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.results.views.curves import curve_views
from discovery.results.views.groups import group_views
from discovery.results.views.plain import brief, milliseconds, spread
from discovery.results.views.predictions import Predictions
from discovery.results.views.reach import reach_views
from discovery.results.views.residuals import residual_views
from discovery.results.views.series import series_views

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from sciren.data import Table

VIEWS = "views.json"
ROWS = 1500  # sampled rows: what sliders redraw in a few milliseconds


def views_of(
    discovery: "Discovery", predictions: Predictions, table: "Table"
) -> dict[str, Any]:
    """Return everything that figures and report show of the data, as plain data.

    ``rows`` (a sample), ``curves``, ``residuals``, ``series``, ``groups`` and ``reach``;
    no row of the data is in it but those of the sample.

    Args:
        discovery: with its network.
        predictions: every row with what each model says of it.
        table: rows on which the curves were learned.
    """
    return {
        "model": predictions.best,
        "rows": sampled_rows(predictions),
        "curves": [
            *(curve_views(discovery, table) if discovery.has_network else ()),
            *discovery.state_curves,
        ],
        "residuals": residual_views(predictions),
        "series": series_views(predictions),
        "groups": group_views(predictions),
        "reach": reach_views(predictions),
        "clock": predictions.clock and predictions.clock[1],
    }


def sampled_rows(predictions: Predictions) -> dict[str, Any]:
    """Return at most 1,500 rows, evenly in their order: columns, targets, predictions.

    Rows where something is observed come alone where there are any: of a season of days
    with one event most have nothing to show.
    """
    observed = np.any([np.isfinite(y) for y in predictions.observed.values()], axis=0)
    rows = np.flatnonzero(observed) if observed.any() else np.arange(len(observed))
    # The same rows for all columns, so that a slider can predict them.
    sample = rows[spread(len(rows), ROWS)]

    def short(columns: Mapping[str, np.ndarray]) -> dict[str, list[float | None]]:
        return {name: brief(values[sample]) for name, values in columns.items()}

    return {
        "part": predictions.part[sample].tolist(),
        "time": None
        if predictions.time is None
        else milliseconds(predictions.time[sample]),
        "group": None
        if predictions.group is None
        else predictions.group[sample].tolist(),
        "columns": short(predictions.columns),
        "roles": dict(predictions.roles),
        "units": dict(predictions.units),
        "classes": {name: list(named) for name, named in predictions.classes.items()},
        "observed": short(predictions.observed),
        "predicted": {
            name: short(values) for name, values in predictions.predicted.items()
        },
        "places": short(predictions.places),
        "all": len(rows),
    }

"""All views of a finished discovery: the content of ``views.json``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.results.views.curves import curve_views
from discovery.results.views.groups import group_views
from discovery.results.views.plain import brief, milliseconds, spread
from discovery.results.views.predictions import Predictions, predictions_of
from discovery.results.views.reach import reach_views
from discovery.results.views.residuals import residual_views
from discovery.results.views.series import series_views

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from discovery.tables.study import Study
    from sciren.data import Table

VIEWS = "views.json"
ROWS = 1500  # sampled rows: what sliders redraw in a few milliseconds


def views_of(
    discovery: "Discovery", study: "Study", parts: "Mapping[str, Table]"
) -> dict[str, Any]:
    """Return everything that figures and report show of the data, as plain data.

    ``rows`` (a sample), ``curves``, ``residuals``, ``series``, ``groups`` and ``reach``;
    no row of the data is in it but those of the sample.
    """
    found = predictions_of(discovery, study, parts)
    return {
        "model": found.best,
        "rows": sampled_rows(found),
        "curves": curve_views(discovery, parts["train"]),
        "residuals": residual_views(found),
        "series": series_views(found),
        "groups": group_views(found),
        "reach": reach_views(found),
    }


def sampled_rows(found: Predictions) -> dict[str, Any]:
    """Return at most 1,500 rows, evenly in their order: columns, targets, predictions."""
    chosen = spread(len(found.part), ROWS)

    def short(columns: Mapping[str, np.ndarray]) -> dict[str, list[float | None]]:
        return {name: brief(values[chosen]) for name, values in columns.items()}

    return {
        "part": found.part[chosen].tolist(),
        "time": None if found.time is None else milliseconds(found.time[chosen]),
        "group": None if found.group is None else found.group[chosen].tolist(),
        "columns": short(found.columns),
        "roles": dict(found.roles),
        "units": dict(found.units),
        "observed": short(found.observed),
        "predicted": {name: short(one) for name, one in found.predicted.items()},
        "places": short(found.places),
        "all": len(found.part),
    }

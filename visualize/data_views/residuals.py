"""Mean residuals along features, forcings, season and hour, with their intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sciren.errors import DataError
from visualize.labels import shorten, with_unit
from visualize.style import BLUE, MUTED, panels, styled

Array = np.ndarray

MANY = 4  # classes beyond which their names stand upright


@styled
def plot_residuals(
    views: Sequence[Mapping[str, Any]], name: str = "target", unit: str = ""
) -> Figure:
    """Draw one panel a view: a point a group of rows, its bar the interval of its mean.

    Args:
        views: each with name, unit and lists x, mean, low and high (None = unknown).
        name: of the target.
        unit: its unit, free text.
    Raises:
        DataError: there is no view.
    """
    if not views:
        raise DataError("there are no residuals to draw")
    figure, axes = panels(len(views), 3, 2.5)
    for axis, view in zip(axes, views, strict=True):
        x, mean = _numbers(view["x"]), _numbers(view["mean"])
        low, high = _numbers(view["low"]), _numbers(view["high"])
        axis.axhline(0, color=MUTED, linewidth=1, dashes=(5, 3))
        axis.vlines(x, low, high, color=BLUE, linewidth=1.3)
        axis.plot(x, mean, "o", color=BLUE, markersize=4)
        label = with_unit(str(view["name"]), str(view.get("unit") or ""))
        if view.get("labels"):
            axis.set_xticks(x, view["labels"], rotation=90 if len(x) > MANY else 0)
        axis.set_xlabel(shorten(label, 40), parse_math=False)
        axis.margins(x=0.04)
    # Only the first panel of a row names the vertical axis, which all share in meaning.
    for axis in axes:
        place = axis.get_subplotspec()
        if place is not None and place.is_first_col():
            axis.set_ylabel(with_unit(f"residual {name}", unit), parse_math=False)
    told = ", ".join(str(view["name"]) for view in views)
    figure.set_label(f"Observed less predicted {name} along {told}.")
    return figure


def _numbers(values: Sequence[float | None]) -> Array:
    return np.array([np.nan if v is None else v for v in values], dtype=float)

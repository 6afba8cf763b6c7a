"""Observed and predicted along time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from sciren.errors import DataError
from visualize.labels import shorten, with_unit
from visualize.style import GREEN, VERMILION, panels, styled

MOST = 6  # sites in one figure; more cannot be told apart


@styled
def plot_series(
    series: Sequence[Mapping[str, Any]],
    name: str = "target",
    unit: str = "",
    clock: str | None = None,
) -> Figure:
    """Draw one panel a site: observations as points, the model as a line.

    Args:
        series: each with group, time (milliseconds since 1970, or the numbers of a
            clock), observed, and equation or network; at most the first six are drawn.
        name: of the target.
        unit: its unit, free text.
        clock: name of the column whose numbers the times are; None for dates.
    Raises:
        DataError: there is no series.
    """
    shown = list(series)[:MOST]
    if not shown:
        raise DataError("there is no series to draw")
    figure, axes = panels(len(shown), 1, 2.6 if len(shown) == 1 else 1.7)
    for axis, site in zip(axes, shown, strict=True):
        time = _numbers(site["time"])
        if clock is None:
            # Means of stamps fall between milliseconds.
            time = time.round().astype("datetime64[ms]")
        model = "equation" if "equation" in site else "network"
        axis.plot(
            time, _numbers(site["observed"]), ".", color=GREEN, markersize=3,
            alpha=0.6, label="observed",
        )  # fmt: skip
        axis.plot(
            time, _numbers(site[model]), color=VERMILION, linewidth=1.1, label=model
        )
        if site["group"]:
            axis.set_title(shorten(str(site["group"]), 40), parse_math=False)
        axis.set_ylabel(with_unit(name, unit), parse_math=False)
        if clock is None:
            # Three at least: with five, no step gives four years (48 months) eight ticks.
            locator = AutoDateLocator(minticks=3, maxticks=8)
            axis.xaxis.set_major_locator(locator)
            axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axis.margins(x=0.01)
    if clock is not None:
        axes[-1].set_xlabel(clock, parse_math=False)
    axes[0].legend(loc="upper right", ncols=2)
    figure.set_label(f"Observed and predicted {name} along time.")
    return figure


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)

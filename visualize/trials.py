"""The trials of a search: the loss against each setting that was varied."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sciren.errors import ColumnError, DataError
from visualize.labels import shorten
from visualize.style import BLUE, FAINT, INK, VERMILION, panels, styled

_DECADES = 10.0  # a setting that spans more than this factor is drawn in logs


@styled
def plot_trials(
    trials: pd.DataFrame,
    settings: Sequence[str],
    loss: str = "loss",
    taken: int | None = None,
) -> Figure:
    """Draw the loss of every trial against each setting; the one that is taken stands out.

    Trials that were given up early (column ``pruned``) are faint. Settings that are no
    numbers, or have few values, stand side by side in their order.

    Args:
        trials: one row a trial, with ``number``, the settings and the loss.
        settings: columns to draw, a panel each.
        loss: column of the loss; rows without a finite one are left out.
        taken: ``number`` of the trial that is taken.
    Raises:
        ColumnError: a column is missing.
        DataError: no trial has a finite loss.
    """
    for name in (*settings, loss, "number"):
        if name not in trials.columns:
            raise ColumnError(
                f"the trials lack column {name!r}; they have "
                f"{', '.join(map(str, trials.columns))}"
            )
    finished: Any = trials[np.isfinite(trials[loss].astype(float))]
    if finished.empty:
        raise DataError("no trial has a finite loss; nothing can be drawn")
    figure, axes = panels(len(settings), 2, 2.6)
    for axis, name in zip(axes, settings, strict=True):
        _draw(axis, finished, name, loss, taken)
        axis.set_ylabel(loss)
        axis.set_xlabel(shorten(name, 40))
    figure.set_label(
        f"{len(finished)} trials, {loss} against {', '.join(settings)}; the lowest is "
        f"{finished[loss].min():.4g}"
    )
    return figure


def _draw(axis: Axes, trials: Any, name: str, loss: str, taken: int | None) -> None:
    x, labels = _places(trials[name])
    y = trials[loss].to_numpy(dtype=float)
    early = (
        trials["pruned"].to_numpy(dtype=bool)
        if "pruned" in trials
        else np.zeros(len(y), bool)
    )
    axis.plot(x[early], y[early], "o", ms=4, color=FAINT, label="given up early")
    axis.plot(x[~early], y[~early], "o", ms=4, color=BLUE, alpha=0.7)
    chosen = trials["number"].to_numpy() == taken
    axis.plot(x[chosen], y[chosen], "o", ms=8, mfc="none", mew=2, color=VERMILION)
    if labels:
        axis.set_xticks(range(len(labels)), labels, color=INK)
        axis.set_xlim(-0.5, len(labels) - 0.5)
    # Learning rates and weights are searched in their logarithm and would lie on each
    # other.
    elif x.min() > 0 and x.max() > _DECADES * x.min():
        axis.set_xscale("log")
    if y.min() > 0 and y.max() > _DECADES * y.min():
        axis.set_yscale("log")


def _places(values: pd.Series) -> tuple[NDArray[np.float64], list[str]]:
    """Return where values stand on the axis, and the ticks' texts where they are classes."""
    numeric = pd.api.types.is_numeric_dtype(values) and values.dtype != bool
    by_text = {str(value): value for value in values}  # lists have no hash of their own
    distinct = sorted(by_text.values(), key=None if numeric else str)
    # Few different numbers were a list of choices and stand side by side like words.
    if numeric and len(distinct) > 8:
        return values.to_numpy(dtype=float), []
    place = {str(value): k for k, value in enumerate(distinct)}
    texts = [f"{value:g}" if numeric else str(value) for value in distinct]
    return np.array([place[str(value)] for value in values], dtype=float), texts

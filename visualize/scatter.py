"""Predicted against observed, and estimated against true, one panel per model."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from sciren.agreement import Agreement
from sciren.errors import DataError, ShapeError
from visualize.labels import count, number, score, shorten, with_unit
from visualize.style import BLUE, MUTED, SMALL, WIDTH, panels, styled

_MANY = 1500  # above this many rows points hide each other, hexagons count them
_HEXAGONS = 45  # across a panel: large enough to be told apart on paper
_BEYOND = 0.35  # share of the reference's range shown outside of it


@styled
def plot_observed(
    observed: ArrayLike,
    predicted: Mapping[str, ArrayLike],
    name: str = "target",
    unit: str = "",
) -> Figure:
    """Draw predictions of one or several models against the observations.

    Args:
        observed: (n,), nan where not observed.
        predicted: name of a model -> (n,) predictions in the same unit.
        name: name of the target.
        unit: its unit, free text.
    Raises:
        ShapeError: a series has another length than the observations.
        DataError: there is no series, or no row where both are finite.
    """
    return _compare(observed, predicted, f"observed {name}", f"predicted {name}", unit)


@styled
def plot_latents(
    truth: ArrayLike, estimates: Mapping[str, ArrayLike], name: str, unit: str = ""
) -> Figure:
    """Draw estimates of a hidden parameter against its known true values.

    Args:
        truth: (n,), nan where unknown.
        estimates: name of a model -> (n,) estimates in the same unit.
        name: name of the latent.
        unit: its unit, free text.
    Raises:
        ShapeError: a series has another length than the truth.
        DataError: there is no series, or no row where both are finite.
    """
    return _compare(truth, estimates, f"true {name}", f"estimated {name}", unit)


def _compare(
    reference: ArrayLike, series: Mapping[str, ArrayLike], x: str, y: str, unit: str
) -> Figure:
    if not series:
        raise DataError(f"nothing to compare with {x}; pass at least one named series")
    pairs = {key: _paired(reference, values, x, key) for key, values in series.items()}
    # Three in a row where that leaves at most one gap.
    across = 3 if len(pairs) in (3, 5, 6) else 2
    width = 5.6 if len(pairs) == 1 else WIDTH
    figure, axes = panels(len(pairs), across, 3.9 if across == 2 else 3.1, width)
    # The same range in every panel, so that models can be compared by eye.
    limits = _limits(np.concatenate([pair[0] for pair in pairs.values()]))
    drawn = [
        _draw_panel(axis, *pair, limits)
        for axis, pair in zip(axes, pairs.values(), strict=True)
    ]
    for axis, key in zip(axes, pairs, strict=True):
        axis.set_title(shorten(key, 34), parse_math=False)
        axis.set_xlabel(with_unit(x, unit), parse_math=False)
    for axis in axes[::across]:
        axis.set_ylabel(with_unit(y, unit), parse_math=False)
    _add_colour_bar(figure, axes, [cells for cells in drawn if cells is not None])
    texts = [
        f"{key}: {', '.join(_summary(Agreement.of(*pair)))}"
        for key, pair in pairs.items()
    ]
    figure.set_label(f"{y} against {x}. " + "; ".join(texts) + ".")
    return figure


def _paired(
    reference: ArrayLike, values: ArrayLike, x: str, key: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows of both arrays where both are finite."""
    left = np.asarray(reference, dtype=np.float64)
    right = np.asarray(values, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise ShapeError(
            f"{x} has shape {left.shape} and {key!r} has shape {right.shape}; "
            "both need shape (n,)"
        )
    both = np.isfinite(left) & np.isfinite(right)
    if not both.any():
        raise DataError(f"no row has both {x} and {key!r}; nothing can be drawn")
    return left[both], right[both]


def _limits(reference: NDArray[np.float64]) -> tuple[float, float]:
    """Range of the reference, widened; series may not stretch it without end."""
    low, high = float(reference.min()), float(reference.max())
    room = _BEYOND * (high - low) if high > low else max(abs(low), 1.0)
    return low - 0.2 * room, high + 0.2 * room


def _draw_panel(
    axis: Axes,
    reference: NDArray[np.float64],
    series: NDArray[np.float64],
    limits: tuple[float, float],
) -> PolyCollection | None:
    low, high = limits
    limits = (low - _BEYOND * (high - low), high + _BEYOND * (high - low))
    # The reference sets the range: a model that is far off is counted, not drawn, or
    # all other points would lie in one corner.
    bottom = max(limits[0], min(low, float(series.min())))
    top = min(limits[1], max(high, float(series.max())))
    cells = None
    if len(reference) > _MANY:
        cells = axis.hexbin(
            reference, series, gridsize=_HEXAGONS, bins="log", mincnt=1,
            extent=(low, high, bottom, top), linewidths=0.1,
        )  # fmt: skip
    else:
        axis.scatter(reference, series, s=12, alpha=0.45, color=BLUE, linewidths=0)
    axis.axline((low, low), slope=1, color=MUTED, linewidth=1, dashes=(5, 3))
    axis.set(xlim=(low, high), ylim=(bottom, top))
    outside = int(np.sum((series < bottom) | (series > top)))
    text = "\n".join(_summary(Agreement.of(reference, series)))
    if outside:
        text += f"\n{count(outside)} outside the picture"
    axis.text(
        0.03, 0.97, text, transform=axis.transAxes, va="top", fontsize=SMALL + 0.5,
        bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 2.5},
    )  # fmt: skip
    return cells


def _summary(agreement: Agreement) -> tuple[str, str, str]:
    return (
        f"R² = {score(agreement.r2, 3)}",
        f"RMSE = {number(agreement.rmse)}",
        f"n = {count(agreement.rows)}",
    )


def _add_colour_bar(
    figure: Figure, axes: list[Axes], cells: list[PolyCollection]
) -> None:
    """One colour scale for all panels, so that equal colours mean equal counts."""
    counts = [cell.get_array() for cell in cells]
    # A panel is empty where all predictions lie outside of the picture.
    most = max((float(c.max()) for c in counts if c is not None and len(c)), default=0)
    if not most:
        return
    for cell in cells:
        cell.set_clim(1, max(most, 2))
    figure.colorbar(cells[0], ax=axes, label="rows per cell", shrink=0.9, pad=0.02)

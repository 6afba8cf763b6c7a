"""The strip below a curve that shows where the data lie."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from visualize.style import STRIP

Array = NDArray[np.float64]

_BINS = 40  # of the density strip: two or three pixels each
_STRIP = 0.13  # share of the panel's height that the density strip takes


def draw_density(
    axis: Axes,
    data: Array,
    limits: tuple[float, float] | None = None,
    classes: Array | None = None,
) -> None:
    """Fill a histogram into the bottom of a panel, which is made higher by it.

    Args:
        axis: panel whose vertical limits are those of its curves.
        data: (k,) values; those that are not finite do not count.
        limits: ends of the histogram; default those of the data.
        classes: (c,) numbers of classes, which are counted one by one and stand side by
            side at 0, 1, 2, ...
    """
    # With share s of the new height, s / (1 - s) of the old one.
    low, high = axis.get_ylim()
    axis.set_ylim(low - _STRIP / (1 - _STRIP) * (high - low), high)
    finite = data[np.isfinite(data)]
    if not len(finite):
        return
    if classes is not None:
        counts = (finite[:, None] == classes).sum(0)
        borders = np.arange(len(classes) + 1) - 0.5
    else:
        counts, borders = _histogram(finite, limits)
    strip = axis.inset_axes((0, 0, 1, _STRIP), sharex=axis)
    strip.stairs(counts, borders, fill=True, color=STRIP)
    strip.set_ylim(0, max(counts.max(), 1) * 1.15)
    strip.axis("off")


def _histogram(
    data: Array, limits: tuple[float, float] | None
) -> tuple[NDArray[np.int64], Array]:
    low, high = limits or (float(data.min()), float(data.max()))
    # Values of one size, or apart by rounding only, need ends that bins fit between.
    least = _BINS * np.spacing(max(abs(low), abs(high)))
    if high - low < 2 * least:
        middle, half = low + (high - low) / 2, max(0.5 * abs(low), least) or 0.5
        low, high = middle - half, middle + half
    counts, borders = np.histogram(data, bins=_BINS, range=(low, high))
    return counts, borders

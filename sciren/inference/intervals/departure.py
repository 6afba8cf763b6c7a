"""How far a curve leaves the band of an edge, and from where on that counts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sciren.inference.intervals.bands import Band

Array = np.ndarray

MATERIAL = 0.05
"""Of the range of a curve: 15 splines cannot follow every form more closely, so that a
smaller gap may be theirs however narrow the band is."""


@dataclass(frozen=True)
class Departure:
    """How far a curve leaves a band.

    Attributes:
        inside: whether it lies inside everywhere.
        widths: largest distance from the middle of the band, in its half widths.
        share: the same distance over the range of the curve.
    """

    inside: bool
    widths: float
    share: float

    @property
    def leaves(self) -> bool:
        """Whether the curve is outside, by more than the splines of the band may miss."""
        return not self.inside and self.share > MATERIAL


def departure(band: Band, curve: Callable[[Array], Array]) -> Departure:
    """Compare a curve, at any level, with a band.

    Args:
        band: of one edge.
        curve: values of the feature (k,) -> raw latent (k,).
    """
    # Curves of bands have mean zero over the rows; the level of a form is that of its
    # latent.
    values = curve(band.x) - curve(band.data).mean()
    gap = np.abs(values - band.estimate)
    # A band without width would divide by zero; any gap then counts as endless.
    half = np.maximum((band.high - band.low) / 2, 1e-300)
    # The larger range of the two, so that a flat form on a steep curve is not called
    # far away a hundredfold.
    spread = max(float(np.ptp(values)), float(np.ptp(band.estimate)), 1e-300)
    return Departure(
        band.holds(values), float((gap / half).max()), float(gap.max()) / spread
    )

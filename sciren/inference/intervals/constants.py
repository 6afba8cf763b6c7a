"""Intervals of constants, latents and means that count the selection of features.

Two fits stand side by side. The recommended one estimates the selected features and
those that a constant needs, with all others entering softly; the other believes that the
selected features are all there is. Where they disagree about a constant, that constant
depends on the features, and only the recommended interval holds.

Reference: the neighbours `double_selection` and `smooth_fit`; coverage:
`python -m benchmarks.belief coverage`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sciren.inference.design import Edge
from sciren.inference.intervals.double_selection import edges_of_constants
from sciren.inference.intervals.smooth_fit import SmoothFit, fit_smooth
from sciren.inference.sandwich import Covariance
from sciren.inference.selection import Selection

Array = np.ndarray

RECOMMENDED = "selection included"
SELECTED = "selected features only"
DISAGREE = 1.6
"""Standard errors of the difference of two fits beyond which they disagree: no false
alarm in 120 records, 64 to 78 % of the wrong constants flagged."""

LEAST_SHARE = 0.2
"""Share of the variance that the difference of two fits has at least: where both hold
nearly the same features, their difference is rounding and smoothing, not evidence."""


@dataclass(frozen=True)
class ConstantInterval:
    """One constant by one fit, physical units.

    Attributes:
        constant: its name.
        method: `RECOMMENDED` or `SELECTED`.
        estimate, error, low, high: error by the delta method; limits of the training
            scale (logs for positive constants) brought back.
        features: that the fit estimates.
        depends: whether the fits disagree, so that it depends on the features.
        level: probability that the truth is inside.
    """

    constant: str
    method: str
    estimate: float
    error: float
    low: float
    high: float
    features: tuple[str, ...]
    depends: bool
    level: float = 0.95

    @property
    def reason(self) -> str:
        """Why the numbers of the fits differ, one sentence."""
        names = ", ".join(self.features) or "none"
        if self.method == SELECTED:
            return f"believes that only the selected features act ({names})"
        what = (
            f"estimates the selected features and those that {self.constant} needs "
            f"({names}); the others enter softly"
        )
        return f"{what}; depends on the features" if self.depends else what


@dataclass(frozen=True, eq=False)
class Intervals:
    """Both fits with their covariances.

    Attributes:
        selection: of the features.
        recommended, selected: the fits;  soft: edges that enter the first softly.
        covariance, selected_covariance: of their parameters.
    """

    selection: Selection
    recommended: SmoothFit
    selected: SmoothFit
    soft: tuple[Edge, ...]
    covariance: Covariance
    selected_covariance: Covariance

    def constants(self, level: float = 0.95) -> tuple[ConstantInterval, ...]:
        """Return the recommended interval of every constant, then the others."""
        depends = self.depends()
        return (
            *self._of(self.recommended, self.covariance, RECOMMENDED, depends, level),
            *self._of(
                self.selected, self.selected_covariance, SELECTED, depends, level
            ),
        )

    def depends(self) -> Array:
        """Whether the fits disagree about a constant (K,) bool."""
        first, second = self.recommended, self.selected
        difference = np.abs(first.fit.constants - second.fit.constants)
        # Hausman 1978: the difference of an efficient estimate and a robust one has the
        # difference of their variances.
        recommended_variance = _variances(first, self.covariance)
        selected_variance = _variances(second, self.selected_covariance)
        apart = np.maximum(
            recommended_variance - selected_variance, LEAST_SHARE * recommended_variance
        )
        outside = difference > self.covariance.quantile() * np.sqrt(
            recommended_variance
        )
        return outside | (difference > DISAGREE * np.sqrt(apart))

    def _of(
        self,
        fit: SmoothFit,
        covariance: Covariance,
        method: str,
        depends: Array,
        level: float,
    ) -> list[ConstantInterval]:
        process = fit.fit.process
        raw = fit.fit.constants
        errors = np.sqrt(_variances(fit, covariance))
        half_width = covariance.quantile(level) * errors
        low, high = process.box
        values = process.physical_constants(raw)
        # Limits on the training scale (logs) and then back, so that they stay positive.
        lows = process.physical_constants(np.maximum(raw - half_width, low))
        highs = process.physical_constants(np.minimum(raw + half_width, high))
        # Delta method: an error in logs is a share of the constant.
        # An error beyond the declared range says no more than that range.
        sizes = np.minimum(process.constant_slopes(raw) * errors, highs - lows)
        names = tuple(
            dict.fromkeys(process.feature_names[edge[0]] for edge in fit.estimated)
        )
        return [
            ConstantInterval(
                name, method, float(values[k]), float(sizes[k]), float(lows[k]),
                float(highs[k]), names, bool(depends[k]), level,
            )
            for k, name in enumerate(process.constant_names)
        ]  # fmt: skip

    def mean_limits(self, level: float = 0.95) -> tuple[Array, Array]:
        """Return limits (m,) of the mean of every observation, scale of the comparison."""
        fit = self.recommended.fit
        half_width = self.covariance.quantile(level) * self.covariance.error(
            fit.jacobian
        )
        return fit.mean - half_width, fit.mean + half_width


def find_intervals(
    selection: Selection,
    also: Sequence[Edge] = (),
    offered: Sequence[Edge] | None = None,
) -> Intervals:
    """Fit what the intervals need.

    Args:
        selection: of the features.
        also: edges that count as selected (those that the equations hold).
        offered: edges that may act; default: all that the selection was offered.
    """
    process, whitening = selection.fit.process, selection.whitening
    every = tuple(selection.status) if offered is None else tuple(offered)
    kept = tuple(edge for edge in every if edge in selection.kept or edge in set(also))
    needed = {*kept, *edges_of_constants(selection)}
    estimated = tuple(edge for edge in every if edge in needed)
    soft = tuple(edge for edge in every if edge not in needed)
    near = selection.fit
    selected = fit_smooth(process, whitening, kept, (), near)
    # Without soft or further edges the two would be the same fit.
    recommended = selected
    if soft or estimated != kept:
        recommended = fit_smooth(process, whitening, estimated, soft, near)
    return Intervals(
        selection, recommended, selected, soft, recommended.covariance(),
        selected.covariance(),
    )  # fmt: skip


def _variances(fit: SmoothFit, covariance: Covariance) -> Array:
    """Variances (K,) of the constants on their training scale."""
    cut = fit.design.constants
    return np.maximum(np.diagonal(covariance.matrix)[cut], 0.0)

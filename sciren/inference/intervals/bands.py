"""Bands that hold a learned curve everywhere at once, with probability 95 %.

A curve of one feature is fitted with 15 columns, smoothed by REML and then refitted with
every strength divided by 8: a smoother is biased where a curve bends most, and the band
would miss it there. The band is estimate -+ c e with the standard errors e and c the 95 %
quantile, over curves g with the covariance K of the estimate, of

    max over the points of |g_k| / e_k / sqrt(chi2_df / df),   g ~ normal(0, K),

Reference: Ruppert, Wand and Carroll 2003, Semiparametric Regression, section 6.5; Hall
1992 for under-smoothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sciren.inference.design import Edge
from sciren.inference.intervals.smooth_fit import (
    SmoothFit,
    fit_smooth,
    refit_smooth,
    weaker,
)
from sciren.inference.kind_bases import band_points
from sciren.inference.noise import Whitening, estimate_law
from sciren.inference.observed import ObservedProcess
from sciren.inference.sandwich import Covariance
from sciren.inference.selection import Selection
from sciren.inference.solve import Fit

Array = np.ndarray

COLUMNS = 15  # figures with it: python -m benchmarks.belief bands
UNDERSMOOTHING = 8.0
"""With REML's own strengths 76 to 93 % of the steep curves are covered; at 300 rows a
quarter of them gives 90 %, an eighth 94 % with bands 8 % wider (80 records): measured by
`python -m benchmarks.belief bands`."""

POINTS = 60  # four a column of the basis
ENDS = (0.01, 0.99)  # quantiles of the feature between which the band is asked to hold
DRAWS = 2000  # the level is known to 0.5 % (binomial)
NEGLIGIBLE = 1e-9  # share of the largest error: points without any uncertainty


@dataclass(frozen=True, eq=False)
class Band:
    """The simultaneous band of one edge, centred to mean zero over the data.

    Attributes:
        feature, latent: names.
        x: (m,) values of the feature, rising.
        estimate, low, high: (m,) raw latent.
        factor: c, by how much wider than a standard error.
        level: probability that the whole curve is inside.
        data: (n,) values of the feature over which the curve has mean zero.
    """

    feature: str
    latent: str
    x: Array
    estimate: Array
    low: Array
    high: Array
    factor: float
    level: float
    data: Array

    def holds(self, curve: Array) -> bool:
        """Whether a curve (m,) at the points of the band lies inside it everywhere."""
        rounding = 1e-9 * float(np.abs(self.estimate).max(initial=0.0))
        return bool(
            ((self.low - rounding <= curve) & (curve <= self.high + rounding)).all()
        )


def selected_bands(
    selection: Selection, edges: tuple[Edge, ...], soft: tuple[Edge, ...] = ()
) -> tuple[Band, ...]:
    """Return a 95 % band for each of some edges under the noise of a selection.

    The same edges have the same bands whoever asks: those in which closed forms have to
    stay are those that are drawn.

    Args:
        selection: on the rows that may choose.
        edges: whose curves are asked for;  soft: other edges that may act.
    """
    process, near = selection.fit.process, selection.fit
    return selection.once(
        (selected_bands, edges, soft),
        lambda: curve_bands(process, selection.whitening, edges, soft, near),
    )


def curve_bands(
    process: ObservedProcess,
    whitening: Whitening,
    edges: Sequence[Edge],
    soft: Sequence[Edge] = (),
    near: Fit | None = None,
    level: float = 0.95,
) -> tuple[Band, ...]:
    """Return a band for each of some edges.

    Args:
        process: observations.
        whitening: of the noise law that the selection found.
        edges: whose curves are asked for.
        soft: other edges that may act.
        near: fit to begin with.
        level: probability that a whole curve is inside.
    """
    if not edges:
        return ()
    first = fit_smooth(process, whitening, edges, soft, near, COLUMNS)
    # The few columns of the selection misfit a wavy curve, and what they leave looks like
    # memory and growth of the noise: the law is estimated again from the full curves.
    law = estimate_law(process, first.fit.residual, first.fit.mean, first.fit.jacobian)
    again = law.whitening(process, first.fit.mean)
    fit = weaker(refit_smooth(first, again), UNDERSMOOTHING)
    # In time order the whitened rows are believed: cosine sandwiches of a whole curve
    # cover 89 to 98 % with 16 to 31 cosines (80 records), the model 91 to 98 %.
    covariance = fit.covariance(model_based=process.ordered)
    return tuple(_band(fit, covariance, edge, level) for edge in edges)


def _band(fit: SmoothFit, covariance: Covariance, edge: Edge, level: float) -> Band:
    process, design = fit.fit.process, fit.design
    number = design.edges.index(edge)
    basis, block = design.bases[number], design.blocks[number]
    values = process.features[:, edge[0]]
    x = band_points(process.kinds[edge[0]], values, POINTS, ENDS)
    columns = basis.at(x)
    part = Covariance(covariance.matrix[block, block], covariance.freedom)
    factor = simultaneous_factor(columns, part.matrix, part.freedom, level)
    estimate, errors = columns @ fit.theta[block], part.error(columns)
    return Band(
        process.feature_names[edge[0]],
        process.latent_names[edge[1]],
        x,
        estimate,
        estimate - factor * errors,
        estimate + factor * errors,
        factor,
        level,
        values,
    )


def simultaneous_factor(
    curve: Array,
    covariance: Array,
    freedom: float = np.inf,
    level: float = 0.95,
    draws: int = DRAWS,
) -> float:
    """Return c, never below the point-wise quantile of its own simulation.

    Args:
        curve: (m, P) derivative of the curve at m points by the P estimates.
        covariance: (P, P) of the estimates.
        freedom: degrees of freedom of the residual variance.
        level: probability that the whole curve is inside.
        draws: simulated curves; a fixed seed makes the same data give the same band.
    """
    spread = curve @ covariance @ curve.T
    errors = np.sqrt(np.maximum(np.diag(spread), 0.0))
    varying = errors > NEGLIGIBLE * errors.max(initial=0.0)
    if not varying.any():
        return 0.0
    # Only the correlation of the points matters: c is the quantile of the largest of
    # |t| over them. Its root by eigenvalues, because 60 points of 15 columns are
    # singular.
    correlation = (spread / np.outer(errors, errors).clip(1e-300))[
        np.ix_(varying, varying)
    ]
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(0)
    largest = np.abs(rng.normal(size=(draws, len(root))) @ root.T).max(1)
    if np.isfinite(freedom):
        # The unknown residual variance is common to all points of one curve.
        largest /= np.sqrt(rng.chisquare(freedom, draws) / freedom)
    return float(np.quantile(largest, level))

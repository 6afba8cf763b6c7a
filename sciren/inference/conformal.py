"""Intervals of new observations from errors on rows that the fit has not seen.

    score_i = (y_i - mu_i) / |mu_i|^delta      out of fold
    interval(x) = mu(x) -+ q |mu(x)|^delta,    q the quantile of |score| at level (1 + 1/n_eff)

Folds are made of whole blocks of neighbouring rows (or of groups), because a row beside a
training row is no new row. n_eff = n / tau, tau the integrated autocorrelation time of the
scores. Where scores lie on one side more often, each side has its own quantile.

Reference: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018 (split conformal);
Chernozhukov, Wuthrich and Zhu 2018 (blocks); Geyer 1992 (initial positive pairs).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

Array = np.ndarray
Labels = np.ndarray

FOLDS = 5
"""Five or ten are usual (Hastie et al. 2009, section 7.10); five learn from fewer rows, so
intervals are rather wider: `python -m benchmarks.belief prediction`."""
LEAST_BLOCK = 5  # rows: of shorter blocks neighbours still share most of their scatter
MOST_SHARE = 12  # a block holds at most a twelfth of the rows: every fold gets a block
SKEWED = 0.01  # binomial p below which the two sides get quantiles of their own
STORED = 2001  # quantiles of the scores that a stored law keeps


def autocorrelation_time(series: Array) -> float:
    """Return tau = 1 + 2 sum of autocorrelations, by Geyer's initial positive pairs.

    Args:
        series: (n,) in time order; its mean is taken away.
    """
    centred = series - series.mean()
    rows = len(centred)
    size = float(centred @ centred)
    if rows < 4 or size <= 0:
        return 1.0
    # Autocorrelation by Fourier transform, padded with zeros so that the end of the
    # record does not meet its beginning.
    width = 1 << (2 * rows - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, width)) ** 2
    correlation = np.fft.irfft(spectrum, width)[:rows] / size
    pairs = correlation[0 : rows - rows % 2 : 2] + correlation[1::2][: rows // 2]
    stop = np.argmax(pairs <= 0) if (pairs <= 0).any() else len(pairs)
    return float(max(1.0, 2.0 * pairs[:stop].sum() - 1.0))


def block_length(tau: float, rows: int) -> int:
    """Return 2 tau rows, at least 5 and at most a twelfth of all."""
    return int(np.clip(np.ceil(2.0 * tau), LEAST_BLOCK, max(rows // MOST_SHARE, 1)))


def block_labels(
    rows: int, tau: float, ordered: bool, groups: Labels | None = None
) -> Labels:
    """Return the block (n,) of every row: its group, its stretch of time, or itself.

    Args:
        rows: number of rows.
        tau: autocorrelation time in rows.
        ordered: whether the rows stand in time order.
        groups: (n,) labels, which go before time.
    """
    if groups is not None:
        return np.unique(groups, return_inverse=True)[1].astype(np.int64)
    if not ordered:
        return np.arange(rows, dtype=np.int64)
    return (np.arange(rows) // block_length(tau, rows)).astype(np.int64)


def fold_labels(blocks: Labels, folds: int = FOLDS) -> Labels:
    """Return the fold (n,) of every row; a block lies in one fold.

    The order of the blocks is shuffled by a fixed seed: the same data, the same folds.
    """
    labels, places = np.unique(blocks, return_inverse=True)
    # Blocks in order would put neighbouring seasons into one fold.
    order = np.random.default_rng(0).permutation(len(labels))
    return (order % min(folds, len(labels)))[places].astype(np.int64)


@dataclass(frozen=True)
class ObservationLaw:
    """How observations scatter around the mean.

    Args:
        scores: sorted (m,) signed out-of-fold errors over |mean|^delta, or their quantiles.
        growth: exponent delta.
        floor: means below it count as this large, where delta > 0.
        effective: number of independent rows behind the scores.
        skewed: whether each side has a quantile of its own.
    """

    scores: Array
    growth: float
    floor: float
    effective: float
    skewed: bool

    @classmethod
    def of(
        cls,
        residuals: Array,
        means: Array,
        growth: float = 0.0,
        floor: float = 0.0,
        tau: float = 1.0,
    ) -> "ObservationLaw":
        """Take out-of-fold residuals (n,) and means (n,); entries that are nan are left out.

        Args:
            residuals: observation minus prediction.
            means: the predictions.
            growth, floor: of the noise law.
            tau: autocorrelation time of the scores, rows.
        """
        finite = np.isfinite(residuals) & np.isfinite(means)
        scores = np.sort(residuals[finite] / spread(means[finite], growth, floor))
        effective = max(len(scores) / max(tau, 1.0), 1.0)
        return cls(scores, growth, floor, effective, _skewed(scores, effective))

    def interval(self, mean: Array, level: float = 0.95) -> tuple[Array, Array]:
        """Return the lower and upper limit (n,) of a new observation.

        Args:
            mean: (n,) predictions.
            level: share of new observations inside.
        """
        size = spread(mean, self.growth, self.floor)
        low, high = self.quantiles(level)
        return mean + low * size, mean + high * size

    def quantiles(self, level: float = 0.95) -> tuple[float, float]:
        """Return the lower (negative) and upper quantile of the scores."""
        # The new row is one of n_eff + 1 exchangeable ones, hence (1 + 1 / n_eff).
        wanted = min(level * (1.0 + 1.0 / self.effective), 1.0)
        if not self.skewed:
            # A score that occurred, never a value between two: that one would promise
            # more than the ranks of exchangeable rows hold.
            high = float(np.quantile(np.abs(self.scores), wanted, method="higher"))
            return -high, high
        tail = 0.5 * (1.0 - wanted)
        # Each side misses half of what may be missed.
        low, high = np.quantile(self.scores, (tail, 1.0 - tail))
        return float(low), float(high)

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers; many scores are stored as 2,001 quantiles."""
        scores = self.scores
        if len(scores) > STORED:
            scores = np.quantile(scores, np.linspace(0.0, 1.0, STORED))
        return {
            "scores": [float(score) for score in scores],
            "growth": self.growth,
            "floor": self.floor,
            "effective": self.effective,
            "skewed": self.skewed,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ObservationLaw":
        """Read what `to_json` wrote."""
        return cls(
            np.array(stored["scores"], dtype=np.float64),
            float(stored["growth"]),
            float(stored["floor"]),
            float(stored["effective"]),
            bool(stored["skewed"]),
        )


def spread(mean: Array, growth: float, floor: float) -> Array:
    """Return max(|mean|, floor)^growth (n,), the relative size of the noise."""
    if growth == 0:
        return np.ones_like(mean)
    return np.maximum(np.abs(mean), max(floor, 1e-300)) ** growth


def _skewed(scores: Array, effective: float) -> bool:
    """Whether one side holds more scores than chance allows.

    Neighbours repeat each other, so the count is that of independent rows.
    """
    if len(scores) == 0:
        return False
    trials = max(round(effective), 1)
    below = round(float(np.mean(scores < 0)) * trials)
    return bool(binomtest(below, trials).pvalue < SKEWED)

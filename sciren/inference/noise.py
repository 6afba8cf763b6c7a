"""The law of the noise: growth with the mean, memory in time, shared parts of groups.

    y = mean + sigma e,   sigma = spread * |mean|^power (held above a floor)
                          (`sciren.inference.growth`, where outcomes of two values are)
    e = u_group + v,      v autoregressive of order p in time order within segments

Whitening divides by sigma, filters with the autoregression (the first rows of a segment
with the lower orders, so that no row is lost), and takes out the share of each group's
mean that its intercept explains. After it observations are independent and equal, and
least squares is generalised least squares.

Reference: Davidian and Carroll 1987 for the power of the mean; Levinson 1947, Brockwell
and Davis 1991 for the autoregression; Fuller and Battese 1974 for random intercepts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from sciren.inference.autoregression import (
    Autoregression,
    filtered,
    fit_autoregression,
    place_in_segment,
)
from sciren.inference.growth import Growth, estimated_growth
from sciren.inference.observed import ObservedProcess

SMALLEST_SPREAD = 1e-3  # of a target's deviation: nothing is measured more exactly
# Follows AR plus white noise, two time scales: benchmarks.belief selection
HIGHEST_ORDER = 8
"""Chosen beforehand; the cells with growing and correlated noise of
`python -m benchmarks.belief selection` show what they achieve."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """A noise law laid on the observations of one process.

    Attributes:
        scale: (m,) standard deviation over the square root of the user's weight, up to
            one common factor.
        parts: for each target its observations and their autoregression.
        segments: (m,) unbroken series.
        shared: for each group its observations, the filtered ones (k,) and the share
            of their projection that is taken out.
    """

    scale: np.ndarray
    parts: Sequence[tuple[slice, Autoregression]]
    segments: np.ndarray
    shared: Sequence[tuple[slice, np.ndarray, float]] = ()

    @classmethod
    def none(cls, process: ObservedProcess) -> "Whitening":
        """Independent noise, weights as the user gave them."""
        return NoiseLaw.equal(process).whitening(process, process.values)

    @property
    def log_determinant(self) -> float:
        """Logarithm of |C|, C the correlations in time of noise of innovations one."""
        return sum(
            float(np.log(autoregression.variances[place]).sum())
            for rows, autoregression in self.parts
            for place in [place_in_segment(self.segments[rows], autoregression.order)]
        )

    def filter(self, matrix: np.ndarray) -> np.ndarray:
        """Divide by the scale and filter in time; groups keep their shared part."""
        columns = matrix.reshape(len(matrix), -1) / self.scale[:, None]
        for rows, autoregression in self.parts:
            if autoregression.order:
                columns[rows] = filtered(
                    autoregression, columns[rows], self.segments[rows]
                )
        return columns.reshape(matrix.shape)

    def whiten(self, matrix: np.ndarray) -> np.ndarray:
        """Return a matrix (m, c) or vector (m,) in units of independent equal noise."""
        white = self.filter(matrix)
        for rows, ones, share in self.shared:
            part = white[rows]
            # (I - theta c c' / c'c) applied to the rows of one group, with c the
            # filtered ones.
            inner = ones @ part / (ones @ ones)
            white[rows] = part - share * np.multiply.outer(ones, inner)
        return white


@dataclass(frozen=True)
class NoiseLaw:
    """Numbers of the law, one a target.

    Attributes:
        power: growth of the standard deviation with the mean, 0 .. 1.5.
        spread: standard deviation at mean one (for several targets: against each other).
        floor: |mean| below which sigma is held.
        autoregression: memory in time order.
        intercept: variance of the group's part over that of the rest.
        ceiling: larger value of outcomes that are this or 0, whose variance is known; else 0.
    """

    power: tuple[float, ...]
    spread: tuple[float, ...]
    floor: tuple[float, ...]
    autoregression: tuple[Autoregression, ...]
    intercept: tuple[float, ...] = field(default=())
    ceiling: tuple[float, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.ceiling:
            object.__setattr__(self, "ceiling", (0.0,) * len(self.power))

    @classmethod
    def equal(cls, process: ObservedProcess) -> "NoiseLaw":
        """Independent noise of one size."""
        count = len(process.target_names)
        none = (0.0,) * count
        white = (Autoregression.none(),) * count
        return cls(none, (1.0,) * count, none, white, none)

    @property
    def plain(self) -> bool:
        """Whether the noise neither grows nor remembers nor is shared."""
        memory = any(process.order for process in self.autoregression)
        return not (memory or any(self.power) or any(self.intercept))

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers."""
        return {
            "power": list(self.power),
            "spread": list(self.spread),
            "floor": list(self.floor),
            "autoregression": [process.to_json() for process in self.autoregression],
            "intercept": list(self.intercept),
            "ceiling": list(self.ceiling),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "NoiseLaw":
        """Read what `to_json` wrote."""
        power, spread, floor, intercept = (
            tuple(float(value) for value in stored[name])
            for name in ("power", "spread", "floor", "intercept")
        )
        memory = tuple(map(Autoregression.from_json, stored["autoregression"]))
        # files of older versions have no outcomes
        ceiling = tuple(float(value) for value in stored.get("ceiling", ()))
        return cls(power, spread, floor, memory, intercept, ceiling)

    def without_memory(self) -> "NoiseLaw":
        """Return the law of rows that lie too far apart to remember each other."""
        none = (Autoregression.none(),) * len(self.power)
        return replace(self, autoregression=none)

    def row_by_row(self) -> "NoiseLaw":
        """Return its growth alone: rows neither remember each other nor share a part."""
        return replace(self.without_memory(), intercept=(0.0,) * len(self.power))

    def sigma(self, process: ObservedProcess, mean: np.ndarray) -> np.ndarray:
        """Return the standard deviation (m,) of observations with that mean (m,)."""
        sigma = np.ones(len(mean))
        for k, rows in enumerate(_target_rows(process)):
            sigma[rows] = self.spread[k] * self.growth(k).sigma(mean[rows])
        return sigma

    def growth(self, target: int) -> Growth:
        """Return how the noise of a target grows with the mean."""
        return Growth(self.power[target], self.floor[target], self.ceiling[target])

    def whitening(self, process: ObservedProcess, mean: np.ndarray) -> Whitening:
        """Lay the law on a process, given the mean (m,) that carries the scale."""
        scale = self.sigma(process, mean) / np.sqrt(process.weights)
        parts = [
            (rows, self.autoregression[target])
            for target, rows in enumerate(_target_rows(process))
            if rows.stop > rows.start
        ]
        plain = Whitening(scale, parts, process.segments)
        if process.groups is None or not any(self.intercept):
            return plain
        return Whitening(scale, parts, process.segments, self._shared(process, plain))

    def _shared(
        self, process: ObservedProcess, plain: Whitening
    ) -> list[tuple[slice, np.ndarray, float]]:
        """Share of every group's mean that its intercept explains.

        With v'v = c'c the filtered ones, var = w I + b c c' has the square root of its
        inverse I - theta c c' / c'c,  theta = 1 - sqrt(w / (w + b c'c)).
        """
        ones = plain.filter(plain.scale)
        shares = []
        for rows in group_slices(process):
            target = int(process.targets[rows.start])
            part = ones[rows]
            ratio = self.intercept[target] * float(part @ part)
            shares.append((rows, part, 1.0 - 1.0 / np.sqrt(1.0 + ratio)))
        return shares


def estimate_law(
    process: ObservedProcess,
    residual: np.ndarray,
    mean: np.ndarray,
    jacobian: np.ndarray,
    power: float | None = None,
) -> NoiseLaw:
    """Estimate the law from the residual of a large model and the mean of the selected.

    The scale must come from the selected model: a large one follows slow noise, and its
    own mean then enters the weights.

    Args:
        process: observations.
        residual: (m,) of the model with all features.
        mean: (m,) of the model with the selected ones.
        jacobian: (m, P) of the model with all features, for the degrees of freedom that
            it takes from the groups.
        power: growth with the mean, where the user knows it.
    """
    growths, spreads, memories = [], [], []
    for rows in _target_rows(process):
        size = np.sqrt(process.weights[rows]) * residual[rows]
        # Order matters: growth first, then the spread around the grown scale, then the
        # memory of what is left. A memory of unscaled noise would follow its largest
        # rows.
        growth = estimated_growth(size, mean[rows], process.values[rows], power)
        sigma = growth.sigma(mean[rows])
        scaled = size / sigma
        growths.append(growth)
        spreads.append(max(float(np.sqrt(np.mean(scaled**2))), SMALLEST_SPREAD))
        columns = jacobian[rows] * np.sqrt(process.weights[rows])[:, None]
        memories.append(_memory(process, rows, scaled, columns / sigma[:, None]))
    law = NoiseLaw(
        tuple(growth.power for growth in growths), _relative(spreads),
        tuple(growth.floor for growth in growths), tuple(memories),
        ceiling=tuple(growth.ceiling for growth in growths),
    )  # fmt: skip
    if process.groups is None:
        return law
    # Memory within groups must be known before what is common to a group can be told
    # from it.
    ratios = _intercepts(process, law.whitening(process, mean), residual, jacobian)
    return replace(law, intercept=ratios)


def with_memory_of(
    law: NoiseLaw,
    process: ObservedProcess,
    residual: np.ndarray,
    mean: np.ndarray,
    jacobian: np.ndarray,
) -> NoiseLaw:
    """Return a law with the memory that a residual has; all else of it stays.

    Args:
        law: whose growth and shared parts stay.
        process: observations.
        residual, jacobian: (m,), (m, P) of the model that leaves the noise.
        mean: (m,) that carries the scale.
    """
    scale = law.whitening(process, mean).scale
    memories = [
        _memory(
            process,
            rows,
            residual[rows] / scale[rows],
            jacobian[rows] / scale[rows, None],
        )
        for rows in _target_rows(process)
    ]
    return replace(law, autoregression=tuple(memories))


def group_slices(process: ObservedProcess) -> list[slice]:
    """Where the observations of every target and group stand in the stack."""
    if process.groups is None:
        return _target_rows(process)
    changes = (np.diff(process.groups) != 0) | (np.diff(process.targets) != 0)
    ends = [0, *(np.nonzero(changes)[0] + 1).tolist(), len(process)]
    return [slice(a, b) for a, b in pairwise(ends)]


def _target_rows(process: ObservedProcess) -> list[slice]:
    counts = np.bincount(process.targets, minlength=len(process.target_names))
    ends = [0, *np.cumsum(counts).tolist()]
    return [slice(a, b) for a, b in pairwise(ends)]


def _relative(spreads: Sequence[float]) -> tuple[float, ...]:
    """Spreads of several targets against each other; their common size is free."""
    if len(spreads) == 1:
        return (1.0,)
    return tuple(spreads)


def _memory(
    process: ObservedProcess, rows: slice, scaled: np.ndarray, columns: np.ndarray
) -> Autoregression:
    """Fit the autoregression of one target, groups taken at their own mean.

    Args:
        process, rows: of the observations.
        scaled: residuals in units of the noise;  columns: (m, P) of the model behind them.
    """
    if not process.ordered:
        return Autoregression.none()
    if process.groups is not None:
        _, group_of = np.unique(process.groups[rows], return_inverse=True)
        counts = np.bincount(group_of)
        scaled = scaled - (np.bincount(group_of, scaled) / counts)[group_of]
        return fit_autoregression(scaled, process.segments[rows], HIGHEST_ORDER)
    return fit_autoregression(scaled, process.segments[rows], HIGHEST_ORDER, columns)


def _intercepts(
    process: ObservedProcess,
    plain: Whitening,
    residual: np.ndarray,
    jacobian: np.ndarray,
) -> tuple[float, ...]:
    """Return for each target the variance of the group's part over that of the rest.

    Moments of the group projections z_g = c'x / |c| of filtered residuals:
    E sum z_g^2 = (w + b c'c) (G - q), with q the degrees of freedom that the model with
    all features takes from the group means (without it half of b may be lost).
    """
    ones = plain.filter(plain.scale)
    white = plain.filter(np.column_stack((jacobian, residual)))
    slices = group_slices(process)
    means = np.stack(
        [ones[g] @ white[g] / np.linalg.norm(ones[g]) for g in slices]
    )  # (groups of all targets, P + 1)
    gram = white[:, :-1].T @ white[:, :-1]
    # Leverage of the mean of every group: z (J'J)^-1 z' with its projected
    # sensitivities z.
    taken = means[:, :-1] @ np.linalg.pinv(gram, rcond=1e-10, hermitian=True)
    leverage = np.einsum("gp,gp->g", taken, means[:, :-1])
    of_target = np.array([process.targets[g.start] for g in slices])
    length = np.array([ones[g] @ ones[g] for g in slices])
    ratios = []
    for target, rows in enumerate(_target_rows(process)):
        mine = of_target == target
        total = float(white[rows, -1] @ white[rows, -1])
        between = float(means[mine, -1] @ means[mine, -1])
        groups = int(mine.sum())
        # A model may take nearly all group means; at least a tenth of them must stay to
        # divide by.
        q = min(float(leverage[mine].sum()), 0.9 * groups)
        # Within groups: rows less one mean a group, less the coefficients that the
        # group means have not taken.
        free = (rows.stop - rows.start) - groups - (gram.shape[0] - q)
        within = (total - between) / max(free, 1.0)
        if groups < 2 or within <= 0:
            ratios.append(0.0)
            continue
        excess = between / (groups - q) - within
        # excess = b c'c, and the ratio wanted is b / w.
        ratios.append(max(excess, 0.0) / (within * float(length[mine].mean())))
    return tuple(ratios)

"""Other minima of a fit: each constant is moved away, and the rest follows.

A search that begins at one place ends in the minimum whose valley it began in. A constant
of the process is therefore held at values on both sides of its estimate, everything else
follows from the neighbouring value, and wherever the loss falls again the fit is set
free. The values do not hang on chance, so that the same data give the same minima.

Reference: Raue et al. 2009 for profiles of constants.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sciren.inference.linearised import noise_variance
from sciren.inference.observed import ObservedProcess
from sciren.inference.solve import Fit, solve

STRIDE = 0.5
"""Of the logarithm of a positive constant, or of the size of another: a factor 1.65, less
than what lies between the two minima of q10 on a tower record (0.4 and 3.6)."""

STRIDES = 5  # to each side: a factor 12
HELD_STEPS = 6  # of Gauss-Newton at a held value, started from the neighbouring one
FREE_STEPS = 80  # twice those of an ordinary fit: a valley may be long and flat
NEAR = 10.0
"""Chi-square above the lowest minimum up to which another competes: the limit below which
the walk calls a constant weak (`sciren.inference.identifiability`)."""

ROWS = 3000
"""Rows, spread evenly, that the profiles are walked on. The valleys of a loss are as wide
on any sample; only a bar that chi-square feels on all rows and not on these is passed
over, and between two such valleys the data hardly decide."""

FALLS = 0.5  # chi-square by which a minimum must be lower to be another
EXACT = 0.1  # share of that up to which a held fit is followed: its steps fall quadratically
APART = 0.5  # strides between constants of minima that are two


@dataclass(frozen=True)
class Minimum:
    """A minimum that competes with the best.

    Attributes:
        constant: whose profile led there.
        value: of that constant, physical units.
        rise: of chi-square above the best.
    """

    constant: str
    value: float
    rise: float


def minima_of(fit: Fit, variance: float) -> tuple[Fit, tuple[Minimum, ...]]:
    """Return the lowest minimum of a fit, and those that compete with it.

    Args:
        fit: a minimum.
        variance: of the whitened noise.
    """
    number_of = {name: k for k, name in enumerate(fit.process.constant_names)}
    fits, few = [("", fit)], _on_few_rows(fit)
    for name, number in number_of.items():
        for start in _valleys(few, number, _variance(few, fit, variance)):
            other = solve(
                fit.process, fit.design, fit.whitening, fit.penalty, start, FREE_STEPS
            )
            if all(_apart(other, known, number) for _, known in fits):
                fits.append((name, other))
    best = min(
        (candidate for _, candidate in fits), key=lambda candidate: candidate.loss
    )
    # Equal within rounding: the minimum that was there first keeps the answer stable.
    if fit.loss - best.loss < FALLS * variance:
        best = fit
    return best, tuple(_competing(fits, best, variance))


def _on_few_rows(fit: Fit) -> Fit:
    """Return the fit on some of its rows, as if they were independent."""
    process = fit.process
    if process.n_rows <= ROWS:
        return fit
    rows = np.unique(np.linspace(0, process.n_rows - 1, ROWS).round().astype(int))
    design = replace(
        fit.design, bases=tuple(basis.take(rows) for basis in fit.design.bases)
    )
    share = len(rows) / process.n_rows
    penalty = None if fit.penalty is None else share * fit.penalty
    # Without whitening: rows that far apart hardly remember each other. The penalty
    # shrinks with the rows, so that curves stay as smooth as on all of them.
    return solve(process.take(rows), design, None, penalty, fit.theta, FREE_STEPS)


def _variance(few: Fit, fit: Fit, variance: float) -> float:
    """Return the variance of the noise on the rows that profiles are walked on."""
    return variance if few is fit else noise_variance(few)


def _competing(
    fits: list[tuple[str, Fit]], best: Fit, variance: float
) -> Iterator[Minimum]:
    process = best.process
    for name, fit in fits:
        rise = (fit.loss - best.loss) / variance
        if fit is best or rise >= NEAR:
            continue
        # the fit that was there first belongs to whichever constant led away from it
        for k, constant in enumerate(process.constant_names):
            if constant == (name or constant) and _apart(fit, best, k):
                value = float(process.physical_constants(fit.constants)[k])
                yield Minimum(constant, value, max(rise, 0.0))


def _stride(process: ObservedProcess, fit: Fit, number: int) -> float:
    if process.in_logs[number]:
        return STRIDE
    size = max(abs(fit.constants[number]), abs(process.start_constants[number]))
    return STRIDE * (float(size) or 1.0)


def _apart(fit: Fit, other: Fit, number: int) -> bool:
    difference = abs(float(fit.constants[number] - other.constants[number]))
    return difference > APART * _stride(other.process, other, number)


def _valleys(fit: Fit, number: int, variance: float) -> Iterator[np.ndarray]:
    """Starts (P,) in valleys of the profile of a constant, away from the minimum."""
    place = fit.design.constants.start + number
    for side in (-1, 1):
        points = [(fit.loss, fit.theta), *_profile(fit, number, side, variance)]
        # Along the profile a valley is a value lower than its neighbour towards the
        # minimum (or than the minimum itself) from which the loss does not fall further
        # outwards.
        losses = [loss for loss, _ in points]
        for k in range(1, len(points)):
            after = losses[k + 1] if k + 1 < len(points) else np.inf
            lower = losses[k] < losses[k - 1] - FALLS * variance or (
                losses[k] < fit.loss - FALLS * variance
            )
            if lower and losses[k] <= after:
                assert points[k][1][place] != fit.theta[place]
                yield points[k][1]


def _profile(
    fit: Fit, number: int, side: int, variance: float
) -> Iterator[tuple[float, np.ndarray]]:
    """Losses and places (P,) with a constant held further and further away."""
    process, theta = fit.process, fit.theta
    place = fit.design.constants.start + number
    low, high = process.box
    stride = _stride(process, fit, number)
    for k in range(1, STRIDES + 1):
        value = float(fit.constants[number] + side * k * stride)
        if not low[number] <= value <= high[number]:
            return
        # A box of no width holds the constant while everything else is searched as
        # usual.
        lows, highs = low.copy(), high.copy()
        lows[number] = highs[number] = value
        held = replace(process, box=(lows, highs))
        theta = theta.copy()
        theta[place] = value
        solution = solve(
            held, fit.design, fit.whitening, fit.penalty, theta, HELD_STEPS,
            EXACT * FALLS * variance,
        )  # fmt: skip
        theta = solution.theta
        yield solution.loss, theta


def two_minima(minima: tuple[Minimum, ...], fit: Fit) -> list[str]:
    """Return one sentence a constant that has several minima, without its full stop."""
    process, said = fit.process, []
    lowest = process.physical_constants(fit.constants)
    for name, value in zip(process.constant_names, lowest, strict=True):
        others = [minimum for minimum in minima if minimum.constant == name]
        if not others:
            continue
        count = "two" if len(others) == 1 else str(len(others) + 1)
        places = ", ".join(
            f"{minimum.value:.3g} (+{minimum.rise:.2g})" for minimum in others
        )
        said.append(
            f"{name} has {count} minima between which the data do not decide: {value:.3g}, "
            f"and {places}; in brackets how much higher chi-square is there"
        )
    return said

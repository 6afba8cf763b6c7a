"""Differences of exponentials without 0/0 where their rates are equal."""

from typing import Any

from sciren.functions import absolute, exp, maximum, minimum, where

SMALL = 1e-3
"""Below it g is a series: its error is z^4/120, that of the formula 2e-16/z."""


def decaying_mean(z: Any) -> Any:
    """Return (1 - exp(-z))/z, the mean of exp(-x) from 0 to z, and 1 at z = 0."""
    near = absolute(z) < SMALL
    # The branch that is not used must have a slope too, or its nan enters the gradient.
    safe = where(near, 1, z)
    series = 1 - z / 2 + z**2 / 6 - z**3 / 24
    return where(near, series, (1 - exp(-safe)) / safe)


def exponential_difference(a: Any, b: Any, t: Any) -> Any:
    """Return (exp(-a t) - exp(-b t))/(b - a), and t exp(-a t) where the rates are equal."""
    slower = minimum(a, b)  # so that nothing overflows
    return t * exp(-slower * t) * decaying_mean(absolute(b - a) * t)


CLOSE = 0.02
"""Below it the second difference is a series: its error is z^5/7!, below 1e-12."""


def second_difference(a: Any, b: Any, c: Any, t: Any) -> Any:
    """Return the integral of exp(-a x) exp(-b y) exp(-c z) over x + y + z = t, all positive.

    That is exp(-a t)/((b - a)(c - a)) + ... of different rates, and t^2/2 exp(-a t) where
    all are equal.
    """
    # Sorted, because divided differences are symmetric and cancel least over the widest
    # gap.
    low, high = minimum(minimum(a, b), c), maximum(maximum(a, b), c)
    middle = maximum(minimum(a, b), minimum(maximum(a, b), c))
    near = (high - low) * t < CLOSE
    difference = where(near, 1, high - low)  # not used where all rates are close
    slower, faster = (low, middle), (middle, high)
    apart = exponential_difference(*slower, t) - exponential_difference(*faster, t)
    mean = (low + middle + high) / 3
    p2, p3, p4 = (
        sum(((mean - rate) * t) ** power for rate in (low, middle, high))
        for power in (2, 3, 4)
    )
    # complete homogeneous polynomials of the distances from their mean
    series = 1 / 2 + p2 / 48 + p3 / 360 + (p2**2 / 8 + p4 / 4) / 720
    return where(near, t**2 * exp(-mean * t) * series, apart / difference)

"""Arrays as short plain lists: what a picture needs of a number, and no more."""

from typing import Any

import numpy as np

DIGITS = 7  # significant: a thousandth of what a screen can show of any range


def brief(values: Any) -> list[float | None]:
    """Return numbers with seven significant digits; nan and infinity become None."""
    numbers = np.asarray(values, dtype=float).tolist()
    return [
        float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
        for value in numbers
    ]


def milliseconds(time: Any) -> list[int]:
    """Return time stamps as milliseconds since 1970, as JavaScript counts them."""
    return np.asarray(time).astype("datetime64[ms]").astype(np.int64).tolist()


def spread(count: int, most: int) -> np.ndarray:
    """Return at most ``most`` positions of ``count`` rows, evenly, first and last too."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)

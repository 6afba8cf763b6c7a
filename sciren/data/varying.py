"""Whether observed numbers vary at all."""

import numpy as np

LEAST_SCORED = 3  # observations: a variance of two has one degree of freedom
# a spread this small against the values is rounding, some 5,000 times that of a double
ROUNDING = 1e-12


def has_one_value(seen: np.ndarray) -> bool:
    """Whether numbers without gaps are one value up to rounding.

    Fewer than `LEAST_SCORED` are too few to tell.
    """
    return len(seen) >= LEAST_SCORED and bool(
        np.ptp(seen) <= ROUNDING * np.abs(seen).max()
    )

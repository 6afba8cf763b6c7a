"""The friction velocity below which night fluxes are too small, from the data."""

import numpy as np

Array = np.ndarray

TEMPERATURES, SPEEDS, AHEAD = 6, 20, 10
"""Classes of temperature, of friction velocity in each, and how many faster classes a
class is compared with."""
PLATEAU = 0.95
"""Share of the faster classes' mean flux at which a class counts as turbulent."""


def threshold(ustar: Array, nee: Array, ta: Array) -> float:
    """Return the friction velocity above which night fluxes no longer rise, m s-1.

    In each class of temperature the threshold is the mean of the first class of friction
    velocity whose flux reaches 95 % of the mean of the ten faster ones; the median over
    the temperatures counts. 0 where fluxes rise nowhere.

    Args:
        ustar, nee, ta: (n,) of nights, without gaps.
    Reference: Reichstein et al. 2005, Global Change Biology 11, 1424-1439; Papale et al.
    2006, Biogeosciences 3, 571-583.
    """
    # Classes of equal numbers of rows; small ones are left out, since their classes of
    # friction velocity would hold one or two rows.
    order = np.argsort(ta, kind="stable")
    plateaus = [
        _plateau(ustar[part], nee[part])
        for part in np.array_split(order, TEMPERATURES)
        if len(part) >= 2 * SPEEDS
    ]
    return float(np.median(plateaus)) if plateaus else 0.0


def _plateau(ustar: Array, nee: Array) -> float:
    classes = np.array_split(np.argsort(ustar, kind="stable"), SPEEDS)
    speeds = np.array([ustar[part].mean() for part in classes])
    fluxes = np.array([nee[part].mean() for part in classes])
    # The first class whose flux is that of the faster ones: from there turbulence does
    # not limit the flux.
    for k in range(SPEEDS - AHEAD):
        if fluxes[k] >= PLATEAU * fluxes[k + 1 : k + 1 + AHEAD].mean():
            return 0.0 if k == 0 else float(speeds[k])
    # No plateau: the highest class that could have been tested.
    return float(speeds[SPEEDS - AHEAD])


def thresholds(
    ustar: Array, nee: Array, ta: Array, blocks: Array, replicates: int, seed: int
) -> Array:
    """Return thresholds of resamples of whole blocks, (replicates,).

    Args:
        blocks: (n,) block of every row, such as its week.
    """
    generator = np.random.default_rng(seed)
    names = np.unique(blocks)
    rows = {name: np.flatnonzero(blocks == name) for name in names}
    drawn = generator.choice(names, size=(replicates, len(names)))
    resampled = []
    for sample in drawn:
        part = np.concatenate([rows[name] for name in sample])
        resampled.append(threshold(ustar[part], nee[part], ta[part]))
    return np.array(resampled)

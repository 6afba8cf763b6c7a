"""Measurement noise of the simulated records."""

import numpy as np

NOISE_LIMIT = 0.95  # of the published record: respiration stays positive


def truncated_normal(rows: int, sd: float, seed: int) -> np.ndarray:
    """Return (rows,) draws of normal(0, sd), drawn again while beyond 0.95."""
    generator = np.random.default_rng(seed)
    draws = generator.normal(0.0, sd, rows)
    # Drawn again, not clipped: clipping would put a spike at the limit.
    while (beyond := np.abs(draws) > NOISE_LIMIT).any():
        draws[beyond] = generator.normal(0.0, sd, int(beyond.sum()))
    return draws

"""Noise of series as plain data: what a run keeps of it beside the network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sciren.dynamics.residuals import NoiseOfSeries
    from sciren.training import History


def noise_record(history: "History") -> dict[str, Any] | None:
    """Return the noise that a fit on series has estimated; None for a fit on rows."""
    # A fit on rows has no such field, and asking its class would load all of the dynamics.
    problems = getattr(history, "problems", None)
    if problems is None:
        return None
    return noise_record_of(problems["train"].comparison.noise)


def noise_record_of(noise: "NoiseOfSeries") -> dict[str, Any]:
    """Return noise as plain data."""
    return {
        "variance": noise.variance.tolist(),
        "memory": [
            {
                "coefficients": [matrix.tolist() for matrix in memory.coefficients],
                "variances": memory.variances.tolist(),
            }
            for memory in noise.memory
        ],
    }


def noise_of(record: Mapping[str, Any]) -> "NoiseOfSeries":
    """Read what `noise_record` wrote."""
    from sciren.dynamics.residuals import NoiseOfSeries
    from sciren.inference.autoregression import Autoregression

    memory = tuple(
        Autoregression(
            tuple(np.array(part, dtype=float) for part in entry["coefficients"]),
            np.array(entry["variances"], dtype=float),
        )
        for entry in record["memory"]
    )
    return NoiseOfSeries(np.array(record["variance"], dtype=float), memory)

"""Simulations with the latents of a trained model: free runs, never one step ahead."""

from typing import NamedTuple, cast

import numpy as np

from sciren.data.series import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.accuracy import accurate
from sciren.dynamics.fitting import local_numbers
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.simulation import SeriesProcess, check_finite
from sciren.errors import ColumnError
from sciren.model import ScIReN


class SeriesPrediction(NamedTuple):
    """Latents (G, L) by the features, outputs (T, G, m), states (T + 1, G, n)."""

    latents: np.ndarray
    outputs: np.ndarray
    states: np.ndarray


def simulate_series(model: ScIReN, series: SeriesTable) -> SeriesPrediction:
    """Run the process of a trained model over series; padded rows are nan.

    Args:
        model: trained by `sciren.fit` on series.
        series: with the same static features; targets are not needed.
    Raises:
        ColumnError: other static features, or a forcing is missing.
        TrainingError: the simulation has no numbers.
    """
    if model.feature_names and series.static_names != model.feature_names:
        raise ColumnError(
            f"the model was trained on static features {list(model.feature_names)}, the "
            f"series have {list(series.static_names)}; name the same in the same order"
        )
    decoder = cast(DynamicModel, model.decoder)
    numbers = local_numbers(model, series)
    return simulated(
        SeriesProcess(decoder, series), LocalScale(decoder, model.constraints), numbers
    )


def simulated(
    process: SeriesProcess, scale: LocalScale, numbers: np.ndarray
) -> SeriesPrediction:
    """Run a process with local numbers (G, Q); padded rows are nan."""
    values = scale.values(numbers)
    process = accurate(process, values)
    run = process.simulate(values)
    check_finite(process, run)
    active = process.table.active[..., None]
    outputs = np.where(active, run.outputs.transpose(1, 2, 0), np.nan)
    count = len(process.model.group_latents)
    return SeriesPrediction(numbers[:, :count], outputs, run.states.transpose(1, 2, 0))

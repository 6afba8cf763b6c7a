"""Simulations with the latents of a trained model: free runs, never one step ahead."""

from typing import NamedTuple, cast

import numpy as np

from sciren.data.series import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.fitting import local_numbers
from sciren.dynamics.groups.mixed_fitting import GroupDeviations
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.solving.accuracy import accurate
from sciren.dynamics.solving.simulation import SeriesProcess, check_finite
from sciren.errors import ColumnError
from sciren.model import ScIReN


class SeriesPrediction(NamedTuple):
    """Latents (G, L) by the features, outputs (T, G, m), states (T + 1, G, n)."""

    latents: np.ndarray
    outputs: np.ndarray
    states: np.ndarray


def simulate_series(
    model: ScIReN, series: SeriesTable, deviations: GroupDeviations | None = None
) -> SeriesPrediction:
    """Run the process of a trained model over series; padded rows are nan.

    Args:
        model: trained by `sciren.fit` on series.
        series: with the same static features; targets are not needed.
        deviations: of the groups of the training (``history.deviations``), which then run
            at their modes; other groups run at what their features say.
    Raises:
        ColumnError: other static features, or a forcing is missing.
        TrainingError: the simulation has no numbers.
    """
    process, scale, numbers = _prepared(model, series)
    if deviations is not None:
        numbers = deviations.moved(numbers, series.groups)
    return simulated(process, scale, numbers)


def series_bands(
    model: ScIReN,
    series: SeriesTable,
    deviations: GroupDeviations,
    level: float = 0.9,
    draws: int = 200,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return bands of the outputs, (T, G, m) each, from what groups deviate.

    Groups of the training are drawn about their modes, others with the whole spread; the
    noise of single observations is not in the bands.

    Args:
        model, series, deviations: as in `simulate_series`.
        level: share of the draws between the bands.
        draws: simulations of all groups.
        seed: of the draws.
    """
    process, scale, numbers = _prepared(model, series)
    # Substeps are chosen once, at what the features say, and serve all draws.
    process = accurate(process, scale.values(numbers))
    rng = np.random.default_rng(seed)
    low, high = scale.physical_limits()
    runs = []
    # Deviations have no upper end; a declared bound has, and the process may need it.
    for _ in range(draws):
        drawn = np.clip(deviations.drawn(numbers, series.groups, rng), low, high)
        runs.append(process.simulate(scale.values(drawn)).outputs.transpose(1, 2, 0))
    tails = np.nanquantile(runs, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    active = process.table.active[..., None]
    return np.where(active, tails[0], np.nan), np.where(active, tails[1], np.nan)


def _prepared(
    model: ScIReN, series: SeriesTable
) -> tuple[SeriesProcess, LocalScale, np.ndarray]:
    if model.feature_names and series.static_names != model.feature_names:
        raise ColumnError(
            f"the model was trained on static features {list(model.feature_names)}, the "
            f"series have {list(series.static_names)}; name the same in the same order"
        )
    decoder = cast(DynamicModel, model.decoder)
    numbers = local_numbers(model, series)
    scale = LocalScale(decoder, model.constraints)
    return SeriesProcess(decoder, series), scale, numbers


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

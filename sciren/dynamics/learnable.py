"""Series that can be read and simulated, and not be learned from, told before any fit."""

import numpy as np

from sciren.bounded import MAGNITUDES, check_magnitude
from sciren.data.frames import LEAST_SCORED, has_one_value
from sciren.data.series import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.residuals import compared_targets
from sciren.dynamics.solving.simulation import SeriesProcess
from sciren.errors import TrainingError


def check_learnable(model: DynamicModel, series: SeriesTable) -> None:
    """Refuse series that no fit can learn from.

    Args:
        model: process model;  series: groups to learn from.
    Raises:
        DataError: squares of a forcing or target overflow or vanish.
        TrainingError: a target is missing or has one value, or there are no more
            observations after the warm-up than latents and constants.
    """
    for name in model.forcings:
        check_magnitude("forcing", name, _largest(series.forcings[name]))
    targets = compared_targets(SeriesProcess(model, series))
    for name, values in zip(model.targets, targets.transpose(2, 0, 1), strict=True):
        check_magnitude("target", name, _largest(values), MAGNITUDES[0])
        seen = values[np.isfinite(values)]
        if has_one_value(seen):
            raise TrainingError(
                f"target {name!r} is {seen[0]:g} in all {len(seen)} observations after the "
                f"warm-up of {model.warmup} rows; there is nothing to explain, give other "
                "series or rows"
            )
    unknowns = len(model.latent_names) + len(model.constant_names)
    count, needed = int(np.isfinite(targets).sum()), max(LEAST_SCORED, 1 + unknowns)
    if count < needed:
        raise TrainingError(
            f"the series have {count} observed targets after the warm-up of {model.warmup} "
            f"rows, and {unknowns} latents and constants are unknown: at least {needed} are "
            "needed; give longer series, or a shorter warmup"
        )


def _largest(values: np.ndarray) -> float:
    return float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))

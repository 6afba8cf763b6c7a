"""Weights for noise that grows with the prediction."""

import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.model import ScIReN


@torch.no_grad()
def proportional_weights(model: ScIReN, table: Table) -> Tensor:
    """Weights (n, t) for noise proportional to the prediction, mean one per target.

    The prediction is held above 2 % of the median observation.
    """
    predicted = model.predict(table).targets.abs()
    observed = table.targets.abs()
    floor = 0.02 * observed.nanmedian(0).values.clamp_min(1e-300)
    weights = torch.maximum(predicted, floor).pow(-2)
    return weights / weights.mean(0)

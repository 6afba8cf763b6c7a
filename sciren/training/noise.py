"""Weights for noise that grows with the prediction."""

import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.model import ScIReN


@torch.no_grad()
def proportional_weights(model: ScIReN, table: Table) -> Tensor:
    """Weights (n, t) for noise proportional to the prediction.

    Their mean over the observed rows of each target is one, unobserved rows get zero.
    The prediction is held above 2 % of the median observation.
    """
    predicted = model.predict(table).targets.abs()
    seen = table.observed & torch.isfinite(predicted)
    typical = table.targets.abs().nanmedian(0).values.nan_to_num()
    floor = 0.02 * typical.clamp_min(1e-300)
    weights = torch.maximum(torch.where(seen, predicted, 1.0), floor).pow(-2) * seen
    mean = weights.sum(0) / seen.sum(0).clamp_min(1)
    return weights / torch.where(mean > 0, mean, 1.0)

"""Weights of the observations under the noise laws that training knows.

    constant      1
    proportional  1 / prediction^2, the noise grows with the prediction
    auto          1 / |prediction|^(2 power), the power estimated where features are
                  selected; of outcomes that are 0 or 1, 1 / (p (1 - p))
    robust        Huber's or Tukey's weight of residual / scale, where some observations
                  are grossly wrong; scale = 1.4826 times the median absolute residual

Reference: Huber 1964; Beaton and Tukey 1974; Yohai 1987 for one after the other.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sciren.comparison import ResidualScale
from sciren.data.table import Table
from sciren.inference.noise import NoiseLaw
from sciren.model import ScIReN

# The textbook constants of robust regression, 95 % efficient under normal noise
# (Maronna, Martin and Yohai 2006, section 2.2); beyond BISQUARE scales nothing counts.
HUBER = 1.345
BISQUARE = 4.685  # of the same efficiency
NORMAL = 1.4826  # deviation over median absolute deviation of normal noise


def noise_weights(model: ScIReN, table: Table, law: str | None = None) -> Tensor | None:
    """Weights (n, t) of a table under a noise law; None for equal weights.

    Unobserved entries get zero.

    Args:
        law: "constant", "proportional" or "robust"; default that of the trained model.
    """
    law = law or model.noise
    if law == "proportional":
        return proportional_weights(model, table)
    if law == "robust":
        return robust_weights(model, table)
    return None


@torch.no_grad()
def proportional_weights(model: ScIReN, table: Table) -> Tensor:
    """Weights (n, t) for noise proportional to the prediction.

    Their mean over the observed rows of each target is one, unobserved rows get zero.
    The prediction is held above 2 % of the median observation.
    """
    predicted = model.predict(table).targets.abs()
    usable = table.observed & torch.isfinite(predicted)
    typical = table.targets.abs().nanmedian(0).values.nan_to_num()
    # Without a floor one prediction near zero would take all of the weight.
    floor = 0.02 * typical.clamp_min(1e-300)
    # Mean one per target: penalties and steps keep the balance that they have
    # unweighted.
    weights = torch.maximum(torch.where(usable, predicted, 1.0), floor).pow(-2) * usable
    mean = weights.sum(0) / usable.sum(0).clamp_min(1)
    return weights / torch.where(mean > 0, mean, 1.0)


def weights_of_fit(model: ScIReN, table: Table, noise: str, last: bool) -> Tensor:
    """Weights (n, t) that follow from a trained model.

    Args:
        noise: "proportional", "robust", or "auto" for the estimated law of the model.
        last: whether robust weights may be zero, which needs a good model.
    """
    if noise == "proportional":
        return proportional_weights(model, table)
    if noise == "auto" and model.noise_law is not None:
        return estimated_weights(model, table, model.noise_law)
    return robust_weights(model, table, last)


@torch.no_grad()
def estimated_weights(model: ScIReN, table: Table, law: Mapping[str, Any]) -> Tensor:
    """Weights (n, t) 1 / sigma^2 of the prediction, on the scale of the comparison.

    Args:
        law: numbers of a `sciren.inference.noise.NoiseLaw`.
    """
    scale = model.residual_scale or ResidualScale.fit(table.targets)
    predicted = scale.transform(model.predict(table).targets)
    known = table.observed & torch.isfinite(predicted)
    stored = NoiseLaw.from_json(law)
    sigma = [
        torch.from_numpy(stored.growth(k).sigma(column)).to(predicted)
        for k, column in enumerate(torch.where(known, predicted, 1.0).cpu().numpy().T)
    ]
    weights = torch.stack(sigma, 1).pow(-2.0) * known
    # Of mean one over the observations, so that the loss stays comparable with that before.
    mean = weights.sum(0) / known.sum(0).clamp_min(1)
    return weights / torch.where(mean > 0, mean, 1.0)


@torch.no_grad()
def robust_weights(model: ScIReN, table: Table, bisquare: bool = True) -> Tensor:
    """Weights (n, t), at most one, small where the residual is far out of the common.

    Args:
        bisquare: Tukey's weights, zero for gross errors, which need a good model;
            else Huber's, which never reach zero.
    """
    scale = model.residual_scale or ResidualScale.fit(table.targets)
    predicted = model.predict(table).targets
    usable = table.observed & torch.isfinite(predicted)
    distance = (scale.transform(predicted) - scale.transform(table.targets)).abs()
    distance = torch.where(usable, distance, torch.nan)
    # Zero where more than half of the residuals vanish; the floor keeps weights finite.
    spread = NORMAL * distance.nanmedian(0).values.nan_to_num().clamp_min(1e-12)
    size = torch.where(usable, distance, 0.0) / spread
    if bisquare:
        # psi(u) / u of Tukey's psi; below, of Huber's.
        weights = (1 - (size / BISQUARE).pow(2)).clamp_min(0).pow(2)
    else:
        weights = HUBER / size.clamp_min(HUBER)
    return weights * usable

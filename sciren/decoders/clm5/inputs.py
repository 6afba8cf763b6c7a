"""Carbon inputs: yearly totals and their distribution over depth."""

import torch
from torch import Tensor

from sciren.decoders.clm5.geometry import INTERFACES, LAYERS, THICKNESS, column


def depth_shares(beta: Tensor, frozen: Tensor) -> tuple[Tensor, Tensor]:
    """Share of the input per metre in each layer, and its derivative to beta.

        B_j = (beta^(100 h_{j-1}) - beta^(100 h_j)) / (1 - beta^(100 h_19)), over dz_j

    Where nothing thaws in the year, everything enters the first layer. Bedrock does
    not limit the inputs.

    Args:
        beta: (n,) per cm.
        frozen: (n,) bool, nothing thaws.
    Returns:
        shares, slopes: (20, n), m-1.
    """
    lower = 100 * column(INTERFACES, beta)
    upper = torch.cat([torch.zeros_like(lower[:1]), lower[:-1]])
    log = torch.log(beta)
    # beta^(100 h_{j-1}); inside is 1 - beta^(100 dz_j), so that start * inside is the
    # numerator of B_j.
    start = torch.exp(upper * log)
    inside = -torch.expm1((lower - upper) * log)  # no difference of nearly equal powers
    total = -torch.expm1(lower[-1] * log)
    share = start * inside / total
    end = start * (1 - inside)
    # d/dlog(beta) of the numerator is upper * start - lower * end, written without
    # the difference of two large terms
    rise = upper * (start * inside) - (lower - upper) * end
    fall = -lower[-1] * torch.exp(lower[-1] * log)
    # Quotient rule, with d/dbeta = d/dlog(beta) / beta.
    slope = (rise - share * fall) / (total * beta)
    first = (torch.arange(LAYERS, device=beta.device) == 0).double().unsqueeze(1)
    thick = column(THICKNESS, beta)
    share = torch.where(frozen, first, share) / thick
    return share, torch.where(frozen, 0.0, slope) / thick

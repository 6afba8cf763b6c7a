"""Environmental scalars: temperature, water, oxygen and nitrogen, mean over the year."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.decoders.physical_constants import MONTHS

REFERENCE = 298.15  # temperature of the turnover times, K (CLM5, 25 degrees C)


@dataclass(frozen=True)
class Climate:
    """Mean products of the monthly scalars, (20, n) each, and their slopes.

    Attributes:
        x: mean of temperature * water * oxygen.
        xn: mean of temperature * water * oxygen * nitrogen.
        x_water, xn_water: derivative with respect to w_scaling, or None.
        x_q10, xn_q10: derivative with respect to q10, or None.
    """

    x: Tensor
    xn: Tensor
    x_water: Tensor | None = None
    xn_water: Tensor | None = None
    x_q10: Tensor | None = None
    xn_q10: Tensor | None = None


def warmth(temperature: Tensor, q10: Tensor) -> Tensor:
    """Temperature scalar q10^((T - 298.15) / 10), frozen or not."""
    return torch.exp((temperature - REFERENCE) * (torch.log(q10) / 10))


def wetness(water: Tensor, scaling: Tensor) -> Tensor:
    """Water scalar min(w_scaling * w, 1)."""
    # At equality the slope counts as that of the rising branch, as torch's clamp does; the
    # reference's gradients (w = 1, w_scaling = 1) need that.
    return (water * scaling).clamp(max=1.0)


def climate(
    q10: Tensor,
    scaling: Tensor,
    temperature: Tensor,
    water: Tensor,
    oxygen: Tensor,
    nitrogen: Tensor,
) -> Climate:
    """Average the products over the months (differentiable by autograd).

    Args:
        q10, scaling: (n,).
        temperature, water, oxygen, nitrogen: (12, 20, n).
    """
    # The products are averaged, not their factors, and months count alike whatever their
    # length, as in the published code.
    x = xn = torch.zeros_like(temperature[0])
    for month in range(MONTHS):
        decay = warmth(temperature[month], q10) * oxygen[month]
        product = decay * wetness(water[month], scaling)
        x, xn = x + product, xn + product * nitrogen[month]
    return Climate(x / MONTHS, xn / MONTHS)


class Seasons:
    """Accumulates the yearly means and slopes in place, month by month.

    Args:
        like: (20, n) tensor of the right shape and device.
        water_slope, q10_slope: which derivatives to carry.
    """

    def __init__(self, like: Tensor, water_slope: bool, q10_slope: bool) -> None:
        zeros = torch.zeros_like
        self.x, self.xn = zeros(like), zeros(like)
        self.water = (zeros(like), zeros(like)) if water_slope else None
        self.q10 = (zeros(like), zeros(like)) if q10_slope else None

    def add(
        self, decay: Tensor, decay_n: Tensor, water: Tensor, warming: Tensor | None
    ) -> None:
        """Add one month.

        Args:
            decay, decay_n: temperature * oxygen, and times nitrogen.
            water: w_scaling * w before the limit of one; overwritten.
            warming: (T - 298.15) / 10, needed for the slope to q10.
        """
        if self.water is not None:
            # at the corner the scalar counts as unsaturated, as clamp does
            free = torch.where(water <= 1.0, water, 0.0)
            self.water[0].addcmul_(decay, free)
            self.water[1].addcmul_(decay_n, free)
        water.clamp_(max=1.0)
        self.x.addcmul_(decay, water)
        self.xn.addcmul_(decay_n, water)
        if self.q10 is not None and warming is not None:
            # d q10^w / dq10 = w q10^w / q10; the division by q10 is left to `finish`.
            water.mul_(warming)
            self.q10[0].addcmul_(decay, water)
            self.q10[1].addcmul_(decay_n, water)

    def finish(self, q10: Tensor, scaling: Tensor) -> Climate:
        """Divide the sums by the number of months (and the parameters of the slopes)."""
        water = [None, None] if self.water is None else self.water
        warm = [None, None] if self.q10 is None else self.q10
        for part in (self.x, self.xn):
            part.div_(MONTHS)
        for parts, parameter in ((water, scaling), (warm, q10)):
            for part in parts:
                if part is not None:
                    # d min(s w, 1) / ds = w where unsaturated: the sum holds s w, so
                    # divide by s, as by q10.
                    part.div_(MONTHS * parameter)
        return Climate(self.x, self.xn, water[0], water[1], warm[0], warm[1])

"""The soil carbon system for any source: steady state or one implicit time step."""

from functools import cached_property

import torch
from torch import Tensor

from sciren.decoders.clm5.blocks import Blocks
from sciren.decoders.clm5.eigen import modes
from sciren.decoders.clm5.exchange import Exchange, mix
from sciren.decoders.clm5.geometry import DAYS, THICKNESS, column
from sciren.decoders.clm5.parameters import NAMES
from sciren.decoders.clm5.tridiagonal import Tridiagonal

DEBRIS, LITTER, SOIL = 0, slice(1, 4), slice(4, 7)
_TURNOVER = ("taucwd", "taul1", "taul2", "taul2", "tau4s1", "tau4s2", "tau4s3")


class Operator:
    """L = V - A diag(K) of one month or of the yearly mean, plus shift on its diagonal.

    Args:
        parameters: (21, n) physical values.
        x, xn: (20, n) climate and depth factor of decay, plain and nitrogen limited.
        lower, upper: (20, n) mixing.
        shift: inverse length of an implicit step, day-1; 0 for the steady state.
    """

    def __init__(
        self,
        parameters: Tensor,
        x: Tensor,
        xn: Tensor,
        lower: Tensor,
        upper: Tensor,
        shift: float = 0.0,
    ) -> None:
        self.p = p = dict(zip(NAMES, parameters.unbind(0), strict=True))
        self.x, self.lower, self.upper, self.shift = x, lower, upper, shift
        reference = 1 / (DAYS * torch.stack([p[name] for name in _TURNOVER]))
        # Lack of nitrogen slows the decay of litter only.
        factor = torch.stack([x, xn, xn, xn, x, x, x], dim=1)
        self.rates = factor * reference
        fractions = (p[n] for n in ("fs1s2", "fs1s3", "fs2s1", "fs2s3", "fs3s1"))
        a, b, c = reference[SOIL].unbind(0)
        self.exchange = Exchange(a, b, c, *fractions)
        decomposed = modes(self.exchange)
        self.modes = decomposed if decomposed.safe else None
        self.litter = Tridiagonal(self.rates[:, LITTER] + shift, lower, upper)
        self.soil = Tridiagonal(
            x.unsqueeze(1) * decomposed.values + shift, lower, upper
        )

    @cached_property
    def blocks(self) -> Blocks:
        """The soil pools, eliminated in 3x3 blocks."""
        matrix = self.exchange.matrix()
        return Blocks(self.x, matrix, self.lower, self.upper, self.shift)

    def solve(self, source: Tensor) -> Tensor:
        """Return Y (20, 7, n) with (L + shift) Y = source (20, 7, n)."""
        p, pools = self.p, torch.empty_like(source)
        rates = self.rates
        # 1. Debris: no transport and no inflow, so each layer is a division.
        debris = source[:, DEBRIS] / (rates[:, DEBRIS] + self.shift)
        pools[:, DEBRIS] = debris
        fallen = rates[:, DEBRIS] * debris
        # 2. Litter: three tridiagonal systems, fed by debris only.
        entering = source[:, LITTER].clone()
        entering[:, 1] += p["fcwdl2"] * fallen
        entering[:, 2] += (1 - p["fcwdl2"]) * fallen
        pools[:, LITTER] = self.litter.solve(entering)
        flux = rates[:, LITTER] * pools[:, LITTER]
        # 3. Soil: three pools that exchange, fed by litter.
        right = source[:, SOIL].clone()
        right[:, 0] += p["fl1s1"] * flux[:, 0] + p["fl2s1"] * flux[:, 1]
        right[:, 1] += p["fl3s2"] * flux[:, 2]
        pools[:, SOIL] = self._solve_soil(right)
        return pools

    def _solve_soil(self, right: Tensor) -> Tensor:
        if self.modes is None:
            return self.blocks.solve(right)
        pools = mix(self.modes.right, self.soil.solve(mix(self.modes.left, right)))
        # A positive source has positive pools; a negative one is rounding in the sum of
        # modes. Sources of the yearly cycle have both signs and are let through.
        if bool((right >= 0).all()) and bool((pools < 0).any()):
            return self.blocks.solve(right)
        return pools

    def respiration(self, pools: Tensor) -> Tensor:
        """Respiration of the column (n,), gC m-2 day-1."""
        decay = (self.rates * pools * respired_shares(self.p)).sum(1)
        return (column(THICKNESS, pools) * decay).sum(0)


def respired_shares(p: dict[str, Tensor]) -> Tensor:
    """Share of each pool's decay that is respired, (7, n)."""
    return torch.stack(
        [
            # Debris hands everything to litter; of each other pool the air gets what no
            # fraction hands on.
            torch.zeros_like(p["beta"]),
            1 - p["fl1s1"],
            1 - p["fl2s1"],
            1 - p["fl3s2"],
            1 - p["fs1s2"] - p["fs1s3"],
            1 - p["fs2s1"] - p["fs2s3"],
            1 - p["fs3s1"],
        ]
    )

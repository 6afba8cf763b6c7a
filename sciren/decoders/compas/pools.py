"""Pools of COMPAS at steady state: inputs, climate and mixing of CLM5, microbial transfers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sciren.decoders.clm5.geometry import DAYS, NODES, THICKNESS, column
from sciren.decoders.clm5.inputs import depth_shares
from sciren.decoders.clm5.scalars import climate
from sciren.decoders.clm5.sites import Sites
from sciren.decoders.clm5.transport import combine
from sciren.decoders.compas.layers import mixed_layers

POOLS = ("cwd", "l1", "l2", "doc", "mic", "poc", "maom")
TURNOVER = tuple(f"tau4{pool}" for pool in POOLS)

Transfers = Mapping[tuple[str, str], Any]
"""(donor, receiver) -> fraction of the donor's decomposition; what is left is CO2."""


def transfers_a(p: Any) -> Transfers:
    """Fractions of variant A."""
    return {
        ("l1", "doc"): p.fl1_doc,
        ("l1", "mic"): p.fl1_mic * p.cue_l1,
        ("l1", "poc"): 1 - p.fl1_doc - p.fl1_mic,
        ("l2", "mic"): p.fl2_mic * p.cue_l2,
        ("l2", "poc"): 1 - p.fl2_mic - p.fl2_maom,
        ("l2", "maom"): p.fl2_maom,
        ("doc", "mic"): p.cue_doc,
        ("mic", "doc"): p.fmic_doc,
        ("mic", "poc"): p.fmic_poc,
        ("mic", "maom"): 1 - p.fmic_doc - p.fmic_poc,
        ("poc", "doc"): p.fpoc_doc,
        ("poc", "maom"): 1 - p.fpoc_doc,
        ("maom", "doc"): 1.0,
    }


def transfers_b(p: Any) -> Transfers:
    """Fractions of variant B."""
    return {
        ("l1", "doc"): 1 - p.fl1_mic,
        ("l1", "mic"): p.fl1_mic * p.cue_l1,
        ("l2", "mic"): (1 - p.fl2_poc) * p.cue_l2,
        ("l2", "poc"): p.fl2_poc,
        ("doc", "mic"): (1 - p.fdoc_maom) * p.cue_doc,
        ("doc", "maom"): p.fdoc_maom,
        ("mic", "doc"): 1 - p.fmic_maom - p.fmic_poc,
        ("mic", "poc"): p.fmic_poc,
        ("mic", "maom"): p.fmic_maom,
        ("poc", "doc"): 1.0,
        ("maom", "doc"): 1.0,
    }


class SteadyPools:
    """Carbon where inputs, decay, transfers and mixing balance.

    Args:
        p: parameters by name, (n,) each, physical values.
        sites: forcing of the n rows, prepared with the conservative transport.
        transfers: of the variant.
        limited: pools whose decay the lack of nitrogen slows.
    Attributes:
        rates: (20, n, 7) decay, day-1.
        carbon: (20, n, 7) pools in the order of `POOLS`, gC m-3; differentiable.
    """

    def __init__(
        self,
        p: Any,
        sites: Sites,
        transfers: Callable[[Any], Transfers],
        limited: Sequence[str],
    ) -> None:
        self.sites = sites
        means = climate(
            p.q10, p.w_scaling, sites.temperature, sites.water, sites.oxygen, sites.nitrogen
        )  # fmt: skip
        fade = torch.exp(-column(NODES, p.efolding) / p.efolding)
        self.rates = torch.stack(
            [
                (means.xn if pool in limited else means.x) * fade
                / (DAYS * getattr(p, f"tau4{pool}"))
                for pool in POOLS
            ],
            -1,
        )  # fmt: skip
        self.exchange = _exchange(transfers(p), p.q10)
        self.carbon = self._solved(p)

    def _solved(self, p: Any) -> Tensor:
        share, _ = depth_shares(p.beta, self.sites.frozen)
        debris, first, second, third = (share * total for total in self.sites.totals)
        # Debris stays in its layer and hands on what it receives, whatever its turnover.
        still = torch.zeros_like(first)
        entering = torch.stack(
            [first, second + third + debris, still, still, still, still], -1
        )
        system = self.exchange * self.rates[..., 1:].unsqueeze(-2)
        lower, upper = (
            combine(part, p.diffus, p.cryo)
            for part in (self.sites.lower, self.sites.upper)
        )
        moving = mixed_layers(system, lower, upper, entering)
        return torch.cat([(debris / self.rates[..., 0]).unsqueeze(-1), moving], -1)

    def respiration(self) -> Tensor:
        """Respiration of the column (n,), gC m-2 day-1."""
        decay = self.rates[..., 1:] * self.carbon[..., 1:]
        # The columns of the exchange sum to what no other pool receives.
        lost = (decay * self.exchange.sum(-2)).sum(-1)
        return (column(THICKNESS, lost) * lost).sum(0)


def _exchange(transfers: Transfers, like: Tensor) -> Tensor:
    """1 less the transfers to (row) from (column), (n, 6, 6), without the debris."""
    moving = POOLS[1:]
    none, unit = torch.zeros_like(like), torch.ones_like(like)
    rows = [
        [
            unit if to == donor else none - transfers.get((donor, to), 0.0)
            for donor in moving
        ]
        for to in moving
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)

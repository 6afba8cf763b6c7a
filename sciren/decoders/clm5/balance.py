"""Carbon that enters, is respired and is lost: diagnostics of a steady state."""

from typing import NamedTuple

import torch
from torch import Tensor

from sciren.decoders.clm5.forcing import CLM5Forcing
from sciren.decoders.clm5.geometry import DAYS, LAYERS, NODES, THICKNESS, column
from sciren.decoders.clm5.inputs import depth_shares
from sciren.decoders.clm5.operator import respired_shares
from sciren.decoders.clm5.parameters import NAMES
from sciren.decoders.clm5.scalars import climate
from sciren.decoders.clm5.sites import Sites, mixing_of
from sciren.decoders.clm5.solve import Pools, Problem
from sciren.decoders.clm5.transport import Rule, combine

_POOL_TURNOVER = ("taucwd", "taul1", "taul2", "taul2", "tau4s1", "tau4s2", "tau4s3")


class Balance(NamedTuple):
    """Column sums (n,), gC m-2 day-1: input = respiration + loss."""

    input: Tensor
    respiration: Tensor
    loss: Tensor


def named(parameters: Tensor) -> dict[str, Tensor]:
    """Physical parameters (21, n) by name."""
    return dict(zip(NAMES, parameters.unbind(0), strict=True))


def rates(parameters: Tensor, sites: Sites) -> Tensor:
    """Decomposition rates K (20, 7, n), day-1.

    K_kj = mean over months (t w o [n for litter]) exp(-z_j / efolding) / (365 tau_k)
    """
    p = named(parameters)
    means = climate(
        p["q10"], p["w_scaling"], sites.temperature, sites.water, sites.oxygen,
        sites.nitrogen,
    )  # fmt: skip
    # Litter decay is limited by nitrogen, that of debris and soil carbon is not.
    fade = torch.exp(-column(NODES, parameters) / p["efolding"])
    plain, limited = means.x * fade, means.xn * fade
    parts = [
        (limited if 1 <= k <= 3 else plain) / (DAYS * p[name])
        for k, name in enumerate(_POOL_TURNOVER)
    ]
    return torch.stack(parts, dim=1)


def input_density(parameters: Tensor, sites: Sites) -> Tensor:
    """Input to each pool and layer (20, 7, n), gC m-3 day-1; none to soil pools."""
    share, _ = depth_shares(named(parameters)["beta"], sites.frozen)
    entering = share.unsqueeze(1) * sites.totals
    # Carbon enters debris and the three litter pools only.
    return torch.cat([entering, torch.zeros_like(entering[:, :3])], dim=1)


def respiration(pools: Tensor, parameters: Tensor, sites: Sites) -> Tensor:
    """Respiration of the column (n,), gC m-2 day-1, of pools (20, 7, n)."""
    thick = column(THICKNESS, pools)
    decay = rates(parameters, sites) * pools * respired_shares(named(parameters))
    return (thick * decay.sum(1)).sum(0)


def balance(
    parameters: Tensor, forcing: CLM5Forcing, sites: Sites, rule: Rule
) -> Balance:
    """Account for the carbon of the steady state, without the rounding of the pools.

    With the published rule each interface may take carbon from the column or create
    some; what it takes is a conductance times the difference of neighbouring layers,
    and those differences come from the elimination rather than from the pools.

    Args:
        parameters: (21, n).
        forcing, sites: the n sites and their constants.
        rule: transport below bedrock.
    """
    problem = Problem(sites, Pools())
    leak = mixing_of(forcing, rule).leak
    parts = []
    for rows in problem.chunks(parameters.shape[1]):
        state = problem.state(parameters, rows, False)
        pools = problem.readout.value(state)
        part, here = parameters[:, rows], sites.part(rows)
        p = named(part)
        # steps() is pool j + 1 less pool j, the leak is counted downwards: hence the
        # minus.
        taken = combine(leak[..., rows], p["diffus"], p["cryo"])
        parts.append(
            Balance(
                here.totals.sum(0),
                respiration(pools, part, here),
                -(taken * state.steps()).sum(0),
            )
        )
    return Balance(*(torch.cat(column_) for column_ in zip(*parts, strict=True)))


def turnover(pools: Tensor, sites: Sites) -> Tensor:
    """Turnover time (n,), yr: carbon of the column over its yearly input."""
    stock = (column(THICKNESS, pools, LAYERS) * pools.sum(1)).sum(0)
    return stock / (DAYS * sites.totals.sum(0))

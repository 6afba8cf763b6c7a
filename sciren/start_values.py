"""Where a search for latents begins: declared start values, in the unit of the data."""

import math

import torch
from torch import Tensor

from sciren.data import Table
from sciren.model import ScIReN

TO_BOUND = 0.9  # share of the way to a bound that one step may take
LARGEST = 300  # powers of ten between two units: double precision ends at 308
FAR = 30.0
"""Factor between output and observations beyond which the unit of the data decides the
start: from a start a hundred times too large a first step may end below a bound at zero,
where nothing leads back."""


@torch.no_grad()
def start_latents(model: ScIReN, table: Table) -> tuple[Tensor, Tensor]:
    """Return raw start values (L,) and the unit (L,) in which raw latents are searched.

    Latents with a declared start or a finite bound other than zero start there, in unit
    1. Others follow a change of the unit of the targets, so that a record in kg finds
    what the same record in g finds.

    Args:
        model: brings process model and constraints.
        table: observations.
    """
    free = _has_free_unit(model)
    unit = torch.ones_like(model.low).masked_fill(free, _unit(model, table, free))
    initial = [p.initial for p in model.decoder.parameters.latents]
    starts = unit * torch.tensor(initial, dtype=torch.float64, device=unit.device)
    raw = [
        constraint.inverse(starts[k], model.low[k], model.high[k])
        for k, constraint in enumerate(model.constraints)
    ]
    return torch.stack(raw), unit


@torch.no_grad()
def short_of_bounds(model: ScIReN, trial: Tensor, now: Tensor) -> Tensor:
    """Return constant raw latents (..., L) that a step has not taken beyond a bound.

    Beyond a bound a latent has no slope and would stay there for good, so a step from
    within ends after nine tenths of the way to it (the fraction to the boundary of interior
    point methods, Nocedal & Wright 2006, section 19.2).

    Args:
        trial: (..., L) after the step;  now: (..., L) before it.
    """
    beyond = model.violation(trial)
    left = (beyond > 0) & (model.violation(now) == 0)
    bound = trial - torch.sign(trial - now) * beyond
    return torch.where(left, now + TO_BOUND * (bound - now), trial)


def _has_free_unit(model: ScIReN) -> Tensor:
    """Say (L,) which latents have neither a declared start nor bounds except zero."""
    free = [
        p.start is None and p.low in (0.0, -math.inf) and p.high == math.inf
        for p in model.decoder.parameters.latents
    ]
    return torch.tensor(free, device=model.low.device)


def _unit(model: ScIReN, table: Table, free: Tensor) -> float:
    """Return the power of ten that brings the process near the observations.

    1 where the start values are near enough, where the process does not act row by row,
    or where its output is not proportional to the free latents: then their start values
    are what the process model says they are.
    """
    decoder = model.decoder
    if model.plain or not decoder.rowwise or not bool(free.any()):
        return 1.0
    initial = [p.initial for p in decoder.parameters.latents]
    starts = torch.tensor(initial, dtype=torch.float64, device=free.device)
    constants = model.constant_scale.to_physical(model.constant_raw.detach())

    def output(factor: float) -> Tensor:
        latents = torch.where(free, starts * factor, starts).expand(len(table), -1)
        return decoder.evaluate(latents, constants, dict(table.forcings))

    first = output(1.0)
    usable = table.observed & torch.isfinite(first)
    wanted, have = table.targets[usable].abs().median(), first[usable].abs().median()
    if not (0 < float(wanted) < math.inf and float(have) > 0):
        return 1.0
    # A power of ten: a change of unit, not a fit.
    exponent = round(math.log10(float(wanted)) - math.log10(float(have)))
    if abs(exponent) > LARGEST:
        return 1.0  # an output that has run to zero, and no other unit
    unit = 10.0**exponent
    if 1 / FAR < unit < FAR:
        return 1.0
    # Only where outputs are proportional to the latents does a unit mean the same
    # everywhere.
    follows = torch.isclose(
        output(unit)[usable], unit * first[usable], rtol=1e-9, atol=0
    )
    return unit if bool(follows.all()) else 1.0

"""Soil carbon through time: implicit steps, and the yearly cycle under monthly forcing."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.decoders.clm5.balance import named
from sciren.decoders.clm5.forcing import CLM5Forcing
from sciren.decoders.clm5.geometry import DAYS, NODES, THICKNESS, column
from sciren.decoders.clm5.inputs import depth_shares
from sciren.decoders.clm5.operator import Operator
from sciren.decoders.clm5.scalars import warmth, wetness
from sciren.decoders.clm5.sites import altmax_of, mixing_of, prepare
from sciren.decoders.clm5.transport import Mixing, Rule, combine, monthly_mixing
from sciren.decoders.physical_constants import MONTHS
from sciren.errors import DecoderError

MONTH_DAYS = DAYS / MONTHS
# Relative change of a pool over a year that stands above rounding: a year is 12 solves of
# 20 layers, each exact to a few 1e-16.
RESOLVED = 1e-13


@dataclass(frozen=True)
class Season:
    """Operators and inputs of one month, or of the yearly mean.

    Attributes:
        operator: with the shift of its time step.
        source: (20, 7, n) input density, gC m-3 day-1.
        leak: (19, n) what the interfaces take from the column, see `Mixing`.
        days: length of the step.
    """

    operator: Operator
    source: Tensor
    leak: Tensor
    days: float

    def step(self, pools: Tensor) -> Tensor:
        """One implicit step: (1/days + L) Y' = Y/days + source."""
        return self.operator.solve(pools / self.days + self.source)


@dataclass(frozen=True)
class Run:
    """A transient run of T steps.

    Attributes:
        pools: (20, 7, n) at the end.
        days: (T,) length of each step.
        stock: (T, n) carbon of the column after each step, gC m-2.
        input, respiration, loss: (T, n) during each step, gC m-2 day-1.
    """

    pools: Tensor
    days: Tensor
    stock: Tensor
    input: Tensor
    respiration: Tensor
    loss: Tensor


@dataclass(frozen=True)
class Cycle:
    """The yearly cycle under monthly forcing.

    Attributes:
        months: (12, 20, 7, n) pools at the end of each month.
        mean: (20, 7, n) their mean.
        years: years that were run to find it.
        change: greatest change over a year, relative to each site's largest pool.
    """

    months: Tensor
    mean: Tensor
    years: int
    change: float


def yearly(parameters: Tensor, forcing: CLM5Forcing, rule: Rule, days: float) -> Season:
    """Return the yearly mean operator with steps of some days (inf: steady state)."""
    p, sites = named(parameters), prepare(forcing, rule)
    climate = sites.climate(p["q10"], p["w_scaling"], False)
    share, _ = depth_shares(p["beta"], sites.frozen)
    return _season(
        parameters, climate.x, climate.xn, mixing_of(forcing, rule),
        share.unsqueeze(1) * sites.totals, days,
    )  # fmt: skip


def monthly(parameters: Tensor, forcing: CLM5Forcing, rule: Rule) -> list[Season]:
    """Return the operators of the twelve months, each with one step of a month."""
    p, sites = named(parameters), prepare(forcing, rule)
    share, _ = depth_shares(p["beta"], sites.frozen)
    names = ("input_cwd", "input_litter1", "input_litter2", "input_litter3")
    # All months count as a twelfth of a year, as they do in the yearly mean.
    entering = torch.stack([getattr(forcing, name).T for name in names]) / MONTH_DAYS
    mixing = monthly_mixing(altmax_of(forcing), forcing.nbedrock.T, rule)
    seasons = []
    for month, constants in enumerate(mixing):
        decay = warmth(sites.temperature[month], p["q10"]) * sites.oxygen[month]
        x = decay * wetness(sites.water[month], p["w_scaling"])
        source = share.unsqueeze(1) * entering[:, month]
        seasons.append(
            _season(
                parameters, x, x * sites.nitrogen[month], constants, source, MONTH_DAYS
            )
        )
    return seasons


def _season(
    parameters: Tensor,
    x: Tensor,
    xn: Tensor,
    mixing: Mixing,
    source: Tensor,
    days: float,
) -> Season:
    p = named(parameters)
    fade = torch.exp(-column(NODES, parameters) / p["efolding"])
    lower, upper = mixing.rates(p["diffus"], p["cryo"])
    operator = Operator(parameters, x * fade, xn * fade, lower, upper, 1 / days)
    filled = torch.cat([source, torch.zeros_like(source[:, :3])], dim=1)
    return Season(operator, filled, combine(mixing.leak, p["diffus"], p["cryo"]), days)


def column_stock(pools: Tensor) -> Tensor:
    """Carbon of the column (n,), gC m-2, litter and debris included."""
    return (column(THICKNESS, pools) * pools.sum(1)).sum(0)


def run(start: Tensor, seasons: Sequence[Season]) -> Run:
    """Step through seasons, one step each (repeat the list for several years).

    Args:
        start: (20, 7, n) pools, gC m-3.
        seasons: from `yearly` or `monthly`.
    """
    pools, records = start, []
    for season in seasons:
        pools = season.step(pools)
        # Debris does not mix.
        moving = pools[:, 1:].sum(1)
        records.append(
            (
                column_stock(pools),
                (column(THICKNESS, pools) * season.source.sum(1)).sum(0),
                season.operator.respiration(pools),
                (season.leak * (moving[:-1] - moving[1:])).sum(0),
            )
        )
    days = torch.tensor([season.days for season in seasons], dtype=torch.float64)
    return Run(
        pools, days, *(torch.stack(values) for values in zip(*records, strict=True))
    )


def yearly_cycle(
    parameters: Tensor,
    forcing: CLM5Forcing,
    rule: Rule,
    tolerance: float = 1e-10,
    most_years: int = 200,
) -> Cycle:
    """Find the yearly cycle that monthly forcing leads to.

    Starts from the steady state of the yearly mean. After each year the change d over
    it is added as it is (fast pools) and as the steady response to the source d / year
    (slow pools), so that pools with turnover times of centuries need few years. A pool
    that changes by less than 1e-13 of itself in a year stays as it is.

    Args:
        parameters: (21, n).
        tolerance: change over a year, relative to the largest value of each pool.
        most_years: give up after so many.
    Raises:
        DecoderError: no cycle within that many years, or carbon grows without limit.
    Reference: the semi-analytical spin-up of Xia et al. 2012, Geosci. Model Dev. 5.
    """
    # With infinite steps the implicit step solves for the steady state itself.
    mean = yearly(parameters, forcing, rule, float("inf"))
    seasons = monthly(parameters, forcing, rule)
    pools = mean.step(torch.zeros_like(mean.source))
    change = float("inf")
    for year in range(1, most_years + 1):
        months = []
        for season in seasons:
            months.append(season.step(months[-1] if months else pools))
        # d: what a year adds to each pool.
        moved = months[-1] - pools
        size = pools.abs().amax(0)
        change = float((moved.abs().amax(0) / size.clamp(min=1e-300)).max())
        if change <= tolerance:
            stacked = torch.stack(months)
            _check_cycle(stacked)
            return Cycle(stacked, stacked.mean(0), year, change)
        # below rounding a change says nothing, and rates down to 1e-45 would blow it up
        told = moved.abs() > RESOLVED * torch.maximum(pools.abs(), months[-1].abs())
        pools = months[-1] + mean.operator.solve(torch.where(told, moved, 0.0) / DAYS)
    raise DecoderError(
        f"no yearly cycle within {most_years} years: the last one still changed a pool "
        f"by {change:.1e} of its size; raise tolerance or most_years"
    )


def _check_cycle(months: Tensor) -> None:
    """Raise DecoderError unless every site has a cycle of pools that are not negative."""
    lowest, highest = months.amin((0, 1, 2)), months.amax((0, 1, 2))
    wrong = ~(lowest >= -1e-9 * highest)
    if bool(wrong.any()):
        raise DecoderError(
            f"site {int(wrong.nonzero()[0])} has no yearly cycle: carbon grows without "
            "limit below bedrock under monthly forcing, which the published transport "
            "rule can do; use transport='conservative' or leave the site out"
        )

"""What the solver needs of each site, prepared once: constants of mixing and climate."""

from dataclasses import dataclass, fields
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from sciren.decoders.clm5.forcing import CLM5Forcing
from sciren.decoders.clm5.geometry import DAYS
from sciren.decoders.clm5.scalars import REFERENCE, Climate, Seasons, warmth
from sciren.decoders.clm5.transport import Mixing, Rule, mixing
from sciren.decoders.physical_constants import MONTHS

PREPARE_ROWS = 4096  # sites whose transport is set up at once
# Up to so many sites the products with a fixed q10 are kept: 2 x 240 numbers each, 63 MB.
CACHE_ROWS = 16_384


@dataclass(frozen=True, eq=False)
class Sites:
    """Forcing with the sites in the last dimension, and what follows from it alone.

    Attributes:
        temperature, water, oxygen, nitrogen: (12, 20, n), views of the forcing.
        totals: (4, n) yearly input of debris and litter, gC m-2 day-1.
        frozen: (n,) nothing thaws all year.
        lower, upper: (3, 20, n) constants of the mixing matrix, see `Mixing`.
        decay, decay_n: (12, 20, n) temperature * oxygen (* nitrogen) where q10 is
            fixed, else None.
    """

    temperature: Tensor
    water: Tensor
    oxygen: Tensor
    nitrogen: Tensor
    totals: Tensor
    frozen: Tensor
    lower: Tensor
    upper: Tensor
    decay: Tensor | None = None
    decay_n: Tensor | None = None

    def __len__(self) -> int:
        return self.totals.shape[-1]

    def part(self, rows: slice | Tensor) -> "Sites":
        """Return some of the sites: a slice without copying, positions with."""
        cached = self.decay is not None
        parts: dict[str, Tensor] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if cached and field.name in ("temperature", "oxygen", "nitrogen"):
                parts[field.name] = value[..., :0]  # the cached products stand for them
            elif isinstance(rows, Tensor):
                flat = value.reshape(-1, value.shape[-1])
                picked = flat.gather(1, rows.expand(len(flat), -1))
                parts[field.name] = picked.reshape(*value.shape[:-1], len(rows))
            else:
                parts[field.name] = value[..., rows]
        return Sites(**parts)

    def climate(self, q10: Tensor, scaling: Tensor, slopes: bool) -> Climate:
        """Yearly means of the environmental scalars, with slopes if asked."""
        # With a fixed q10 its slope is not asked for, and the exponentials are known.
        fixed = self.decay is not None
        seasons = Seasons(self.water[0], slopes, slopes and not fixed)
        log_q10 = torch.log(q10)
        for month in range(MONTHS):
            warming = None
            if self.decay is not None and self.decay_n is not None:
                decay, decay_n = self.decay[month], self.decay_n[month]
            else:
                # In place wherever a new array was made: twelve months of temporaries
                # would leave the caches.
                warming = (self.temperature[month] - REFERENCE).div_(10.0)
                decay = (warming * log_q10).exp_().mul_(self.oxygen[month])
                decay_n = decay * self.nitrogen[month]
            seasons.add(decay, decay_n, self.water[month] * scaling, warming)
        return seasons.finish(q10, scaling)


def prepare(forcing: CLM5Forcing, rule: Rule, q10: float | None = None) -> Sites:
    """Set up the constants of all sites.

    Args:
        forcing: the sites.
        rule: transport below bedrock, see `mixing`.
        q10: value where q10 is not predicted; saves the exponentials later.
    """
    temperature, oxygen, nitrogen, water = (
        getattr(forcing, name).permute(2, 1, 0)
        for name in ("soil_temperature", "o_scalar", "n_scalar", "w_scalar")
    )
    names = ("input_cwd", "input_litter1", "input_litter2", "input_litter3")
    totals = torch.stack([getattr(forcing, name).sum(1) for name in names]) / DAYS
    last_year = forcing.altmax_lastyear.T
    decay = decay_n = None
    if q10 is not None and len(forcing) <= CACHE_ROWS:
        decay = warmth(temperature, temperature.new_tensor(q10)) * oxygen
        decay_n = decay * nitrogen
    constants = mixing_of(forcing, rule)
    return Sites(
        temperature, water, oxygen, nitrogen, totals, last_year.mean(0) <= 0,
        constants.lower, constants.upper, decay, decay_n,
    )  # fmt: skip


_KNOWN: "WeakKeyDictionary[CLM5Forcing, dict[tuple[Rule, float | None], Sites]]" = (
    WeakKeyDictionary()
)


def sites_of(forcing: CLM5Forcing, rule: Rule, q10: float | None = None) -> Sites:
    """Return the constants of a forcing, set up once as long as the forcing lives."""
    cached = _KNOWN.setdefault(forcing, {})
    if (rule, q10) not in cached:
        cached[rule, q10] = prepare(forcing, rule, q10)
    return cached[rule, q10]


def altmax_of(forcing: CLM5Forcing) -> Tensor:
    """Greater thaw depth of this and last year, (12, n), m."""
    return torch.maximum(forcing.altmax_lastyear, forcing.altmax_current).T


def mixing_of(forcing: CLM5Forcing, rule: Rule) -> Mixing:
    """Constants of the mixing matrix of all sites."""
    altmax = altmax_of(forcing)
    rock = forcing.nbedrock.T
    parts = [
        mixing(
            altmax[:, start : start + PREPARE_ROWS],
            rock[:, start : start + PREPARE_ROWS],
            rule,
        )
        for start in range(0, len(forcing), PREPARE_ROWS)
    ]
    if len(parts) == 1:
        return parts[0]
    return Mixing(
        *(torch.cat([getattr(p, f.name) for p in parts], -1) for f in fields(Mixing))
    )

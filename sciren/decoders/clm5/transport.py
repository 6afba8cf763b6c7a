"""Vertical mixing of soil carbon: site constants times the two diffusivities.

The diffusivity of a site is its parameter times a fixed profile, so the interface
conductances and with them the mixing matrix are linear in both parameters,

    V = diffus V_bio + cryo V_cryo + V_floor,

with tridiagonal site constants. V_floor holds the published scheme's floors of 1e-30.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sciren.decoders.clm5.geometry import (
    DAYS,
    INTERFACES,
    LAYERS,
    NODES,
    THICKNESS,
    column,
)
from sciren.decoders.physical_constants import MONTHS

Rule = Literal["published", "conservative"]
RULES: tuple[Rule, ...] = ("published", "conservative")
# The published scheme has no zero: diffusivities and the advection are at least 1e-30. It is
# kept, because the reference's deep layers below bedrock depend on it.
FLOOR = 1e-30
CRYO_DEPTH = 2.0  # thaw depth up to which soils churn by freezing, m (CLM5, chapter 21)
# Depth where that churning has faded, m. The loop version of the published code takes the
# bedrock interface where that is shallower; the version that was run takes 3 m always.
CRYO_END = 3.0


@dataclass(frozen=True)
class Mixing:
    """Site constants of V for (bio, cryo, floor), per layer.

    Attributes:
        lower: (3, 20, n) coefficient towards the layer above, zero for the first.
        upper: (3, 20, n) coefficient towards the layer below, zero for the last.
        leak: (3, 19, n) what an interface takes from the column, m times coefficient:
            thickness * upper of the layer above less thickness * lower of the layer
            below, without the rounding of that difference.
    """

    lower: Tensor
    upper: Tensor
    leak: Tensor

    def rates(self, diffus: Tensor, cryo: Tensor) -> tuple[Tensor, Tensor]:
        """Return lower, upper (20, n), day-1, for diffusivities (n,), m2 yr-1."""
        return combine(self.lower, diffus, cryo), combine(self.upper, diffus, cryo)


def combine(parts: Tensor, diffus: Tensor, cryo: Tensor) -> Tensor:
    """diffus * parts[0] + cryo * parts[1] + parts[2]."""
    return torch.addcmul(torch.addcmul(parts[2], parts[0], diffus), parts[1], cryo)


def mixing(altmax: Tensor, nbedrock: Tensor, rule: Rule) -> Mixing:
    """Return the site constants, monthly matrices averaged.

    Args:
        altmax: (12, n) greater thaw depth of this and last year, m.
        nbedrock: (12, n) layers above bedrock.
        rule: "published": below bedrock a layer's coefficient towards the layer below
            is that towards the layer above, which lets carbon leave the column there;
            "conservative": fluxes are equal on both sides of every interface.
    Reference: CLM5 technical note; Patankar 1980 for the power law.
    """
    months = monthly_mixing(altmax, nbedrock, rule)
    first = next(months)
    total = [first.lower, first.upper, first.leak]
    for month in months:
        for part, more in zip(
            total, (month.lower, month.upper, month.leak), strict=True
        ):
            part.add_(more)
    return Mixing(*(part / MONTHS for part in total))


def monthly_mixing(altmax: Tensor, nbedrock: Tensor, rule: Rule) -> Iterator[Mixing]:
    """Yield the constants of each month; arguments as for `mixing`."""
    for month in range(MONTHS):
        yield Mixing(*_one_month(altmax[month], nbedrock[month], rule))


def _profiles(alt: Tensor, nbedrock: Tensor) -> tuple[Tensor, Tensor]:
    """Diffusivity over its parameter, (21, n), by bioturbation and cryoturbation."""
    depth = column(INTERFACES, alt, LAYERS + 1)
    index = torch.arange(LAYERS + 1, device=alt.device).unsqueeze(1)
    above_rock = (index <= nbedrock).double()
    # Linear from the thaw depth, where it is one, to CRYO_END, where it is zero.
    fading = 1 - (depth - alt) / (CRYO_END - alt.clamp(max=CRYO_DEPTH))
    shape = torch.where(depth < alt, 1.0, fading.clamp(min=0.0) * (depth <= CRYO_END))
    # A soil churns by freezing or by animals, never by both: thaw depth decides.
    cryo = shape * ((alt > 0) & (alt <= CRYO_DEPTH))
    bio = (alt > CRYO_DEPTH).double().expand(LAYERS + 1, -1)
    return bio * above_rock, cryo * above_rock


def _one_month(alt: Tensor, nbedrock: Tensor, rule: Rule) -> tuple[Tensor, ...]:
    nodes = column(NODES, alt, LAYERS + 1)
    depth = column(INTERFACES, alt)
    near, far = depth - nodes[:-1], nodes[1:] - depth
    profiles = _profiles(alt, nbedrock)
    filled = profiles[0] + profiles[1] > 0
    both = filled[:-1] & filled[1:]
    conductance = [_harmonic(p, near, far, both) / DAYS for p in profiles]
    # where one side is empty only that side's distance counts against the floor
    distance = near * ~filled[:-1] + far * ~filled[1:]
    floor = torch.where(both, 0.0, FLOOR / distance.clamp(min=1e-3))
    # Patankar's power law differs from the conductance only where that is of order FLOOR.
    weak = floor * (1 - 0.1 * distance).clamp(min=0.0) ** 5
    if rule == "conservative":
        floor, weak = torch.zeros_like(floor), torch.zeros_like(weak)
    plain, powered = (torch.stack([*conductance, last]) for last in (floor, weak))
    return _coefficients(plain, powered, nbedrock, rule)


def _harmonic(profile: Tensor, near: Tensor, far: Tensor, both: Tensor) -> Tensor:
    safe = torch.where(profile > 0, profile, 1.0)
    # Conductance of two half layers in series: 1 / (near / D_above + far / D_below).
    used = both & (profile[:-1] > 0) & (profile[1:] > 0)
    return torch.where(used, 1 / (near / safe[:-1] + far / safe[1:]), 0.0)


def _coefficients(
    plain: Tensor, powered: Tensor, nbedrock: Tensor, rule: Rule
) -> tuple[Tensor, Tensor, Tensor]:
    """Lower, upper (3, 20, n) and leak (3, 19, n) from conductances (3, 20, n)."""
    thick = column(THICKNESS, plain)
    into = powered[:, :-1].clone()
    out = powered[:, :-1].clone()
    if rule == "published":
        # The rule at bedrock takes the conductance of the interface above. It does not
        # conserve mass: the stock above 1.2 m is 21 % lower in the median than with the
        # conservative rule where bedrock is above layer 19.
        into[2] += FLOOR
        index = torch.arange(LAYERS - 1, device=plain.device).unsqueeze(1)
        mirrored = (index >= nbedrock) & (index > 0)
        # Conductance of the interface above each interface.
        above = torch.cat([plain[:, :1], plain[:, :-2]], dim=1)
        out = torch.where(mirrored, above, out)
    none = torch.zeros_like(plain[:, :1])
    lower = torch.cat([none, into / thick[1:]], dim=1)
    upper = torch.cat([out / thick[:-1], none], dim=1)
    # the common part cancels exactly because it is the same number
    return lower, upper, out - into

"""Constraint layers: raw latents into physical bounds, with the violation of each.

Each class turns a raw latent z into a physical value p for bounds [low, high] and says
how far z lies outside the range in which the map is the plain straight line.
Reference: paper equations 8-10.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor

from sciren.errors import ConfigError, closest_names
from sciren.parameters import Parameter

HALF_WIDTH = 3.0  # the hard sigmoid is straight on -3..3, slope (high - low) / 6


class Constraint(ABC):
    """Maps raw latents into bounds; `low` and `high` broadcast against z."""

    name: ClassVar[str]
    needs: ClassVar[Literal["both", "any", "none"]]

    @abstractmethod
    def forward(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return physical values inside the bounds, shape of z."""

    def slope(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return the derivative of `forward`, shape of z."""
        with torch.enable_grad():
            leaf = z.detach().requires_grad_()
            return torch.autograd.grad(self.forward(leaf, low, high).sum(), leaf)[0]

    @abstractmethod
    def violation(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return how far z is outside the straight range, >= 0, shape of z."""

    @abstractmethod
    def inverse(self, p: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return the z that gives p (p inside the bounds)."""

    def check(self, parameter: Parameter) -> None:
        """Raise ConfigError when the parameter's bounds do not suit this layer."""
        bounded = parameter.bounded
        if self.needs == "both" and bounded != "both":
            raise ConfigError(
                f"constraint {self.name!r} needs both bounds; parameter "
                f"{parameter.name!r} has [{parameter.low}, {parameter.high}]. "
                "Give both, or use constraint 'auto'"
            )
        if self.needs == "any" and bounded in ("none", "both"):
            raise ConfigError(
                f"constraint {self.name!r} needs exactly one bound; parameter "
                f"{parameter.name!r} has [{parameter.low}, {parameter.high}]. "
                "Use constraint 'auto'"
            )


class Identity(Constraint):
    """No bounds: p = z."""

    name = "identity"
    needs = "none"

    def forward(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return z."""
        return z

    def slope(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return ones."""
        return torch.ones_like(z)

    def violation(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return zeros."""
        return torch.zeros_like(z)

    def inverse(self, p: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return p."""
        return p


class HardSigmoid(Constraint):
    """p = low + (high - low) clip(z / 6 + 1/2, 0, 1); violation max(|z| - 3, 0).

    Reference: paper equations 8 and 9.
    """

    name = "hard_sigmoid"
    needs = "both"

    def forward(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return the clipped straight line."""
        return low + (high - low) * (z / (2 * HALF_WIDTH) + 0.5).clamp(0, 1)

    def slope(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return (high - low) / 6 on the straight range, else 0."""
        return (high - low) / (2 * HALF_WIDTH) * (z.abs() <= HALF_WIDTH)

    def violation(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return max(|z| - 3, 0)."""
        # Beyond the ends the clipped line has no slope: a latent that went there would
        # never come back, but for the penalty on this distance (equation 9).
        return (z.abs() - HALF_WIDTH).clamp_min(0)

    def inverse(self, p: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return 6 (p - low) / (high - low) - 3."""
        return 2 * HALF_WIDTH * (p - low) / (high - low) - HALF_WIDTH


class Sigmoid(Constraint):
    """p = low + (high - low) / (1 + exp(-z / temperature)); no violation."""

    name = "sigmoid"
    needs = "both"

    def __init__(self, temperature: float = 1.0) -> None:
        if not temperature > 0:
            raise ConfigError(
                f"sigmoid temperature is {temperature}; use a positive number"
            )
        self.temperature = float(temperature)

    def forward(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return the smooth step between the bounds."""
        return low + (high - low) * torch.sigmoid(z / self.temperature)

    def violation(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return zeros: every z is inside."""
        return torch.zeros_like(z)

    def inverse(self, p: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return temperature times the log odds, kept off the bounds by 1e-9."""
        # At a bound the log odds are infinite; a start there must stay a number.
        share = ((p - low) / (high - low)).clamp(1e-9, 1 - 1e-9)
        return self.temperature * torch.log(share / (1 - share))


class ReLU(Constraint):
    """p = max(z, low) with a lower bound only, p = min(z, high) with an upper only.

    The violation is the distance of z beyond the bound. Reference: paper equation 10.
    """

    name = "relu"
    needs = "any"

    def forward(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return z held at the bound."""
        return torch.minimum(torch.maximum(z, low), high)

    def slope(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return 1 inside the bounds and 0 outside."""
        # At a bound half: the mean of both sides, as torch has it.
        half = z.new_tensor(0.5)
        return torch.heaviside(z - low, half) * torch.heaviside(high - z, half)

    def violation(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return max(low - z, z - high, 0)."""
        # As for the hard sigmoid: what is held at the bound gets no slope from the
        # data.
        return torch.maximum(low - z, z - high).clamp_min(0)

    def inverse(self, p: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return p."""
        return p


class Softplus(Constraint):
    """p = low + log(1 + exp(z)), mirrored for an upper bound; no violation."""

    name = "softplus"
    needs = "any"

    def forward(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return the smooth ramp above the lower (below the upper) bound."""
        upper = torch.isfinite(high).expand_as(z)
        ramp = torch.nn.functional.softplus(torch.where(upper, -z, z))
        # The bound that is infinite must not enter: inf times a zero gradient is nan.
        base_low = torch.where(torch.isfinite(low), low, torch.zeros_like(low))
        base_high = torch.where(torch.isfinite(high), high, torch.zeros_like(high))
        return torch.where(upper, base_high - ramp, base_low + ramp)

    def violation(self, z: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return zeros: every z is inside."""
        return torch.zeros_like(z)

    def inverse(self, p: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return log(exp(distance from the bound) - 1), mirrored for an upper bound."""
        upper = torch.isfinite(high).expand_as(p)
        distance = torch.where(upper, high - p, p - low).clamp_min(1e-9)
        # log(exp(d) - 1), which overflows for large d, as d + log(1 - exp(-d)).
        z = distance + torch.log(-torch.expm1(-distance))
        return torch.where(upper, -z, z)


CONSTRAINTS: dict[str, type[Constraint]] = {
    kind.name: kind for kind in (Identity, HardSigmoid, ReLU, Sigmoid, Softplus)
}

ConstraintChoice = Constraint | str | Mapping[str, "Constraint | str"]


def constraint_named(name: str) -> Constraint:
    """Return a constraint by name.

    Raises:
        ConfigError: no constraint has that name.
    """
    if name not in CONSTRAINTS:
        known = [*CONSTRAINTS, "auto"]
        raise ConfigError(
            f"constraint {name!r} does not exist. {closest_names(name, known)}"
        )
    return CONSTRAINTS[name]()


def automatic(parameter: Parameter) -> Constraint:
    """Both bounds: hard sigmoid; one bound: ReLU; none: identity."""
    match parameter.bounded:
        case "both":
            return HardSigmoid()
        case "none":
            return Identity()
    return ReLU()


def resolve(
    choice: ConstraintChoice, latents: Sequence[Parameter]
) -> tuple[Constraint, ...]:
    """Return one checked constraint for each latent.

    Args:
        choice: one constraint for all, "auto", a name, or latent name -> constraint
            (latents that are not named get "auto").
    Raises:
        ConfigError: unknown name, or bounds that do not suit the constraint.
    """
    if isinstance(choice, Mapping):
        known = [parameter.name for parameter in latents]
        for name in choice:
            if name not in known:
                raise ConfigError(
                    f"constraint is given for {name!r}, which is no latent. "
                    f"{closest_names(name, known)}"
                )
        picked = [choice.get(parameter.name, "auto") for parameter in latents]
    else:
        picked = [choice] * len(latents)
    resolved = []
    for parameter, given in zip(latents, picked, strict=True):
        if isinstance(given, Constraint):
            constraint = given
        else:
            constraint = (
                automatic(parameter) if given == "auto" else constraint_named(given)
            )
        constraint.check(parameter)
        resolved.append(constraint)
    return tuple(resolved)


def bounds(latents: Sequence[Parameter]) -> tuple[Tensor, Tensor]:
    """Return lower and upper bounds of the latents, (L,) float64 each."""
    low = [p.low if math.isfinite(p.low) else -math.inf for p in latents]
    high = [p.high if math.isfinite(p.high) else math.inf for p in latents]
    return torch.tensor(low, dtype=torch.float64), torch.tensor(
        high, dtype=torch.float64
    )

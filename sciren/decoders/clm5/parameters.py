"""The 21 parameters of the soil carbon model: priors, defaults, unit interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.errors import ParameterError, ShapeError, closest_names
from sciren.parameters import Kind, Parameter

TOLERANCE = 1e-9  # of the prior's width, what rounding may leave outside


@dataclass(frozen=True)
class Prior:
    """Name, bounds, unit and meaning of one parameter, and its value in CLM5."""

    name: str
    low: float
    high: float
    clm5: float
    unit: str
    meaning: str

    def parameter(self, kind: Kind = "latent", start: float | None = None) -> Parameter:
        """Return the declaration for a decoder's table."""
        # of one number for all rows only; a latent starts in the middle
        start = start if kind == "constant" else None
        what = (self.unit or "1", self.meaning, kind, start)
        return Parameter(self.name, self.low, self.high, *what)


PRIORS = (
    Prior("diffus", 3e-5, 5e-4, 1e-4, "m2 yr-1", "bioturbation diffusivity"),
    Prior("cryo", 3e-5, 16e-4, 5e-4, "m2 yr-1", "cryoturbation diffusivity"),
    Prior("q10", 1.2, 3.0, 1.5, "", "decomposition, factor per 10 degrees of warming"),
    Prior("efolding", 0.1, 1.0, 10.0, "m", "e-folding depth of decomposition"),
    Prior("taucwd", 1.0, 6.0, 1 / 0.3, "yr", "turnover time of coarse woody debris"),
    Prior("taul1", 1e-4, 0.11, 1 / 18.5, "yr", "turnover time of metabolic litter"),
    Prior(
        "taul2", 0.1, 0.3, 1 / 4.9, "yr", "turnover time of cellulose, lignin litter"
    ),
    Prior("tau4s1", 1e-4, 0.5, 1 / 7.3, "yr", "turnover time of fast soil carbon"),
    Prior("tau4s2", 1.0, 10.0, 1 / 0.2, "yr", "turnover time of slow soil carbon"),
    Prior(
        "tau4s3", 20.0, 400.0, 1 / 0.0045, "yr", "turnover time of passive soil carbon"
    ),
    Prior("fl1s1", 0.1, 0.8, 0.45, "", "metabolic litter to fast carbon"),
    Prior("fl2s1", 0.2, 0.8, 0.5, "", "cellulose litter to fast carbon"),
    Prior("fl3s2", 0.2, 0.8, 0.5, "", "lignin litter to slow carbon"),
    Prior("fs1s2", 1e-4, 0.4, 0.486, "", "fast to slow carbon"),
    Prior("fs1s3", 1e-4, 0.1, 0.004, "", "fast to passive carbon"),
    Prior("fs2s1", 0.1, 0.74, 0.42, "", "slow to fast carbon"),
    Prior("fs2s3", 1e-4, 0.1, 0.03, "", "slow to passive carbon"),
    Prior("fs3s1", 1e-4, 0.9, 0.45, "", "passive to fast carbon"),
    Prior("fcwdl2", 0.5, 1.0, 0.76, "", "coarse woody debris to cellulose litter"),
    Prior("w_scaling", 1e-4, 5.0, 1.0, "", "multiplier of the water scalar"),
    Prior("beta", 0.5, 0.9999, 0.943, "", "depth distribution of inputs, per cm"),
)
NAMES = tuple(prior.name for prior in PRIORS)
INDEX = {name: k for k, name in enumerate(NAMES)}
SENSITIVE = ("efolding", "tau4s3", "fs1s3", "w_scaling")


def position(name: str) -> int:
    """Return a parameter's place among the 21; w-scaling may have its hyphen.

    Raises:
        ParameterError: there is no such parameter.
    """
    plain = str(name).replace("-", "_")
    if plain not in INDEX:
        raise ParameterError(
            f"the soil carbon model has no parameter {name!r}. "
            f"{closest_names(plain, NAMES)}"
        )
    return INDEX[plain]


def bounds(like: Tensor) -> tuple[Tensor, Tensor]:
    """Return lower bound and width of the prior, (21,) each."""
    low = torch.tensor([p.low for p in PRIORS], dtype=torch.float64, device=like.device)
    high = torch.tensor(
        [p.high for p in PRIORS], dtype=torch.float64, device=like.device
    )
    return low, high - low


def to_physical(unit: Tensor) -> Tensor:
    """Physical values of unit-interval parameters, low + u (high - low).

    Args:
        unit: (..., 21) inside [0, 1]; nan stays nan.
    Returns:
        (..., 21), units of the prior.
    Raises:
        ShapeError: the last dimension is not 21.
        ParameterError: a value outside [0, 1].
    """
    if unit.dim() == 0 or unit.shape[-1] != len(NAMES):
        raise ShapeError(
            f"the soil carbon model has {len(NAMES)} parameters, got an array of shape "
            f"{tuple(unit.shape)}; its last dimension must be {len(NAMES)}"
        )
    unit = unit.double()
    check_unit(unit.detach())
    low, width = bounds(unit)
    return low + unit * width


def check_unit(unit: Tensor, names: Sequence[str] = NAMES) -> None:
    """Raise ParameterError unless all of (..., len(names)) lie in [0, 1] or are nan."""
    outside = (unit < -TOLERANCE) | (unit > 1 + TOLERANCE)
    if not bool(outside.any()):
        return
    site, which = map(int, outside.reshape(-1, len(names)).nonzero()[0])
    value = float(unit.reshape(-1, len(names))[site, which])
    prior = PRIORS[position(names[which])]
    raise ParameterError(
        f"parameter {prior.name!r} of site {site} is {value:g} on the unit scale, "
        f"outside [0, 1] (physical {prior.low + value * (prior.high - prior.low):g}, "
        f"prior [{prior.low:g}, {prior.high:g}] {prior.unit}); constrain the encoder "
        "(constraint='auto') or divide by the prior's width"
    )


def fixed_values(choice: str | Mapping[str, float]) -> tuple[float, ...]:
    """Physical values (21) of the parameters that are not predicted.

    Args:
        choice: "mid": the middle of every prior (the paper's runs); "clm5": the value
            of the CLM5 parameter file, at the prior's bound where it lies outside
            (efolding, fs1s2); or name -> physical value, the rest in the middle.
    Raises:
        ParameterError: an unknown choice or name, or a value outside the prior.
    """
    middle = [(prior.low + prior.high) / 2 for prior in PRIORS]
    if isinstance(choice, str):
        if choice == "mid":
            return tuple(middle)
        if choice == "clm5":
            return tuple(min(max(p.clm5, p.low), p.high) for p in PRIORS)
        raise ParameterError(
            f"fixed={choice!r} is not known; use 'mid', 'clm5' or name -> value"
        )
    for name, value in choice.items():
        prior = PRIORS[position(name)]
        if not prior.low <= value <= prior.high:
            raise ParameterError(
                f"fixed parameter {prior.name!r} is {value:g}, outside its prior "
                f"[{prior.low:g}, {prior.high:g}] {prior.unit}"
            )
        middle[position(name)] = float(value)
    return tuple(middle)

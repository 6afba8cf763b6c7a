"""Forcing of the soil carbon model: what is needed at each site, checked once."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from sciren.decoders.clm5.geometry import LAYERS
from sciren.decoders.physical_constants import MONTHS
from sciren.errors import DataError, ShapeError
from sciren.parameters import Forcing


@dataclass(frozen=True)
class Variable:
    """Shape, unit, admissible range and meaning of one forcing variable."""

    profile: bool
    low: float
    high: float
    unit: str
    meaning: str
    hint: str

    def forcing(self, name: str) -> Forcing:
        """Return its declaration; a value a month, of profiles in every layer."""
        each = "monthly, by layer" if self.profile else "monthly"
        # the range of scalars has room for rounding, which a table need not show
        high, unit = round(self.high, 6), self.unit or "1"
        return Forcing(name, self.low, high, unit, f"{self.meaning}, {each}")


def _input(pool: str) -> Variable:
    meaning, hint = f"carbon input to {pool}", "inputs are never negative"
    return Variable(False, 0.0, math.inf, "gC m-2 month-1", meaning, hint)


def _thaw(year: str) -> Variable:
    meaning = f"greatest thaw depth of {year}"
    hint = "use 0 where nothing thaws, 42 where nothing freezes"
    return Variable(False, 0.0, math.inf, "m", meaning, hint)


def _scalar(cause: str) -> Variable:
    meaning, hint = f"share of decay that {cause} allows", "scalars lie between 0 and 1"
    return Variable(True, 0.0, 1.0 + 1e-9, "", meaning, hint)


VARIABLES: dict[str, Variable] = {
    "input_cwd": _input("coarse woody debris"),
    "input_litter1": _input("metabolic litter"),
    "input_litter2": _input("cellulose litter"),
    "input_litter3": _input("lignin litter"),
    "altmax_lastyear": _thaw("last year"),
    "altmax_current": _thaw("this year"),
    "nbedrock": Variable(
        False, 0.0, 25.0, "layers", "layers above bedrock",
        "it is a whole number of layers above bedrock",
    ),
    "o_scalar": _scalar("oxygen"),
    "n_scalar": _scalar("nitrogen"),
    "soil_temperature": Variable(
        True, 150.0, 360.0, "K", "soil temperature",
        "temperatures are in kelvin: add 273.15 to degrees C",
    ),
    "w_scalar": _scalar("water"),
}  # fmt: skip
NEEDED = tuple(VARIABLES)
DECLARED = (
    Forcing("depth", 0, 8.03, "m", "depth of the observation"),
    *(variable.forcing(name) for name, variable in VARIABLES.items()),
)
"""Forcings of a row of soil carbon: where it was observed, and its site."""


@dataclass(frozen=True, eq=False)
class CLM5Forcing:
    """Climatology of n sites, twelve months each; layers from the surface downwards.

    Arrays of any kind are taken and kept as float64 tensors with the sites contiguous
    in memory, which is what the solver runs along.

    Args:
        input_cwd, input_litter1, input_litter2, input_litter3: (n, 12) carbon input to
            the whole column, gC m-2 month-1.
        altmax_lastyear, altmax_current: (n, 12) greatest thaw depth, m.
        nbedrock: (n, 12) whole number of layers above bedrock.
        o_scalar, n_scalar, w_scalar: (n, 20, 12) oxygen, nitrogen and water, 0 to 1.
        soil_temperature: (n, 20, 12), K.
        sand: (n, 20, 12), %; carried along, not used by the model.
    Raises:
        ShapeError: an array has another shape.
        DataError: a value is missing or impossible; names site and variable.
    Reference: CLM5 technical note, soil biogeochemistry.
    """

    input_cwd: Any
    input_litter1: Any
    input_litter2: Any
    input_litter3: Any
    altmax_lastyear: Any
    altmax_current: Any
    nbedrock: Any
    o_scalar: Any
    n_scalar: Any
    soil_temperature: Any
    w_scalar: Any
    sand: Any = None

    def __post_init__(self) -> None:
        sites = len(self.input_cwd)
        for name, variable in VARIABLES.items():
            laid = sites_last(name, getattr(self, name), variable, sites)
            object.__setattr__(self, name, laid)
        for reason, wrong in problems(self):
            if bool(wrong.any()):
                raise DataError(_message(self, reason, wrong))

    def __len__(self) -> int:
        return len(self.input_cwd)

    def items(self) -> Iterator[tuple[str, Tensor]]:
        """Yield name and tensor of every variable the model uses."""
        return ((name, getattr(self, name)) for name in NEEDED)

    @classmethod
    def from_mapping(cls, arrays: Mapping[str, Any]) -> "CLM5Forcing":
        """Take the variables from a mapping (an opened npz, forcings of a Table).

        Raises:
            DataError: a variable is missing.
        """
        missing = [name for name in NEEDED if name not in arrays]
        if missing:
            raise DataError(
                f"soil carbon forcing lacks {', '.join(missing)}; it needs "
                f"{', '.join(NEEDED)}"
            )
        return cls(**{f.name: arrays[f.name] for f in fields(cls) if f.name in arrays})

    def take(self, rows: Tensor) -> "CLM5Forcing":
        """Return some of the sites, in the order given and as often as given."""
        return self._mapped(lambda v: v.movedim(0, -1).index_select(-1, rows))

    def to(self, device: str | torch.device) -> "CLM5Forcing":
        """Return the same forcing on a device."""
        return self._mapped(lambda v: v.movedim(0, -1).to(device))

    def _mapped(self, change: Any) -> "CLM5Forcing":
        """Change every (..., n) tensor; what was checked is not checked again."""
        other = object.__new__(CLM5Forcing)
        for name, value in self.items():
            # Values were checked when the forcing was made; the sites are last while
            # they are changed.
            object.__setattr__(other, name, change(value).movedim(-1, 0))
        object.__setattr__(other, "sand", None)
        return other


def sites_last(name: str, values: Any, variable: Variable, sites: int) -> Tensor:
    """Return (n, ...) values as a float64 tensor whose memory runs along the sites."""
    tensor = torch.as_tensor(values).to(torch.float64)
    shape = (sites, LAYERS, MONTHS) if variable.profile else (sites, MONTHS)
    if tensor.shape != shape:
        raise ShapeError(
            f"forcing {name!r} has shape {tuple(tensor.shape)}; {sites} sites need "
            f"{shape}{' (site, layer, month)' if variable.profile else ' (site, month)'}"
        )
    # months first, then layers, then sites: one month is one contiguous slab
    back = tensor.permute(2, 1, 0) if variable.profile else tensor.permute(1, 0)
    laid = back.contiguous()
    return laid.permute(2, 1, 0) if variable.profile else laid.permute(1, 0)


def problems(forcing: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield (variable, mask (n, ...) of the values that cannot be used)."""
    for name, variable in VARIABLES.items():
        values = getattr(forcing, name)
        # Negated comparisons, so that nan is wrong; infinity passes an open bound and
        # is asked for apart.
        wrong = ~((values >= variable.low) & (values <= variable.high))
        wrong |= torch.isinf(values)
        if name == "nbedrock":
            wrong |= values != values.round()
        yield name, wrong


def _message(forcing: CLM5Forcing, name: str, wrong: Tensor) -> str:
    place = wrong.nonzero()[0].tolist()
    value = float(getattr(forcing, name)[tuple(place)])
    where = (
        f"layer {place[1]}, month {place[2]}"
        if len(place) == 3
        else f"month {place[1]}"
    )
    sites = int(wrong.flatten(1).any(1).sum())
    variable = VARIABLES[name]
    unit = f" {variable.unit}" if variable.unit else ""
    said = "is missing (nan)" if math.isnan(value) else f"is {value:g}{unit}"
    return (
        f"forcing {name!r} of site {place[0]} {said} at {where}; {variable.hint}. "
        f"{sites} of {len(forcing)} sites have such values; usable_sites(...) finds the "
        "others"
    )


def usable_sites(arrays: Mapping[str, Any]) -> tuple[Tensor, dict[str, int]]:
    """Say which sites have complete, possible forcing.

    Args:
        arrays: variable -> (n, ...) array, as for `CLM5Forcing`.
    Returns:
        mask (n,), and variable -> number of sites left out for it; a site counts once,
        for the first variable.
    """
    sites = len(arrays[NEEDED[0]])
    laid = {k: sites_last(k, arrays[k], v, sites) for k, v in VARIABLES.items()}
    kept = torch.ones(sites, dtype=torch.bool)
    counts: dict[str, int] = {}
    for name, wrong in problems(_Arrays(laid)):
        bad = wrong.flatten(1).any(1).cpu() & kept
        if bool(bad.any()):
            counts[name] = int(bad.sum())
        kept &= ~bad
    return kept, counts


class _Arrays:
    """Variables by attribute, before they are known to be usable."""

    def __init__(self, values: Mapping[str, Tensor]) -> None:
        self.__dict__.update(values)

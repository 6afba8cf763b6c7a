"""Whether a process model can produce what was observed, for any parameter at all."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.errors import DataError, DataWarning

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.data import Table
    from sciren.decoders import Decoder
    from sciren.parameters import Parameter

ROWS = 2000  # looked at, spread evenly
DRAWS = 128  # corners of the bounds, and as many points between them
FAR = 1e12  # stands for an infinite bound, times the largest observation
BOUNDLESS = 1e9  # an output beyond it comes from such a bound, times the same
MATERIAL = 0.02
"""Share of rows beyond what the process can produce from which a reader is warned: normal
errors carry no more than 2.3 % of the rows over a bound that lies two deviations away."""


@dataclass(frozen=True)
class Reach:
    """What a process model can make of one target, and what was observed.

    Attributes:
        share: of the observed rows outside what the process can produce, above zero.
        none: whether no row lies inside (those on its edge aside).
        produced, observed: smallest and largest number of all rows, infinite where there is
            no end.
    """

    share: float
    none: bool
    produced: tuple[float, float]
    observed: tuple[float, float]


def targets_out_of_reach(decoder: "Decoder", table: "Table") -> dict[str, Reach]:
    """Compare observations with what the process model can produce.

    The range of each row's output is taken over corners of the parameters' bounds and
    random points between them (fixed seed), so it is exact for models that rise or
    fall with each parameter, and a good estimate for others.

    Args:
        decoder: the process model, row by row; for others nothing is checked.
        table: observations.
    Returns:
        Target -> its reach, for targets with rows outside of it only.
    """
    import torch

    if not decoder.rowwise or not len(table):
        return {}
    rows = torch.linspace(0, len(table) - 1, min(ROWS, len(table))).long()
    part = table.take(rows)
    far = FAR * max(1.0, float(part.targets.nan_to_num().abs().max()))
    generator = torch.Generator().manual_seed(0)
    learned = (*decoder.parameters.latents, *decoder.parameters.constants)
    # Running smallest and largest output (n, t) over the draws; fmin and fmax pass over
    # nan, which some corners give.
    low = torch.full_like(part.targets, math.inf)
    high = torch.full_like(part.targets, -math.inf)
    # First corners of the box, then points inside.
    for draw in range(2 * DRAWS):
        values = [
            _value(p, far, draw < DRAWS, torch.rand(2, generator=generator).tolist())
            for p in learned
        ]
        outputs = _evaluate(decoder, part, values)
        low = torch.fmin(low, outputs)
        high = torch.fmax(high, outputs)
    # A target on the edge of the range is not outside by rounding.
    slack = 1e-9 * (1 + part.targets.abs())
    outside = (part.targets < low - slack) | (part.targets > high + slack)
    inside = (part.targets > low + slack) & (part.targets < high - slack)
    reached: dict[str, Reach] = {}
    for k, name in enumerate(part.target_names):
        seen = part.observed[:, k]
        if not bool(outside[seen, k].any()):
            continue
        values = part.targets[seen, k]
        reached[name] = Reach(
            share=float(outside[seen, k].double().mean()),
            none=not bool(inside[seen, k].any()),
            produced=_ends(low[seen, k], high[seen, k], far * BOUNDLESS / FAR),
            observed=(float(values.min()), float(values.max())),
        )
    return reached


def _ends(low: "Tensor", high: "Tensor", boundless: float) -> tuple[float, float]:
    """Return the ends of all rows' ranges, infinite beyond a size."""
    lowest, highest = float(low.min()), float(high.max())
    return (
        lowest if lowest > -boundless else -math.inf,
        highest if highest < boundless else math.inf,
    )


def _value(
    parameter: "Parameter", far: float, corner: bool, chance: list[float]
) -> float:
    """Return a bound (far away for infinite ones), or a value between them."""
    low = parameter.low if math.isfinite(parameter.low) else -far
    high = parameter.high if math.isfinite(parameter.high) else far
    if corner:
        return low if chance[0] < 0.5 else high
    if parameter.bounded == "both":
        return low + (high - low) * chance[0]
    size = 10 ** (24 * chance[0] - 12)  # over all orders of magnitude
    if parameter.bounded == "none":
        return size if chance[1] < 0.5 else -size
    return low + size if parameter.bounded == "low" else high - size


def _evaluate(decoder: "Decoder", table: "Table", values: list[float]) -> "Tensor":
    import torch

    names = (*decoder.latent_names, *decoder.constant_names)
    # The same parameters in every row: a row's range is what any of them could make of
    # it.
    rows = torch.ones(len(table), dtype=torch.float64)
    chosen = {name: rows * value for name, value in zip(names, values, strict=True)}
    latents = torch.stack([chosen[name] for name in decoder.latent_names], 1)
    constants = [chosen[name] for name in decoder.constant_names]
    shared = torch.stack(constants, 1) if constants else rows[:, None][:, :0]
    return decoder.evaluate(latents, shared, dict(table.forcings))


def check_reach(
    decoder: "Decoder",
    table: "Table",
    units: Mapping[str, float] | None = None,
    configured: bool = True,
) -> dict[str, float]:
    """Warn about observations that no parameter can explain; return their shares.

    Args:
        decoder: the process model;  table: observations.
        units: column -> number by which it was divided.
        configured: whether a configuration can convert the column and leave rows out.
    Raises:
        DataError: of a target the process can produce no row.
    """
    reached = targets_out_of_reach(decoder, table)
    for name, reach in reached.items():
        column = table.target_columns.get(name, name)
        unit = (units or {}).get(column, 1.0)
        lowest, highest = (f"{value * unit:.4g}" for value in reach.observed)
        ranges = (
            f"column {column!r} is from {lowest} to {highest}, {decoder.name!r} gives "
            f"{name!r} {_shown(reach.produced, unit)}"
        )
        if reach.none:
            own = decoder.target_units.get(name) or "1"
            how = (
                f"units: {{{column}: its unit}} and convert: {{{column}: {own}}} (a "
                "percentage is %, a share 1)"
            )
            raise DataError(
                f"{ranges} with any parameter, so it can produce no row; check its sign, and "
                + (f"say what it is measured in: {how}" if configured else "its unit")
            )
        # Errors carry a few observations beyond a bound; more speak of a sign or a unit.
        if reach.share < MATERIAL:
            continue
        warnings.warn(
            f"{ranges}: {reach.share:.1%} of the rows are outside of it with any "
            "parameter; they stay in and act as noise. Check sign and unit"
            + (", or filter them with data.rows" if configured else ""),
            DataWarning,
            stacklevel=2,
        )
    return {name: reach.share for name, reach in reached.items()}


def _shown(limits: tuple[float, float], unit: float) -> str:
    low, high = (f"{value * unit:.3g}" for value in limits)
    match (math.isfinite(limits[0]), math.isfinite(limits[1])):
        case True, True:
            return f"from {low} to {high}"
        case True, False:
            return f"from {low} upwards"
        case False, True:
            return f"up to {high}"
    return "any number"


def warn_beyond_range(
    decoder: "Decoder", forcings: "Mapping[str, Any]"
) -> dict[str, float]:
    """Warn about forcings outside the range that a process model was made for.

    Mostly it is another unit (vapour pressure deficit in Pa for hPa).

    Args:
        decoder: the process model.
        forcings: its names -> tensor or array of any shape.
    Returns:
        Forcing -> share of the rows beyond its range, for those with such rows only.
    """
    shares: dict[str, float] = {}
    for forcing in decoder.forcing_table:
        values = np.asarray(forcings[forcing.name])
        beyond = (values < forcing.low) | (values > forcing.high)
        share = float(beyond.mean())
        if not share:
            continue
        shares[forcing.name] = share
        unit = f" {forcing.unit}" if forcing.unit else ""
        warnings.warn(
            f"{share:.1%} of the rows have {forcing.name!r} outside [{forcing.low:g}, "
            f"{forcing.high:g}]{unit}, for which {decoder.name!r} was made; check the unit "
            "of its column, or filter them with data.rows",
            DataWarning,
            stacklevel=2,
        )
    return shares

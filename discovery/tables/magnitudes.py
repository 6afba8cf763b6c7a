"""Columns whose unit takes them out of the range of arithmetic get a power of ten.

A square of 1e200 is infinite and one of 1e-200 is zero, so a record in such a unit cannot
be fitted as it is. It is divided by a power of ten before anything is computed: the
equation is the same up to the unit, which is printed with the power in front.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.bounded import MAGNITUDES
from sciren.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from discovery.config.settings import RunConfig
    from sciren.decoders import Decoder

# largest absolute values of targets behind a process model with constants that need no power
# of ten: solvers find their start; measured by tests/reliability/test_units.py
TARGETS = (1e-30, 1e10)
ROWS = 50  # at which a process model is asked whether it follows a change of unit


@dataclass(frozen=True)
class Magnitudes:
    """Powers of ten by which columns were divided.

    Attributes:
        of: column -> power of ten; empty where the units are fine as they are.
        latents: power of ten in which latents are then.
    """

    of: Mapping[str, float] = field(default_factory=dict)
    latents: float = 1.0

    def divide(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return a frame with its columns divided."""
        from sciren.data.frames import numeric_column

        divisors = {n: f for n, f in self.of.items() if n in frame.columns}
        changed = {n: numeric_column(frame, n) / f for n, f in divisors.items()}
        return frame.assign(**changed) if changed else frame

    def units(self, units: Mapping[str, str]) -> dict[str, str]:
        """Return the units with the powers of ten in front."""
        return {
            **units,
            **{n: in_unit(f, units.get(n, "")) for n, f in self.of.items()},
        }

    def notes(self) -> tuple[str, ...]:
        """Say in which unit the equations are."""
        return tuple(
            f"{name} was divided by {factor:g} before anything was computed; equations "
            "and tables are in that unit."
            for name, factor in self.of.items()
        )


def in_unit(factor: float, unit: str) -> str:
    """Return a unit with a power of ten in front."""
    return f"{factor:g} {unit}".strip()


def magnitudes_of(
    config: "RunConfig",
    frame: "pd.DataFrame",
    decoder: "Decoder",
    forcings: Mapping[str, str],
    targets: Mapping[str, str],
) -> Magnitudes:
    """Find the columns that need a power of ten.

    Args:
        config: names features and targets.
        frame: rows that are used.
        decoder: the process model;  forcings, targets: its names -> columns.
    Raises:
        DataError: a forcing, or a target whose process model does not follow a change of
            its unit, is out of the range of arithmetic.
    """
    # Forcings have the unit that the process model expects; no power of ten may be
    # hidden in them.
    physical = set(forcings.values())
    for name in dict.fromkeys(physical):
        if _factor(frame, name, MAGNITUDES) != 1:
            raise DataError(
                f"column {name!r} has values about {_largest(frame, name):.3g}, which no "
                "process model can compute with; give it in another unit"
            )
    features = [name for name in config.features if name not in physical]
    of = {name: _factor(frame, name, MAGNITUDES) for name in features}
    # Plain regression is the same in any unit; a process with constants has starts and
    # scales.
    plain = not decoder.constant_names and not physical
    limits = MAGNITUDES if plain else TARGETS
    factors = {column: _factor(frame, column, limits) for column in targets.values()}
    _refuse_markers(frame, of | factors, config.data.not_missing)
    # One power for all targets: latents are shared between them and have one unit.
    largest = max(factors.values(), key=lambda factor: abs(math.log10(factor)))
    if largest != 1:
        _check_follows(decoder, frame, forcings, factors)
        of |= dict.fromkeys(targets.values(), largest)
    return Magnitudes({n: f for n, f in of.items() if f != 1}, largest)


def _refuse_markers(
    frame: "pd.DataFrame", factors: Mapping[str, float], meant: Sequence[float]
) -> None:
    """Refuse gap markers such as 1e20 in columns that they alone make large.

    Raises:
        DataError: with column and number.
    """
    from sciren.data.frames import numeric_column
    from sciren.data.markers import refuse_markers

    large = [name for name, factor in factors.items() if factor != 1]
    refuse_markers({name: numeric_column(frame, name) for name in large}, meant)


def _largest(frame: "pd.DataFrame", name: str) -> float:
    import pandas as pd

    # classes have no size, and whoever needs the column says that it is missing
    if name not in frame.columns or not pd.api.types.is_numeric_dtype(frame[name]):
        return 0.0
    values = np.abs(frame[name].to_numpy(dtype=float, na_value=np.nan))
    return float(np.max(values[np.isfinite(values)], initial=0.0))


def _factor(frame: "pd.DataFrame", name: str, limits: tuple[float, float]) -> float:
    largest = _largest(frame, name)
    if largest == 0 or limits[0] <= largest <= limits[1]:
        return 1.0
    # Powers below 1e-307 are no normal numbers: their inverse overflows.
    return 10.0 ** max(math.floor(math.log10(largest)), -307)


def _check_follows(
    decoder: "Decoder",
    frame: "pd.DataFrame",
    forcings: Mapping[str, str],
    factors: Mapping[str, float],
) -> None:
    """Refuse units in which the process model would be another one.

    Raises:
        DataError: with the column and its size.
    """
    if _follows(decoder, frame, forcings):
        return
    name = next(column for column, factor in factors.items() if factor != 1)
    raise DataError(
        f"column {name!r} has values about {_largest(frame, name):.3g}, and process model "
        f"{decoder.name!r} does not stay the same when its unit changes; give the column "
        "in the unit of the process model"
    )


def _follows(
    decoder: "Decoder", frame: "pd.DataFrame", forcings: Mapping[str, str]
) -> bool:
    """Whether twice the latents give twice the targets, and no bound is in the way."""
    import torch

    from sciren.data.frames import numeric_column

    latents = decoder.parameters.latents
    # A finite bound or a declared start is a number in the old unit and would not move
    # along.
    free = all(
        p.start is None and p.low in (0.0, -math.inf) and p.high == math.inf
        for p in latents
    )
    if not free or not decoder.rowwise:
        return False
    rows = frame.iloc[:ROWS]
    given: dict[str, Any] = {
        name: torch.tensor(numeric_column(rows, column), dtype=torch.float64)
        for name, column in forcings.items()
    }
    start = [p.initial for p in decoder.parameters.constants]
    constants = torch.tensor(start, dtype=torch.float64)[None]
    # Homogeneous of degree one in the latents, asked at a few rows: f(2 v) = 2 f(v).
    value = torch.tensor([p.initial for p in latents], dtype=torch.float64)
    value = value.expand(len(rows), -1)
    first = decoder.evaluate(value, constants, given)
    twice = decoder.evaluate(2 * value, constants, given)
    return bool(torch.isclose(twice, 2 * first, rtol=1e-9, equal_nan=True).all())

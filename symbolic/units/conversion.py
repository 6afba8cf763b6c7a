"""Numbers of one unit as numbers of another: kPa to Pa, K to degC, g m-2 d-1 to kg ha-1 yr-1."""

from dataclasses import dataclass

import numpy as np

from sciren.errors import FormatError
from symbolic.units.algebra import Unit, parse_unit
from symbolic.units.spelling import plain_spelling

ZERO = {
    "K": 0.0, "kelvin": 0.0, "Kelvin": 0.0,
    "degC": 273.15, "°C": 273.15, "celsius": 273.15,
}  # fmt: skip
"""Zero of a temperature scale in kelvin; a temperature alone is a place on its scale."""


@dataclass(frozen=True)
class Conversion:
    """new = factor * old + offset."""

    factor: float
    offset: float = 0.0

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return converted values (n,); missing ones stay missing."""
        return self.factor * np.asarray(values, dtype=float) + self.offset


def conversion(old: str, new: str) -> Conversion:
    """Return how numbers of one unit become those of another.

    A temperature alone changes its zero as well; inside a product (W m-2 K-1) it is a
    difference.

    Args:
        old, new: units as text, see `symbolic.units.algebra`.
    Raises:
        FormatError: a text is no unit, or the two measure different things.
    """
    before, after = parse_unit(old), parse_unit(new)
    zeros = _zero(before), _zero(after)
    # steps of kelvin and degrees are the same size, only their zeros differ
    if zeros[0] is not None and zeros[1] is not None:
        return Conversion(1.0, zeros[0] - zeros[1])
    # what does not cancel is what the two do not share
    factor, left = (before / after).dimensions()
    if left:
        raise FormatError(
            f"{plain_spelling(old)!r} cannot be converted to {plain_spelling(new)!r}: they "
            f"differ by {Unit(left)}"
        )
    return Conversion(factor)


def _zero(unit: Unit) -> float | None:
    """Zero of a temperature scale, None for other units."""
    words = dict(unit.powers)
    return ZERO.get(next(iter(words))) if list(words.values()) == [1] else None

"""Atoms of formulas beside numbers and names: classes of features, and exact numbers.

cases of  veg = 'DBF'            a class: the label is printed, its number is compared
cos(2 pi (doy - s) / 365.25)     an exact number: never multiplied out, never rounded
"""

from typing import Any

import sympy
from sympy.core.expr import AtomicExpr

ANY = -1e308
"""Number below every class: a feature at or above it has any value but a missing one."""


class Level(AtomicExpr):
    """A class: its number and its label; the empty label stands for any other class."""

    code: float
    label: str

    # sympy has to take a class for a number: it is compared with a feature and never
    # differentiated or collected as a symbol would be
    is_number = True
    is_real = True
    is_extended_real = True
    is_finite = True
    is_commutative = True

    def __new__(cls, code: float, label: str) -> "Level":
        """Make the class with a number and a label."""
        made = super().__new__(cls)
        made.code, made.label = float(code), str(label)
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.code, self.label

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.code, self.label

    def __float__(self) -> float:
        return self.code

    def _sympystr(self, printer: Any) -> str:
        return repr(self.label)

    def _eval_evalf(self, prec: int) -> sympy.Float:
        return sympy.Float(self.code, precision=prec)


def is_any_class(condition: Any) -> bool:
    """Whether a condition holds for every class that was not named before it."""
    parts = getattr(condition, "args", ())
    return len(parts) == 2 and isinstance(parts[1], Level) and not parts[1].label


def class_cases(
    feature: Any, values: list[Any], levels: list[Level], other: Any = sympy.S.Zero
) -> Any:
    """Return cases of a feature: a value for each class, and one for any other.

    A missing class has no case, so that the formula is missing there too.
    """
    pairs = [
        (value, sympy.Eq(feature, level, evaluate=False))
        for value, level in zip(values, levels, strict=True)
    ]
    # a missing value compares as false with everything, so it meets no case
    unknown = sympy.Ge(feature, Level(ANY, ""), evaluate=False)
    return sympy.Piecewise(*pairs, (other, unknown), evaluate=False)


class Exact(AtomicExpr):
    """A positive number that stays where it is written, such as a period."""

    value: float

    is_positive = True
    is_real = True
    is_extended_real = True
    is_finite = True
    is_commutative = True

    def __new__(cls, value: float) -> "Exact":
        """Make the number; sympy takes it for a name, so that it is left alone."""
        made = super().__new__(cls)
        made.value = float(value)
        return made

    # two of the same value are one node, as sympy's numbers are
    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.value,)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.value,)

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.15g}"

    def _sympystr(self, printer: Any) -> str:
        return str(self)

"""The form of classes: one number each, drawn to the mean where rows are few."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from sciren.data.kinds import Categorical
from symbolic.expression.atoms import Level, class_cases
from symbolic.families.forms import Array, Form, Variant
from symbolic.families.linear_form import LinearForm


@dataclass(frozen=True)
class ClassEffects(LinearForm):
    """One number a class; the mean over the training rows is zero.

    All effects but that of the class with most rows are free; that one follows.

    Args:
        kind: the classes.
        shares: (C,) of the training rows, sum one.
        weight: of the sum of squared effects beside the sum of squared residuals, by which
            every class is drawn to the mean; noise over the variance of the effects.
    """

    kind: Categorical
    shares: tuple[float, ...]
    weight: float = 0.0

    @property
    def reference(self) -> int:
        """Number of the class with most rows."""
        return int(np.argmax(self.shares))

    @property
    def constants(self) -> tuple[str, ...]:
        """Labels of the free classes, and the offset."""
        labels = list(self.kind.labels)
        labels.pop(self.reference)
        return (*labels, "d")

    @property
    def spread(self) -> Array:
        """Matrix (C, C - 1) from the free effects to all of them."""
        free = np.delete(np.arange(len(self.shares)), self.reference)
        matrix = np.zeros((len(self.shares), len(free)))
        matrix[free, np.arange(len(free))] = 1.0
        # the effect of the reference makes the mean over the
        # training rows zero: sum of shares times effects
        shares = np.array(self.shares)
        matrix[self.reference] = -shares[free] / shares[self.reference]
        return matrix

    def effects(self, c: Array) -> Array:
        """Return the effects of all classes (C,)."""
        return self.spread @ np.asarray(c[:-1], dtype=float)

    def columns(self, x: Array) -> Array:
        """Return (n, C - 1); missing values stay missing."""
        rows = self.kind.one_hot(x) @ self.spread
        # a missing class is no class without effect
        return np.where(np.isnan(x)[:, None], np.nan, rows)

    def from_coefficients(self, coefficients: Array) -> Array:
        """Coefficients are the free effects."""
        return coefficients

    def penalty(self) -> Array | None:
        """Return the squared effects of all classes, times the weight."""
        # sum over classes of effect^2 = c' S'S c
        return self.weight * self.spread.T @ self.spread

    def value(self, x: Array, c: Array) -> Array:
        """Return the effect of the class of x (n,); zero for other classes."""
        return self.columns(np.asarray(x, dtype=float)) @ np.asarray(c[:-1]) + c[-1]

    def by_constants(self, x: Array, c: Array) -> Array:
        """Return the derivatives (n, C)."""
        return np.column_stack((self.columns(x), np.ones(len(x))))

    def by_x(self, x: Array, c: Array) -> Array:
        """Return zero: there is nothing between classes."""
        return np.zeros(np.shape(x))

    def expression(self, x: Any, c: Sequence[Any] | Array) -> Any:
        """Return the cases of all classes."""
        table = self.written()
        return table.expression(x, [*self.effects(np.asarray(c)), c[-1]])

    def in_raw(self, c: Array, shift: float, scale: float) -> tuple[Form, Array]:
        """Return the table of all effects, as it is printed."""
        return self.written(), np.array([*self.effects(c), float(c[-1])])

    def written(self) -> "ClassTable":
        """Return the form in which all effects are constants."""
        return class_table(self.kind)

    def times(self, constants: Sequence[float], factor: float) -> tuple[float, ...]:
        """Return the constants of the form times a number: all are amplitudes."""
        return tuple(value * factor for value in constants)

    def details(self) -> dict[str, Any] | None:
        """Return what `form_from_details` needs."""
        return {
            "kind": self.kind.to_json(),
            "shares": list(self.shares),
            "weight": self.weight,
        }

    @property
    def bends(self) -> bool:
        """Whether slope and curvature mean anything: no."""
        return False


@dataclass(frozen=True)
class ClassTable(ClassEffects):
    """The same with an effect of its own for every class, as it is printed."""

    @property
    def constants(self) -> tuple[str, ...]:
        """Labels of all classes, and the offset."""
        return (*self.kind.labels, "d")

    @property
    def spread(self) -> Array:
        """Every effect stands for itself."""
        return np.eye(self.kind.size)

    def expression(self, x: Any, c: Sequence[Any] | Array) -> Any:
        """Return the cases of all classes."""
        *values, offset = _numbers(c)
        return class_cases(x, values, _levels(self.kind)) + offset

    def in_raw(self, c: Array, shift: float, scale: float) -> tuple[Form, Array]:
        """The form is written already."""
        return self, np.array(c, dtype=float)

    def constant_name(self, role: str, feature: str) -> str:
        """Return the name of the effect of a class: ``veg[DBF]``."""
        return f"{feature}[{role}]"

    def with_offset(
        self, constants: Sequence[float], offset: float
    ) -> tuple[Form, tuple[float, ...]]:
        """Return the values of all classes, and that of any other."""
        # A class that training had not has no effect, so that the number alone is its
        # value.
        values = (*(value + offset for value in constants), offset)
        return ClassValues(**vars(self)), values


OTHER = "any other"
"""What a class is called that training had not."""


@dataclass(frozen=True)
class ClassValues(ClassTable):
    """The same with a value for any other class too, where that is not zero."""

    @property
    def constants(self) -> tuple[str, ...]:
        """Labels of all classes, any other class, and the offset."""
        return (*self.kind.labels, OTHER, "d")

    def expression(self, x: Any, c: Sequence[Any] | Array) -> Any:
        """Return the cases of all classes, any other included."""
        *values, other, offset = _numbers(c)
        return class_cases(x, values, _levels(self.kind), other) + offset


def _numbers(c: Sequence[Any] | Array) -> list[Any]:
    return [v if isinstance(v, sympy.Basic) else sympy.Float(float(v)) for v in c]


def _levels(kind: Categorical) -> list[Level]:
    return [Level(*pair) for pair in zip(kind.codes, kind.labels, strict=True)]


def class_effects(
    kind: Categorical, shares: Sequence[float], weight: float = 0.0
) -> ClassEffects:
    """Return the form of the effects of classes; see `ClassEffects`."""
    total = float(np.sum(shares))
    given = tuple(float(share) / total for share in shares)
    return ClassEffects(
        "classes", Variant(), (), 2 + kind.size, None, kind, given, float(weight)
    )


def class_table(kind: Categorical) -> ClassTable:
    """Return the form with an effect of its own for every class."""
    # Any shares do: with all effects written out none follows from the others.
    even = (1.0 / kind.size,) * kind.size
    return ClassTable("classes", Variant(), (), 2 + kind.size, None, kind, even)

"""Closed forms of features that are no amounts: effects of classes, harmonics of a circle.

    classes    e_k for class k, the mean over the training rows zero
    harmonic   a*cos(2*pi*(x - s)/P) + d
    harmonics  a*cos(2*pi*(x - s)/P) + a_2*cos(4*pi*(x - s_2)/P) + d

All are linear in their coefficients, so their constants follow in one step and need no
search. Amplitudes are positive; s is the place of the maximum, in the unit of x.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np
import sympy

from sciren.data.kinds import Categorical, FeatureKind, Periodic
from sciren.errors import FormatError
from symbolic.expression.atoms import Exact, Level, class_cases
from symbolic.families.forms import Array, Form, Variant

KIND_FAMILIES = ("classes", "harmonic", "harmonics")
"""Families that belong to a kind of feature."""


@dataclass(frozen=True)
class LinearForm(Form):
    """A form whose values are columns of x times coefficients."""

    @abstractmethod
    def columns(self, x: Array) -> Array:
        """Return (n, k): the curve is these times k coefficients, plus d."""

    @abstractmethod
    def from_coefficients(self, coefficients: Array) -> Array:
        """Return the constants (k,) of the coefficients."""

    def penalty(self) -> Array | None:
        """Return the penalty (k, k) on the constants in rows, or None."""
        return None

    def fitted(self, points: Any) -> Array | None:
        """Return the constants (k + 1,) that come closest to points."""
        columns = self.columns(points.x)
        inside, target = points.centred(columns.T).T, points.target()
        if points.errors is None:
            root = np.sqrt(points.weight)
            inside, target = inside * root[:, None], target * root
        free = self.from_coefficients(np.linalg.lstsq(inside, target, rcond=None)[0])
        rest = points.mean(points.y - self.value(points.x, np.array([*free, 0.0])))
        return np.array([*free, float(rest)])

    def in_raw(self, c: Array, shift: float, scale: float) -> tuple[Form, Array]:
        """Return the form and constants as they are printed."""
        return self, np.array(c, dtype=float)

    def feasible(self, c: Array, low: float, high: float, margin: float = 0.0) -> bool:
        """The form is defined everywhere."""
        return True

    def pole(self, c: Array) -> float | None:
        """The form has no pole."""
        return None

    @property
    def rescalable(self) -> bool:
        """The feature has one unit only."""
        return True

    def to_raw(self, c: Array, shift: float, scale: float) -> Array:
        """Return the constants as they are: such features are not scaled."""
        return np.array(c, dtype=float)


# -- classes ------------------------------------------------------------------------
@dataclass(frozen=True)
class ClassEffects(LinearForm):
    """One number a class; the mean over the training rows is zero.

    All effects but that of the class with most rows are free; that one follows.

    Args:
        kind: the classes.
        shares: (C,) of the training rows, sum one.
        weight: rows with an effect of zero by which every class is drawn to the mean.
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
        whole = np.zeros((len(self.shares), len(free)))
        whole[free, np.arange(len(free))] = 1.0
        shares = np.array(self.shares)
        whole[self.reference] = -shares[free] / shares[self.reference]
        return whole

    def effects(self, c: Array) -> Array:
        """Return the effects of all classes (C,)."""
        return self.spread @ np.asarray(c[:-1], dtype=float)

    def columns(self, x: Array) -> Array:
        """Return (n, C - 1); missing values stay missing."""
        rows = self.kind.one_hot(x) @ self.spread
        return np.where(np.isnan(x)[:, None], np.nan, rows)

    def from_coefficients(self, coefficients: Array) -> Array:
        """Coefficients are the free effects."""
        return coefficients

    def penalty(self) -> Array | None:
        """Return the squared effects of all classes, times the weight."""
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
        numbers = [
            v if isinstance(v, sympy.Basic) else sympy.Float(float(v)) for v in c
        ]
        pairs = zip(self.kind.codes, self.kind.labels, strict=True)
        levels = [Level(code, label) for code, label in pairs]
        return class_cases(x, numbers[:-1], levels) + numbers[-1]

    def in_raw(self, c: Array, shift: float, scale: float) -> tuple[Form, Array]:
        """The form is written already."""
        return self, np.array(c, dtype=float)

    def constant_name(self, role: str, feature: str) -> str:
        """Return the name of the effect of a class: ``veg[DBF]``."""
        return f"{feature}[{role}]"


def class_effects(
    kind: Categorical, shares: Sequence[float], weight: float = 0.0
) -> ClassEffects:
    """Return the form of the effects of classes; see `ClassEffects`."""
    total = float(np.sum(shares))
    given = tuple(float(one) / total for one in shares)
    return ClassEffects(
        "classes", Variant(), (), 2 + kind.size, None, kind, given, float(weight)
    )


def class_table(kind: Categorical) -> ClassTable:
    """Return the form with an effect of its own for every class."""
    even = (1.0 / kind.size,) * kind.size
    return ClassTable("classes", Variant(), (), 2 + kind.size, None, kind, even)


# -- harmonics ----------------------------------------------------------------------
@dataclass(frozen=True)
class Harmonics(LinearForm):
    """Waves that fit into a circle once, twice, ...: amplitude and place of the maximum.

    Args:
        period: length of the circle in units of x.
        count: of the waves, 1 or 2.
    """

    period: float
    count: int

    @property
    def constants(self) -> tuple[str, ...]:
        """Amplitude and place of every wave, and the offset."""
        names = [
            name + ("" if k == 1 else f"_{k}")
            for k in range(1, self.count + 1)
            for name in ("a", "s")
        ]
        return (*names, "d")

    def _waves(self, c: Array) -> list[tuple[float, float, float]]:
        """Return angular frequency, amplitude and place of every wave."""
        rate = 2 * np.pi / self.period
        return [
            ((k + 1) * rate, float(c[2 * k]), float(c[2 * k + 1]))
            for k in range(self.count)
        ]

    def columns(self, x: Array) -> Array:
        """Return cosine and sine of every wave (n, 2 count)."""
        rates = 2 * np.pi / self.period * np.arange(1, self.count + 1)
        angle = np.outer(x, rates)
        return np.stack((np.cos(angle), np.sin(angle)), axis=2).reshape(len(x), -1)

    def from_coefficients(self, coefficients: Array) -> Array:
        """Return amplitudes and places for cosines and sines."""
        pairs = np.asarray(coefficients).reshape(-1, 2)
        rates = 2 * np.pi / self.period * np.arange(1, self.count + 1)
        size, angle = np.hypot(pairs[:, 0], pairs[:, 1]), np.arctan2(*pairs.T[::-1])
        places = np.remainder(angle / rates, 2 * np.pi / rates)
        return np.stack((size, places), axis=1).ravel()

    def value(self, x: Array, c: Array) -> Array:
        """Return the sum of the waves at x (n,)."""
        x = np.asarray(x, dtype=float)
        waves = (a * np.cos(rate * (x - s)) for rate, a, s in self._waves(c))
        return sum(waves, np.full(np.shape(x), float(c[-1])))

    def by_constants(self, x: Array, c: Array) -> Array:
        """Return the exact derivatives (n, 2 count + 1)."""
        found = []
        for rate, a, s in self._waves(c):
            angle = rate * (x - s)
            found += [np.cos(angle), a * rate * np.sin(angle)]
        return np.column_stack((*found, np.ones(len(x))))

    def by_x(self, x: Array, c: Array) -> Array:
        """Return the exact slope (n,)."""
        waves = (-a * rate * np.sin(rate * (x - s)) for rate, a, s in self._waves(c))
        return sum(waves, np.zeros(np.shape(x)))

    def expression(self, x: Any, c: Sequence[Any] | Array) -> Any:
        """Return the sum of the waves; the period is written as it was given."""
        numbers = [
            v if isinstance(v, sympy.Basic) else sympy.Float(float(v)) for v in c
        ]
        whole = numbers[-1]
        for k in range(self.count):
            turn = 2 * (k + 1) * sympy.pi / Exact(self.period)
            whole += numbers[2 * k] * sympy.cos(turn * (x - numbers[2 * k + 1]))
        return whole

    def canonical(self, constants: Sequence[float]) -> tuple[float, ...]:
        """Return the same waves with positive amplitudes and places on the circle."""
        found: list[float] = []
        for k in range(self.count):
            a, s = constants[2 * k : 2 * k + 2]
            turn = self.period / (k + 1)
            found += [
                abs(a),
                float(np.remainder(s + (turn / 2 if a < 0 else 0.0), turn)),
            ]
        return tuple(found)

    def times(self, constants: Sequence[float], factor: float) -> tuple[float, ...]:
        """Return the constants of the form times a number."""
        scaled = [v * factor if k % 2 == 0 else v for k, v in enumerate(constants)]
        return self.canonical(scaled)

    def details(self) -> dict[str, Any] | None:
        """Return what `form_from_details` needs."""
        return {"period": self.period, "count": self.count}


def harmonics(period: float, count: int) -> Harmonics:
    """Return the form of one or two waves on a circle."""
    family = "harmonic" if count == 1 else "harmonics"
    inner = ("s",) if count == 1 else ("s", "a_2", "s_2")
    return Harmonics(
        family, Variant(), inner, 2 + 6 * count, None, float(period), count
    )


# -- by kind ------------------------------------------------------------------------
@singledispatch
def forms_of_kind(kind: FeatureKind, points: Any) -> list[Form] | None:
    """Return the closed forms of a feature, or None for those of the library.

    Args:
        kind: of the feature;  points: of its curve (`symbolic.curves.points.Points`).
    """
    return None


@forms_of_kind.register
def _(kind: Periodic, points: Any) -> list[Form] | None:
    return [harmonics(kind.period, count) for count in (1, 2)]


@forms_of_kind.register
def _(kind: Categorical, points: Any) -> list[Form] | None:
    counts = kind.one_hot(points.x).T @ points.weight
    if np.count_nonzero(counts) < 2:
        return []
    form = class_effects(kind, counts)
    return [replace(form, weight=_chosen_weight(form, points))]


ROUNDS = 50


def _chosen_weight(form: ClassEffects, points: Any) -> float:
    """Return the rows by which classes are drawn to the mean: noise / deviation^2.

    The deviation of the classes is that of the highest marginal likelihood, as in
    `sciren.training.gauss_newton.class_ridge`; without errors of the curve one row.
    """
    if points.errors is None:
        return 1.0
    root = points.centred(form.columns(points.x).T).T
    spread, target = form.spread, points.target()
    form_matrix, gram, right = spread.T @ spread, root.T @ root, root.T @ target
    strength, rank = 1.0, len(form_matrix)
    for _ in range(ROUNDS):
        inverse = np.linalg.inv(gram + strength * form_matrix)
        own = inverse @ right
        spent = max(rank - strength * float(np.sum(inverse * form_matrix)), 1e-6)
        moved = spent / max(float(own @ form_matrix @ own), 1e-300)
        done = abs(np.log(moved / strength)) < 0.02
        strength = moved
        if done:
            break
    return float(np.clip(strength * points.errors.noise, 1e-3, 1e6))


def form_from_details(family: str, details: Any) -> Form:
    """Read what `Form.details` wrote.

    Raises:
        FormatError: not the details of such a family.
    """
    from sciren.data.kinds import kind_from_json

    try:
        if family == "classes":
            kind = kind_from_json(details["kind"])
            shares = [float(one) for one in details["shares"]]
            if isinstance(kind, Categorical) and len(shares) == kind.size:
                return class_effects(kind, shares, float(details["weight"]))
        elif family in KIND_FAMILIES and details["count"] in (1, 2):
            return harmonics(float(details["period"]), int(details["count"]))
    except (LookupError, TypeError, ValueError) as error:
        raise FormatError(f"family {family!r} cannot be read: {error}") from error
    raise FormatError(f"{details!r:.80} does not describe family {family!r}")

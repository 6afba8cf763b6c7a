"""Closed forms of a latent as a function of a state, with constants held at zero.

    latent = max(low, a g(z; u) + d),      z = state / reference

A constitutive relation often begins at the origin, so every family also stands without its
offset d and without its shift s: k S^b is a power without both. About a reference in the
middle of the visited states a is the latent there; k and b of k S^b are correlated so
closely that k alone says nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from scipy.optimize import least_squares

from symbolic.families.forms import Array, Form
from symbolic.families.library import FAMILIES

STATE_FAMILIES = (
    "constant", "linear", "quadratic", "exp", "power", "michaelis_menten", "hill",
    "logistic",
)  # fmt: skip
"""Families of constitutive relations: drainage, uptake, mortality, saturation."""

HELD: tuple[tuple[str, ...], ...] = ((), ("d",), ("s",), ("d", "s"))
"""Constants that may be zero, in all their combinations."""

FAR_AWAY = 1e9  # its square is a double, and no curve of physical units is that far

STARTS = 3
"""Members of the grid of a family from which its constants are refined."""


@dataclass(frozen=True)
class Relation:
    """A family of functions of one state, with the constants that are free.

    Args:
        form: of z = state / reference.
        free: positions of its free constants; the others are zero.
        reference: unit of the state in z.
        low: bound of the latent, or minus infinity.
    """

    form: Form
    free: tuple[int, ...]
    reference: float
    low: float = -np.inf

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free constants."""
        return tuple(self.form.constants[k] for k in self.free)

    @property
    def label(self) -> str:
        """Family and variant, with what is zero: "power+, d = s = 0"."""
        # d before s, as it is read
        zero = [n for n in reversed(self.form.constants) if n not in self.names]
        return f"{self.form.name}{', ' if zero else ''}{' = '.join([*zero, '0'] if zero else [])}"

    def whole(self, constants: Array) -> Array:
        """Return all constants of the form."""
        full = np.zeros(len(self.form.constants))
        full[list(self.free)] = constants
        return full

    def at(self, constants: Array) -> "RelationAt":
        """Return the function with these constants."""
        return RelationAt(self, np.array(constants, dtype=float))

    def expression(self, constants: Array, state: str, reaches_low: bool) -> Any:
        """Return the formula of a state; with its bound where it is reached."""
        z = sympy.Symbol(state, real=True)
        z = z / _short(self.reference) if self.reference != 1 else z
        numbers = [
            float(v) if k in self.free else sympy.Integer(0)
            for k, v in enumerate(self.whole(constants))
        ]
        formula = self.form.expression(z, numbers)
        return sympy.Max(_short(self.low), formula) if reaches_low else formula


@dataclass(frozen=True)
class RelationAt:
    """A relation with its constants: a `sciren.dynamics.solving.simulation.StateFunction`."""

    relation: Relation
    constants: Array

    def _free(self, x: Array) -> Array:
        constants = self.relation.whole(self.constants)
        return self.relation.form.value(
            np.asarray(x) / self.relation.reference, constants
        )

    def value(self, x: Array) -> Array:
        """Return the latent at states of any shape."""
        return np.maximum(self._free(x), self.relation.low)

    def slope(self, x: Array) -> Array:
        """Return its derivative by the state, zero where the bound holds it."""
        constants, unit = self.relation.whole(self.constants), self.relation.reference
        slope = self.relation.form.by_x(np.asarray(x) / unit, constants) / unit
        # the maximum of two has the slope of the larger
        return np.where(self._free(x) > self.relation.low, slope, 0.0)

    def by_constants(self, x: Array) -> Array:
        """Return its derivatives by the free constants, (..., K)."""
        z = np.ravel(x) / self.relation.reference
        constants = self.relation.whole(self.constants)
        columns = self.relation.form.by_constants(z, constants)[
            :, list(self.relation.free)
        ]
        above = np.ravel(self._free(x)) > self.relation.low
        return (columns * above[:, None]).reshape(*np.shape(x), -1)


def relations(
    families: tuple[str, ...], reference: float, low: float
) -> list[Relation]:
    """Return the members of families, with every combination of constants held at zero."""
    members = []
    for family in families:
        for form in FAMILIES[family]:
            names = form.constants
            for held in HELD:
                # A decreasing branch, log(s - x), has no member without its shift; a
                # constant zero is no relation.
                fits = set(held) <= set(names) and len(held) < len(names)
                if fits and not ("s" in held and form.variant.branch == "-"):
                    free = tuple(k for k, n in enumerate(names) if n not in held)
                    members.append(Relation(form, free, reference, low))
    return members


@dataclass(frozen=True)
class KnownCurve:
    """A curve of a state that is known up to its errors.

    Attributes:
        x, y: (m,) points of the visited range.
        root: (r, m) takes differences from the curve to units of their errors.
    """

    x: Array
    y: Array
    root: Array

    def misfit(self, values: Array) -> Array:
        """Return the difference of values (m,) from the curve in units of its errors.

        Trials of a search may leave the domain: they are far away, not without a number.
        """
        far = np.nan_to_num(
            values - self.y, nan=FAR_AWAY, posinf=FAR_AWAY, neginf=-FAR_AWAY
        )
        return self.root @ far


def fit_relation(relation: Relation, curve: KnownCurve) -> tuple[Array, float] | None:
    """Return the constants nearest to a curve and their chi-square; None: no member.

    Amplitude and offset follow from every member of the family's grid; the best are
    refined in all free constants.
    """
    # 1. Amplitude and offset in closed form for every member of the grid. 2. The best of them
    # refined together. 3. The best that is defined on the visited states.
    begun = sorted(_begun(relation, curve), key=lambda pair: pair[1])[:STARTS]
    best: tuple[Array, float] | None = None
    for start, _ in begun:
        with np.errstate(all="ignore"):
            fitted = least_squares(
                lambda c: curve.misfit(relation.at(c).value(curve.x)),
                start, x_scale="jac", max_nfev=60,
            )  # fmt: skip
        inside = _feasible(relation, fitted.x, curve.x)
        if inside and (best is None or 2 * fitted.cost < best[1]):
            best = fitted.x, float(2 * fitted.cost)
    return best


def _feasible(relation: Relation, constants: Array, x: Array) -> bool:
    z = x / relation.reference
    return relation.form.feasible(
        relation.whole(constants), float(z.min()), float(z.max())
    )


def _begun(relation: Relation, curve: KnownCurve) -> list[tuple[Array, float]]:
    """Return the members of the grid with their amplitudes, and their chi-squares."""
    form, z = relation.form, curve.x / relation.reference
    middle, half = 0.5 * (z.max() + z.min()), 0.5 * (z.max() - z.min())
    target = curve.root @ curve.y
    result = []
    for inner in _inner_members(form, relation.free, middle, half):
        # a of one and d of zero, so that columns of a and d are those of unit amplitude
        constants = np.array([1.0, *inner, 0.0]) if form.shape else np.zeros(1)
        if not form.feasible(constants, float(z.min()), float(z.max())):
            continue
        columns = form.by_constants(z, constants)
        # positions of amplitude and offset, where they are free
        outer = [k for k in relation.free if k in (0, len(constants) - 1)]
        design = curve.root @ columns[:, outer]
        amounts, *_ = np.linalg.lstsq(design, target, rcond=None)
        constants[outer] = amounts
        left = target - design @ amounts
        result.append((constants[list(relation.free)], float(left @ left)))
    return result


def _inner_members(
    form: Form, free: tuple[int, ...], middle: float, half: float
) -> list[tuple[float, ...]]:
    """Return inner constants of the grid in units of z, held ones zero, each once."""
    if form.shape is None:
        return [()]
    members: dict[tuple[float, ...], None] = {}
    for inner in form.shape.grid():
        # grids are those of [-1, 1]: moved to the visited range
        moved = form.to_raw(np.array([1.0, *inner, 0.0]), middle, half)[1:-1]
        kept = (v if k + 1 in free else 0.0 for k, v in enumerate(moved))
        # members that differ in a held constant only are the same
        members[tuple(float(f"{v:.12g}") for v in kept)] = None
    return list(members)


def _short(number: float) -> Any:
    return sympy.Integer(int(number)) if number == int(number) else sympy.Float(number)

"""Drawn relationships between features and soil parameters: the truth of the study.

Every parameter is the sum of two curves c F(a x + b) + d of two features, scaled to
0.2 ... 0.8 of its prior over all sites; both curves have the same deviation.

Reference: ScIReN paper, Appendix E, and its published code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sympy

FAMILIES = ("linear", "quadratic", "log", "exp", "abs")
LOG_SHIFT = 2.5  # keeps the log of a x + b above zero, for a x + b is above -2
LOW, HIGH = 0.2, 0.8  # of the prior, over all sites, and
PER_PARAMETER = 2  # features of each parameter: both of the paper's appendix E


@dataclass(frozen=True)
class Curve:
    """One true edge, c F(a x + b) + d of a feature x scaled to [0, 1].

    F is x, x^2, log2(x + 2.5), 2^x or |x|.
    """

    feature: str
    family: str
    a: float
    b: float
    c: float
    d: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the curve at scaled features, in their shape."""
        return self.c * _evaluate(self.family, self.a * x + self.b) + self.d

    @property
    def kink(self) -> float | None:
        """Scaled feature at which an absolute value bends; None for other families."""
        return -self.b / self.a if self.family == "abs" else None

    @property
    def straight(self) -> bool:
        """Whether it is a line inside [0, 1]: linear, or abs that bends outside."""
        bend = self.kink
        outside = bend is not None and not 0 < bend < 1
        return self.family == "linear" or outside


def _evaluate(family: str, z: np.ndarray) -> np.ndarray:
    match family:
        case "linear":
            return z
        case "quadratic":
            return z**2
        case "log":
            return np.log2(z + LOG_SHIFT)
        case "exp":
            return 2.0**z
        case _:
            return np.abs(z)


@dataclass(frozen=True)
class Relationship:
    """One parameter as a formula of features.

        value = low + (high - low) u,   u = sum of the curves

    Attributes:
        name: the parameter;  low, high: its prior, physical.
        curves: scaled so that u lies in 0.2 ... 0.8 over all sites.
        ranges: feature -> (smallest, largest) over all sites, which become 0 and 1.
    """

    name: str
    low: float
    high: float
    curves: tuple[Curve, ...]
    ranges: Mapping[str, tuple[float, float]]

    def unit(self, features: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return u for columns in physical units."""
        parts = [curve(self._scaled(curve, features)) for curve in self.curves]
        return np.sum(parts, axis=0)

    def __call__(self, features: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the parameter in physical units for columns in physical units."""
        return self.low + (self.high - self.low) * self.unit(features)

    def _scaled(self, curve: Curve, features: Mapping[str, np.ndarray]) -> np.ndarray:
        low, high = self.ranges[curve.feature]
        return (np.asarray(features[curve.feature], dtype=float) - low) / (high - low)

    def expression(self) -> "sympy.Expr":
        """Return the parameter in physical units as sympy, symbols named as features."""
        import sympy

        total: sympy.Expr = sympy.Float(0)
        for curve in self.curves:
            low, high = self.ranges[curve.feature]
            x = (sympy.Symbol(curve.feature, real=True) - low) / (high - low)
            z = curve.a * x + curve.b
            shape = {
                "linear": z,
                "quadratic": z**2,
                "log": sympy.log(z + LOG_SHIFT) / sympy.log(2),
                "exp": 2**z,
                "abs": sympy.Abs(z),
            }[curve.family]
            total += curve.c * shape + curve.d
        return self.low + (self.high - self.low) * total

    @property
    def formula(self) -> str:
        """The expression as text."""
        return str(self.expression().evalf(6))


def draw_relationships(
    features: Mapping[str, np.ndarray],
    parameters: Sequence[tuple[str, float, float]],
    seed: int = 12345,
) -> tuple[Relationship, ...]:
    """Draw the relationships of parameters as the published study does.

    Args:
        features: columns (n,) over all sites.
        parameters: name, lower and upper bound of the prior.
        seed: 12345 is that of the published study (its choice of features and families
            comes from numpy's generator; its constants came from another library).
    """
    names = list(features)
    ranges = {n: (float(np.min(v)), float(np.max(v))) for n, v in features.items()}
    choice = np.random.default_rng(seed)
    constants = np.random.default_rng([seed, 1]).uniform(
        -1, 1, (len(names), len(parameters), 4)
    )
    relationships = []
    for number, (name, low, high) in enumerate(parameters):
        # The order of these draws is that of the published code, which a seed
        # reproduces.
        inputs = choice.permutation(len(names))[:PER_PARAMETER]
        families = choice.integers(1, len(FAMILIES) + 1, PER_PARAMETER)
        drawn = [
            Curve(names[i], FAMILIES[f - 1], *map(float, constants[i, number]))
            for i, f in zip(inputs, families, strict=True)
        ]
        relationship = Relationship(name, low, high, tuple(drawn), ranges)
        relationships.append(_scaled_to_range(relationship, features))
    return tuple(relationships)


def _scaled_to_range(
    relationship: Relationship, features: Mapping[str, np.ndarray]
) -> Relationship:
    """Give the curves deviation 1, then the sum the range 0.2 ... 0.8."""
    # 1. Equal deviation: both features matter alike. 2. One affine map of the sum,
    # whose shift the curves share.
    equal = [
        _standardised(c, relationship._scaled(c, features)) for c in relationship.curves
    ]
    total = Relationship(
        relationship.name,
        relationship.low,
        relationship.high,
        tuple(equal),
        relationship.ranges,
    )
    values = total.unit(features)
    factor = (HIGH - LOW) / (values.max() - values.min())
    shift = (LOW - factor * values.min()) / len(equal)
    curves = tuple(_affine(curve, factor, shift) for curve in equal)
    return Relationship(
        relationship.name,
        relationship.low,
        relationship.high,
        curves,
        relationship.ranges,
    )


def _standardised(curve: Curve, x: np.ndarray) -> Curve:
    values = curve(x)
    spread = float(values.std(ddof=1))
    return _affine(curve, 1 / spread, -float(values.mean()) / spread)


def _affine(curve: Curve, factor: float, shift: float) -> Curve:
    return Curve(
        curve.feature, curve.family, curve.a, curve.b,
        factor * curve.c, factor * curve.d + float(shift),
    )  # fmt: skip

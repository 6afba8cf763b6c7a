"""The curves that a spline layer may have on a feature, by the kind of the feature.

All edges of a layer are uniform cubic splines. A kind says where its values lie on the
knots, which splines are curves of it, and what bending costs:

    numeric      all splines on the range of the data; integral of f''^2
    periodic     c_(G+k) = c_k for k = 0, 1, 2, so that ends meet twice smoothly
    categorical  classes 1..C at knots of their own, 0 for unseen ones; no bending, but a
                 ridge on the distance of every class to the mean

Coefficients of a spline c = T w follow from those of the kind w, (G + 3,) both; kinds with
fewer leave the last w unused.

Reference: Eilers and Marx 1996 for periodic penalised splines; Henderson 1975 for classes
as random effects.
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

import torch
from torch import Tensor

from sciren.data.kinds import Categorical, FeatureKind, Numeric, Periodic
from sciren.splines import ORDER, design, n_coefficients, roughness_matrix

TURN = 12.0**0.5
"""Length of a circle on the knots: that of a standardised even spread over a range."""


class CurveSpace(ABC):
    """Curves of one kind of feature."""

    least_intervals = 1
    turned = True  # whether T is not the identity
    bends = True  # whether there is anything between two values

    @abstractmethod
    def on_knots(self, scaled: Tensor) -> Tensor:
        """Return where scaled values (...,) lie on the knots."""

    @abstractmethod
    def ends(self, intervals: int) -> tuple[float, float] | None:
        """Return first and last knot; None where the data lay them."""

    @abstractmethod
    def turn(self, intervals: int) -> Tensor:
        """Return T (G + 3, G + 3): coefficients of the kind -> of the spline."""

    def bending(self, intervals: int, spacing: float) -> Tensor:
        """Return the penalty (G + 3, G + 3) on coefficients of the kind."""
        turn = self.turn(intervals)
        # Chain rule: c = T w, so c' R c = w' T' R T w.
        return turn.T @ roughness_matrix(intervals) @ turn / spacing**3

    def ridge(self, intervals: int, mean: Tensor) -> Tensor:
        """Return the ridge (G + 3, G + 3), of which a fit chooses the strength.

        Args:
            mean: (G + 3,) of the columns of the kind over the training rows.
        """
        size = n_coefficients(intervals)
        return torch.zeros(size, size, dtype=torch.float64)

    def from_spline(self, intervals: int) -> Tensor:
        """Return the closest coefficients of the kind for those of a spline."""
        return torch.linalg.pinv(self.turn(intervals))

    def settled(self, own: Tensor, mean: Tensor) -> Tensor:
        """Return coefficients (J, G + 3) with what no row tells on the mean.

        Args:
            mean: (G + 3,) of the columns of the kind over the training rows.
        """
        return own


class NumericSpace(CurveSpace):
    """All splines on the range of the data."""

    turned = False

    def on_knots(self, scaled: Tensor) -> Tensor:
        """Return the scaled values as they are: knots lie in their unit."""
        return scaled

    def ends(self, intervals: int) -> tuple[float, float] | None:
        """Return None: the knots span the training rows."""
        return None

    def turn(self, intervals: int) -> Tensor:
        """Return the identity: every spline is allowed."""
        return torch.eye(n_coefficients(intervals), dtype=torch.float64)


@dataclass(frozen=True)
class PeriodicSpace(CurveSpace):
    """Splines on a circle of length `TURN`."""

    period: float
    least_intervals = ORDER + 1

    def on_knots(self, scaled: Tensor) -> Tensor:
        """Return how far around the circle a value lies, 0 to `TURN`."""
        # Anywhere on the line is somewhere on the circle: day 366 is day 0.75 of
        # 365.25.
        return torch.remainder(scaled, self.period) * (TURN / self.period)

    def ends(self, intervals: int) -> tuple[float, float] | None:
        """Return the ends of one turn."""
        return 0.0, TURN

    def turn(self, intervals: int) -> Tensor:
        """Return the matrix that repeats the first three coefficients as the last three."""
        size = n_coefficients(intervals)
        matrix = torch.zeros(size, size, dtype=torch.float64)
        rows = torch.arange(size)
        # c_(G + k) = c_k: the last three rows of T repeat the first three.
        matrix[rows, rows % intervals] = 1.0
        return matrix


@dataclass(frozen=True)
class CategoricalSpace(CurveSpace):
    """One number a class, at knots of their own; the first knot is for unseen classes."""

    codes: tuple[float, ...]
    bends = False

    @property
    def least_intervals(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Intervals: the last class stands on the last knot."""
        return len(self.codes)

    def on_knots(self, scaled: Tensor) -> Tensor:
        """Return the number of the class from 1, 0 for an unseen one; nan stays nan."""
        codes = scaled.new_tensor(self.codes)
        # Codes rise; what stands at the place found is the class only if it is equal.
        place = torch.searchsorted(codes, scaled.contiguous()).clamp_max(len(codes) - 1)
        # Classes stand at 1, 2, ... C; knot 0 is left for what was no class in
        # training.
        number = torch.where(codes[place] == scaled, place.to(scaled) + 1.0, 0.0)
        return torch.where(torch.isnan(scaled), scaled, number)

    def ends(self, intervals: int) -> tuple[float, float] | None:
        """Return ends that put the knots on whole numbers."""
        return 0.0, float(intervals)

    def turn(self, intervals: int) -> Tensor:
        """The smallest spline with given values at the knots of the classes."""
        return _through_knots(len(self.codes) + 1, intervals)

    def bending(self, intervals: int, spacing: float) -> Tensor:
        """Return zeros: nothing lies between classes that could bend."""
        size = n_coefficients(intervals)
        return torch.zeros(size, size, dtype=torch.float64)

    def from_spline(self, intervals: int) -> Tensor:
        """Values at the knots of the classes."""
        return _at_knots(len(self.codes) + 1, intervals)

    def settled(self, own: Tensor, mean: Tensor) -> Tensor:
        """Lay unseen classes on the mean of the training rows."""
        own = own.clone()
        # Column 0 is the unseen class. mean holds the shares of the classes, so own @
        # mean is the mean effect of the training rows.
        own[:, 0] = own @ mean
        return own

    def ridge(self, intervals: int, mean: Tensor) -> Tensor:
        """Squared distances of all classes, and of the unseen one, to the mean."""
        size = n_coefficients(intervals)
        used = torch.zeros(size, dtype=torch.float64)
        # Further coefficients only serve to draw the spline through the knots.
        used[: len(self.codes) + 1] = 1.0
        # (1 - 1 mean') w: each class less the mean of the rows.
        centre = torch.diag(used) - torch.outer(used, mean.double().cpu())
        return centre.T @ centre


@functools.lru_cache(maxsize=64)
def _at_knots(values: int, intervals: int) -> Tensor:
    """Matrix (G + 3, G + 3) from a spline to its values at knots 0, 1, ..."""
    size = n_coefficients(intervals)
    knots = torch.arange(values, dtype=torch.float64).unsqueeze(1)
    low = torch.zeros(1, dtype=torch.float64)
    matrix = torch.zeros(size, size, dtype=torch.float64)
    matrix[:values] = design(knots, low, low + intervals, intervals)[:, 0]
    return matrix


@functools.lru_cache(maxsize=64)
def _through_knots(values: int, intervals: int) -> Tensor:
    """T whose first columns take values at knots 0, 1, ... to a spline through them."""
    matrix = torch.zeros_like(_at_knots(values, intervals))
    # More coefficients than values: the pseudo-inverse takes the smallest ones.
    matrix[:, :values] = torch.linalg.pinv(_at_knots(values, intervals)[:values])
    return matrix


@singledispatch
def space_of(kind: FeatureKind) -> CurveSpace:
    """Return the curves of a kind.

    Raises:
        TypeError: a kind without curves.
    """
    raise TypeError(f"a {type(kind).__name__} has no curves")


@space_of.register
def _(kind: Numeric) -> CurveSpace:
    return NumericSpace()


@space_of.register
def _(kind: Periodic) -> CurveSpace:
    return PeriodicSpace(kind.period)


@space_of.register
def _(kind: Categorical) -> CurveSpace:
    return CategoricalSpace(kind.codes)


@dataclass(frozen=True)
class CurveSpaces:
    """The curves of every feature of a layer.

    Args:
        each: one space a feature; none at all stands for numeric ones.
    """

    each: tuple[CurveSpace, ...] = ()

    @classmethod
    def of(cls, kinds: Sequence[FeatureKind]) -> "CurveSpaces":
        """Return the spaces of some kinds; none where all are numeric."""
        each = tuple(space_of(kind) for kind in kinds)
        # All numeric is the usual case; without spaces every method returns at once.
        return cls(each if any(space.turned for space in each) else ())

    def __bool__(self) -> bool:
        return bool(self.each)

    @property
    def least_intervals(self) -> int:
        """Intervals that every curve has room in."""
        return max((space.least_intervals for space in self.each), default=1)

    def on_knots(self, scaled: Tensor) -> Tensor:
        """Return scaled features (n, d) as places on the knots."""
        if not self.each:
            return scaled
        columns = zip(self.each, scaled.unbind(1), strict=True)
        return torch.stack([space.on_knots(x) for space, x in columns], dim=1)

    def bent(self, mask: Tensor) -> Tensor:
        """Return 1 for edges (d, J) whose curves can bend, 0 for others."""
        flags = torch.ones_like(mask)
        for place, space in enumerate(self.each):
            flags[place] = float(space.bends)
        return flags

    def with_ends(
        self, low: Tensor, high: Tensor, intervals: int
    ) -> tuple[Tensor, Tensor]:
        """Return first and last knots (d,), those of the data replaced by fixed ones."""
        low, high = low.clone(), high.clone()
        for place, space in enumerate(self.each):
            if (ends := space.ends(intervals)) is not None:
                low[place], high[place] = ends
        return low, high

    def turned(self, basis: Tensor, intervals: int) -> Tensor:
        """Return columns (n, d, G + 3) of splines as columns of the kinds."""
        if not self.each:
            return basis
        columns = [
            basis[:, i] @ space.turn(intervals).to(basis)
            if space.turned
            else basis[:, i]
            for i, space in enumerate(self.each)
        ]
        return torch.stack(columns, dim=1)

    def to_spline(self, own: Tensor, intervals: int) -> Tensor:
        """Return coefficients (d, J, G + 3) of the kinds as those of splines."""
        return self._each(own, [space.turn(intervals) for space in self.each])

    def from_spline(self, coefficients: Tensor, intervals: int) -> Tensor:
        """Return coefficients (d, J, G + 3) of splines as the closest of the kinds."""
        back = [space.from_spline(intervals) for space in self.each]
        return self._each(coefficients, back)

    def settled(self, own: Tensor, mean: Tensor) -> Tensor:
        """Return coefficients (d, J, G + 3) with what no row tells on the mean."""
        parts = zip(self.each, own, mean, strict=True)
        return torch.stack(
            [space.settled(coefficients, m) for space, coefficients, m in parts]
        )

    def _each(self, values: Tensor, turns: Sequence[Tensor]) -> Tensor:
        if not self.each:
            return values
        parts = zip(values, turns, strict=True)
        return torch.stack([curve @ turn.T.to(curve) for curve, turn in parts])

    def bending(self, low: Tensor, high: Tensor, intervals: int) -> list[Tensor]:
        """Return the penalty of every feature, (G + 3, G + 3) each."""
        each = self.each or (NumericSpace(),) * len(low)
        # The penalty is an integral over the knots: finer ones make the same
        # coefficients rougher.
        spacing = ((high - low) / intervals).tolist()
        return [
            space.bending(intervals, h) for space, h in zip(each, spacing, strict=True)
        ]

    def ridge(self, mean: Tensor, intervals: int) -> list[Tensor]:
        """Return the ridge of every feature for the means (d, G + 3) of its columns."""
        return [
            space.ridge(intervals, row)
            for space, row in zip(self.each, mean, strict=True)
        ]

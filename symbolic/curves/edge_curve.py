"""The curve of one edge as arrays: what is drawn, printed and compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sciren.errors import DataError, ShapeError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EdgeCurve:
    """One learned one-dimensional function of the encoder, sampled on a grid.

    Args:
        layer: layer of the edge, counted from 0.
        source: node that the edge starts from (a feature or a hidden node).
        target: node that the edge ends in (a hidden node or a latent).
        unit: unit of the source, free text; empty when it has none.
        x: (m,), source values in raw units, increasing.
        spline: (m,), the learned function at ``x``, unit of the target; nan where the
            network has no such curve, as of a factor of a product.
        formula: (m,), the closed form at ``x``; None when none was accepted.
        data: (k,), a sample of the source's values, for the density strip.
        importance: share of the outputs' deviation, between 0 and 1.
        family: name of the closed form's family, ``"none"`` when refused.
        label: short text of the formula.
        refused: no closed form fits, the edge stays a spline.
        target_unit: unit of the target, free text; empty when it has none.
        labels: of the classes at ``x``, where the source has classes.
        by_class: class -> closed form (m,) at ``x``, where each has a slope of its own.
    Raises:
        ShapeError: the arrays are not one-dimensional or differ in length.
        DataError: ``x`` does not increase, or a refused edge carries a formula.
    """

    layer: int
    source: str
    target: str
    unit: str
    x: Array
    spline: Array
    formula: Array | None
    data: Array
    importance: float
    family: str
    label: str
    refused: bool
    target_unit: str = ""
    labels: tuple[str, ...] = ()
    by_class: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Lists and single precision are taken as well; a frozen record is filled this
        # way only.
        for name in ("x", "spline", "formula", "data"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, np.asarray(given, dtype=np.float64))
        self._check_shapes()
        if not np.all(np.diff(self.x) > 0):
            raise DataError(
                f"edge {self.name}: x must increase strictly; sort the grid"
            )
        if self.refused and self.formula is not None:
            raise DataError(
                f"edge {self.name} is refused but carries a formula; "
                "pass formula=None or refused=False"
            )

    def _check_shapes(self) -> None:
        if self.x.ndim != 1 or len(self.x) < 2:
            raise ShapeError(
                f"edge {self.name}: x needs shape (m,) with m >= 2, got {self.x.shape}"
            )
        for name in ("spline", "formula"):
            given = getattr(self, name)
            if given is not None and given.shape != self.x.shape:
                raise ShapeError(
                    f"edge {self.name}: {name} has shape {given.shape}, "
                    f"x has {self.x.shape}; sample both on the same grid"
                )
        if self.data.ndim != 1:
            raise ShapeError(
                f"edge {self.name}: data needs shape (k,), got {self.data.shape}"
            )

    @property
    def learned(self) -> bool:
        """Whether the network has such a curve."""
        return bool(np.isfinite(self.spline).any())

    @property
    def name(self) -> str:
        """Source and target in one short text."""
        return f"{self.source} -> {self.target}"

    @property
    def low(self) -> float:
        """Smallest source value of the grid, raw units."""
        return float(self.x[0])

    @property
    def high(self) -> float:
        """Largest source value of the grid, raw units."""
        return float(self.x[-1])

"""Forms whose values are columns of the feature times coefficients."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbolic.families.forms import Array, Form


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
        # with weights both sides carry their root; known errors weigh already
        free = self.from_coefficients(np.linalg.lstsq(inside, target, rcond=None)[0])
        # the offset makes the means equal, as for every other form
        offset = points.mean(points.y - self.value(points.x, np.array([*free, 0.0])))
        return np.array([*free, float(offset)])

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

"""One term of one feature: a closed form without offset, or a refused curve."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.forms import Form
from symbolic.families.variants import in_raw

Array = np.ndarray


@dataclass(frozen=True)
class EdgeTerm:
    """One edge: a closed form without offset, or a refused curve.

    Args:
        source: column of the scaled features.
        form: closed form; None when refused.
        constants: of the form, offset left out.
        curve: the spline of a refused edge.
        function: name of a refused edge in the formula, e.g. ``f_rb_ta``.
    """

    source: int
    form: Form | None
    constants: tuple[float, ...] = ()
    curve: SplineCurve | None = None
    function: str = ""

    @property
    def size(self) -> int:
        """Number of constants."""
        return len(self.constants)

    @property
    def free(self) -> tuple[bool, ...]:
        """Which constants a fit may move: all."""
        return (True,) * len(self.constants)

    @property
    def full(self) -> Array:
        """Constants of the form, its offset of zero included."""
        return np.array([*self.constants, 0.0])

    def value(self, z: Array) -> Array:
        """Value at scaled source values (n,)."""
        if self.form is not None:
            return self.form.value(z, self.full)
        assert self.curve is not None
        return self.curve.value(z)

    def by_constants(self, z: Array) -> Array:
        """Derivatives (n, k)."""
        if self.form is None:
            return np.empty((len(z), 0))
        # the last column is the offset's, which the latent holds
        return self.form.by_constants(z, self.full)[:, :-1]

    def with_constants(self, values: Sequence[float]) -> "EdgeTerm":
        """Return the term with other constants."""
        return replace(self, constants=tuple(values))

    def in_units(self, shift: float, scale: float) -> tuple["EdgeTerm", float]:
        """Return the term of x = shift + scale z, and the offset that leaves it."""
        if self.form is None:
            assert self.curve is not None
            return replace(self, curve=self.curve.moved(shift, scale)), 0.0
        form, c = in_raw(self.form, self.full, shift, scale)
        constants = tuple(float(value) for value in c[:-1])
        return replace(self, form=form, constants=constants), float(c[-1])

    def oriented(self) -> "EdgeTerm":
        """Return the same term with its constants as they are written."""
        if self.form is None:
            return self
        return replace(self, constants=self.form.canonical(self.constants))

    def scaled(self, factor: float) -> "EdgeTerm":
        """Return the term times a number."""
        if self.form is not None:
            return replace(self, constants=self.form.times(self.constants, factor))
        assert self.curve is not None
        return replace(self, curve=self.curve.scaled(factor))

"""A formula of a state where a simulation wants a function of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from symbolic.expression.evaluate import compile_numpy


@dataclass(frozen=True)
class StateFormula:
    """A latent as a formula of one state, whose constants are numbers.

    It is a `sciren.dynamics.solving.simulation.StateFunction` without free constants.

    Args:
        expression: sympy formula;  state: name of its only symbol.
    """

    expression: Any
    state: str

    @cached_property
    def _pair(self) -> tuple[Any, Any]:
        symbol = sympy.Symbol(self.state, real=True)
        # Heaviside and the like: a bound switches at one place, and either side will do
        slope = sympy.diff(self.expression, symbol).rewrite(sympy.Piecewise)
        # compiled once: a simulation asks at every step
        return (
            compile_numpy(self.expression, [self.state]),
            compile_numpy(slope, [self.state]),
        )

    def value(self, x: np.ndarray) -> np.ndarray:
        """Return the latent at states of any shape."""
        return np.broadcast_to(self._pair[0](x), np.shape(x))

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Return its derivative by the state."""
        return np.broadcast_to(self._pair[1](x), np.shape(x))

    def by_constants(self, x: np.ndarray) -> np.ndarray:
        """Return no derivative: (..., 0)."""
        return np.zeros((*np.shape(x), 0))

"""Terms of a latent that changes in time: an offset, curves of features, a curve of a state.

    latent = min(high, max(low, sum of its terms))

A latent per row is an offset and one term a feature of the row; a latent of a state is one
term, of that state.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sciren.dynamics.functions.spline import StateSpline
from sciren.dynamics.solving.simulation import StateFunction
from sciren.parameters import Parameter
from sciren.splines import n_coefficients, roughness_matrix

Build = Callable[[np.ndarray], StateFunction]
OFFSET = ""  # source of a term that is one number
# Knots are many, for shapes come from the smoothing; features are several, a state is one.
INTERVALS = 8  # of a curve of a feature (10 where rows have no memory)
STATE_INTERVALS = 12  # of a curve of a state


@dataclass(frozen=True)
class Term:
    """One term of a latent: a function of one column or state with free constants.

    Args:
        latent: the parameter that it belongs to.
        source: feature or state; `OFFSET` for one number.
        build: constants (K,) -> the function.
        sizes: (K,) of the constants, by which long steps are told.
        penalty: (K, K) added to the loss as c' penalty c.
    """

    latent: Parameter
    source: str
    build: Build
    sizes: np.ndarray
    penalty: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True)
class Flat:
    """One number as a function."""

    constants: np.ndarray

    def value(self, x: np.ndarray) -> np.ndarray:
        """Return the number at all x."""
        return np.full(np.shape(x), float(self.constants[0]))

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros(np.shape(x))

    def by_constants(self, x: np.ndarray) -> np.ndarray:
        """Return ones, (..., 1)."""
        return np.ones((*np.shape(x), 1))


def offset(latent: Parameter) -> Term:
    """Return the offset of a latent per row, a term of the size of its declared start."""
    size = np.array([max(abs(latent.initial), 1e-6)])
    return Term(latent, OFFSET, Flat, size, np.zeros((1, 1)))


def spline_term(
    latent: Parameter, source: str, limits: tuple[float, float], intervals: int
) -> Term:
    """Return a spline of a source as a term; its penalty has the weight one."""

    def build(c: np.ndarray) -> StateSpline:
        return StateSpline(c, limits)

    # Coefficients have the size of the declared start, which also carries the unit.
    size = max(abs(latent.initial), 1e-6)
    matrix = roughness_matrix(intervals).numpy()
    # 1e-6: coefficients that no value has touched must have a place of their own, and
    # the level belongs to the offset
    penalty = (matrix + 1e-6 * np.eye(len(matrix))) / size**2
    sizes = np.full(n_coefficients(intervals), size)
    return Term(latent, source, build, sizes, penalty)


def state_term(latent: Parameter) -> Term:
    """Return the spline of a latent over the declared range of its state."""
    assert latent.range is not None  # the declaration asks for it with inputs
    assert latent.state_input is not None
    limits = float(latent.range[0]), float(latent.range[1])
    return spline_term(latent, latent.state_input, limits, STATE_INTERVALS)


@dataclass(frozen=True)
class Held:
    """A function of a state inside the bounds of its latent."""

    inner: StateFunction
    low: float
    high: float

    def value(self, x: np.ndarray) -> np.ndarray:
        """Return the latent at states of any shape."""
        return np.clip(self.inner.value(x), self.low, self.high)

    def _inside(self, x: np.ndarray) -> np.ndarray:
        free = self.inner.value(x)
        return (free > self.low) & (free < self.high)

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Return its derivative by the state, zero where a bound holds it."""
        return np.where(self._inside(x), self.inner.slope(x), 0.0)

    def by_constants(self, x: np.ndarray) -> np.ndarray:
        """Return its derivatives by the constants, (..., K)."""
        return self.inner.by_constants(x) * self._inside(x)[..., None]


@dataclass(frozen=True)
class Additive:
    """A latent per row: the sum of its terms inside its bounds.

    Args:
        functions: of the terms;  sources: feature of each, or `OFFSET`.
        low, high: bounds of the latent.
    """

    functions: Sequence[StateFunction]
    sources: Sequence[str]
    low: float
    high: float

    def free(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the sum of the terms without its bounds, of the shape of the columns."""
        total = np.zeros(np.shape(columns[OFFSET]))
        with np.errstate(all="ignore"):  # a trial step may leave the domain of a form
            for function, source in zip(self.functions, self.sources, strict=True):
                total = total + function.value(columns[source])
        return total

    def value(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the latent; `OFFSET` names a column of any number."""
        return np.clip(self.free(columns), self.low, self.high)

    def by_constants(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return its derivatives by the constants of all terms, (..., K)."""
        free = self.free(columns)
        inside = (free > self.low) & (free < self.high)
        with np.errstate(all="ignore"):
            parts = [
                f.by_constants(columns[s])
                for f, s in zip(self.functions, self.sources, strict=True)
            ]
        return np.concatenate(parts, -1) * inside[..., None]

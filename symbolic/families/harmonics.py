"""The form of a periodic feature: one or two waves that fit into its circle."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symbolic.expression.atoms import Exact
from symbolic.families.forms import Array, Form, Variant
from symbolic.families.linear_form import LinearForm


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
        # A cos(w x) + B sin(w x) = a cos(w (x - s)) with a = hypot(A, B), w s = atan2(B, A)
        pairs = np.asarray(coefficients).reshape(-1, 2)
        rates = 2 * np.pi / self.period * np.arange(1, self.count + 1)
        size, angle = np.hypot(pairs[:, 0], pairs[:, 1]), np.arctan2(*pairs.T[::-1])
        # on the circle: the k-th wave repeats after period / k
        places = np.remainder(angle / rates, 2 * np.pi / rates)
        return np.stack((size, places), axis=1).ravel()

    def value(self, x: Array, c: Array) -> Array:
        """Return the sum of the waves at x (n,)."""
        x = np.asarray(x, dtype=float)
        waves = (a * np.cos(rate * (x - s)) for rate, a, s in self._waves(c))
        return sum(waves, np.full(np.shape(x), float(c[-1])))

    def by_constants(self, x: Array, c: Array) -> Array:
        """Return the exact derivatives (n, 2 count + 1)."""
        columns = []
        for rate, a, s in self._waves(c):
            angle = rate * (x - s)
            # d/da and d/ds of a cos(w (x - s))
            columns += [np.cos(angle), a * rate * np.sin(angle)]
        return np.column_stack((*columns, np.ones(len(x))))

    def by_x(self, x: Array, c: Array) -> Array:
        """Return the exact slope (n,)."""
        waves = (-a * rate * np.sin(rate * (x - s)) for rate, a, s in self._waves(c))
        return sum(waves, np.zeros(np.shape(x)))

    def expression(self, x: Any, c: Sequence[Any] | Array) -> Any:
        """Return the sum of the waves; the period is written as it was given."""
        numbers = [
            v if isinstance(v, sympy.Basic) else sympy.Float(float(v)) for v in c
        ]
        total = numbers[-1]
        for k in range(self.count):
            turn = 2 * (k + 1) * sympy.pi / Exact(self.period)
            total += numbers[2 * k] * sympy.cos(turn * (x - numbers[2 * k + 1]))
        return total

    def in_raw(self, c: Array, shift: float, scale: float) -> tuple[Form, Array]:
        """Return form and constants in raw x for waves of z = (x - shift) / scale."""
        if shift == 0.0 and scale == 1.0:
            return self, np.array(c, dtype=float)
        # the period was divided by the scale: what is printed is the number that was given
        raw = harmonics(float(f"{self.period * scale:.12g}"), self.count)
        moved = np.array(c, dtype=float)
        moved[1:-1:2] = shift + scale * moved[1:-1:2]
        return raw, np.array([*raw.canonical(tuple(moved[:-1])), moved[-1]])

    def canonical(self, constants: Sequence[float]) -> tuple[float, ...]:
        """Return the same waves with positive amplitudes and places on the circle."""
        canonical: list[float] = []
        for k in range(self.count):
            a, s = constants[2 * k : 2 * k + 2]
            turn = self.period / (k + 1)
            canonical += [
                abs(a),
                # -cos(t) = cos(t + pi): half a turn of that wave
                float(np.remainder(s + (turn / 2 if a < 0 else 0.0), turn)),
            ]
        return tuple(canonical)

    def times(self, constants: Sequence[float], factor: float) -> tuple[float, ...]:
        """Return the constants of the form times a number."""
        # amplitudes and places alternate; a negative factor turns amplitudes round
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

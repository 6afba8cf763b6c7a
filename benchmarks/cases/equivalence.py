"""Numerical comparison of formulas: does a found form hold the truth, at which constants?

The constants of the found formula are refitted to the noise-free values. The form is
right when nothing is left, whatever way it is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from benchmarks.cases.case import Formula

NOTHING_LEFT = 1e-5
"""Root mean square residual over the deviation that counts as equal."""


@dataclass(frozen=True, eq=False)
class Parametrised:
    """A formula with its numbers as parameters.

    Attributes:
        found: (p,) numbers of the formula.
        value, slopes: (columns (n, d), parameters) -> (n,) and (n, p).
    """

    found: np.ndarray
    value: Any
    slopes: Any


def parametrise(expression: Formula, symbols: Sequence[sympy.Symbol]) -> Parametrised:
    """Turn every number that is not an integer into a parameter."""
    numbers: list[float] = []
    names: list[sympy.Symbol] = []

    def freed(part: Formula) -> Formula:
        if part.is_number and not part.is_Integer:
            numbers.append(float(part))
            names.append(sympy.Symbol(f"_p{len(names)}", real=True))
            return names[-1]
        if not part.args:
            return part
        return part.func(*(freed(arg) for arg in part.args))

    form = freed(expression)
    arguments = [*symbols, *names]
    derivatives = [sympy.diff(form, name) for name in names]
    value = sympy.lambdify(arguments, form, "numpy", cse=True)
    slopes = sympy.lambdify(arguments, derivatives, "numpy", cse=True)

    def values_at(columns: np.ndarray, p: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            found = np.asarray(value(*columns.T, *p))
            return np.broadcast_to(found, (len(columns),)).astype(float)

    def slopes_at(columns: np.ndarray, p: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            found = [
                np.broadcast_to(np.asarray(slope), (len(columns),)).astype(float)
                for slope in slopes(*columns.T, *p)
            ]
        return np.stack(found, axis=1) if found else np.empty((len(columns), 0))

    return Parametrised(np.array(numbers), values_at, slopes_at)


@dataclass(frozen=True, eq=False)
class Comparison:
    """A found formula against the noise-free truth.

    Attributes:
        residual: what the refitted form leaves, over the deviation of the truth.
        found, refitted: (p,) constants.
        errors: (p,) standard errors at the truth, for the noise of the case.
        effects: (p,) root mean square effect of found - refitted, over the deviation.
        apart: largest distance of the found curve from the truth, over the range.
    """

    residual: float
    found: np.ndarray
    refitted: np.ndarray
    errors: np.ndarray
    effects: np.ndarray
    apart: float

    @property
    def same_form(self) -> bool:
        """Whether the form holds the truth and says nothing beyond it.

        A constant that vanishes at the truth (a needless term) must be zero within two
        and a half standard errors, or without effect.
        """
        if self.residual > NOTHING_LEFT:
            return False
        gone = np.abs(self.refitted) < 1e-3 * np.abs(self.found)
        needless = gone & (self.effects > 1e-4)
        return not (needless & (np.abs(self.found) > 2.5 * self.errors)).any()

    def same_constants(self, tolerance: float = 0.05) -> bool:
        """Whether every constant is within a tolerance of the truth.

        Constants that the data tell less well than that are right within two standard
        errors, when the curve is within 0.1 % of the range; so are those without effect.
        """
        apart = np.abs(self.found - self.refitted)
        near = apart <= tolerance * np.abs(self.refitted)
        if self.apart <= 1e-3:
            near |= apart <= 2.0 * self.errors
        return bool((near | (self.effects <= 1e-4)).all())


def compare(
    expression: Formula,
    symbols: Sequence[sympy.Symbol],
    columns: np.ndarray,
    truth: np.ndarray,
    noise: float,
) -> Comparison | None:
    """Refit a found formula to the noise-free values; None when it has no value there.

    Args:
        columns: (n, d) features;  truth: (n,) noise-free values.
        noise: deviation of the noise, in the unit of the truth.
    """
    form = parametrise(expression, symbols)
    p = form.found
    start = form.value(columns, p)
    if not np.isfinite(start).all():
        return None
    scale, span = float(truth.std()), float(np.ptp(truth))
    refitted = _refit(form, columns, truth, p)
    left = float(np.sqrt(np.mean((form.value(columns, refitted) - truth) ** 2)))
    slopes = form.slopes(columns, refitted)
    slopes = np.where(np.isfinite(slopes), slopes, 0.0)
    size = np.sqrt(np.mean(slopes**2, axis=0))
    return Comparison(
        left / scale,
        p,
        refitted,
        _errors(slopes, noise),
        size * np.abs(p - refitted) / scale,
        float(np.abs(start - truth).max()) / span,
    )


def _errors(slopes: np.ndarray, noise: float) -> np.ndarray:
    size = np.linalg.norm(slopes, axis=0)
    size[size == 0] = 1.0
    scaled = slopes / size
    inverse = np.linalg.pinv(scaled.T @ scaled, rcond=1e-13)
    return noise * np.sqrt(np.maximum(np.diag(inverse), 0.0)) / size


def _refit(
    form: Parametrised, columns: np.ndarray, truth: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Levenberg-Marquardt with scaled columns."""
    p, damping = start.copy(), 1e-3
    residual = truth - form.value(columns, p)
    loss, floor = float(residual @ residual), 1e-24 * len(truth) * float(truth.var())
    for _ in range(150):
        if not len(p) or loss <= floor or damping > 1e12:
            break
        slopes = form.slopes(columns, p)
        if not np.isfinite(slopes).all():
            break
        size = np.linalg.norm(slopes, axis=0)
        size[size == 0] = 1.0
        scaled = slopes / size
        normal, right = scaled.T @ scaled, scaled.T @ residual
        step = np.linalg.lstsq(normal + damping * np.eye(len(p)), right, rcond=1e-14)[0]
        trial = p + step / size
        moved = truth - form.value(columns, trial)
        moved_loss = float(moved @ moved)
        if np.isfinite(moved_loss) and moved_loss < loss:
            p, residual, loss, damping = trial, moved, moved_loss, damping / 8
        else:
            damping *= 6
    return p

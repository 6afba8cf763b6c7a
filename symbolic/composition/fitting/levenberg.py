"""Levenberg-Marquardt with the linear part projected out, for small dense models."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_lapack_funcs

from symbolic.composition.fitting.model import Evaluator, Model
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray

# called directly: at these sizes the checks of cho_factor cost as much as the work
_factorise, _substitute = get_lapack_funcs(("potrf", "potrs"), dtype=np.float64)

RIDGE = 1e-7
"""Pull of spline coefficients to zero, as a share of the rows."""

FLOOR = 1e-13
"""Mean squared residual, in variances, below which nothing can be gained."""


RACED, PACE = 4, 2
"""Steps before a fit may be given up, and steps over which its pace is taken."""


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Args:
        model: with its constants.
        rss: weighted sum of squares without the ridge.
        normal: (k, k) matrix of the normal equations at the last accepted step.
        converged: whether the steps had become small.
    """

    model: Model
    rss: float
    normal: Array
    converged: bool


def solve(matrix: Array, right: Array) -> Array | None:
    """Solve a symmetric positive system, or None where it is not positive."""
    factor, info = _factorise(matrix, lower=1)
    if info != 0:
        return None
    solution, info = _substitute(factor, right, lower=1)
    return solution if info == 0 else None


@dataclass
class _Point:
    theta: Array
    loss: float
    rss: float
    gradient: Array
    normal: Array


class Levenberg:
    """One minimisation, which can be continued.

    Args:
        regression: rows.
        model: start.
        soft: width of smoothed kinks.
    """

    def __init__(self, regression: Regression, model: Model, soft: float = 0.0) -> None:
        self.regression = regression
        self.model = model
        self.evaluator = Evaluator(regression.columns, model, soft)
        # splines in thin data are held, closed forms are not: they would be biased
        self.ridge = RIDGE * len(regression) * self.evaluator.spline
        self.damping, self.converged = 1e-3, False
        self.point = self._at(model.pack())

    @property
    def rss(self) -> float:
        """Weighted sum of squares at the present constants."""
        return self.point.rss

    def _at(self, theta: Array) -> _Point:
        # a trial step may overflow; it is then refused by its loss
        with np.errstate(all="ignore"):
            return self._point(theta)

    def _point(self, theta: Array) -> _Point:
        regression = self.regression
        value, jacobian = self.evaluator.value_jacobian(theta)
        projected = regression.projected.shape[1]
        regression.work.add(len(regression), len(theta), projected)
        if regression.weighted:
            value = value * regression.weight
            jacobian *= regression.weight[:, None]
        # r = (1 - Q Q') W (y - value): the offset and other linear columns always stand at
        # their best for the present constants (variable projection, Golub and Pereyra 1973).
        residual = regression.target - regression.without(value)
        q = regression.projected
        rss = float(residual @ residual)
        # residual is orthogonal to q already, so only the matrix needs the projection
        shared = q.T @ jacobian
        normal = jacobian.T @ jacobian - shared.T @ shared
        # minus half the gradient, so that normal * step = gradient
        gradient = jacobian.T @ residual - self.ridge * theta
        normal.flat[:: len(theta) + 1] += self.ridge
        loss = rss + float(self.ridge @ (theta * theta))
        return _Point(theta, loss, rss, gradient, normal)

    def step(self) -> bool:
        """Take one accepted step; False when none was found."""
        point = self.point
        scale = np.sqrt(np.maximum(point.normal.diagonal(), 0.0))
        # A constant that the rows do not feel has a column of zeros; with a scale of its own it
        # would be divided by zero.
        scale = np.maximum(scale, 1e-5 * max(float(scale.max(initial=0.0)), 1e-30))
        matrix = point.normal / np.outer(scale, scale)
        right = point.gradient / scale
        # damping grows by up to 6^8 = 1.7e6 before the place counts as a minimum
        for _ in range(8):
            damped = matrix.copy()
            # The scaled diagonal is one, so that damping is a share of it.
            damped.flat[:: len(right) + 1] += self.damping + 1e-13
            move = solve(damped, right)
            if move is not None:
                trial = self._trial(point.theta, move / scale)
                if trial is not None:
                    gained = point.loss - trial.loss
                    self.converged = gained <= 1e-9 * point.loss
                    self.point = trial
                    self.damping = max(self.damping / 6.0, 1e-12)
                    return True
            self.damping = max(self.damping * 6.0, 1e-9)
        self.converged = True
        return False

    def _trial(self, theta: Array, move: Array) -> _Point | None:
        moved = self.evaluator.retract(theta, theta + move)
        trial = self._at(moved)
        return trial if trial.loss < self.point.loss else None

    def run(
        self,
        iterations: int,
        hopeless: float = np.inf,
        floor: float = FLOOR,
        goal: float = np.inf,
    ) -> "Levenberg":
        """Take at most some steps.

        Args:
            hopeless: stop after six steps when the sum of squares is above this and
                falls by less than a fifth a step.
            floor: mean squared residual at which nothing is left to gain.
            goal: stop after some steps where twice the present pace over all steps
                that are left does not lead to this sum of squares.
        """
        floor = floor * len(self.regression)
        passed = [self.point.rss]
        for k in range(iterations):
            if passed[-1] <= floor or not self.step() or self.converged:
                break
            passed.append(self.point.rss)
            # Two ways to give up: slow and still above what any rival reached, or too slow for
            # the goal even at twice the present pace.
            slow = passed[-1] > 0.8 * passed[-2]
            if k >= 5 and slow and passed[-1] > hopeless:
                break
            if k >= RACED and passed[-1] > goal:
                pace = passed[-1] / passed[-1 - PACE]
                left = 2.0 * (iterations - 1 - k) / PACE
                if passed[-1] * pace**left > goal:
                    break
        return self

    def fit(self) -> Fit:
        """Return what was reached."""
        point = self.point
        return Fit(
            self.model.unpack(point.theta), point.rss, point.normal, self.converged
        )


def fit(
    regression: Regression,
    model: Model,
    iterations: int = 30,
    soft: float = 0.0,
    hopeless: float = np.inf,
) -> Fit:
    """Refit all constants of a model from where they are.

    Args:
        model: structure and start; without constants nothing is fitted.
        iterations: most steps;  soft: width of smoothed kinks.
        hopeless: sum of squares above which a slow fit is given up, see `Levenberg.run`.
    """
    if model.pack().size == 0:
        rss = float(regression.target @ regression.target)
        return Fit(model, rss, np.empty((0, 0)), True)
    return Levenberg(regression, model, soft).run(iterations, hopeless).fit()


def polish(regression: Regression, model: Model) -> Fit:
    """Refit to the last digit that the data give."""
    return Levenberg(regression, model).run(60, floor=1e-28).fit()


def model_value(regression: Regression, model: Model) -> Array:
    """Value of a model without offset and nuisance (n,)."""
    return Evaluator(regression.columns, model).value_jacobian(model.pack())[0]

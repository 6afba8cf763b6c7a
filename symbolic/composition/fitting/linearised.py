"""A latent seen through a process as a weighted regression, linearised at an estimate.

    y = p(latent, q)  ~  p(e, q0) + p' (latent - e) + dp/dq (q - q0)

so that  e + (y - p) / p'  is an observation of  latent + nuisance . (q - q0)  with weight
|p'| w. Every search on regressions then works through a process; once it is linearised
at its own solution, the residual is that of the observations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from symbolic.composition.fitting.levenberg import fit, model_value
from symbolic.composition.fitting.model import Model
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.through_process import Process
from symbolic.composition.fitting.written_out import linear_part

Array = np.ndarray

PROPORTIONAL_FLOOR = 0.02
"""Share of the median size below which a proportional error no longer shrinks."""

CLEAR = 10.0
"""Units of log likelihood by which the proportional law has to win."""


def error_scale(predicted: Array) -> Array:
    """Deviation of a proportional error, up to a factor (n,)."""
    size = np.abs(predicted)
    return np.maximum(size, PROPORTIONAL_FLOOR * float(np.median(size)) + 1e-300)


def log_likelihood(residual: Array, scale: Array) -> float:
    """Largest Gaussian log likelihood for errors proportional to a scale (n,)."""
    variance = max(float(np.mean((residual / scale) ** 2)), 1e-300)
    return float(-0.5 * len(residual) * np.log(variance) - np.sum(np.log(scale)))


def is_proportional(residual: Array, predicted: Array) -> bool:
    """Whether an error proportional to the prediction explains residuals better.

    Args:
        residual, predicted: (n,) in the unit of the observation.
    """
    constant = log_likelihood(residual, np.ones(len(residual)))
    return log_likelihood(residual, error_scale(predicted)) > constant + CLEAR


def proportional_weight(predicted: Array) -> Array:
    """Weights of residuals (n,) for a proportional error, mean square one."""
    return unit_mean_square(1.0 / error_scale(predicted))


def unit_mean_square(weight: Array) -> Array:
    """Scale weights to mean square one."""
    return weight / np.sqrt(np.mean(weight**2))


FLATTEST = 1e-6
"""Smallest slope of a process, in its largest, that still tells something."""

ROUNDS = 12  # Gauss-Newton rounds, ended earlier where nothing moves


@dataclass(frozen=True)
class Linearised:
    """A process at an estimate of its latent and constants.

    Args:
        base: regression whose rows, columns and splines are kept.
        process, observed, weight: (n,) observations and factors on their residuals.
        estimate: (n,) latent;  constants: of the process.
        shift, scale: the regression's y is (latent - shift) / scale.
        unit: factor that turns weighted residuals into those of the regression.
        regression: linearised.
    """

    base: Regression
    process: Process
    observed: Array
    weight: Array
    estimate: Array
    constants: Mapping[str, float]
    shift: float
    scale: float
    unit: float
    regression: Regression

    @classmethod
    def at(
        cls,
        base: Regression,
        process: Process,
        observed: Array,
        weight: Array,
        estimate: Array,
        constants: Mapping[str, float],
        shift: float,
        scale: float,
    ) -> "Linearised":
        """Linearise at an estimate; arguments as the attributes of the class.

        Rows in which the process is flat keep a finite pseudo-observation and no weight.
        """
        value = process.evaluate(estimate, constants)
        slope = process.slope(estimate, constants)
        # Where the process is flat a row says nothing of the latent. Its weight |p'| takes it
        # out; the floor only keeps its pseudo-observation finite.
        least = FLATTEST * float(np.abs(slope).max(initial=1e-300))
        slope = np.where(np.abs(slope) < least, least, slope)
        pseudo = estimate + (observed - value) / slope
        columns = [
            process.by_constant(name, estimate, constants) / slope / scale
            for name in process.ranges
        ]
        nuisance = np.stack(columns, axis=1) if columns else np.empty((len(value), 0))
        # (y - p) w = p' w (pseudo - latent): residuals of the pseudo-observations times these
        # factors are those of the observations
        factors = np.abs(slope) * weight * scale
        # residuals count in deviations of the weighted observations
        unit = 1.0 / weighted_deviation(observed, weight)
        regression = replace(
            base, y=(pseudo - shift) / scale, weight=factors * unit, nuisance=nuisance
        )
        return cls(
            base, process, observed, weight, estimate, constants, shift, scale, unit,
            regression,
        )  # fmt: skip

    def moved(
        self, estimate: Array, constants: Mapping[str, float], weight: Array
    ) -> "Linearised":
        """Linearise the same rows at another latent (n,), constants, and weights (n,)."""
        return Linearised.at(
            self.base, self.process, self.observed, weight, estimate, constants,
            self.shift, self.scale,
        )  # fmt: skip

    def latent(self, model: Model) -> tuple[Array, dict[str, float]]:
        """Latent (n,) of a fitted model and the constants that belong to it."""
        linear = linear_part(self.regression, model)
        value = model_value(self.regression, model) + linear[0]
        steps = dict(zip(self.process.ranges, linear[1:].tolist(), strict=True))
        # A step of 0.7 is a factor of 2 of a positive
        # constant: farther the tangent is no guide.
        limited = {
            name: float(np.clip(step, -0.7, 0.7)) for name, step in steps.items()
        }
        constants = self.process.moved(self.constants, limited)
        return self.shift + self.scale * value, constants

    def misfit(self, estimate: Array, constants: Mapping[str, float]) -> float:
        """Weighted sum of squares of the observations."""
        left = self.observed - self.process.evaluate(estimate, constants)
        return float(np.sum((left * self.weight * self.unit) ** 2))

    def refitted(
        self, model: Model, rounds: int = ROUNDS
    ) -> tuple["Linearised", Model]:
        """Fit a model and linearise at its latent until nothing moves."""
        here, best, best_model = self, np.inf, model
        # The linearisation moves under the fit, so few steps are worth more rounds.
        fitted = fit(here.regression, model, 8).model
        reached = self
        for _ in range(rounds):
            estimate, constants = here.latent(fitted)
            misfit = here.misfit(estimate, constants)
            # judged by the process itself, not by its
            # tangent; the last place that was better stays
            if not misfit < best * (1.0 - 1e-10):
                break
            done = misfit > best * (1.0 - 1e-7)
            here = here.moved(estimate, constants, here.weight)
            best, best_model, reached = misfit, fitted, here
            if done:
                break
            fitted = fit(here.regression, fitted, 6).model
        return reached, best_model


def weighted_deviation(observed: Array, weight: Array) -> float:
    """Deviation of weighted observations around their weighted mean."""
    share = weight**2 / np.sum(weight**2)
    centre = float(share @ observed)
    return max(float(np.sqrt(np.mean(((observed - centre) * weight) ** 2))), 1e-300)

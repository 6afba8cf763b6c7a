"""A fitted model on whitened observations, linear around its minimum."""

from dataclasses import dataclass

import numpy as np

from sciren.errors import TrainingError
from sciren.inference.design import Design
from sciren.inference.elimination import GramModel
from sciren.inference.solve import Fit, carried
from sciren.inference.wald import RobustTest

MATERIAL = 1e-6
"""Share of the squared observations below which a misfit is no noise: an exact fit must
not make a trifle certain."""


def noise_variance(fit: Fit) -> float:
    """Return the variance of whitened residuals, at least a millionth of the observed."""
    white = fit.whitening.whiten(fit.process.values)
    free = max(len(white) - fit.design.size, 1)
    return max(fit.loss / free, MATERIAL * float(white @ white) / len(white), 1e-300)


@dataclass(frozen=True, eq=False)
class LinearisedFit:
    """The model with all edges on whitened observations, linear around its minimum.

    Attributes:
        fit: the minimum.
        design: edges of the columns, those of the fit and maybe more.
        columns: (m, P) whitened sensitivities;  response: (m,) whitened observations in
            the linear model, y* = residual + J theta.
        model: normal equations, blocks numbered as the edges of the design.
        fitted: numbers of the edges in the fit.
        variance: of the noise, from the edges in the fit.

    With several latents a change of a level can stand in for a curve (a b = (2 a)(b / 2)),
    which to first order costs nothing however large: their levels are held.
    """

    fit: Fit
    design: Design
    columns: np.ndarray
    response: np.ndarray
    model: GramModel
    fitted: tuple[int, ...]
    variance: float

    @property
    def test(self) -> RobustTest:
        """Wald tests in its submodels."""
        process = self.fit.process
        rank = process.time_rank() if process.ordered else None
        return RobustTest(self.columns, self.response, self.model, rank)

    @classmethod
    def of(
        cls, fit: Fit, design: Design | None = None, variance: float | None = None
    ) -> "LinearisedFit":
        """Linearise a fit.

        Args:
            fit: a minimum.
            design: columns; default those of the fit.
            variance: of the noise; default that of the residual of the fit.
        Raises:
            TrainingError: a sensitivity is no finite number.
        """
        design = fit.design if design is None else design
        jacobian = fit.jacobian
        if design is not fit.design:
            process = fit.process
            response = process.evaluate(fit.raw_latents(), fit.constants)
            jacobian = design.jacobian(response, process)
        # The law is that of the fit, also for columns that are offered beside its own.
        white = fit.whitening.whiten(np.column_stack((jacobian, fit.residual)))
        if not np.isfinite(white).all():
            raise TrainingError(
                "sensitivities of the process overflow at the minimum; look for codes of "
                "missing values in the targets, or give constants and latents bounds"
            )
        columns = np.ascontiguousarray(white[:, :-1])
        # Levels and constants belong to every submodel; only curves are offered and
        # dropped.
        theta, always = carried(fit, design), design.positions(())
        if design.n_latents > 1:
            theta[: design.n_latents] = 0.0
            always = always[design.n_latents :]
        # y* = W (y - mean) + W J theta, so that linear least squares finds theta again.
        observed = white[:, -1] + columns @ theta
        blocks = {
            number: np.arange(block.start, block.stop)
            for number, block in enumerate(design.blocks)
        }
        model = GramModel.of(columns, observed, always, blocks, design.units)
        started = [n for n in blocks if design.edges[n] in fit.design.edges]
        if variance is None:
            variance = noise_variance(fit)
        return cls(fit, design, columns, observed, model, tuple(started), variance)

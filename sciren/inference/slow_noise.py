"""Does slow noise explain a series as well as the features that were selected?

Slow features and slow noise stand in for each other. A model with many slow columns leaves
a residual without memory, under which these columns look certain. Selected features and
constant latents are therefore compared with the memory that each of them needs itself:

    BIC = m log(|W e|^2 / m) + log |C| + log(m) (coefficients + orders),

W whitening with the autoregression of the model's own residual, C its correlations. A
selection stands where its BIC is the lower one. Of 21 chance selections of smooth
coordinates of time (300 rows, and 2,000 rows of `python -m benchmarks.belief placebo`) 18
had the higher BIC, by up to 43; three true features among noise as large as their effect
lowered it by 130 and more.

Reference: Schwarz 1978.
"""

from dataclasses import dataclass

import numpy as np

from sciren.inference.noise import NoiseLaw, with_memory_of
from sciren.inference.solve import Fit, solve

ALTERNATIONS = 1
"""Of memory and coefficients; a second moves the BIC by 0.05 at most (same records)."""


@dataclass(frozen=True, eq=False)
class OwnMemory:
    """A model with the memory that its own residual has.

    Attributes:
        fit: the model, fitted under the law;  law: of its noise.
        bic: up to what is common to all models of the same rows.
    """

    fit: Fit
    law: NoiseLaw
    bic: float

    @classmethod
    def of(cls, fit: Fit, law: NoiseLaw, mean: np.ndarray) -> "OwnMemory":
        """Alternate between memory and coefficients.

        Args:
            fit: a minimum under a law.
            law: growth and shared parts of the noise, which stay.
            mean: (m,) that carries the scale, the same for models that are compared.
        """
        process = fit.process
        for _ in range(ALTERNATIONS):
            law = with_memory_of(law, process, fit.residual, mean, fit.jacobian)
            whitening = law.whitening(process, mean)
            fit = solve(process, fit.design, whitening, start=fit.theta)
        observations = len(process)
        size = fit.design.size + sum(memory.order for memory in law.autoregression)
        bic = observations * np.log(max(fit.loss, 1e-300) / observations)
        bic += fit.whitening.log_determinant + np.log(observations) * size
        return cls(fit, law, float(bic))

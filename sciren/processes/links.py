"""Outputs that are always positive, or always a share: the links of generalised linear models.

They make a process of a plain regression whose effects multiply, or whose output has an end.
"""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, expit
from sciren.parameters import Parameter


@process_model(
    parameters=[Parameter("z", meaning="logarithm of the output", start=0)],
    targets=["y"],
)
def log_link(p: Any, f: Any) -> Any:
    """Output that is always positive, and on which effects multiply.

        y = exp(z)

    With ``train.residual: log`` errors are shares of the output. The log of a feature in z is
    a power of it in y.
    Counts are weighed by what their noise does with the mean, which is estimated
    (``train.noise: auto``): where it is Poisson the equation is that of glm(family = poisson).
    Identifiability: z is the logarithm of what is observed.
    Reference: Nelder & Wedderburn 1972, Journal of the Royal Statistical Society A 135, 370-384.
    """
    return exp(p.z)


@process_model(
    parameters=[Parameter("z", meaning="log odds of the output", start=0)],
    targets=["y"],
)
def logit_link(p: Any, f: Any) -> Any:
    """Output between 0 and 1, such as a cover or a share that survives.

        y = 1/(1 + exp(-z))

    Observations that are 0 or 1 are weighed by the variance y (1 - y) of the prediction
    (``train.noise: auto``), which gives the equation of glm(family = binomial).
    Limits: 0 and 1 far from z = 0, 1/2 at it.
    Identifiability: z is lost where all of the record is near 0 or 1.
    Reference: Nelder & Wedderburn 1972, Journal of the Royal Statistical Society A 135, 370-384.
    """
    return expit(p.z)

"""How far the constants of a composition lie from the truth, in their own standard errors."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import least_squares

from benchmarks.cases.case import Case
from benchmarks.cases.equivalence import NOTHING_LEFT
from symbolic.terms.raw_constants import raw_constants
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from symbolic import Composition

Array = np.ndarray


def pulls(composition: "Composition", case: Case) -> dict[str, float]:
    """Return constant -> (estimate - truth) / standard error, of process and formula.

    The truth of a constant of the formula is its value in the same form refitted to the
    noise-free latent, so that nothing is said where the form does not hold it. Constants
    without an error (the shared scale of a product) are left out.
    """
    listed = {
        name: (composition.constants_of_process[name].value - value,
               composition.constants_of_process[name].error)
        for name, value in case.constants.items()
    }  # fmt: skip
    true = _at_the_truth(composition, case)
    if true is not None:
        values = raw_constants([true], composition.units)
        for constant, value in zip(composition.constants, values, strict=True):
            listed[constant.name] = constant.value - value.value, constant.error
    return {name: apart / error for name, (apart, error) in listed.items() if error > 0}


def _at_the_truth(composition: "Composition", case: Case) -> LatentStructure | None:
    """Return the form refitted to the noise-free latent, None where that leaves a rest."""
    form, z = composition.form, composition.rows.scaled
    free, start = np.array(form.free), form.pack()
    if not form.all_edges or not free.any():
        return None

    def at(theta: Array) -> LatentStructure:
        constants = start.copy()
        constants[free] = theta
        return form.unpack(constants)

    spread = float(case.latent.std())

    def slopes(theta: Array) -> Array:
        return at(theta).by_constants(z)[:, free] / spread

    jacobian: Any = slopes  # scipy's types know names such as "2-point" only
    with np.errstate(all="ignore"):
        solution = least_squares(
            lambda theta: (at(theta).value(z) - case.latent) / spread,
            start[free],
            jacobian,
            x_scale="jac", xtol=1e-14, ftol=1e-15, gtol=1e-15,
        )  # fmt: skip
    left = float(np.sqrt(2 * solution.cost / len(z)))
    return at(solution.x) if left <= NOTHING_LEFT else None

"""Straight lines of the equations that could bend without the data showing it.

As in `symbolic.composition.decision.open_lines`, on the observations behind the process:
everything else of the equations moves along its tangent, and the upper end of the 95 %
interval of the bend is told in the spread of the line.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from discovery.verdict.imitations import ROWS
from discovery.verdict.record import Reason
from sciren.solvers.spans import orthonormal_span
from symbolic.composition.decision.open_lines import BEND, upper_bend

if TYPE_CHECKING:
    from discovery.verdict.equation_fit import EquationFit
    from discovery.verdict.evidence import Evidence

Array = NDArray[np.float64]
Ends = tuple[str, str]


def open_line_reasons(evidence: "Evidence") -> list[Reason]:
    """Say which lines may be curves for all that these rows show."""
    from sciren.inference.skill.held_out import memory_in_rows

    residual = evidence.residual() / evidence.scale
    memory = memory_in_rows(evidence.process, residual)
    bends = largest_bends(evidence.fit, evidence.scale, memory)
    return [_open(*ends, bend) for ends, bend in bends.items() if bend > BEND]


def largest_bends(
    fit: "EquationFit", scale: Array, memory: float = 1.0
) -> dict[Ends, float]:
    """Return (feature, latent) -> upper end of the bend of its line.

    Args:
        fit: equations at their minimum on these rows.
        scale: (m,) standard deviation of the noise up to a factor.
        memory: observations that count as one.
    """
    lines = [
        (latent, edge)
        for latent, _, edge in fit.direct_edges()
        if edge.form is not None and edge.form.family == "linear"
    ]
    if not lines:
        return {}
    process = fit.process
    # every k-th row of more; the others count as information, in the deviation of the noise
    step = -(-len(process) // ROWS)
    basis = orthonormal_span((fit.jacobian(fit.theta) / scale[:, None])[::step])
    residual = ((process.values - fit.mean(fit.theta)) / scale)[::step]
    response = process.evaluate(fit.raw(fit.theta), fit.theta[fit.cuts[-1] :])
    noise = float(np.sqrt(residual @ residual * memory / len(process)))
    bends = {}
    for latent, edge in lines:
        z = fit.z[process.rows[::step], edge.source]
        effect = z * z * (response.by_latent[:, latent] / scale)[::step]
        slope = float(edge.full[0])
        bend = upper_bend(z, slope, effect[:, None], basis, residual, noise)
        if bend is not None:
            ends = process.feature_names[edge.source], process.latent_names[latent]
            bends[ends] = bend
    return bends


def _open(feature: str, latent: str, bend: float) -> Reason:
    sentence = (
        f"The line of {feature} in {latent} could bend by up to {bend:.0%} of its spread, "
        "and these rows would not show it"
    )
    step = (
        f"Say that {latent} rises or falls with {feature}, not that it does so in a straight "
        f"line, until there are more rows or less noise at both ends of {feature}"
    )
    subject = f"{feature} -> {latent}"
    return Reason("identified", subject, False, sentence, bend, BEND, step, rank=4)

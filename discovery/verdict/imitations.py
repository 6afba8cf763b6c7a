"""Curves that no family of the run holds, in place of each curve of the equations.

A family that was allowed may only imitate what is there: a logistic an arctangent, a
logarithm a saturation. So the best member of every rival family
(`symbolic.composition.decision.rival_families`) is put in place of each named curve, alone or
as a factor of a product, with everything else of the equations moving along its tangent,

    gain = B log(S / S_rival) - (k_rival - k) log B,

S sums of squares in units of the noise, B observations over their memory. A rival that
gains more than 6 units is the better curve; one that gains less, or loses up to 4 with as
few constants, cannot be told from it.
Measured: `python -m benchmarks.recovery --classes foreign --methods estimator`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from discovery.verdict.record import Reason
from sciren.solvers.spans import orthonormal_span
from symbolic.composition.decision.record import AS_GOOD_WITHIN, REFUTES, Rival, gain_of
from symbolic.composition.decision.rival_families import (
    RIVAL_FAMILIES,
    Place,
    scaled_to_one,
)
from symbolic.families.linear_form import LinearForm

if TYPE_CHECKING:
    from discovery.verdict.equation_fit import EquationFit
    from discovery.verdict.evidence import Evidence
    from symbolic.terms.edge_term import EdgeTerm

Array = NDArray[np.float64]

ROWS = 20_000
"""Observations that are asked, every k-th of more: all that is linear in the rows takes a tenth
of a second at this number."""


@dataclass(frozen=True)
class Imitation:
    """A named curve and what stands beside it.

    Attributes:
        feature, latent: ends of the edge;  family: as it was named.
        rival: the best of what is as good or better.
    """

    feature: str
    latent: str
    family: str
    rival: Rival


def imitation_reasons(evidence: "Evidence") -> list[Reason]:
    """Say which curves are another one, or cannot be told from another one."""
    from sciren.inference.skill.held_out import memory_in_rows

    residual = evidence.residual() / evidence.scale
    memory = memory_in_rows(evidence.process, residual)
    return [
        _doubt(imitation)
        for imitation in imitations(evidence.fit, evidence.scale, memory)
    ]


def imitations(
    fit: "EquationFit", scale: Array, memory: float = 1.0
) -> list[Imitation]:
    """Return the named curves in whose place another one does as well.

    Args:
        fit: equations at their minimum on these rows.
        scale: (m,) standard deviation of the noise up to a factor.
        memory: observations that count as one.
    """
    process = fit.process
    step = -(-len(process) // ROWS)
    slopes = (fit.jacobian(fit.theta) / scale[:, None])[::step]
    residual = ((process.values - fit.mean(fit.theta)) / scale)[::step]
    # The minimum of all rows is not that of a part of them, where rivals have theirs.
    tangent = orthonormal_span(slopes)
    residual = residual - tangent @ (tangent.T @ residual)
    # The process is evaluated on all rows and thinned after that: rows of `rows` are
    # those of the observations that stay.
    response = process.evaluate(fit.raw(fit.theta), fit.theta[fit.cuts[-1] :])
    by_latent = (response.by_latent / scale[:, None])[::step]
    rss, rows = float(residual @ residual), process.rows[::step]
    information = min(len(residual), len(process) / max(memory, 1.0))
    imitated = []
    for curve in fit.curve_places():
        edge = curve.edge
        # A curve without a form is told elsewhere, and nothing is simpler than a line.
        if edge.form is None or edge.form.family == "linear":
            continue
        if isinstance(edge.form, LinearForm):
            continue  # classes and waves on a circle, whose features are no amounts
        z = fit.z[rows, edge.source]
        weight = by_latent[:, curve.latent] * curve.slope[rows]
        # Everything but the curve's own constants moves along its tangent: their span is
        # projected out of what the curve has to explain, residual and curve together.
        others = np.delete(slopes, curve.own, axis=1)
        if curve.anchored:  # a rival has an offset, which is a constant more
            others = np.column_stack([others, weight])
        basis = orthonormal_span(others)
        value = edge.value(z)
        target = residual + (value - value.mean()) * weight
        target = target - basis @ (basis.T @ target)
        place = Place(scaled_to_one(z), weight, target, basis)
        rival = _best(place, edge, rss, information, curve.anchored)
        if rival is not None:
            ends = (
                process.feature_names[edge.source],
                process.latent_names[curve.latent],
            )
            imitated.append(Imitation(*ends, edge.form.family, rival))
    return imitated


def _best(
    place: Place, edge: "EdgeTerm", rss: float, information: float, anchored: bool
) -> Rival | None:
    """Return the rival with the largest gain of those that are as good, or None."""
    assert edge.form is not None
    beside = []
    for family in RIVAL_FAMILIES:
        # A family that contains the named form is no rival but the same curve with more
        # constants.
        if edge.form.family in family.holds:
            continue
        left = place.smallest(family)
        # an offset that the named curve lacks is one more constant of its rival
        more = family.size - edge.size + anchored
        gain = gain_of(rss, left, more, information)
        rival = Rival((edge.source,), family.name, gain, more)
        if rival.as_good:
            beside.append(rival)
    return max(beside, key=lambda rival: rival.gain, default=None)


def _doubt(imitation: Imitation) -> Reason:
    rival = imitation.rival
    better = rival.gain > REFUTES
    named = f"the {imitation.family} of {imitation.feature} in {imitation.latent}"
    apart = f"{abs(rival.gain):.1f} {'lower' if rival.gain > 0 else 'higher'}"
    sentence = (
        f"A {rival.family} fits better than {named} (BIC {apart})"
        if better
        else f"The data cannot tell {named} from a {rival.family}, whose BIC is {apart} "
        f"({REFUTES if rival.gain > 0 else AS_GOOD_WITHIN:g} would decide)"
    )
    step = (
        "Allow a family that holds such a curve (discovery.families)"
        if better
        else "Name both until there are more rows or less noise where they part"
    )
    return Reason(
        "identified", f"{imitation.feature} -> {imitation.latent}", False, sentence,
        rival.gain, REFUTES if better else -AS_GOOD_WITHIN, step, rank=2,
    )  # fmt: skip

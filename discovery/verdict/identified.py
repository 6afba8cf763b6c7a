"""Identified: the data hold constants, latents and curves, whatever stays in the encoder."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from discovery.verdict.constants import (
    Row,
    by_features,
    by_fits,
    by_minima,
    by_profile,
    by_smoothness,
    too_wide,
)
from discovery.verdict.imitations import imitation_reasons
from discovery.verdict.interactions import interaction_reasons
from discovery.verdict.open_edges import open_edges
from discovery.verdict.open_lines import open_line_reasons
from discovery.verdict.record import Reason
from discovery.verdict.walk_columns import offered
from sciren.inference.identifiability.quantities import (
    WEAK,
    Identifiability,
    Quantity,
    listed,
)
from sciren.inference.identifiability.walk import walk
from symbolic.composition.decision.record import REFUTES

if TYPE_CHECKING:
    from discovery.results.identification import Identification
    from discovery.uncertainty.record import Uncertainty
    from discovery.verdict.evidence import Evidence
    from symbolic.model.symbolic_model import SymbolicModel

Array = NDArray[np.float64]

WALK_ROWS = 2000  # every k-th row of more; what was left out counts as information
ON_BOUND = 0.05  # share of the rows on a bound above which a latent is reported


def identified_reasons(
    equations: "SymbolicModel",
    evidence: "Evidence",
    constants: Sequence[Row],
    profiles: "Sequence[Identification]",
    uncertainty: "Uncertainty | None" = None,
) -> list[Reason]:
    """Return what the data hold of the equations.

    Args:
        equations, evidence: what is judged.
        constants: rows of `Discovery.process_constants`.
        profiles: what the profile of each constant says, for kept and offered features.
        uncertainty: recommended intervals and those that they are compared with.
    """
    # The walk comes first: what it doubts is told there with what would settle it, and
    # the others then leave it out.
    walked = walk_of(evidence)
    wide = set() if uncertainty is None else too_wide(uncertainty)
    return [
        *by_walk(walked),
        *by_smoothness(walked, uncertainty),
        *by_profile(constants, walked, wide),
        *(by_features(profiles) if uncertainty is None else by_fits(uncertainty)),
        *by_minima(evidence.selection),
        *open_curves(equations),
        *open_formulas(equations),
        *outside_bands(uncertainty),
        *imitation_reasons(evidence),
        *open_line_reasons(evidence),
        *open_edges(evidence),
        *interaction_reasons(evidence),
        *on_bounds(evidence),
        # An empty list would read as "not asked", which is never supported.
    ] or [nothing_to_identify()]


def nothing_to_identify() -> Reason:
    """Say that there is neither a latent nor a constant that could be doubtful."""
    return Reason("identified", "all", True, "No doubt about any latent or constant")


# -- the walk -----------------------------------------------------------------------------
def walk_of(evidence: "Evidence") -> Identifiability:
    """Walk through levels and constants, with every offered feature in every latent.

    Products of features that stand in one node of the equations are offered, too.
    """
    process, fit = evidence.process, evidence.fit
    raw, constants = fit.raw(fit.theta), fit.theta[fit.cuts[-1] :]
    selection = evidence.selection
    if process.n_rows <= WALK_ROWS:
        whitening = None if selection is None else selection.whitening
        wider, edges = offered(evidence, process)
        return walk(wider, raw, constants, whitening, edges)
    # n / limit rounded up.
    step = -(-process.n_rows // WALK_ROWS)
    rows = np.arange(0, process.n_rows, step)
    part = process.take(rows)
    whitening = None
    if selection is not None:
        # Memory between rows that are far apart is gone; their number says what is known.
        law = selection.law.without_memory()
        mean = evidence.fit.mean(evidence.fit.theta)
        whitening = law.whitening(part, mean[np.isin(process.rows, rows)])
    # A thinned record would look less certain than the whole: chi-square is multiplied
    # by independent rows of the whole over rows of the part, never below one.
    independent = _independent_rows(evidence)
    information = max(1.0, independent / len(part))
    wider, edges = offered(evidence, part)
    return walk(wider, raw[rows], constants, whitening, edges, information=information)


def _independent_rows(evidence: "Evidence") -> float:
    """Number of observations that are as good as independent."""
    from sciren.inference.skill.held_out import memory_in_rows

    # m over the time that residuals remember each other, counted in rows.
    residual = evidence.residual() / evidence.scale
    return len(residual) / memory_in_rows(evidence.process, residual)


def _chi(loss: float) -> str:
    """A rise of chi-square in three digits, without a power of ten below a million."""
    # Rounded before it is printed with a comma, so that no false digits are shown.
    rounded = float(f"{loss:.3g}")
    return f"{rounded:,.0f}" if 1e3 <= rounded < 1e6 else f"{rounded:.3g}"


def by_walk(identifiability: Identifiability) -> list[Reason]:
    """Say what can move freely, what stays, and what would settle it."""
    if identifiability.identified:
        names = listed([quantity.name for quantity in identifiability.quantities])
        loss = min(quantity.loss for quantity in identifiability.quantities)
        sentence = (
            f"The data hold {names}, with a free curve of every feature: moving any by a "
            f"third raises chi-square by {_chi(loss)} or more (limit {WEAK:g})"
        )
        return [Reason("identified", names, True, sentence, loss, WEAK, rank=7)]
    loose = [
        quantity
        for quantity in identifiability.quantities
        if quantity.status != "identified"
    ]
    loss = min(candidate.loss for candidate in loose)
    sentence = f"{_capital(identifiability.sentence())} {_measured(loose)}"
    freedom = "; ".join(
        combination.freedom for combination in identifiability.combinations
    )
    if freedom:
        sentence += f"; nothing observed changes with {freedom}"
    step = "Give a value or a narrower bound from elsewhere"
    # The walk has tried which further knowledge would hold the loose quantities.
    if identifiability.settled_by:
        step = f"It would be settled by {_either(identifiability.settled_by)}"
    subject = listed([quantity.name for quantity in loose])
    return [Reason("identified", subject, False, sentence, loss, WEAK, step, rank=3)]


def _measured(loose: Sequence[Quantity]) -> str:
    several = len(loose) > 1
    numbers = ", ".join(
        f"{f'{q.name} ' if several else ''}{max(q.loss, 0.0):.2g}" for q in loose
    )
    return (
        f"(chi-square rises by {numbers} when it is moved by a third, limit {WEAK:g})"
    )


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _capital(sentence: str) -> str:
    """Names keep their case: 'q10 is' and not 'Q10 is'."""
    return sentence if sentence.split(" ", 1)[0] != "all" else sentence.capitalize()


# -- curves and features ------------------------------------------------------------------
OPEN = "has no closed form and stays a spline"
"""End of what is said of an edge without a closed form."""


def open_curves(equations: "SymbolicModel") -> list[Reason]:
    """Edges without a closed form."""
    edges: Any = equations.edges
    refused = edges[edges["status"] == "refused"]
    reasons = []
    for source, latent in zip(refused["source"], refused["latent"], strict=True):
        sentence = f"The curve of {source} in {latent} {OPEN}"
        step = "Allow more families (discovery.families), or report the curve as it is drawn"
        reasons.append(
            Reason("identified", f"{source} -> {latent}", False, sentence,
                   next_step=step, rank=2)
        )  # fmt: skip
    return reasons


def open_formulas(equations: "SymbolicModel") -> list[Reason]:
    """Latents for which other formulas as a whole fit as well as what is printed."""
    reasons = {}
    for tried in equations.record.compositions:
        # Forms beside a formula that was clearly beaten say nothing about the equation.
        beaten = tried.verdict == "beaten" and (tried.delta or 0.0) > REFUTES
        if not tried.equals or beaten:
            continue
        forms = list(tried.equals)
        # The plainest of the set is not what is printed, so it is one of the others.
        if tried.verdict == "beaten":
            forms = [tried.structure, *forms]
        told = listed([_without_brackets(form) for form in forms])
        sentence = (
            f"The data cannot tell the formula of {tried.latent} from others: {told}"
        )
        step = (
            "Name them all, or decide by knowledge, until there are more rows or less "
            "noise where they part"
        )
        reasons[tried.latent] = Reason(
            "identified", tried.latent, False, sentence, next_step=step, rank=2
        )
    return list(reasons.values())


def _without_brackets(form: str) -> str:
    """A form of one node without the brackets that keep several apart."""
    alone = form.startswith("[") and form.endswith("]") and form.count("[") == 1
    return form[1:-1] if alone else form


def outside_bands(uncertainty: "Uncertainty | None") -> list[Reason]:
    """Closed forms that clearly leave the band of their curve."""
    from discovery.uncertainty.families import (
        CLEARLY,
        leaves_its_band,
        outside_sentence,
    )

    if uncertainty is None:
        return []
    step = (
        "Choose one of the forms inside (discovery.pins), or report the curve as it is "
        "drawn"
    )
    return [
        Reason(
            "identified", f"{band['source']} -> {band['latent']}", False,
            outside_sentence(band), band["widths"], CLEARLY, step, rank=2,
        )
        for band in uncertainty.bands
        if leaves_its_band(band)
    ]  # fmt: skip


# -- bounds -------------------------------------------------------------------------------
def on_bounds(evidence: "Evidence") -> list[Reason]:
    """Latents and constants that lie on a bound."""
    process, fit = evidence.process, evidence.fit
    latents = process.physical(fit.raw(fit.theta))
    constants = process.physical_constants(fit.theta[fit.cuts[-1] :])
    lows, highs = process.bounds()
    reasons = []
    for k, name in enumerate((*process.latent_names, *process.constant_names)):
        is_latent = k < process.n_latents
        values = latents[:, k] if is_latent else constants[[k - process.n_latents]]
        for bound in (lows[k], highs[k]):
            if not np.isfinite(bound):
                continue
            # Relative to the bound, and absolute for a bound at zero; a latent may lie
            # on it in some rows, a constant has one value and so lies there wholly or
            # not at all.
            share = float(
                np.mean(np.abs(values - bound) <= 1e-6 * max(1.0, abs(bound)))
            )
            if share < ON_BOUND:
                continue
            where = f" in {share:.0%} of the rows" if is_latent else ""
            sentence = (
                f"{name} lies on its bound {bound:.4g}{where}, where the data say nothing "
                "but that it would go further"
            )
            step = f"Widen the bound of {name} if it is not physical, or question the process"
            reasons.append(
                Reason(
                    "identified", name, False, sentence, share, ON_BOUND, step, rank=3
                )
            )
    return reasons

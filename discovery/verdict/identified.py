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
from discovery.verdict.record import Reason
from discovery.verdict.screen import screen, screen_reasons
from sciren.inference.identifiability.quantities import (
    WEAK,
    Identifiability,
    Quantity,
    listed,
)
from sciren.inference.identifiability.walk import walk

if TYPE_CHECKING:
    from discovery.results.identification import Identification
    from discovery.uncertainty.record import Uncertainty
    from discovery.verdict.evidence import Evidence
    from sciren.inference.design import Edge
    from symbolic.model.symbolic_model import SymbolicModel

Array = NDArray[np.float64]

WALK_ROWS = 2000  # every k-th row of more; what was left out counts as information
WALK_COLUMNS = 160  # coefficients; beyond, only edges that may act have a curve
FIRM = 0.9  # of splits: ten of ten then agree in a third of all cases (0.9^10)
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
        *outside_bands(uncertainty),
        *imitation_reasons(evidence),
        *open_features(equations, evidence),
        *on_bounds(evidence),
        # An empty list would read as "not asked", which is never supported.
    ] or [nothing_to_identify()]


def nothing_to_identify() -> Reason:
    """Say that there is neither a latent nor a constant that could be doubtful."""
    return Reason("identified", "all", True, "No doubt about any latent or constant")


# -- the walk -----------------------------------------------------------------------------
def walk_of(evidence: "Evidence") -> Identifiability:
    """Walk through levels and constants, with every offered feature in every latent."""
    process, fit = evidence.process, evidence.fit
    raw, constants = fit.raw(fit.theta), fit.theta[fit.cuts[-1] :]
    edges = _edges_of_walk(evidence)
    selection = evidence.selection
    if process.n_rows <= WALK_ROWS:
        whitening = None if selection is None else selection.whitening
        return walk(process, raw, constants, whitening, edges)
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
    known = _independent_rows(evidence)
    information = max(1.0, known / len(part))
    return walk(part, raw[rows], constants, whitening, edges, information=information)


def _independent_rows(evidence: "Evidence") -> float:
    """Number of observations that are as good as independent."""
    from sciren.inference.skill.held_out import memory_in_rows

    # m over the time that residuals remember each other, counted in rows.
    residual = evidence.residual() / evidence.scale
    return len(residual) / memory_in_rows(evidence.process, residual)


def _edges_of_walk(evidence: "Evidence") -> "list[Edge] | None":
    """Return all edges (None), or those that may act where all would be too many."""
    from sciren.inference.identifiability.walker import COLUMNS

    process, selection = evidence.process, evidence.selection
    # Free curves need at least four observations a coefficient, or anything can be
    # moved.
    count = len(process.feature_names) * process.n_latents * COLUMNS
    if count <= min(WALK_COLUMNS, len(process) // 4):
        return None
    held: set[Edge] = {
        (edge.source, k)
        for k, structure in enumerate(evidence.fit.structures)
        for edge in structure.all_edges
    }
    if selection is not None:
        held |= {*selection.edges("kept"), *selection.edges("undecided")}
    return sorted(held)


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
    subject = listed([one.name for one in loose])
    return [Reason("identified", subject, False, sentence, loss, WEAK, step, rank=3)]


def _measured(loose: Sequence[Quantity]) -> str:
    numbers = ", ".join(
        f"{candidate.name} {max(candidate.loss, 0.0):.2g}" for candidate in loose
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
def open_curves(equations: "SymbolicModel") -> list[Reason]:
    """Edges without a closed form."""
    edges: Any = equations.edges
    refused = edges[edges["status"] == "refused"]
    reasons = []
    for source, latent in zip(refused["source"], refused["latent"], strict=True):
        sentence = (
            f"The curve of {source} in {latent} has no closed form and stays a spline"
        )
        step = "Allow more families (discovery.families), or report the curve as it is drawn"
        reasons.append(
            Reason("identified", f"{source} -> {latent}", False, sentence,
                   next_step=step, rank=2)
        )  # fmt: skip
    return reasons


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


def open_features(equations: "SymbolicModel", evidence: "Evidence") -> list[Reason]:
    """Features of the equations that whitened tests do not keep, and the reverse."""
    from discovery.verdict.evidence import interacting

    selection = evidence.selection
    if selection is None:
        # No tests for want of rows, or for too many edges: the second still allows a
        # screen.
        if evidence.unasked:
            return [_unasked(evidence.unasked)]
        screened = screen(evidence.fit, evidence.scale, evidence.held.blocks)
        return [*screen_reasons(screened), untested(len(screened))]
    process = evidence.process
    held = {
        (edge.source, k)
        for k, structure in enumerate(evidence.fit.structures)
        for edge in structure.all_edges
    }
    # One feature in twenty is kept by chance; it must also earn its place out of fold.
    better = evidence.repeated is not None and evidence.test_of(
        evidence.equation, evidence.repeated
    ).better(0.05)
    found = []
    for edge, status in selection.status.items():
        feature, latent = process.feature_names[edge[0]], process.latent_names[edge[1]]
        p = selection.p_values[edge]
        # A feature inside a product or a node of several has no curve of its own, so
        # that a test of its additive curve says nothing about it.
        inside = edge[0] in interacting(evidence.fit.structures[edge[1]])
        # Two ways to disagree: in the equations but not seen, and seen but not in the
        # equations.
        if edge in held and status == "excluded" and not inside:
            sentence = (
                f"{feature} is in the equation of {latent}, but tests that allow for the "
                f"noise do not see it (p = {p:.2g})"
            )
            step = f"Leave {feature} out, or wait for more data before claiming it"
        elif edge not in held and status == "kept" and better:
            sentence = (
                f"{feature} is missing in the equation of {latent}: tests that allow for "
                f"the noise see it (p = {p:.2g}), and with it held-out blocks are "
                "predicted better"
            )
            step = f"Look at the curve of {feature} in {latent}; compare a run that keeps it"
        else:
            continue
        subject = f"{feature} -> {latent}"
        found.append(
            Reason("identified", subject, False, sentence, p, 0.05, step, rank=4)
        )
    # Where edges are few the folds repeated the selection; else the reader is told that
    # they did not.
    found += [*_pairs(evidence, held), *hanging_on_the_split(evidence, held)]
    return found if selection.few else [*found, _kept_in_folds(len(selection.status))]


def _kept_in_folds(count: int) -> Reason:
    """Say how many edges were tested, and what the folds did not repeat."""
    sentence = (
        f"{count} edges were tested one by one on all rows; held-out folds kept the "
        "features of all rows"
    )
    return Reason("identified", "edges", True, sentence, rank=8)


def hanging_on_the_split(evidence: "Evidence", held: "set[Edge]") -> list[Reason]:
    """Edges that other rows held out for a test would put in, or take out."""
    from sciren.inference.inclusion import CHOOSING, redrawn_shares

    selection = evidence.selection
    assert selection is not None
    edges = {
        edge: share
        for edge, share in redrawn_shares(selection).items()
        # An edge of the equations should be kept in nearly all splits, any other in
        # nearly none.
        if (share < FIRM if edge in held else share > 1 - FIRM)
    }
    if not edges:
        return []
    # True counts as 1: the distance between what the equations say and what the splits
    # do.
    worst = max(edges, key=lambda edge: abs((edge in held) - edges[edge]))
    told = ", ".join(
        f"{selection.name(edge)} ({'in' if edge in held else 'not in'} the equations) "
        f"with {share:.0%}"
        for edge, share in edges.items()
    )
    sentence = (
        "The features hang on which rows are held out: of splits that let "
        f"{CHOOSING:.0%} of the blocks choose, these are kept {told}"
    )
    step = (
        "Take these features for undecided; offer fewer that could stand in for one "
        "another, or add rows"
    )
    names = listed([selection.name(edge) for edge in edges])
    return [
        Reason("identified", names, False, sentence, edges[worst], FIRM, step, rank=3)
    ]


def untested(count: int) -> Reason:
    """Say that so many edges were only screened, and what follows from that."""
    from discovery.verdict.evidence import MOST_EDGES

    sentence = (
        f"Single edges were not tested ({count}, limit {MOST_EDGES - 1}): no interval and "
        "no band counts the choice of features"
    )
    step = (
        f"Offer fewer features, so that features times latents are below {MOST_EDGES}, "
        "and run again: then every edge is tested"
    )
    return Reason(
        "identified", "edges", False, sentence, count, MOST_EDGES - 1, step, rank=4
    )


def _unasked(why: str) -> Reason:
    """Say that nobody asked which features act, and why."""
    sentence = f"Whether each feature acts was not tested: {why}"
    step = (
        "Offer fewer features, or take the edges of the equations for a proposal only"
    )
    return Reason("identified", "features", False, sentence, next_step=step, rank=4)


def _pairs(evidence: "Evidence", held: "set[Edge]") -> list[Reason]:
    """Features that could stand in for one another."""
    selection, process = evidence.selection, evidence.process
    assert selection is not None
    reasons = []
    for one, other, cost in selection.pairs:
        # A swap of two features that neither equation holds changes nothing that is
        # claimed.
        if one not in held and other not in held:
            continue
        first, second = process.feature_names[one[0]], process.feature_names[other[0]]
        latent = process.latent_names[one[1]]
        sentence = (
            f"The data cannot tell whether {first} or {second} acts on {latent} (a swap "
            f"costs chi-square {cost:.2g}, limit 6)"
        )
        step = f"Decide by knowledge between {first} and {second}, and offer only one"
        reasons.append(
            Reason("identified", f"{first} or {second}", False, sentence, cost, 6.0, step,
                   rank=4)
        )  # fmt: skip
    return reasons


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

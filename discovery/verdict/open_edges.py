"""Which edges the equations hold, against what tests on all rows say of each."""

from collections.abc import Set
from typing import TYPE_CHECKING

from discovery.verdict.edge_limit import most_edges
from discovery.verdict.record import Reason
from discovery.verdict.screen import screen, screen_reasons
from sciren.inference.identifiability.quantities import listed

if TYPE_CHECKING:
    from discovery.verdict.evidence import Evidence
    from sciren.inference.design import Edge

FIRM = 0.9  # of splits: ten of ten then agree in a third of all cases (0.9^10)


def open_edges(evidence: "Evidence") -> list[Reason]:
    """Features of the equations that whitened tests do not keep, and the reverse."""

    selection, process = evidence.selection, evidence.process
    if selection is None:
        # No tests for want of rows, or for too many edges: the second still allows a
        # screen.
        if evidence.unasked:
            return [_unasked(evidence.unasked)]
        screened = screen(evidence.fit, evidence.scale, evidence.held.blocks)
        limit = most_edges(process.term.model)
        return [*screen_reasons(screened), untested(len(screened), limit)]
    held = {
        (edge.source, k)
        for k, structure in enumerate(evidence.fit.structures)
        for edge in structure.all_edges
    }
    # A feature inside a product or a node of several has no curve of its own, so that a
    # test of its additive curve says nothing about it.
    within = {
        (source, k)
        for k, structure in enumerate(evidence.fit.structures)
        for source in structure.interacting
    }
    reasons = _disagreements(evidence, held, within)
    # Where edges are few the folds repeated the selection; else the reader is told that
    # they did not.
    reasons += like_slow_noise(evidence, held)
    reasons += [*_pairs(evidence, held), *hanging_on_the_split(evidence, held, within)]
    return (
        reasons if selection.few else [*reasons, _kept_in_folds(len(selection.status))]
    )


def _disagreements(
    evidence: "Evidence", held: "Set[Edge]", within: "Set[Edge]"
) -> list[Reason]:
    """Edges in the equations that tests do not see, and the reverse."""
    selection, process = evidence.selection, evidence.process
    assert selection is not None
    # One feature in twenty is kept by chance; it must also earn its place out of fold.
    better = evidence.repeated is not None and evidence.test_of(
        evidence.equation, evidence.repeated
    ).better(0.05)
    reasons = []
    for edge, status in selection.status.items():
        feature, latent = process.feature_names[edge[0]], process.latent_names[edge[1]]
        p = selection.p_values[edge]
        # Two ways to disagree: in the equations but not seen, and seen but not in the
        # equations.
        if edge in held and status == "excluded" and edge not in within:
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
        reasons.append(
            Reason("identified", subject, False, sentence, p, 0.05, step, rank=4)
        )
    return reasons


def _kept_in_folds(count: int) -> Reason:
    """Say how many edges were tested, and what the folds did not repeat."""
    sentence = (
        f"{count} edges were tested one by one on all rows; held-out folds kept the "
        "features of all rows"
    )
    return Reason("identified", "edges", True, sentence, rank=8)


def like_slow_noise(evidence: "Evidence", held: "set[Edge]") -> list[Reason]:
    """Edges of the equations that explain no more than a noise with a long memory."""
    selection = evidence.selection
    assert selection is not None
    edges = [edge for edge in selection.slow if edge in held]
    if not edges:
        return []
    names = listed([selection.name(edge) for edge in edges])
    sentence = (
        f"{names} cannot be told apart from slow noise: constant latents with a noise that "
        "remembers longer explain the series as well"
    )
    step = "Test them on sites or seasons that were held out before claiming them"
    return [Reason("identified", names, False, sentence, next_step=step, rank=4)]


def hanging_on_the_split(
    evidence: "Evidence", held: "set[Edge]", within: "Set[Edge]" = frozenset()
) -> list[Reason]:
    """Edges that other rows held out for a test would put in, or take out.

    Args:
        evidence: brings the selection;  held: edges of the equations.
        within: of these, those inside products and nodes, which additive tests cannot ask.
    """
    from sciren.inference.inclusion import CHOOSING, redrawn_shares

    selection = evidence.selection
    assert selection is not None
    edges = {
        edge: share
        for edge, share in redrawn_shares(selection).items()
        # An edge of the equations should be kept in nearly all splits, any other in
        # nearly none.
        # Splits do not ask about slow noise, which has a sentence of its own.
        if edge not in selection.slow
        and edge not in within
        and (share < FIRM if edge in held else share > 1 - FIRM)
    }
    if not edges:
        return []
    # True counts as 1: the distance between what the equations say and what the splits
    # do.
    worst = max(edges, key=lambda edge: abs((edge in held) - edges[edge]))
    told = ", ".join(
        f"{selection.name(edge)} ({'in' if edge in held else 'not in'} the equations) "
        f"in {share:.0%}"
        for edge, share in edges.items()
    )
    sentence = (
        "The features hang on which rows are held out: where "
        f"{CHOOSING:.0%} of the blocks choose, splits keep {told}"
    )
    step = (
        "Take these features for undecided; offer fewer that could stand in for one "
        "another, or add rows"
    )
    names = listed([selection.name(edge) for edge in edges])
    return [
        Reason("identified", names, False, sentence, edges[worst], FIRM, step, rank=3)
    ]


def untested(count: int, limit: int) -> Reason:
    """Say that so many edges were only screened, and what follows from that."""
    sentence = (
        f"Single edges were not tested ({count}, limit {limit - 1}): no interval and "
        "no band counts the choice of features"
    )
    step = (
        f"Offer fewer features, so that features times latents are below {limit}, "
        "and run again: then every edge is tested"
    )
    return Reason(
        "identified", "edges", False, sentence, count, limit - 1, step, rank=4
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
    for edge, other, cost in selection.pairs:
        # A swap of two features that neither equation holds changes nothing that is
        # claimed.
        if edge not in held and other not in held:
            continue
        first, second = process.feature_names[edge[0]], process.feature_names[other[0]]
        latent = process.latent_names[edge[1]]
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

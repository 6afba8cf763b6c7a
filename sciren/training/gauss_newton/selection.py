"""Which edges stay: backward elimination on validation, one-standard-error rule.

The standard error is that of the difference to the best candidate over blocks (calendar
weeks, sites), because rows of one block are not independent.

Reference: Breiman et al. 1984 for the rule; own measurements for paired blocks.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sciren.training.gauss_newton.stages import HOPELESS, Candidate, Stage, Validation
from sciren.training.history import History

SEVERAL = 3  # negligible edges from which they are tried together
TRIED_AT_ONCE = 8  # weakest edges that are tried at each level
NEGLIGIBLE = 0.03  # share of a node's deviation, the usual pruning threshold
MATERIAL = 1e-3  # share of the best loss below which a difference does not matter


def eliminate(
    stage: Stage, full: Candidate, names: list[list[str]], history: History
) -> Candidate:
    """Drop edges one at a time and return the smallest model within one error.

    Args:
        stage: fits candidates.
        full: the model with all edges.
        names: (d, J) edge names for the record.
        history: gets one row for each level.
    Returns:
        The candidate as tried; it may gain from more steps.
    """
    path = [full]
    quick = _without_negligible(stage, full)
    if quick is not None:
        path.append(quick)
    while path[-1].n_edges > _least(path[-1], stage):
        # All start from the winner before, which is a few steps away from their own
        # minima.
        tried = stage.fit(_one_less(stage, path[-1]), path[-1].theta, stage.trial_steps)
        winner = min(tried, key=lambda candidate: float(candidate.valid.loss))
        weak = path[-1].weak and _negligible(stage, path[-1], winner)
        path.append(replace(winner, weak=weak))
        best = min(path, key=lambda candidate: float(candidate.valid.loss))
        # Each level costs as many fits as it tries; what is clearly worse does not
        # recover.
        if not _close(path[-1], best, HOPELESS):
            break
    chosen = one_standard_error(path)
    history.selection.extend(record_path(path, chosen, names, stage.nodes))
    return chosen


def _without_negligible(stage: Stage, full: Candidate) -> Candidate | None:
    """Drop all negligible edges at once where validation does not mind.

    With many features this saves a level of trials for each of them; what is dropped
    wrongly shows in the validation, and then every edge is looked at on its own.
    """
    deviation = stage.importance(full) * full.edges
    share = deviation / deviation.sum(0).clamp_min(1e-300)
    strong = full.edges & (share >= NEGLIGIBLE)
    # Nor where a latent would lose every edge: that is decided one edge at a time.
    if int((full.edges & ~strong).sum()) < SEVERAL or not bool(strong.any(0).all()):
        return None
    quick = stage.fit(strong.unsqueeze(0), full.theta, stage.trial_steps)[0]
    best = min((full, quick), key=lambda candidate: float(candidate.valid.loss))
    return quick if quick is best or _within(quick, best) else None


def _negligible(stage: Stage, before: Candidate, after: Candidate) -> bool:
    """Whether the edge that went had a share below the pruning threshold."""
    deviation = stage.importance(before) * before.edges
    share = deviation / deviation.sum(0).clamp_min(1e-300)
    return bool((share[before.edges & ~after.edges] < NEGLIGIBLE).all())


def one_standard_error(path: Sequence[Candidate]) -> Candidate:
    """Return the candidate with fewest edges within one error of the best.

    Where only edges with a negligible share went, within two: so little an effect has
    to be well supported to stay in an equation. A difference of less than a thousandth
    of the loss never pays for an edge, however certain it is: features that repeat
    each other differ by that little.
    """
    best = min(path, key=lambda candidate: float(candidate.valid.loss))
    close = [
        candidate for candidate in path if candidate is best or _within(candidate, best)
    ]
    return min(
        close, key=lambda candidate: (candidate.n_edges, float(candidate.valid.loss))
    )


def _within(candidate: Candidate, best: Candidate) -> bool:
    return _close(candidate, best, 2.0 if candidate.weak else 1.0)


def _close(candidate: Candidate, best: Candidate, errors: float) -> bool:
    return within(candidate.valid, best.valid, errors)


def within(validation: Validation, best: Validation, errors: float) -> bool:
    """Whether a validation is no more than some standard errors, or a trifle, worse."""
    mean, error = validation.excess(0, best, 0)
    return mean <= max(errors * error, MATERIAL * float(best.loss))


def _least(candidate: Candidate, stage: Stage) -> int:
    """Additive latents may lose every edge; hidden nodes keep one each."""
    return 0 if stage.nodes == 0 else candidate.edges.shape[1]


def _one_less(stage: Stage, candidate: Candidate) -> Tensor:
    """Edge sets (S, d, J) with one of the weakest edges removed."""
    deviation = stage.importance(candidate)
    alive = candidate.edges.nonzero()
    if stage.nodes:
        # A hidden node without any edge is none: its last one stays.
        several = candidate.edges.sum(0) > 1
        alive = alive[several[alive[:, 1]]]
    order = deviation[alive[:, 0], alive[:, 1]].argsort()
    weakest = alive[order[:TRIED_AT_ONCE]]
    edges = candidate.edges.repeat(len(weakest), 1, 1)
    edges[torch.arange(len(weakest)), weakest[:, 0], weakest[:, 1]] = False
    return edges


def record_path(
    path: Sequence[Candidate],
    chosen: Candidate,
    names: list[list[str]],
    nodes: int,
) -> list[dict[str, Any]]:
    """Return one row for each candidate: its edges, losses and whether it was chosen."""
    best = min(path, key=lambda candidate: float(candidate.valid.loss))
    rows = []
    for candidate in path:
        mean, error = candidate.valid.excess(0, best.valid, 0)
        kept = [names[i][j] for i, j in candidate.edges.nonzero().tolist()]
        rows.append(
            {
                "hidden_nodes": nodes,
                "edges": candidate.n_edges,
                "kept": ", ".join(kept),
                "train_loss": candidate.loss,
                "valid_loss": float(candidate.valid.loss),
                "excess": mean,
                "standard_error": error,
                "chosen": candidate is chosen,
            }
        )
    return rows

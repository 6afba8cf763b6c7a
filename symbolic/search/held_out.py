"""Whether rows that fitted neither of two sets of structures prefer one of them."""

import numpy as np
import torch

from sciren.training.gauss_newton.stages import Validation, by_block
from symbolic.composition.gate import folds
from symbolic.search.climb import ScoredLatents, Search
from symbolic.search.refit import refit

HELD_OUT_ERRORS = 1.0
"""Block errors by which held-out rows must prefer a structure: the one-standard-error rule
(Breiman et al. 1984), by which validation keeps features as well."""

FEWEST_BLOCKS = 10
"""Blocks below which five folds have fewer than two each, and say nothing of an error."""


def preferred_held_out(
    search: Search, new: ScoredLatents, old: ScoredLatents, seed: int
) -> bool:
    """Whether held-out blocks prefer new structures by more than an error, over folds.

    With too few blocks for folds the answer is yes: the criterion has decided.

    Args:
        search: whose rows are dealt into folds;  seed: of the deal.
    """
    blocks = search.term.observations.blocks.cpu().numpy()
    if len(np.unique(blocks)) < FEWEST_BLOCKS:
        return True
    # whole blocks stay together: neighbours know each other's errors
    fold = torch.from_numpy(folds(len(blocks), seed, blocks))
    ours: list[Validation] = []
    theirs: list[Validation] = []
    # both are refitted on the same rows and compared on the same others
    for number in range(int(fold.max()) + 1):
        rows = fold != number
        ours.append(_loss(search, new, rows))
        theirs.append(_loss(search, old, rows))
    mean, error = _together(ours).excess(0, _together(theirs), 0)
    return mean < -HELD_OUT_ERRORS * error


def _loss(search: Search, scored: ScoredLatents, fitted: torch.Tensor) -> Validation:
    """Refit on some rows (n,) and return the loss of the others by block."""
    # ten steps from constants of all rows: close to the minimum of four fifths of them
    inside, outside = (torch.nonzero(rows).flatten() for rows in (fitted, ~fitted))
    refitted = refit(
        search.term.take(inside), search.scaled[inside], scored.structures,
        scored.constants, 10, 1e-6, False, search.rules, search.domain_margin,
    )  # fmt: skip
    z = search.scaled[outside]
    raw = np.stack(
        [part.value(z.cpu().numpy()) for part in refitted.structures], axis=1
    )
    return by_block(
        search.term.take(outside), z.new_tensor(raw)[None], refitted.constants[None]
    )


def _together(parts: list[Validation]) -> Validation:
    sums = torch.cat([part.sums for part in parts], dim=1)
    return Validation(sums, torch.cat([part.weights for part in parts]))

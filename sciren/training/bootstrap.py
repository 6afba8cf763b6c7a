"""Block bootstrap: resampled weights and refits of all members at once."""

from collections.abc import Callable

import torch
from torch import Tensor

from sciren.encoders.base import seeded
from sciren.training.levenberg import minimise
from sciren.training.process_term import ProcessTerm
from sciren.training.profile import HeldProblem

AT_ONCE = 20_000_000  # numbers in the designs of one batch of replicates


def block_weights(blocks: Tensor, replicates: int, seed: int) -> Tensor:
    """Draw blocks with replacement: weights (replicates, n) of the rows.

    Args:
        blocks: (n,) block of every row, ids from 0.
    """
    generator = seeded(seed)
    count = int(blocks.max()) + 1
    drawn = torch.randint(count, (replicates, count), generator=generator)
    times = torch.zeros(replicates, count, dtype=torch.float64)
    times.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=torch.float64))
    return times.to(blocks.device)[:, blocks]


def n_observed_blocks(term: ProcessTerm) -> int:
    """Number of blocks that hold an observation."""
    return len(term.observations.blocks[_seen(term)].unique())


def observed_weights(term: ProcessTerm, replicates: int, seed: int) -> Tensor:
    """Draw the blocks that hold observations: weights (replicates, n) of the rows."""
    seen = _seen(term)
    blocks = torch.unique(term.observations.blocks[seen], return_inverse=True)[1]
    drawn = block_weights(blocks, replicates, seed)
    weights = drawn.new_zeros(replicates, len(seen))
    weights[:, seen] = drawn
    return weights


def _seen(term: ProcessTerm) -> Tensor:
    return (term.observations.weights > 0).any(1)


@torch.no_grad()
def bootstrap_constants(
    problem: HeldProblem,
    with_term: Callable[[ProcessTerm], HeldProblem],
    starts: Tensor,
    replicates: int,
    seed: int,
) -> Tensor:
    """Refit on resampled blocks from every start; keep each replicate's best.

    Args:
        problem: with its active parameters set for one member.
        with_term: gives the same problem with another observed loss.
        starts: (M, P) minima to start from.
    Returns:
        theta (replicates, P).
    """
    weights = observed_weights(problem.term, replicates, seed)
    rows = problem.term.n_rows
    batch = max(1, AT_ONCE // (rows * problem.size * len(starts)))
    found = []
    for first in range(0, replicates, batch):
        part = weights[first : first + batch]
        repeated = part.repeat_interleave(len(starts), dim=0)
        term = problem.term.with_row_weights(repeated)
        active = problem.active.expand(1, -1).repeat(len(repeated), 1)
        one = with_term(term).with_active(active)
        solution = minimise(one, starts.repeat(len(part), 1), 15, 1e-6)
        loss = solution.loss.view(len(part), len(starts))
        theta = solution.theta.view(len(part), len(starts), -1)
        found.append(theta[torch.arange(len(part)), loss.argmin(1)])
    return torch.cat(found)

"""Block bootstrap: resampled weights, and refits of all replicates at once.

With many rows the resampled minimum lies so close to the fitted one that one Gauss-Newton
step reaches it. The normal equations are sums over blocks, so a resample only weights
them anew:

    theta* = theta - (f sum_b w_b A_b + R)^-1 (f sum_b w_b g_b + r),

w_b times block b was drawn, f what keeps the sum of the weights, R and r from the
penalties. Few rows are refitted completely.

Reference: Davidson and MacKinnon 1999, bootstrap by approximate refits.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from sciren.encoders.base import seeded
from sciren.solvers.levenberg import Normal, hold, minimise
from sciren.solvers.process_term import ProcessTerm
from sciren.solvers.profile import HeldProblem

AT_ONCE = 20_000_000  # numbers in the designs of one batch of replicates, 160 MB
MANY = 4_000_000  # refitted rows above which a replicate takes one step
MOST_BLOCKS = 300  # blocks of single rows are put together at random to so many


def block_weights(blocks: Tensor, replicates: int, seed: int) -> Tensor:
    """Draw blocks with replacement: weights (replicates, n) of the rows.

    Args:
        blocks: (n,) block of every row, ids from 0.
    """
    generator = seeded(seed)
    count = int(blocks.max()) + 1
    drawn = torch.randint(count, (replicates, count), generator=generator)
    # How often each block was drawn; its rows get that as weight.
    times = torch.zeros(replicates, count, dtype=torch.float64)
    times.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=torch.float64))
    return times.to(blocks.device)[:, blocks]


def n_observed_blocks(term: ProcessTerm) -> int:
    """Number of blocks that hold an observation."""
    return len(term.observations.blocks[_observed(term)].unique())


def observed_weights(term: ProcessTerm, replicates: int, seed: int) -> Tensor:
    """Draw the blocks that hold observations: weights (replicates, n) of the rows."""
    observed = _observed(term)
    # Only blocks with observations are drawn: the others would change the sample's
    # size.
    blocks = torch.unique(term.observations.blocks[observed], return_inverse=True)[1]
    drawn = block_weights(blocks, replicates, seed)
    weights = drawn.new_zeros(replicates, len(observed))
    weights[:, observed] = drawn
    return weights


def _observed(term: ProcessTerm) -> Tensor:
    return (term.observations.weights > 0).any(1)


class Resampled(HeldProblem, Protocol):
    """A problem that can be solved on other rows, or by its blocks' normal equations."""

    def with_term(self, term: ProcessTerm) -> HeldProblem:
        """Return the same problem with another observed loss."""
        ...

    def normals_of(self, theta: Tensor, parts: Sequence[Tensor]) -> list[Normal]:
        """Shares of sets of rows (positions) in the normal equations of theta (1, P)."""
        ...


def block_bootstrap(
    problem: Resampled, starts: Tensor, replicates: int, seed: int
) -> Tensor:
    """Fit resampled blocks: by one step where rows are many, else completely.

    Args:
        problem: with its active parameters set for one member, on all rows.
        starts: (M, P) its minima; every replicate keeps the one that becomes lowest.
    Returns:
        theta (replicates, P).
    """
    if problem.term.n_rows * replicates * len(starts) > MANY:
        return one_step_bootstrap(problem, starts, replicates, seed)
    return bootstrap_constants(problem, problem.with_term, starts, replicates, seed)


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
    # Designs take rows x parameters numbers a member: batches bound the memory.
    batch = max(1, AT_ONCE // (rows * problem.size * len(starts)))
    best = []
    for first in range(0, replicates, batch):
        part = weights[first : first + batch]
        repeated = part.repeat_interleave(len(starts), dim=0)
        term = problem.term.with_row_weights(repeated)
        active = problem.active.expand(1, -1).repeat(len(repeated), 1)
        weighted = with_term(term).with_active(active)
        # Starts are minima of the whole table: a few steps reach that of a resample.
        solution = minimise(
            weighted, starts.repeat(len(part), 1), 15, 1e-6, damping=1e-6
        )
        loss = solution.loss.view(len(part), len(starts))
        theta = solution.theta.view(len(part), len(starts), -1)
        # A resample may prefer another minimum than the data: its own lowest counts.
        best.append(theta[torch.arange(len(part)), loss.argmin(1)])
    return torch.cat(best)


@torch.no_grad()
def one_step_bootstrap(
    problem: Resampled, starts: Tensor, replicates: int, seed: int
) -> Tensor:
    """Refit on resampled blocks by one step from every minimum; keep each one's best.

    Args:
        problem: with its active parameters set for one member, on all rows.
        starts: (M, P) its minima.
    Returns:
        theta (replicates, P).
    """
    blocks, weights = _blocks(problem.term, seed)
    drawn = block_weights(torch.arange(len(blocks)), replicates, seed).to(starts)
    # f: a resample of heavy blocks has a larger sum of weights, and the loss is a mean.
    share = weights.to(starts) / weights.sum()
    factor = 1.0 / (drawn @ share)
    steps = [
        _one_step(problem, start, blocks, drawn * factor[:, None]) for start in starts
    ]
    losses = torch.stack([loss for _, loss in steps])
    # (minima, replicates, P): each replicate takes the minimum that became lowest.
    moved = torch.stack([theta for theta, _ in steps])
    return moved[losses.argmin(0), torch.arange(replicates)]


def _blocks(term: ProcessTerm, seed: int) -> tuple[list[Tensor], Tensor]:
    """Rows of every observed block, and the sum of their weights (B,)."""
    observed = _observed(term).nonzero().flatten()
    ids = torch.unique(term.observations.blocks[observed], return_inverse=True)[1]
    count = int(ids.max()) + 1
    # Single rows put together at random scatter like single rows, and need fewer normal
    # equations; real blocks stay whole, because their rows are not independent.
    if count > MOST_BLOCKS and count > len(ids) / 2:
        order = torch.randperm(count, generator=seeded(seed)).to(ids.device)
        ids, count = order[ids] % MOST_BLOCKS, MOST_BLOCKS
    sizes = torch.bincount(ids, minlength=count).tolist()
    rows = observed[ids.argsort(stable=True)].split(sizes)
    weights = term.observations.weights.sum(1)
    return list(rows), torch.stack([weights[part].sum() for part in rows])


def _one_step(
    problem: Resampled, theta: Tensor, blocks: list[Tensor], times: Tensor
) -> tuple[Tensor, Tensor]:
    """Minimum (R, P) of every resample next to theta (P,), and its loss (R,)."""
    point, member = theta.unsqueeze(0), torch.zeros(1, dtype=torch.long)
    parts = problem.normals_of(point, blocks)
    loss, slopes, matrices = (torch.cat(pieces) for pieces in zip(*parts, strict=True))
    # Everything active: `hold` must be applied once, after the blocks are summed.
    normal = problem.with_active(torch.ones_like(problem.active)).normal(
        point, member.to(theta.device)
    )
    gradient = times @ slopes + (normal.gradient - slopes.sum(0))
    # Every resample's matrix is a weighted sum of the blocks' (B, P, P): one product.
    matrix = (times @ matrices.flatten(1)).unflatten(1, matrices.shape[1:])
    matrix = matrix + (normal.matrix - matrices.sum(0))
    # What the blocks do not account for are the penalties, which are not resampled.
    held = hold(Normal(loss, gradient, matrix), problem.active[:1])
    scale = held.matrix.diagonal(dim1=1, dim2=2).clamp_min(1e-300).sqrt()
    scaled = held.matrix / (scale.unsqueeze(1) * scale.unsqueeze(2))
    ridge = 1e-11 * torch.eye(scaled.shape[-1]).to(scaled)
    right = (held.gradient / scale).unsqueeze(2)
    # Units of the diagonal and a trace of a ridge: constants and coefficients differ by
    # many powers of ten, and a resample may miss what held a direction.
    step = -torch.linalg.solve(scaled + ridge, right).squeeze(2) / scale
    # loss + 2 g's + s'As, with g half the gradient and As = -g, is loss + g's.
    return theta + step, times @ loss + (held.gradient * step).sum(1)

"""Block bootstrap of many rows: one Gauss-Newton step for each resample.

The normal equations are sums over blocks, so a resample only weights them anew:

    theta* = theta - (sum_b w_b A_b)^-1 sum_b w_b g_b,    w_b: times block b was drawn

With many rows the resampled minimum lies so close to the fitted one that the second step
would not show; few rows are refitted completely instead.

Reference: Davidson and MacKinnon 1999, bootstrap by approximate refits.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from symbolic.search.refit import SymbolicProblem

AT_ONCE = 4_000_000  # numbers in the row-wise normal equations of one chunk


@dataclass(frozen=True)
class BlockNormals:
    """Quadratic model of the loss around one point, block by block.

        loss(theta + d) = loss + 2 g d + d A d

    Attributes:
        loss: (B,);  gradient: (B, P);  matrix: (B, P, P).
    """

    loss: Tensor
    gradient: Tensor
    matrix: Tensor


@torch.no_grad()
def one_step_bootstrap(
    problem: "SymbolicProblem", starts: Tensor, replicates: int, seed: int
) -> Tensor:
    """Return the constants (replicates, P) after one step for each resample.

    Args:
        problem: of the equations.
        starts: (M, P) its minima; every resample keeps the one that becomes lowest.
        replicates, seed: number of resamples, and what draws them.
    """
    normals = [block_normals(problem, theta) for theta in starts]
    count = len(normals[0].loss)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(count, (replicates, count), generator=generator)
    times = torch.zeros(replicates, count, dtype=starts.dtype)
    times.scatter_add_(1, drawn, torch.ones_like(times))
    found = [_stepped(one, times, problem.free) for one in normals]
    losses = torch.stack([loss for _, loss in found])
    moved = torch.stack(
        [step + theta for (step, _), theta in zip(found, starts, strict=True)]
    )
    return moved[losses.argmin(0), torch.arange(replicates)]


def _stepped(
    normals: BlockNormals, times: Tensor, free: Tensor
) -> tuple[Tensor, Tensor]:
    """Step (R, P) to the minimum of every resample, and the loss (R,) there."""
    gradient = times @ normals.gradient * free
    matrix = (times @ normals.matrix.flatten(1)).unflatten(1, (len(free), len(free)))
    matrix = matrix * free.unsqueeze(0) * free.unsqueeze(1)
    matrix = matrix + torch.diag((~free).to(matrix))
    scale = matrix.diagonal(dim1=1, dim2=2).clamp_min(1e-300).sqrt()
    scaled = matrix / (scale.unsqueeze(1) * scale.unsqueeze(2))
    ridge = 1e-12 * torch.eye(len(free)).to(scaled)
    solved = torch.linalg.solve(scaled + ridge, (gradient / scale).unsqueeze(2))
    step = -solved.squeeze(2) / scale
    return step, times @ normals.loss + (gradient * step).sum(1)


@torch.no_grad()
def block_normals(problem: "SymbolicProblem", theta: Tensor) -> BlockNormals:
    """Sum loss, gradient and Gauss-Newton matrix at theta (P,) over every block."""
    members = torch.zeros(1, dtype=torch.long)
    raw, constants = problem.raw(theta[None]), problem.constants_of(theta[None])
    local = problem.term.local(raw, constants, members)
    squares, weights = problem.term.data_by_row(raw, constants)
    designs = [
        torch.from_numpy(structure.by_constants(problem.z)).to(theta)
        for structure in problem.structures_at(theta)
    ]
    blocks = problem.term.observations.blocks
    count, size = int(blocks.max()) + 1, len(theta)
    loss = theta.new_zeros(count).index_add_(0, blocks, squares[0] / weights.sum())
    gradient = theta.new_zeros(count, size)
    matrix = theta.new_zeros(count, size, size)
    chunk = max(1, AT_ONCE // size**2)
    for start in range(0, len(blocks), chunk):
        rows = slice(start, start + chunk)
        chain = _chain([design[rows] for design in designs], problem, size)
        slope = torch.einsum("nkp,nk->np", chain, local.gradient[0, rows])
        bent = torch.einsum("nkp,nkl->nlp", chain, local.curvature[0, rows])
        gradient.index_add_(0, blocks[rows], slope)
        matrix.index_add_(0, blocks[rows], torch.einsum("nlp,nlq->npq", bent, chain))
    return BlockNormals(loss, gradient, matrix)


def _chain(designs: list[Tensor], problem: "SymbolicProblem", size: int) -> Tensor:
    """Derivative (n, L + K, P) of raw latents and constants by all constants."""
    latents = len(designs)
    chain = designs[0].new_zeros(len(designs[0]), latents + problem.n_constants, size)
    for k, design in enumerate(designs):
        chain[:, k, problem.cuts[k] : problem.cuts[k + 1]] = design
    for k in range(problem.n_constants):
        chain[:, latents + k, problem.cuts[-1] + k] = 1.0
    return chain

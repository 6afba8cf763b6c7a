"""The additive least-squares problem over blocks: a sum of their normal equations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciren.comparison import ResidualScale
from sciren.data.blocks import RowBlock
from sciren.errors import ColumnError
from sciren.execution.executor import Executor, run_all
from sciren.solvers.levenberg import Normal, hold
from sciren.solvers.process_term import ProcessTerm
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.many_rows.survey import Survey
from sciren.training.preparation import ordered
from sciren.training.progress import Progress


@dataclass(frozen=True)
class Share:
    """One block's share of the normal equations at one point, as a worker computes it.

    Attributes:
        block: its rows.
        problem: of which only the rows are missing.
        scale: of the comparison;  violation: its weight.
        rows, total: of all blocks.
        theta: (1, P).
    """

    block: RowBlock
    problem: AdditiveProblem
    scale: ResidualScale
    violation: float
    rows: int
    total: float
    theta: Tensor


def normal_of(share: Share) -> tuple[Any, ...] | None:
    """Return loss (1,), half gradient (1, P) and matrix (1, P, P) of one block.

    Raises:
        ColumnError: the block has other features than the model.
    """
    problem = problem_of(share)
    if problem is None:
        return None
    with torch.no_grad():
        normal = problem.normal(share.theta, torch.zeros(1, dtype=torch.long))
    return tuple(part.numpy() for part in normal)


def scores_of(share: Share) -> Any:
    """Return the products of the rows' half gradients (P, P), summed over one block."""
    problem = problem_of(share)
    if problem is None:
        return None
    with torch.no_grad():
        return problem.scores(share.theta).numpy()


def problem_of(share: Share) -> AdditiveProblem | None:
    """Return the problem of one block as its share of all rows; None without rows."""
    table = share.block.table()
    if table is None:
        return None
    empty, theta = share.problem, share.theta
    model = empty.term.model
    if table.feature_names != tuple(model.feature_names):
        raise ColumnError(
            f"a block has features {list(table.feature_names)}, the model "
            f"{list(model.feature_names)}; read all blocks alike"
        )
    table = ordered(model, table)
    term = ProcessTerm(model, table, share.scale, share.violation)
    # Divided by the rows and weights of the whole, so that the parts of all blocks add
    # up.
    term = term.within(share.rows, theta.new_tensor([share.total]))
    design = empty.spline
    # Knots, centres and penalty of the sample: a block with its own would be another
    # model.
    spline = SplineDesign(
        model.scaled(table.features), design.knots, design.mean, design.penalty, None
    )
    return empty.elsewhere(term, spline)


class BlocksProblem:
    """The loss of all rows of all blocks, for `minimise`.

    Args:
        problem: on a sample: its units, knots and penalty, and which parameters may move.
        blocks: of the rows.
        survey: of these blocks.
        executor: who computes;  progress: hears how far each pass is.
    """

    def __init__(
        self,
        problem: AdditiveProblem,
        blocks: Sequence[RowBlock],
        survey: Survey,
        executor: Executor | None,
        progress: Progress,
    ) -> None:
        self.active, self.penalty = problem.active, problem.penalty
        self.survey, self.blocks = survey, blocks
        self.executor, self.progress = executor, progress
        self.term = problem.term
        free = torch.ones_like(problem.active[:1])
        # Tasks carry the problem to the workers: without rows it is small to send. No
        # penalty and nothing held: both are applied once, to the sum.
        rowless = problem.on_rows(torch.arange(0))
        self.rowless = rowless.with_active(free).with_penalty(
            torch.zeros_like(problem.penalty)
        )
        self._known: tuple[Tensor, Normal] | None = None

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Observed loss plus smoothness (1,)."""
        return self.normal(theta, members).loss

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss and normal equations, in one pass over the blocks."""
        # A trial point that is accepted is asked for again: reading is dearer than sums.
        if self._known is None or not torch.equal(self._known[0], theta):
            self._known = theta.clone(), self._pass(theta)
        return self._known[1]

    def covariance(self, theta: Tensor) -> Tensor:
        """Covariance (P, P) of the parameters at the minimum, rows independent.

        A^-1 S A^-1, S the products of the rows' half gradients: right whatever the noise
        of each row, in one more pass over the blocks. Held parameters have none.
        """
        member = torch.zeros(1, dtype=torch.long)
        matrix = self.normal(theta, member).matrix[0]
        keep = self.active[0].to(matrix.dtype)
        scores = torch.from_numpy(np.sum(self._over_blocks(scores_of, theta), axis=0))
        # The bread needs no such cut: `hold` has made rows of held parameters the
        # identity.
        scores = scores * keep.unsqueeze(1) * keep
        size = matrix.diagonal().clamp_min(1e-300).sqrt()
        bread = torch.linalg.inv(matrix / (size.unsqueeze(1) * size))
        bread = bread / (size.unsqueeze(1) * size)
        return bread @ scores @ bread

    def _over_blocks(
        self, function: Callable[[Share], Any], theta: Tensor
    ) -> list[Any]:
        scale, violation = self.term.observations.scale, self.term.violation_weight
        total = sum(self.survey.weights.values())
        shared = (self.rowless, scale, violation, self.survey.rows, total, theta)
        tasks = [Share(block, *shared) for block in self.blocks]
        stage = "all rows, blocks"
        shares = run_all(function, tasks, self.executor, self.progress, stage)
        # In the order of the blocks: the sum is the same for any number of workers.
        return [share for share in shares if share is not None]

    def _pass(self, theta: Tensor) -> Normal:
        parts = self._over_blocks(normal_of, theta)
        loss, gradient, matrix = (
            torch.from_numpy(np.sum(column, axis=0))
            for column in zip(*parts, strict=True)
        )
        pull = theta @ self.penalty
        full = Normal(
            loss + (pull * theta).sum(1), gradient + pull, matrix + self.penalty
        )
        # `minimise` takes an infinite loss for a failed step, and a nan for nothing.
        finite = torch.isfinite(full.loss)
        return hold(
            full._replace(loss=torch.where(finite, full.loss, torch.inf)), self.active
        )

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Hold the constants inside their bounds."""
        return self.rowless.retract(trial, theta, members)

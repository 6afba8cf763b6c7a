"""Sums over the rows of all blocks: their shares of the normal equations, added up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciren.comparison import ResidualScale
from sciren.data.blocks import RowBlock
from sciren.errors import ColumnError
from sciren.execution.begun import Begun
from sciren.execution.executor import Executor, run_all
from sciren.solvers.levenberg import Normal
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


class BlockSums:
    """Sums over all blocks at some point, by whoever computes them.

    Args:
        blocks: of the rows.
        survey: of these blocks.
        executor: who computes;  progress: hears how far each pass is.
    """

    def __init__(
        self,
        blocks: Sequence[RowBlock],
        survey: Survey,
        executor: Executor | None,
        progress: Progress,
    ) -> None:
        self.blocks, self.survey = blocks, survey
        self.executor, self.progress = executor, progress
        self._early: tuple[Tensor, Begun[Share, Any]] | None = None

    def normal(self, problem: AdditiveProblem, theta: Tensor) -> Normal:
        """Loss and normal equations of the rows, without penalty, nothing held."""
        tasks = self._tasks(problem, theta)
        return _added(self._run(normal_of, tasks))

    def scores(self, problem: AdditiveProblem, theta: Tensor) -> Tensor:
        """Products of the rows' half gradients (P, P)."""
        parts = self._run(scores_of, self._tasks(problem, theta))
        return torch.from_numpy(np.sum([x for x in parts if x is not None], axis=0))

    def begin(self, problem: AdditiveProblem, theta: Tensor) -> None:
        """Begin the sums at a point near the minimum while edges are being chosen.

        Args:
            problem: on the sample;  theta: (1, P), with all edges.
        """
        tasks = self._tasks(problem, theta)
        self._early = theta.clone(), Begun(normal_of, tasks, self.executor)

    def early(self) -> tuple[Tensor, Normal] | None:
        """Return the point where the sums were begun, and these; None without one."""
        if self._early is None:
            return None
        theta, begun = self._early
        return theta, _added(begun.results())

    def stop(self) -> None:
        """Give up what was begun."""
        if self._early is not None:
            self._early[1].stop()

    def _run(self, function: Callable[[Share], Any], tasks: list[Share]) -> list[Any]:
        stage = "all rows, blocks"
        return run_all(function, tasks, self.executor, self.progress, stage)

    def _tasks(self, problem: AdditiveProblem, theta: Tensor) -> list[Share]:
        scale, violation = (
            problem.term.observations.scale,
            problem.term.violation_weight,
        )
        total = sum(self.survey.weights.values())
        shared = (rowless(problem), scale, violation, self.survey.rows, total, theta)
        return [Share(block, *shared) for block in self.blocks]


def rowless(problem: AdditiveProblem) -> AdditiveProblem:
    """Return the problem without rows, which is small to send to workers.

    No penalty and nothing held: both are applied once, to the sum over the blocks.
    """
    empty = problem.on_rows(torch.arange(0))
    free = torch.ones_like(problem.active[:1])
    return empty.with_active(free).with_penalty(torch.zeros_like(problem.penalty))


def _added(parts: Sequence[Any]) -> Normal:
    # In the order of the blocks: the sum is the same for any number of workers.
    kept = [part for part in parts if part is not None]
    sums = (torch.from_numpy(np.sum(x, axis=0)) for x in zip(*kept, strict=True))
    return Normal(*sums)

"""Stages of the ladder, from a sum of curves to hidden nodes: fitted edge sets.

A stage fits many candidate edge sets at once and says how each does on validation,
block by block. Selection and ladder need to know nothing else.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import torch
from torch import Tensor

from sciren.solvers.levenberg import minimise
from sciren.solvers.process_term import ProcessTerm
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.gauss_newton.gram import PROMISED, GramTable
from sciren.training.gauss_newton.hidden import HiddenProblem

# A share of the loss that, times the number of rows, is a chi-square of no account: 56,000
# rows times 1e-5 is 0.6, well below the 3.84 of one constant.
FINAL, TRIAL = 1e-8, 1e-5
# Twice the loss of the larger model means that an edge is missed, whatever validation
# says, where there are ten rows a parameter: with fewer, a model can follow its noise.
UNWANTED = 2.0
ENOUGH = 10  # rows a parameter
# Standard errors after which smaller or smoother models are not looked at.
HOPELESS = 3.0


@dataclass(frozen=True)
class Validation:
    """Squared standardised residuals on validation, summed by block.

    Attributes:
        sums: (S, B);  weights: (B,).
    """

    sums: Tensor
    weights: Tensor

    @property
    def loss(self) -> Tensor:
        """Mean of squares (S,)."""
        return self.sums.sum(1) / self.weights.sum()

    def excess(
        self, member: int, over: "Validation", other: int
    ) -> tuple[float, float]:
        """Mean difference to another member and its standard error over blocks."""
        excess = self.sums[member] - over.sums[other]
        total = self.weights.sum()
        mean = excess.sum() / total
        blocks = len(excess)
        # Variance of a ratio estimator, sum excess / sum weights, over independent
        # blocks.
        spread = (excess - mean * self.weights).pow(2).sum()
        error = (spread * blocks / max(blocks - 1, 1)).sqrt() / total
        return float(mean), float(error)


@dataclass(frozen=True)
class Candidate:
    """One fitted edge set.

    Attributes:
        edges: (d, J) bool, J first-layer nodes.
        theta: (P,).
        loss: training loss with penalties.
        valid: validation of this candidate alone, (1, B).
        weak: whether every edge dropped on the way had a negligible share.
    """

    edges: Tensor
    theta: Tensor
    loss: float
    valid: Validation
    weak: bool = True

    @property
    def n_edges(self) -> int:
        """Number of kept edges."""
        return int(self.edges.sum())


def by_block(term: ProcessTerm, raw: Tensor, constants: Tensor) -> Validation:
    """Sum the squared residuals of members over the blocks of a table.

    Where the process has no finite value the sum is infinite.
    """
    squares, weights = term.data_by_row(raw, constants)
    squares = squares.nan_to_num(nan=torch.inf, posinf=torch.inf)
    blocks = term.observations.blocks
    size = int(blocks.max()) + 1
    sums = squares.new_zeros(len(squares), size).index_add(1, blocks, squares)
    return Validation(sums, weights.new_zeros(size).index_add(0, blocks, weights))


Problem = TypeVar("Problem", AdditiveProblem, HiddenProblem)


class Stage(ABC, Generic[Problem]):
    """One size of model that fits edge sets.

    Args:
        problem: on the training rows.
        valid: observed loss of the validation rows.
        valid_design: their basis, centred as in training.
    Attributes:
        nodes: hidden nodes for each latent, 0 for a sum of curves.
        trial_steps: steps in which selection compares edge sets.
    """

    nodes: int
    trial_steps: int

    def __init__(
        self, problem: Problem, valid: ProcessTerm, valid_design: SplineDesign
    ) -> None:
        self.problem, self.valid, self.valid_design = problem, valid, valid_design

    @abstractmethod
    def fit(
        self, edges: Tensor, start: Tensor, steps: int | None = None
    ) -> list[Candidate]:
        """Fit edge sets (S, d, J) from start (P,) or (S, P), in at most some steps."""

    @abstractmethod
    def importance(self, candidate: Candidate) -> Tensor:
        """Deviation (d, J) of every first-layer edge over the training rows."""

    def judge(self, edges: Tensor, theta: Tensor, loss: Tensor) -> list[Candidate]:
        """Attach the validation to fitted members."""
        raw = self.problem.raw_at(theta, self.valid_design)
        valid = by_block(self.valid, raw, self.problem.constants_of(theta))
        return [
            Candidate(
                edges[k],
                theta[k],
                float(loss[k]),
                Validation(valid.sums[k : k + 1], valid.weights),
            )
            for k in range(len(edges))
        ]

    def on_rows(self, rows: Tensor) -> Self:
        """Return the stage trained on some of the rows."""
        return type(self)(self.problem.on_rows(rows), self.valid, self.valid_design)

    def with_terms(self, train: ProcessTerm, valid: ProcessTerm) -> Self:
        """Return the stage with other observed losses on the same rows."""
        return type(self)(self.problem.with_term(train), valid, self.valid_design)

    def smoothed(self, share: float) -> Self:
        """Return the stage whose penalties weigh `share` as much."""
        return type(self)(self.problem.smoothed(share), self.valid, self.valid_design)

    def store(self, candidate: Candidate) -> None:
        """Write the candidate into the model."""
        self.problem.store(candidate.theta, candidate.edges)


class AdditiveStage(Stage[AdditiveProblem]):
    """One layer: every latent is a sum of curves.

    Args: as `Stage`, and
        table: shared Gram matrices that give good starts, if there are any.
    """

    nodes = 0
    trial_steps = 6

    def __init__(
        self,
        problem: AdditiveProblem,
        valid: ProcessTerm,
        valid_design: SplineDesign,
        table: GramTable | None = None,
    ) -> None:
        super().__init__(problem, valid, valid_design)
        self.table, self.iterations = table, 60

    def fit(
        self, edges: Tensor, start: Tensor, steps: int | None = None
    ) -> list[Candidate]:
        """Fit edge sets (S, d, L) from start (P,) or (S, P)."""
        active = self.problem.mask_of(edges)
        theta = start.expand(len(edges), -1) * active
        held = self.problem.with_active(active)
        # The table gives starts for trials; a final fit goes through the process.
        if self.table is None or steps is None:
            return self._searched(edges, held, theta, steps)
        good, done = self._tabled(edges, start)
        others = [k for k in range(len(edges)) if k not in done]
        if others:
            held = self.problem.with_active(active[others])
            searched = self._searched(edges[others], held, theta[others], steps)
            good |= dict(zip(others, searched, strict=True))
        return [good[k] for k in range(len(edges))]

    def _tabled(
        self, edges: Tensor, start: Tensor
    ) -> tuple[dict[int, Candidate], set[int]]:
        """Candidates that the table knows well enough, by number.

        Those are where it keeps its promise, and where it promises so bad a loss that
        nobody will want them.
        """
        if self.table is None:
            return {}, set()
        active = self.problem.mask_of(edges)
        every = torch.arange(len(edges), device=edges.device)
        theta, promise, inside = self.table.solve(active, self.problem.penalty)
        loss = self.problem.loss(theta, every)
        # The true loss is the judge: where it agrees, the loss was quadratic on the
        # way.
        trusted = inside & ((loss - promise).abs() <= PROMISED * loss)
        if self.problem.term.n_rows > ENOUGH * self.problem.size:
            before = self.problem.loss(start.expand(len(edges), -1), every)
            trusted |= torch.isfinite(loss) & (promise > UNWANTED * before)
        done = every[trusted].tolist()
        if not done:
            return {}, set()
        judged = self.judge(edges[done], theta[done], loss[done])
        return dict(zip(done, judged, strict=True)), set(done)

    def _searched(
        self, edges: Tensor, held: AdditiveProblem, theta: Tensor, steps: int | None
    ) -> list[Candidate]:
        tolerance = FINAL if steps is None else TRIAL
        steps = steps or self.iterations
        solution = minimise(held, theta, steps, tolerance, damping=1e-6)
        return self.judge(edges, solution.theta, solution.loss)

    def promised(self, active: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Points (S, P) from the table where it keeps its promise, and where it does.

        Args:
            active: (S, P);  theta: (S, P) points to go back to.
        """
        nothing = torch.zeros(len(theta), dtype=torch.bool, device=theta.device)
        if self.table is None:
            return theta, nothing
        points, promise, inside = self.table.solve(active, self.problem.penalty)
        loss = self.problem.loss(
            points, torch.arange(len(points), device=points.device)
        )
        kept = inside & ((loss - promise).abs() <= PROMISED * loss)
        return torch.where(kept.unsqueeze(1), points, theta), kept

    def importance(self, candidate: Candidate) -> Tensor:
        """Deviation (d, L) of every edge over the training rows."""
        coefficients, _ = self.problem.split(candidate.theta.unsqueeze(0))
        return self.problem.spline.deviation(coefficients[0, :, 1:])


class HiddenStage(Stage[HiddenProblem]):
    """One hidden layer with a given number of nodes for each latent.

    Args: as `Stage`.
    """

    trial_steps = 5

    def __init__(
        self, problem: HiddenProblem, valid: ProcessTerm, valid_design: SplineDesign
    ) -> None:
        super().__init__(problem, valid, valid_design)
        self.nodes = problem.nodes
        self.iterations = 30

    def fit(
        self, edges: Tensor, start: Tensor, steps: int | None = None
    ) -> list[Candidate]:
        """Fit edge sets (S, d, L * H) from start (P,) or (S, P)."""
        active = self.problem.mask_of(edges)
        parts = self.problem.unpack(start.expand(len(edges), -1) * active)
        theta = self.problem.pack(*parts)
        held = self.problem.with_active(active)
        # The index of fewer edges has another range: solve the outer splines anew.
        theta = held.retract(theta, start.expand(len(edges), -1), _all(edges))
        tolerance = FINAL if steps is None else TRIAL
        steps = steps or self.iterations
        solution = minimise(held, theta, steps, tolerance, damping=1e-3)
        return self.judge(edges, solution.theta, solution.loss)

    def importance(self, candidate: Candidate) -> Tensor:
        """Deviation (d, L * H) of every inner edge over the training rows."""
        inner = self.problem.unpack(candidate.theta.unsqueeze(0)).inner
        return self.problem.spline.deviation(inner[0].flatten(0, 1))


def _all(members: Tensor) -> Tensor:
    return torch.arange(len(members), device=members.device)


AnyStage = AdditiveStage | HiddenStage


@dataclass(frozen=True)
class Step:
    """A stage with its fitted candidate."""

    stage: AnyStage
    candidate: Candidate


def smoothest(tried: Sequence[Step], errors: float = 1.0) -> int:
    """Return which is the last (smoothest) within block standard errors of the best."""
    valid = [step.candidate.valid for step in tried]
    best = min(valid, key=lambda validation: float(validation.loss))
    excesses = [validation.excess(0, best, 0) for validation in valid]
    close = [k for k, (mean, error) in enumerate(excesses) if mean <= errors * error]
    return max(close, default=0)  # none is close where every loss is infinite

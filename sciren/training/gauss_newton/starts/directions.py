"""Where a hidden layer starts: many random directions, in a small space, on few rows."""

from collections.abc import Callable

import torch
from torch import Tensor

from sciren.encoders.base import seeded
from sciren.encoders.kan import KANEncoder
from sciren.solvers.levenberg import Watch, minimise
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.hidden import HiddenProblem
from sciren.training.gauss_newton.starts.hidden import hidden_start, straight_indices

# What the search sees: the smoothest curves of each feature and node, and outer splines of
# half the knots. Directions are found in that space, shapes only after it.
CURVES = 3
OUTER = 20  # knots
STIFFER = 100.0
"""Times the outer bending in the search: a loose outer spline follows the noise of few rows,
and the direction with it (products of 1,000 rows at 50 % noise found in 5 of 5 instead of 3:
`python -m benchmarks.hidden_layers`)."""
ALIKE = 1e-3  # share of the loss by which starts in one minimum differ at most

Watcher = Callable[[str, int, HiddenProblem], Watch]


class StartSearch:
    """Search of the best starts for a problem with one hidden layer.

    Inner curves are combinations of the smoothest ones, outer splines have fewer knots,
    and all starts move at once, first on half of the rows. After every round starts that
    have met in one minimum go on as one, with the best of the others: a wide basin may
    not crowd out the best.

    Args:
        problem: on the rows that the solution will start on.
        encoder: brings knots of the first layer.
        config: starts, their rows and iterations, how many go on.
        rows: draws positions of some of the problem's rows, given their number.
    Attributes:
        problem: the same problem on the rows and outer knots of the search.
        reached: lowest loss after the search.
    """

    def __init__(
        self,
        problem: HiddenProblem,
        encoder: KANEncoder,
        config: TrainConfig,
        rows: Callable[[int], Tensor],
    ) -> None:
        self.encoder, self.config, self.nodes = encoder, config, problem.nodes
        term, spline = problem.term, problem.spline
        if term.n_rows > config.start_rows:
            picked = rows(config.start_rows)
            term, spline = term.take(picked), spline.take(picked)
        outer = min(problem.intervals, OUTER)
        smooth = problem.smooth_inner, STIFFER * problem.smooth_outer
        self.problem = HiddenProblem(term, spline, self.nodes, outer, *smooth)
        self.curves = spline.smoothest(CURVES * self.nodes)
        small = spline.spanned_by(self.curves)
        self.small = HiddenProblem(term, small, self.nodes, outer, *smooth)
        generator = seeded(config.seed)
        half = torch.randperm(term.n_rows, generator=generator)[
            : config.start_rows // 2
        ]
        self.half = self.small.on_rows(half.sort().values.to(small.scaled.device))
        self.reached = float("inf")

    def run(
        self,
        below: AdditiveProblem | HiddenProblem,
        known: Tensor,
        watch: Watcher,
        enough: float = float("inf"),
    ) -> Tensor:
        """Search and return the best starts (polish, P) of `problem`, best first.

        Args:
            below: problem of the stage below;  known: its solution (P,).
            watch: makes the watch of a stage.
            enough: loss above which the search is given up after its first steps.
        """
        # With the nodes of the stage below, fewer directions have to be found.
        count = max(self.config.polish, self.config.starts // self.nodes)
        known = known.unsqueeze(0)
        inner = straight_indices(self.problem, self.encoder, count, self.config.seed)
        if isinstance(below, HiddenProblem) and below.nodes < self.nodes:
            # Half of the starts keep the indices of the stage below.
            indices = below.unpack(known).inner
            inner[: count // 2, :, : below.nodes] = indices
        constants = self.problem.term.model.constant_raw.detach().repeat(count, 1)
        # Every other start has the constants of the stage below.
        # The others keep the declared start, because a wrong sum drags its constant off: on
        # |s| one layer ends at Q10 1.28 instead of 1.5.
        constants[1::2] = below.constants_of(known)
        theta = hidden_start(self.half, inner @ self._onto(), constants)
        theta, loss = self._improved(theta, watch, enough)
        self.reached = float(loss[0])
        # All in one minimum: one of them is enough.
        same = bool(loss[: self.config.polish].max() < loss[0] * (1 + 1e-3))
        return self._whole(theta[: 1 if same else self.config.polish])

    def _onto(self) -> Tensor:
        """Turn coefficients of all curves into those of the smoothest (d m, d r)."""
        return torch.linalg.pinv(self.curves).mT

    def _improved(
        self, theta: Tensor, watch: Watcher, enough: float
    ) -> tuple[Tensor, Tensor]:
        """Improve all starts a little, then fewer and fewer; best first."""
        config, stage = self.config, f"{self.nodes} hidden, starts"
        few = max(1, config.start_iterations // 3)
        theta, loss = self._round(
            self.half, theta, few, 1e-2, watch(stage, few, self.half)
        )
        # Half of the starts go on, at least those that are to be polished.
        best = different(loss, max(config.polish, len(theta) // 2))
        every = torch.arange(len(best), device=theta.device)
        # The winners go on on all rows of the search, the others end here.
        theta = self.small.taken_over(theta[best], self.half)
        if float(self.small.loss(theta, every).min()) > enough:
            return theta, loss[best]
        for keep in (len(theta) // 2, len(theta) // 4):
            heard = watch(stage, few, self.small)
            theta, loss = self._round(self.small, theta, few, 1e-3, heard)
            best = different(loss, max(config.polish, keep))
            theta, loss = theta[best], loss[best]
        return theta, loss

    def _round(
        self,
        problem: HiddenProblem,
        theta: Tensor,
        steps: int,
        damping: float,
        watch: Watch,
    ) -> tuple[Tensor, Tensor]:
        solution = minimise(problem, theta, steps, 1e-4, damping, watch)
        order = solution.loss.argsort(stable=True)
        return solution.theta[order], solution.loss[order]

    def _whole(self, theta: Tensor) -> Tensor:
        """Write points of the small space as points of the problem."""
        parts = self.small.unpack(theta)
        return self.problem.pack(
            parts.inner @ self.curves.mT, parts.outer, parts.constants
        )


def different(loss: Tensor, most: int) -> Tensor:
    """Positions of the lowest of sorted losses (S,) that are not alike, at most so many.

    Where few are different, the best of the others fill up.
    """
    kept: list[int] = []
    for number, value in enumerate(loss.tolist()):
        if not kept or value > float(loss[kept[-1]]) * (1 + ALIKE):
            kept.append(number)
    # Alike in loss is not the same minimum for sure: places that are left are not
    # wasted.
    others = [number for number in range(len(loss)) if number not in kept]
    return torch.tensor(sorted((kept + others)[:most]), device=loss.device)

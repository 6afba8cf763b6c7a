"""Where a hidden layer starts: many random directions, in a small space, on few rows."""

from collections.abc import Callable

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.training.additive import AdditiveProblem
from sciren.training.config import TrainConfig
from sciren.training.hidden import HiddenProblem
from sciren.training.levenberg import Watch, minimise
from sciren.training.starts import hidden_start, straight_indices

CURVES = 6  # smoothest curves of each feature that the search sees
OUTER = 20  # intervals of the outer splines that it sees

Watcher = Callable[[str, int, HiddenProblem], Watch]


class StartSearch:
    """Search of the best starts for a problem with one hidden layer.

    Inner curves are combinations of the smoothest ones, outer splines have fewer knots,
    and all starts move at once; after some steps the better third goes on.

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
        smooth = problem.smooth_inner, problem.smooth_outer
        self.problem = HiddenProblem(term, spline, self.nodes, outer, *smooth)
        self.curves = spline.smoothest(CURVES)
        small = spline.spanned_by(self.curves)
        self.small = HiddenProblem(term, small, self.nodes, outer, *smooth)
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
            below: problem of the rung below;  known: its solution (P,).
            watch: makes the watch of a stage.
            enough: loss above which the search is given up after its first steps.
        """
        count, known = self.config.starts, known.unsqueeze(0)
        inner = straight_indices(self.problem, self.encoder, count, self.config.seed)
        if isinstance(below, HiddenProblem) and below.nodes < self.nodes:
            # Half of the starts keep the indices of the rung below.
            indices = below.unpack(known).inner
            inner[: count // 2, :, : below.nodes] = indices
        constants = self.problem.term.model.constant_raw.detach().repeat(count, 1)
        # Every other start has the constants of the rung below.
        constants[1::2] = below.constants_of(known)
        theta = hidden_start(self.small, inner @ self._onto(), constants)
        theta, loss = self._improved(theta, watch, enough)
        self.reached = float(loss[0])
        same = bool(loss[: self.config.polish].max() < loss[0] * (1 + 1e-3))
        return self._whole(theta[: 1 if same else self.config.polish])

    def _onto(self) -> Tensor:
        """Turn coefficients of all curves into those of the smoothest (d m, d r)."""
        return torch.linalg.pinv(self.curves).mT

    def _improved(
        self, theta: Tensor, watch: Watcher, enough: float
    ) -> tuple[Tensor, Tensor]:
        """Improve all starts a little, then the better third; best first."""
        config, stage = self.config, f"{self.nodes} hidden, starts"
        few = max(1, config.start_iterations // 3)
        heard = watch(stage, few, self.small)
        found = minimise(self.small, theta, few, 1e-4, damping=1e-2, watch=heard)
        keep = max(config.polish, -(-len(theta) // 3))
        best = found.loss.argsort(stable=True)[:keep]
        if float(found.loss.min()) > enough:
            return found.theta[best], found.loss[best]
        more = config.start_iterations - few
        heard = watch(stage, more, self.small)
        theta = found.theta[best]
        found = minimise(self.small, theta, more, 1e-4, damping=1e-3, watch=heard)
        order = found.loss.argsort(stable=True)
        return found.theta[order], found.loss[order]

    def _whole(self, theta: Tensor) -> Tensor:
        """Write points of the small space as points of the problem."""
        parts = self.small.unpack(theta)
        return self.problem.pack(
            parts.inner @ self.curves.mT, parts.outer, parts.constants
        )

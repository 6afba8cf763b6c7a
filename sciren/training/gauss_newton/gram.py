"""Gram matrices that smoothing weights, feature subsets and members share.

Where the residuals are straight lines in the raw latents at a given value k of the
constant (no bound is active), the additive loss is quadratic in the coefficients c,

    s(k) + 2 b(k)' c + c' A(k) c + c' penalty c,

and A(k) depends on features, forcings and weights only: one A for each k serves every
smoothing weight, every subset of the edges (blocks of it) and, up to the units, every
member on the same rows. A, b and s are smooth in k; they are laid down at Chebyshev
nodes around a good value and interpolated.

Whether that holds is not asked of the decoder: what comes out is a start, whose true
loss is compared with what the table promised.

Reference: Berrut and Trefethen 2004 for the barycentric formula.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sciren.solvers.levenberg import Normal, covariance, effective_parameters, hold
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.design import chunks

NODES = 7  # Chebyshev nodes of a table; what they miss shows against PROMISED
HALF_WIDTH = 0.1  # half the width of a table, in logs or in units of the constant
STEP = 0.05  # between the middles that tables may have, so that members can share them
ERRORS = 10.0  # standard errors on either side of its start that a table must cover
GRID = 33  # values of the constant that are tried in a table
PROMISED = 1e-5  # share of the loss by which a table may miss the truth
MOST = 400  # coefficients; 7 matrices of more cost more than they save


@dataclass
class SharedGrams:
    """Matrices A at nodes of the constant, kept for members on the same rows."""

    known: list[tuple[list[Tensor], Tensor]] = field(default_factory=list)

    def of(self, problem: AdditiveProblem, theta: Tensor) -> Normal:
        """Loss, half gradient (M, C) and A (M, C, C) at theta (M, P) without features."""
        # The key holds what A depends on: equal tensors, equal matrix.
        key, units = _key(problem, theta), _units(problem)
        for other, matrix in self.known:
            if _same(key, other):
                # Targets differ by member, so loss and gradient are summed anew: one
                # product, not C^2.
                loss, gradient = _at(problem, theta)
                return Normal(loss, gradient, matrix * (units.unsqueeze(1) * units))
        members = torch.arange(len(theta), device=theta.device)
        free = torch.ones_like(problem.active[:1])
        plain = problem.with_penalty(torch.zeros_like(problem.penalty))
        size = len(units)
        normal = plain.with_active(free).normal(theta, members)
        matrix = normal.matrix[:, :size, :size]
        # With several targets a member's units do not factor out of the sum over targets.
        if problem.term.observations.values.shape[1] == 1:
            self.known.append((key, matrix / (units.unsqueeze(1) * units)))
        return Normal(normal.loss, normal.gradient[:, :size], matrix)


def _key(problem: AdditiveProblem, theta: Tensor) -> list[Tensor]:
    term, spline = problem.term, problem.spline
    forcings = [term.forcings[name] for name in sorted(term.forcings)]
    nodes = problem.constants_of(theta)
    knots = [spline.knots.low, spline.knots.high]
    return [nodes, *knots, term.observations.weights, spline.scaled, *forcings]


def _same(left: list[Tensor], right: list[Tensor]) -> bool:
    return len(left) == len(right) and all(
        a.shape == b.shape and torch.equal(a, b)
        for a, b in zip(left, right, strict=True)
    )


def _units(problem: AdditiveProblem) -> Tensor:
    """Unit of every coefficient in the residuals (C,), one target."""
    each = problem.scale.repeat_interleave(problem.block)
    return each / problem.term.observations.scale.sd[0]


@dataclass(frozen=True)
class GramTable:
    """Quadratic loss of one member on nodes of its constant.

    Attributes:
        problem: whose rows and units.
        nodes: (M,) raw constants, or one zero where there is no constant.
        loss: (M,);  gradient: (M, C);  matrix: (M, C, C), without penalties.
    """

    problem: AdditiveProblem
    nodes: Tensor
    loss: Tensor
    gradient: Tensor
    matrix: Tensor

    @classmethod
    def around(
        cls, problem: AdditiveProblem, theta: Tensor, error: float, shared: SharedGrams
    ) -> "GramTable":
        """Lay a table around theta (1, P), whose only constant has some error.

        Without error the table holds one value of the constant only.
        """
        nodes = theta[:, -1] if problem.n_constants else theta.new_zeros(1)
        if problem.n_constants and error:
            nodes = _nodes(problem, float(nodes), error)
        points = theta.new_zeros(len(nodes), problem.size)
        if problem.n_constants:
            points[:, -1] = nodes
        sums = shared.of(problem, points)
        return cls(problem, nodes, sums.loss, sums.gradient, sums.matrix)

    @staticmethod
    def possible(problem: AdditiveProblem) -> bool:
        """Whether there are not too many constants and coefficients for a table."""
        size = problem.n_latents * problem.block
        return problem.n_constants <= 1 and size <= MOST

    def solve(self, active: Tensor, penalty: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Minimise over coefficients and constant for every set of edges.

        Args:
            active: (S, P) bool;  penalty: (P, P).
        Returns:
            theta (S, P), the loss (S,) promised there, and whether the best constant
            lies inside the table (S,).
        """
        size = self.gradient.shape[1]
        low, high = float(self.nodes.min()), float(self.nodes.max())
        if len(self.nodes) == 1:
            tried = self.nodes
        else:
            tried = torch.linspace(low, high, GRID).to(self.nodes)
        # 1. A coarse search over the constant, all edge sets at once. 2. A parabola to
        # its minimum. 3. The coefficients there.
        inner = penalty[:size, :size]
        losses, _ = self._minima(tried.expand(len(active), -1), active, inner)
        best, inside = _lowest(tried, losses)
        loss, coefficients = self._minima(best.unsqueeze(1), active, inner)
        theta = penalty.new_zeros(len(active), self.problem.size)
        theta[:, :size] = coefficients[:, 0]
        if self.problem.n_constants:
            theta[:, -1] = best
        return theta, loss[:, 0], inside

    def _minima(
        self, tried: Tensor, active: Tensor, penalty: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Lowest losses (S, Q) and coefficients (S, Q, C) at constants (S, Q)."""
        weights = barycentric(self.nodes, tried)  # (S, Q, M)
        matrix = torch.einsum("sqm,mcd->sqcd", weights, self.matrix) + penalty
        gradient = weights @ self.gradient
        offset = weights @ self.loss
        size = penalty.shape[0]
        keep = active[:, :size].unsqueeze(1).expand(-1, tried.shape[1], -1)
        flat = Normal(offset.flatten(), gradient.flatten(0, 1), matrix.flatten(0, 1))
        held = hold(flat, keep.flatten(0, 1))
        root, info = torch.linalg.cholesky_ex(held.matrix)
        minima = -torch.cholesky_solve(held.gradient.unsqueeze(-1), root).squeeze(-1)
        # At the minimum c = -A^-1 b: s + 2 b'c + c'A c = s + b'c.
        loss = held.loss + (held.gradient * minima).sum(1)
        loss = torch.where(info == 0, loss, torch.inf)
        shape = tried.shape
        return loss.unflatten(0, shape), minima.unflatten(0, shape)


def _nodes(problem: AdditiveProblem, middle: float, error: float) -> Tensor:
    """Chebyshev nodes around a constant, on a lattice that members share."""
    wanted = ERRORS * max(error, 1e-12) if math.isfinite(error) else HALF_WIDTH
    # Powers of two and a lattice of middles: members whose constants nearly agree ask for
    # the same nodes, and only equal nodes share their matrices.
    unit = 2.0 ** max(-20, math.ceil(math.log2(wanted / (HALF_WIDTH - STEP / 2))))
    centre = round(middle / (STEP * unit)) * STEP * unit
    low = max(centre - HALF_WIDTH * unit, float(problem.low[0]))
    high = min(centre + HALF_WIDTH * unit, float(problem.high[0]))
    angle = (torch.arange(NODES, dtype=torch.float64) + 0.5) * (math.pi / NODES)
    # Chebyshev nodes of the first kind: the polynomial through them cannot swing at the
    # ends.
    nodes = (low + high) / 2 + (high - low) / 2 * angle.cos()
    return nodes.to(problem.low.device)


def barycentric(nodes: Tensor, x: Tensor) -> Tensor:
    """Weights (..., M) of values at nodes (M,) for their polynomial at x (...)."""
    distances = nodes.unsqueeze(1) - nodes
    # In units of the largest, so that the product of narrow tables does not underflow.
    distances = distances / distances.abs().max().clamp_min(1e-300)
    distances = distances + torch.eye(len(nodes)).to(nodes)  # no factor for itself
    away = x.unsqueeze(-1) - nodes
    hit = away == 0
    parts = (1 / distances.prod(1)) / torch.where(hit, 1.0, away)
    # On a node the formula is 0/0: the value there is that of the node.
    parts = torch.where(hit.any(-1, keepdim=True), hit.to(parts), parts)
    return parts / parts.sum(-1, keepdim=True)


def _lowest(tried: Tensor, losses: Tensor) -> tuple[Tensor, Tensor]:
    """Minimum (S,) of a parabola through the lowest point, and whether it is inside."""
    if len(tried) == 1:
        return tried.expand(len(losses)), torch.isfinite(losses[:, 0])
    at = losses.argmin(1)
    inside = (at > 0) & (at < len(tried) - 1)
    # At an end there is no parabola; one further in is computed and not used.
    middle = at.clamp(1, len(tried) - 2)
    each = torch.arange(len(losses), device=losses.device)
    a, b, c = (losses[each, middle + k] for k in (-1, 0, 1))
    # Vertex of the parabola through three equal steps.
    bend = (a - 2 * b + c).clamp_min(1e-300)
    shift = ((a - c) / (2 * bend)).clamp(-1, 1)
    best = tried[middle] + shift * (tried[1] - tried[0])
    return torch.where(inside, best, tried[at]), inside


@torch.no_grad()
def _at(problem: AdditiveProblem, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Loss (M,) and half gradient (M, C) by the coefficients, without penalties."""
    coefficients, constants = problem.split(theta)
    members = torch.zeros(len(theta), dtype=torch.long, device=theta.device)
    loss, gradient = theta.new_zeros(len(theta)), torch.zeros_like(coefficients)
    for part in chunks(problem.term.n_rows, len(theta) * problem.block):
        columns = problem.spline.columns(part)
        rows = len(columns)
        raw = problem.shift.expand(len(theta), rows, -1)
        local = problem.term.part(part).local(raw, constants, members)
        loss = loss + local.loss
        slope = local.scaled(problem.scale).gradient[..., : problem.n_latents]
        flat = slope.mT.flatten(0, 1) @ columns
        gradient = gradient + flat.unflatten(0, coefficients.shape[:2])
    return loss, gradient.flatten(1)


def error_of(problem: AdditiveProblem, theta: Tensor) -> float:
    """Standard error of the only constant at theta (1, P); zero without one."""
    if not problem.n_constants:
        return 0.0
    member = torch.zeros(1, dtype=torch.long, device=theta.device)
    normal = problem.normal(theta, member)
    count = problem.term.observations.count
    free = effective_parameters(normal.matrix[0], problem.penalty, problem.active[0])
    variance = covariance(normal.matrix, normal.loss, count, free)[0, -1, -1]
    return float(variance.clamp_min(0).sqrt())

"""Which of many edges stay: a falling group penalty proposes sets, validation chooses.

Dropping edges one by one needs a fit for every edge at every level. With many edges one
path of fits is cheaper, under

    loss + strength sum_e deviation(f_e)^2 / (last deviation(f_e) + SMALL)

whose weights are renewed at every strength, so that it acts like a sum of deviations and
empties whole edges. The strength falls from almost nothing left to almost no penalty.
What is left of the larger shares at each strength is a candidate; candidates are refitted
without the penalty and the smallest within one standard error on validation is taken.

Reference: Yuan and Lin 2006, group lasso; Candes, Wakin and Boyd 2008, reweighting.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.solvers.levenberg import minimise
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.selection import one_standard_error, record_path
from sciren.training.gauss_newton.stages import AdditiveStage, Candidate
from sciren.training.history import History

# Dropping one by one fits every edge at every level: 20 edges are 200 fits, the path 21.
MANY = 20
SMALL = 0.007  # deviation below which an edge counts as empty, unit of its scale
FIRST, LAST, FALL = 0.3, 1e-5, 0.6  # strengths, of the one that leaves no edge
STEPS = 3  # at every strength: the last solution is a good start
PATIENCE = 3  # strengths without a better validation, after which the path ends
# What an edge needs of a latent's deviation to be a candidate: the usual threshold, and
# that which kept the eight true edges of the simulated soil study.
SHARES = (0.03, 0.1)
FAR = 10.0  # times the best validation loss, from which points propose no candidate
WEAK = 0.25  # share below which the edges of the winner are doubted one by one
MOST = 8  # candidates that are refitted

Say = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Point:
    """One strength of the path: fitted parameters, shares of edges, validation loss."""

    theta: Tensor
    share: Tensor
    valid: float


def select_sparse(
    stage: AdditiveStage,
    theta: Tensor,
    names: list[list[str]],
    history: History,
    say: Say | None = None,
) -> Candidate:
    """Follow the path from a start without edges, and choose among its edge sets.

    Args:
        stage: fits candidates.
        theta: (1, P) latents without features, constants.
        names: (d, L) edge names for the record.
        history: gets one row for each candidate.
        say: hears strength number, their count and the validation loss.
    Returns:
        The chosen edges, refitted without the group penalty.
    """
    # 1. One path of fits proposes sets. 2. Each is refitted without the group penalty.
    # 3. Validation chooses.
    points = follow_path(stage, theta, say)
    fitted = [
        stage.fit(edges.unsqueeze(0), start, stage.trial_steps)[0]
        for edges, start in _candidates(points)
    ]
    selected = one_standard_error(fitted)
    history.selection.extend(record_path(fitted, selected, names, stage.nodes))
    return stage.fit(selected.edges.unsqueeze(0), selected.theta)[0]


def follow_path(
    stage: AdditiveStage, theta: Tensor, say: Say | None = None
) -> list[Point]:
    """Fit all edges under a group penalty of falling strength; see the module."""
    problem = stage.problem
    groups = _groups(problem)
    strength = FIRST * emptying_strength(problem, theta, groups)
    every = ~_no_edges(problem)
    last = LAST / FIRST * strength
    count = 1 + int(torch.tensor(LAST / FIRST).log() / torch.tensor(FALL).log())
    points: list[Point] = []
    damping, lowest, idle = 1e-3, float("inf"), 0
    while strength >= last and idle < PATIENCE:
        _, deviation = _shares(problem, theta)
        # Weights from the last deviations: a quadratic penalty that acts like their
        # sum.
        held = _penalised(problem, groups, strength / (deviation + SMALL))
        solution = minimise(held, theta, STEPS, 1e-4, damping)
        moved = bool((solution.theta != theta).any())
        # Carried from strength to strength: the problem changes little between two of
        # them.
        damping = max(1e-6, 0.2 * damping) if moved else 100 * damping
        theta = solution.theta
        share, _ = _shares(problem, theta)
        valid = float(stage.judge(every, theta, solution.loss)[0].valid.loss)
        points.append(Point(theta[0], share, valid))
        # A smaller gain does not count, or a path that only creeps would never end.
        idle = 0 if valid < 0.98 * lowest else idle + 1
        lowest = min(lowest, valid)
        strength *= FALL
        if say is not None:
            say(len(points), count, valid)
    return points


def emptying_strength(problem: AdditiveProblem, theta: Tensor, groups: Tensor) -> float:
    """Return the least strength at which no edge pays, from the slope at no edges.

    max_e 2 sqrt(g_e' (C_e + penalty)^-1 g_e),  C_e with c' C_e c = deviation(f_e)^2
    """
    slope = problem.normal(theta, torch.zeros(1, dtype=torch.long)).gradient
    slopes = problem.split(slope)[0][0, :, 1:]  # (L, d m)
    own = _diagonal_blocks(
        problem.penalty[1 : problem.block, 1 : problem.block], groups
    )
    # In the metric of the deviation the slope of an edge is compared with the
    # penalty's.
    inverse = torch.linalg.inv(groups + own)
    per_edge = slopes.unflatten(1, groups.shape[:2])
    squares = torch.einsum("ldm,dmk,ldk->ld", per_edge, inverse, per_edge)
    return 2 * float(squares.max().clamp_min(1e-300).sqrt())


def _no_edges(problem: AdditiveProblem) -> Tensor:
    shape = (1, problem.n_features, problem.n_latents)
    return torch.zeros(shape, dtype=torch.bool, device=problem.penalty.device)


def _groups(problem: AdditiveProblem) -> Tensor:
    """Matrices C (d, m, m) with c' C c = variance of a feature's edge over the rows."""
    width = problem.spline.width // problem.n_features
    like = problem.penalty.new_empty(problem.n_features, width, width)
    return _diagonal_blocks(problem.spline.gram(), like)


def _diagonal_blocks(matrix: Tensor, like: Tensor) -> Tensor:
    """Return the blocks (d, m, m) on the diagonal of (d m, d m)."""
    count, width, _ = like.shape
    tiles = matrix.unflatten(1, (count, width)).unflatten(0, (count, width))
    each = torch.arange(count, device=matrix.device)
    return tiles[each, :, each]


def _shares(problem: AdditiveProblem, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Share of every edge in its latent and deviation, (d, L) each."""
    deviation = problem.spline.deviation(problem.split(theta)[0][0, :, 1:])
    return deviation / deviation.sum(0).clamp_min(1e-300), deviation


def _penalised(
    problem: AdditiveProblem, groups: Tensor, weights: Tensor
) -> AdditiveProblem:
    """Return the problem with weights (d, L) on the squared deviations of its edges."""
    blocks = [
        torch.block_diag(
            groups.new_zeros(1, 1), *(groups * weights[:, latent].view(-1, 1, 1))
        )
        for latent in range(problem.n_latents)
    ]
    constants = groups.new_zeros(problem.n_constants, problem.n_constants)
    return problem.with_penalty(problem.penalty + torch.block_diag(*blocks, constants))


def _candidates(points: list[Point]) -> list[tuple[Tensor, Tensor]]:
    """Return different edge sets with their starts, by size.

    Points whose validation is far above the best lack edges that matter.
    """
    best = min(point.valid for point in points)
    sets: dict[bytes, tuple[Tensor, Tensor]] = {}
    for point in points:
        if point.valid > FAR * best:
            continue
        for share in SHARES:
            edges = point.share >= share
            # A set that comes again keeps its latest start, fitted under the weakest
            # penalty.
            sets[_key(edges)] = (edges, point.theta)
    ordered = sorted(sets.values(), key=lambda candidate: int(candidate[0].sum()))
    return ordered[:MOST]


def _key(edges: Tensor) -> bytes:
    return edges.cpu().numpy().tobytes()


def without_weak(
    stage: AdditiveStage, full: Candidate, names: list[list[str]], history: History
) -> Candidate:
    """Drop the weakest edge, again and again, while it is weak and validation allows.

    With the final smoothing an edge may go that had to make up for a stiffer one.

    Args: as for `select_sparse`; `full` are the edges that the path has left.
    """
    path, now = [full], full
    while int(now.edges.sum()) > 1:
        # Latents have different units: an edge is weak or strong among those of its
        # latent.
        deviation = stage.importance(now) * now.edges
        share = deviation / deviation.sum(0).clamp_min(1e-300)
        weakest = torch.where(now.edges, share, torch.inf)
        if float(weakest.min()) >= WEAK:
            break
        edges = now.edges.clone()
        edges.view(-1)[weakest.argmin()] = False
        now = stage.fit(edges.unsqueeze(0), now.theta)[0]
        path.append(now)
        if one_standard_error(path) is not now:
            break
    selected = one_standard_error(path)
    if len(path) > 1:
        history.selection.extend(record_path(path, selected, names, stage.nodes))
    return selected

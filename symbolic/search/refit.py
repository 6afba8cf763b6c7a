"""Joint refit of all constants of the closed forms through the process, on the data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sciren.solvers.levenberg import covariance, minimise
from sciren.solvers.process_term import ProcessTerm
from sciren.solvers.whitened import WhitenedTerm
from symbolic.options import DOMAIN_MARGIN
from symbolic.search.observations import Observed, levels_alone
from symbolic.search.problem import SymbolicProblem, newton_step
from symbolic.terms.sandwich import Sandwich, sandwich, whitened_sandwich
from symbolic.terms.shape_rules import ShapeRules
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from sciren.model import ScIReN

SETTLING = 50  # undamped steps after the last one of Levenberg and Marquardt
HALVINGS = 10  # to a thousandth of a step, far below what any check would notice


@dataclass(frozen=True)
class Refit:
    """Result of a joint refit.

    Attributes:
        structures: latents with refitted constants.
        constants: (K,) process constants on their training scale.
        theta: (P,);  loss: observed loss;  covariance: (P, P) of the free ones, whatever
            the noise of the rows (`symbolic.terms.sandwich`), zero for those that a bound stops.
        blocks: from how many blocks of rows it was estimated; 0: rows one by one.
        groups: their number where they are few, else 0.
        cosines: from how many cosines in time order; 0: time does not count.
        free: (P,) bool.
        converged: False where the iterations ran out.
    """

    structures: tuple[LatentStructure, ...]
    constants: Tensor
    theta: Tensor
    loss: float
    covariance: Tensor
    free: Tensor
    converged: bool = True
    blocks: int = 0
    cosines: int = 0
    groups: int = 0


@torch.no_grad()
def refit(
    term: ProcessTerm,
    scaled: Tensor,
    structures: Sequence[LatentStructure],
    constants: Tensor,
    iterations: int = 60,
    tolerance: float = 1e-11,
    with_covariance: bool = True,
    rules: ShapeRules | None = None,
    domain_margin: float = DOMAIN_MARGIN,
) -> Refit:
    """Refit all constants by Levenberg-Marquardt on the observations.

    Args:
        term: observed loss of the rows.
        scaled: (n, d) their scaled features.
        structures: closed forms to start from.
        constants: (K,) raw process constants to start from.
        rules: shapes that the user requires of edges.
        domain_margin: share of the data range that poles keep away on either side.
    """
    problem = SymbolicProblem(term, scaled, structures, rules, domain_margin)
    start = problem.start(constants)
    solution = minimise(problem, start, iterations, tolerance, damping=1e-3)
    if rules is not None:  # what a rule stops stays there, the others move on
        theta = solution.theta
        normal = problem.normal(theta, torch.zeros(1, dtype=torch.long))
        _, moving = problem.held_at_bounds(normal, theta)
        others = problem.with_active(moving)
        solution = minimise(others, theta, iterations, tolerance, damping=1e-3)
    # Reported constants have to stand at the minimum; a search only compares losses.
    settled = _settled(problem, solution.theta) if with_covariance else solution.theta
    theta = _oriented(problem, settled[0])
    spread = Sandwich(torch.zeros(problem.size, problem.size).to(theta), 0)
    if with_covariance:
        spread = spread_at(problem, theta)
    return Refit(
        problem.structures_at(theta),
        # constants of the process stand last
        theta[problem.cuts[-1] :],
        theta,
        float(solution.loss[0]),
        spread.covariance,
        problem.free,
        bool(solution.converged[0]),
        spread.blocks,
        spread.cosines,
        spread.groups,
    )


def refitted(
    model: "ScIReN",
    data: Observed,
    structures: Sequence[LatentStructure],
    constants: Tensor,
    **how: Any,
) -> Refit:
    """Refit all constants of closed forms; the lowest minimum counts where levels stand alone.

    Constants of the process that fit curves may lie in another minimum than the lowest one of
    levels, so that these are also fitted from the declared starts.

    Args:
        model: trained, of which the closed forms are.
        data: of `observed_by`.
        constants: (K,) raw process constants to start from.
        how: further arguments of `refit`.
    """
    starts = [constants]
    if levels_alone(structures):
        starts.append(model.constant_scale.start)
    fits = [refit(data.term, data.scaled, structures, start, **how) for start in starts]
    return min(fits, key=lambda candidate: candidate.loss)


def _settled(problem: SymbolicProblem, theta: Tensor) -> Tensor:
    """Go on with undamped steps: weak constants may move while the loss stands still."""
    members = torch.zeros(1, dtype=torch.long)
    for _ in range(SETTLING):
        held, moving = problem.held_at_bounds(problem.normal(theta, members), theta)
        step = torch.where(moving, newton_step(held), torch.zeros_like(theta))
        # relative to the constant; 1e-3 keeps one that is zero from never coming to rest
        if bool((step.abs() <= 1e-9 * (1e-3 + theta.abs())).all()):
            break
        trial, share = downhill(problem, theta, step)
        if share == 0:
            break
        theta = trial
    return theta


def downhill(
    problem: SymbolicProblem, theta: Tensor, step: Tensor
) -> tuple[Tensor, float]:
    """Take the largest of step, step/2, step/4, ... that does not raise the loss.

    Where a curve has a kink the slope of the loss jumps whenever a row passes it, and the
    minimum lies on such a row: there every whole step leads up again, however small the
    way to the minimum.

    Args:
        theta, step: (1, P).
    Returns:
        Where it leads (1, P), and its share of the whole step; 0 where all lead up.
    """
    members = torch.zeros(1, dtype=torch.long)
    # one part in 1e12 is rounding of a sum over the rows
    limit = problem.loss(theta, members) * (1 + 1e-12)
    for halvings in range(HALVINGS):
        share = 0.5**halvings
        trial = problem.retract(theta + share * step, theta, members)
        if bool((problem.loss(trial, members) <= limit).all()):
            return trial, share
    return theta, 0.0


def spread_at(problem: SymbolicProblem, theta: Tensor) -> Sandwich:
    """Return the covariance (P, P) of what is free and not stopped by a bound."""
    whole, member = theta.unsqueeze(0), torch.zeros(1, dtype=torch.long)
    held, moving = problem.held_at_bounds(problem.normal(whole, member), whole)
    keep = moving[0].to(theta)
    # noise of variance one: the sandwich brings the noise itself, row by row
    inverse = covariance(held.matrix, torch.ones_like(held.loss), 1.0)[0]
    local, designs = problem.by_row(whole)
    term = problem.term
    seen = term.observations
    prior = problem.prior
    if prior is not None:
        # the penalty counts in units of the variance of one observation
        prior = prior * float(local.loss[0]) / seen.count
    free = inverse * keep.unsqueeze(1) * keep
    robust = sandwich(local, designs, free, seen.blocks, prior, seen.rank)
    if isinstance(term, WhitenedTerm):
        raw, constants = problem.raw(whole), problem.constants_of(whole)
        robust = whitened_sandwich(term, raw, constants, designs, free, prior)
    if problem.prior is None:
        return robust
    # usual covariance: residual variance, N - k degrees of freedom, times the inverse matrix
    variance = float(local.loss[0]) / max(seen.count - int(keep.sum()), 1.0)
    return replace(
        robust, covariance=_at_least(robust.covariance, variance * free, problem.prior)
    )


def _at_least(robust: Tensor, usual: Tensor, prior: Tensor) -> Tensor:
    """Enlarge robust errors of drawn constants to the usual ones where they are smaller.

    The residuals of a class with two or three rows say little about its own error.
    """
    ratio = usual.diagonal() / robust.diagonal().clamp_min(1e-300)
    drawn = (prior.diagonal() > 0) & (robust.diagonal() > 0)
    factor = torch.where(drawn, ratio.clamp_min(1.0).sqrt(), torch.ones_like(ratio))
    return robust * factor.unsqueeze(1) * factor


def _oriented(problem: SymbolicProblem, theta: Tensor) -> Tensor:
    """Fix the free sign of folding nodes without changing any value."""
    packed = [structure.oriented().pack() for structure in problem.structures_at(theta)]
    front = torch.from_numpy(np.concatenate(packed)).to(theta)
    return torch.cat((front, theta[problem.cuts[-1] :]))

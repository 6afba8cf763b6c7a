"""Every group fitted alone, all in one batch, each with its own damping.

What the second level needs of a group are its numbers q_g and H_g = J_g'J_g of whitened
residuals: near the optimum the loss of the group is (q - q_g)' H_g (q - q_g).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciren.dynamics.groups.group_problem import GroupProblem
from sciren.dynamics.groups.shooting import shooting_start
from sciren.dynamics.groups.windows import better, windowed_start
from sciren.dynamics.learnable import check_learnable
from sciren.dynamics.solving.simulation import check_finite
from sciren.errors import TrainingError
from sciren.solvers.levenberg import minimise

# An upper limit: fits end by TOLERANCE, ill-conditioned groups are cut off.
ITERATIONS = 40
TOLERANCE = 1e-5  # relative gain: far below what a noisy loss can tell
ON_BOUND = 1e-6  # of the raw scale


@dataclass(frozen=True)
class GroupFits:
    """Numbers of every group on its own.

    Attributes:
        raw, physical: (G, Q).
        precision: (G, Q, Q) H_g by physical values, in units of the noise.
        losses: (G,) whitened sums of squares.
        on_bound: (G, Q) bool: at a bound, where the data pushed it.
        problem: with the noise that was found.
    """

    raw: Tensor
    physical: np.ndarray
    precision: np.ndarray
    losses: np.ndarray
    on_bound: np.ndarray
    problem: GroupProblem


@torch.no_grad()
def fit_groups(problem: GroupProblem, estimate_noise: bool = True) -> GroupFits:
    """Fit all groups alone from the declared starts, ODEs in windows that grow.

    Args:
        problem: its noise is where the fit begins.
        estimate_noise: whether variance and memory of the noise are estimated on the way.
    Raises:
        TrainingError, DataError: the series hold nothing to learn from
            (`sciren.dynamics.learnable`), or the simulation has no numbers at the start.
    """
    # Without noise of their own the groups are those to choose by, of any size.
    if estimate_noise:
        check_learnable(problem.process.model, problem.process.table)
    count = len(problem.process.table)
    raw = problem.scale.start(count)
    model = problem.process.model
    # An oscillation of a wrong frequency traps a fit of the whole series.
    if model.time == "ode" and model.method != "linear":
        raw = led_start(problem, raw)
    # The second round fits under the memory and variance that the first one left.
    for _ in range(2 if estimate_noise else 1):
        problem = problem.accurate(problem.scale.physical(raw).numpy())
        check_finite(problem.process, problem.trajectory(raw))
        raw = minimise(problem, raw, ITERATIONS, TOLERANCE, damping=1e-2).theta
        if estimate_noise:
            outputs = problem.trajectory(raw).outputs
            problem = problem.with_noise_of(outputs)
    return described(problem, raw)


def led_start(problem: GroupProblem, start: Tensor) -> Tensor:
    """Return raw numbers (G, Q) to which short parts of the series lead.

    The better of windows that grow (`windows`) and, where all states are observed, pieces
    that begin at them (`shooting`).
    """
    grown = windowed_start(problem, start)
    shot = shooting_start(problem, start)
    if shot is None:
        return grown
    try:
        whole = problem.accurate(problem.scale.physical(shot).numpy())
    except TrainingError:  # a free run of the whole from there has no numbers
        return grown
    return better(whole, shot, grown)


@torch.no_grad()
def described(problem: GroupProblem, raw: Tensor) -> GroupFits:
    """Return what is known of every group at its numbers (G, Q)."""
    physical = problem.scale.physical(raw).numpy()
    normal = problem.normal_at(physical)
    low, high = problem.scale.limits()
    # Steps are clipped onto the bounds, so that equality up to rounding is meant.
    bound = (raw <= low + ON_BOUND) | (raw >= high - ON_BOUND)
    return GroupFits(
        raw,
        physical,
        normal.matrix.numpy(),
        normal.loss.numpy(),
        bound.numpy(),
        problem,
    )

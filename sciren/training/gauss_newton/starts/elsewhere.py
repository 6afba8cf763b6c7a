"""Other starts of constant latents: a declared start can lie where the process is flat.

A growth rate of 0.4 per day on trees that are measured in years saturates before the first
observation: no parameter has a slope there and every step stays where it began. A few numbers
are cheap to look for all over their ranges.
"""

import math

import torch
from torch import Tensor

from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.solvers.levenberg import minimise
from sciren.training.gauss_newton.starts.constant_latents import ConstantLatents

SEED = 0  # of the sequence: the same start for every seed of a run
DRAWS = 64  # points of a Sobol sequence; their losses cost one pass of as many members
GO_ON = 6  # of them improved, beside the declared start
ROWS = 200  # a few numbers need no more to choose a valley
STEPS = 25  # of Levenberg and Marquardt: enough to tell valleys apart, not to settle
# Mean square in deviations of the observations, what rounding leaves of exact data: two
# starts that reach it are equal.
ROUNDING = 1e-24
DECADES = 2.0  # to both sides of a start without a range
WIDE = 20.0  # ratio of ends from which a range is looked through in logs
CLEARLY = 10.0
"""Fall of chi-square that moves the start: the limit by which values are told apart in
profiles (`sciren.inference.minima`). Valleys that are equal to the data stay the user's."""


@torch.no_grad()
def better_start(null: ConstantLatents, declared: Tensor) -> Tensor:
    """Return the declared start, theta (1, P), or one that the data clearly prefer.

    Points are spread over the ranges of all parameters by a Sobol sequence; the best go on by
    Gauss-Newton on evenly spread rows, as the declared start does.

    Args:
        null: latents without features.
        declared: (1, P) where the search begins else.
    """
    # 1. Losses of many points on few rows: no derivative is asked for yet.
    few = null.on_rows(_spread(null.term.n_rows, declared.device))
    drawn = _draw(few, declared)
    every = torch.arange(len(drawn), device=drawn.device)
    loss = few.loss(drawn, every)
    # A start may lie where the process overflows; such a loss is no number and comes last.
    order = loss.nan_to_num(nan=math.inf).argsort(stable=True)
    best = [n for n in order.tolist() if math.isfinite(float(loss[n]))][:GO_ON]
    # 2. The best go on together; the declared start is one of them, so that it is judged by
    # where it leads and not by where it lies.
    starts = torch.cat((declared, drawn[best]))
    reached = minimise(few, starts, STEPS, damping=1e-2).loss.clamp_min(ROUNDING)
    winner = int(reached.argmin())
    observations = float((few.term.observations.weights > 0).sum())
    if observations <= null.size:
        return declared
    # The declared start is the user's, so it is left for a clear fall only: N log of the
    # ratio of losses is the fall of the deviance under Gaussian noise of unknown size.
    fall = observations * math.log(float(reached[0] / reached[winner]))
    return starts[winner : winner + 1] if fall > CLEARLY else declared


def _spread(rows: int, device: torch.device) -> Tensor:
    """Return positions of at most `ROWS` evenly spread rows."""
    return torch.linspace(0, rows - 1, min(rows, ROWS), device=device).long()


def _draw(null: ConstantLatents, declared: Tensor) -> Tensor:
    """Draw points theta (DRAWS, P) all over the ranges of latents and constants."""
    model: ScIReN = null.term.model
    latents, constants = null.physical(declared)
    parameters = model.decoder.parameters
    every = [*parameters.latents, *parameters.constants]
    starts = torch.cat((latents, constants), 1)[0].tolist()
    sobol = torch.quasirandom.SobolEngine(len(every), scramble=True, seed=SEED)
    shares = sobol.draw(DRAWS, dtype=torch.float64)
    values = [
        _placed(shares[:, k], p, starts[k]).to(declared) for k, p in enumerate(every)
    ]
    points = torch.stack(values, 1)
    return null.theta_of(points[:, : null.n_latents], points[:, null.n_latents :])


def _placed(share: Tensor, parameter: Parameter, start: float) -> Tensor:
    """Lay shares (S,) of 0 to 1 on the range of a parameter, seen from its start."""
    low, high = parameter.low, parameter.high
    if low == -math.inf and high == math.inf:
        return start + max(abs(start), 1.0) * 10 * (2 * share - 1)
    if low == -math.inf:
        return high - _logs(share, high - start, math.inf)
    if low > 0 and high / low >= WIDE:
        least = max(low, start / 10**DECADES)
        most = min(high, start * 10**DECADES)
        return least * (most / least) ** share
    if high - low < WIDE * (start - low):
        return low + share * (high - low)
    return low + _logs(share, start - low, high - low)


def _logs(share: Tensor, distance: float, most: float) -> Tensor:
    """Spread distances from a bound in logs around that of the start."""
    distance = distance if distance > 0 else min(1.0, most / 2)
    return (distance * 10 ** (DECADES * (2 * share - 1))).clamp_max(most)

"""Profiles and bootstrap intervals of the constants of a solved problem."""

from typing import Any

import torch
from torch import Tensor

from sciren.solvers.bootstrap import block_bootstrap, n_observed_blocks
from sciren.solvers.levenberg import minimise
from sciren.solvers.profile import ProfileSummary, profile_constants
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.hidden import HiddenProblem


@torch.no_grad()
def profile_and_bootstrap(
    problem: Any,
    theta: Tensor,
    config: TrainConfig,
    count: float | None = None,
    whole: Any = None,
) -> tuple[list[ProfileSummary], Tensor]:
    """Profile every constant; with `config.bootstrap` also resample blocks.

    Args:
        problem: additive or hidden, active parameters set for one member.
        theta: (P,) best point.
        config: points and ranges of the profiles, replicates and seed of the bootstrap.
        count: observations that chi-square is scaled to.
        whole: the same problem on all rows, whose blocks are resampled, where the
            profile sees only some; default `problem`.
    Returns:
        Summaries, and the best point found.
    """
    points, ranges = config.profile_points, config.profile_range
    summaries, best = profile_constants(problem, theta, points, ranges, count)
    resampled = problem if whole is None else whole
    # One block can only be drawn again: that says nothing about its errors.
    if config.bootstrap and summaries and n_observed_blocks(resampled.term) > 1:
        minima = [point for summary in summaries for point in summary.solutions]
        starts = torch.stack(minima)
        if whole is not None:
            starts = minimise(
                whole, carried_over(whole, starts, problem), 15, 1e-7
            ).theta
        draws = block_bootstrap(resampled, starts, config.bootstrap, config.seed)
        add_intervals(resampled, summaries, draws)
    return summaries, best


def carried_over(whole: Any, starts: Tensor, problem: Any) -> Tensor:
    """Return points (S, P) of a problem on some rows as points on all rows."""
    if isinstance(whole, HiddenProblem):
        return whole.taken_over(starts, problem)
    return starts


def add_intervals(problem: Any, summaries: list[ProfileSummary], draws: Tensor) -> None:
    """Add the 2.5 and 97.5 % quantiles of the replicates and judge again."""
    scale = problem.term.model.constant_scale
    # A one-step replicate may step over a bound.
    raw = problem.constants_of(draws).clamp(problem.low, problem.high)
    constants = scale.to_physical(raw)
    levels = torch.tensor([0.025, 0.975], dtype=constants.dtype)
    for column, summary in enumerate(summaries):
        low, high = constants[:, column].quantile(levels.to(constants)).tolist()
        summary.interval, summary.replicates = (low, high), len(draws)
        summary.judge(scale.parameters[column].positive)
